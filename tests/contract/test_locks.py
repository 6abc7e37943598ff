"""What is installed for the tests, and how."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_pip_can_read_what_is_locked(name: str) -> None:
    """The release of a Linux kernel is no version number, and pip 24 ends with an error where it is compared."""
    lines = (ROOT / name).read_text().splitlines()
    assert len([line for line in lines if re.match(r"[a-z].*==", line)]) > 20
    assert [line for line in lines if "platform_release" in line] == []
