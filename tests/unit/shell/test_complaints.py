"""What is refused is logged, but no more than so often."""

import logging

import pytest

from backend.shell.complaints import Complaints


def test_of_each_kind_some_are_logged_and_not_thousands(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    complaints = Complaints(logging.getLogger("test"))
    for number in range(1000):
        complaints.say("forbidden", "refused %d", number)
    complaints.say("busy", "refused once")
    assert 60 <= len([line for line in caplog.messages if line != "refused once"]) <= 62
    assert caplog.messages[-1] == "refused once"
