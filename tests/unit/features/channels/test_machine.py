"""What is said of channels elsewhere reaches them."""

import json

from backend.core.effects import Publish
from backend.core.facts import ChannelAddressed, PublishRefused
from backend.core.refusals import Code
from backend.features.channels.feature import desk
from tests.people import ROOT

NOW = 1_700_000_000.0


def test_who_is_refused_by_the_broker_is_told_so() -> None:
    (said,) = desk().handle(PublishRefused(Code.TOO_LARGE, "channels/stage/data/alice", "alice"), NOW)
    assert isinstance(said, Publish)
    assert said.topic == "channels/stage/session/reply/alice"
    assert said.body is not None
    told = json.loads(said.body.payload())
    assert (told["ok"], told["code"], told["reason"]) == (False, "rejected", "too_large")


def test_who_writes_under_the_name_of_another_is_told_so_itself() -> None:
    (said,) = desk().handle(PublishRefused(Code.FORBIDDEN, "channels/stage/data/alice", "mallory"), NOW)
    assert isinstance(said, Publish)
    assert said.topic == "channels/stage/session/reply/mallory"


def test_what_is_refused_elsewhere_is_not_ours() -> None:
    assert desk().handle(PublishRefused(Code.FORBIDDEN, "devices/scale-1/session", "alice"), NOW) == []


def test_an_admin_speaks_without_holding_the_floor() -> None:
    (said,) = desk().handle(ChannelAddressed("stage", ROOT, "notice", "Quiet, please"), NOW)
    assert isinstance(said, Publish)
    assert (said.topic, said.retain) == ("channels/stage/broadcast", False)
    assert said.body is not None
    assert json.loads(said.body.payload()) == {
        "sender": None,
        "name": "The operator",
        "seq": None,
        "fence": None,
        "at": "2023-11-14T22:13:20.000Z",
        "data": {"kind": "notice", "message": "Quiet, please"},
    }
