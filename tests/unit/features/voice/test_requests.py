"""Who may ask what of a conversation."""

import json
from typing import Any

import pytest

from backend.core.desk import Effect
from backend.core.effects import Answer, Asked, Consult, Perform
from backend.core.facts import Announced, DeviceLost, DeviceOnline, DirectoryChanged, FloorChanged
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from backend.features.voice.feature import Announce, ConversationErased, HushOrdered, desk
from backend.features.voice.messages import MAX_HISTORY, REQUEST
from backend.features.voice.requests import ConversationAsked
from backend.features.voice.routes import ROUTES
from backend.features.voice.state import FiguresAsked, ForgetAsked, HistoryAsked
from tests.people import ALICE, BOB, BOT, CAROL, EARS, ROOT

NOW = 1_700_000_000.0
SPEAKER = Principal("speaker-1", Role.DEVICE, "The speaker", owner="alice")
OTHER = Principal("speaker-2", Role.DEVICE, "Another speaker")
(ROUTE,) = (route for route in ROUTES if route.topic == REQUEST)

# Alice owns the device, and Carol holds it.
ALLOWED = """
action   heard    alice   bob     carol   root    bot     ears    speaker-1 speaker-2
history  anyone   yes     -       -       yes     -       -       yes       -
history  holder   yes     -       -       yes     -       -       yes       -
forget   anyone   yes     -       -       yes     -       -       yes       -
forget   holder   yes     -       -       yes     -       -       yes       -
stats    anyone   yes     -       -       yes     -       -       yes       -
stats    holder   yes     -       -       yes     -       -       yes       -
say      anyone   yes     yes     yes     yes     yes     -       yes       -
say      holder   holder  holder  yes     yes     holder  -       holder    -
stop     anyone   yes     yes     yes     yes     yes     -       yes       -
stop     holder   holder  holder  yes     yes     holder  -       yes       -
"""
PEOPLE = {who.name: who for who in (ALICE, BOB, CAROL, ROOT, BOT, EARS, SPEAKER, OTHER)}
FORBIDDEN = {"-": "forbidden", "holder": "not_holder"}


def cells() -> list[tuple[str, str, Principal, str]]:
    header, *rows = (line.split() for line in ALLOWED.strip().splitlines())
    return [
        (action, heard, PEOPLE[name], expected)
        for action, heard, *answers in rows
        for name, expected in zip(header[2:], answers, strict=True)
    ]


class Scene:
    """A device that Alice owns and Carol holds."""

    def __init__(self, **settings: Any) -> None:
        self.desk = desk()
        self.desk.handle(DirectoryChanged(frozenset({"speaker-1"}), frozenset(), voices={"speaker-1": settings}), NOW)
        self.desk.handle(FloorChanged("devices/speaker-1", "carol", 0), NOW)

    def asks(self, who: Principal, action: str, request_id: str | None = "r1", **keys: Any) -> list[Effect]:
        asked = asked_of(who, request_id)
        body = ROUTE.validate({"id": request_id, "action": action, **keys})
        return self.desk.handle(ConversationAsked("speaker-1", who, asked, body, "alice"), NOW)


def asked_of(who: Principal, request_id: str | None = "r1") -> Asked:
    topic = "devices/speaker-1/conversation"
    return Asked(f"{topic}/request/{who.name}", f"{topic}/reply/{who.name}", request_id)


def answered(effects: list[Effect]) -> dict[str, Any]:
    (answer,) = [each for each in effects if isinstance(each, Answer)]
    return dict(json.loads(answer.body.payload()))


@pytest.mark.parametrize(("action", "heard", "who", "expected"), cells())
def test_who_may_do_what(action: str, heard: str, who: Principal, expected: str) -> None:
    said = Scene(heard=heard).asks(who, action, **({"text": "Hello."} if action == "say" else {}))
    if expected == "yes":
        assert any(isinstance(each, Perform | Consult) for each in said)
    else:
        assert len(said) == 1
        reply = answered(said)
        assert (reply["ok"], reply["code"]) == (False, FORBIDDEN[expected])
        assert reply["message"]


def test_the_table_names_every_action() -> None:
    assert {action for action, *_ in cells()} == ROUTE.actions


def test_what_is_remembered_is_asked_of_the_archive_and_only_to_forget_changes_it() -> None:
    scene, asked = Scene(), asked_of(ALICE)
    assert scene.asks(ALICE, "history") == [Consult(asked, HistoryAsked("speaker-1", 20, None, 0))]
    assert scene.asks(ALICE, "history", limit=5, before=812) == [Consult(asked, HistoryAsked("speaker-1", 5, 812, 0))]
    assert scene.asks(ALICE, "stats") == [Consult(asked, FiguresAsked("speaker-1"))]
    assert scene.asks(ALICE, "forget") == [
        Consult(asked, ForgetAsked("speaker-1"), once=True),
        Perform(ConversationErased("speaker-1")),
    ]
    assert MAX_HISTORY == 100


def test_nobody_owns_a_device_without_an_owner() -> None:
    scene, asked = Scene(), asked_of(ALICE)
    body = ROUTE.validate({"action": "history"})
    said = scene.desk.handle(ConversationAsked("speaker-1", ALICE, asked, body, None), NOW)
    assert answered(said)["code"] == "forbidden"


# Announcements


def test_an_announcement_is_begun_and_answered_once_it_has_a_turn() -> None:
    scene, asked = Scene(), asked_of(BOB)
    assert scene.asks(BOB, "say", text="Dinner!", language="en") == [
        Perform(Announce("speaker-1", "Dinner!", "en", "bob", asked))
    ]
    said = scene.desk.handle(Announced(asked, "speaker-1", turn=7), NOW)
    assert answered(said) == {"id": "r1", "ok": True, "code": "said", "turn": 7}


def test_an_announcement_that_cannot_be_made_is_refused() -> None:
    scene, asked = Scene(), asked_of(BOB)
    scene.asks(BOB, "say", text="Dinner!")
    reply = answered(scene.desk.handle(Announced(asked, "speaker-1", code=Code.SPEECH_FAILED), NOW))
    assert (reply["ok"], reply["code"], reply["message"]) == (False, "speech_failed", "the server could not speak")


def test_an_announcement_that_is_asked_for_twice_is_made_once() -> None:
    scene = Scene()
    assert scene.asks(BOB, "say", text="Dinner!")
    assert scene.asks(BOB, "say", text="Dinner!") == [], "the answer is on its way"
    assert scene.asks(BOB, "say", "r2", text="Dinner!"), "another request"
    scene.desk.handle(Announced(asked_of(BOB), "speaker-1", turn=7), NOW)
    assert [asked.id for asked in scene.desk.states["speaker-1"].announcing] == ["r2"]


def test_so_many_announcements_wait_and_no_more() -> None:
    scene = Scene()
    for number in range(8):
        assert not any(isinstance(each, Answer) for each in scene.asks(BOB, "say", f"r{number}", text="Dinner!"))
    assert answered(scene.asks(ALICE, "say", text="Dinner!"))["code"] == "too_many"
    scene.desk.handle(Announced(asked_of(BOB, "r3"), "speaker-1", turn=7), NOW)
    assert isinstance(scene.asks(ALICE, "say", text="Dinner!")[0], Perform)


def test_who_gives_no_id_is_served_each_time() -> None:
    scene = Scene()
    for _ in range(2):
        assert isinstance(scene.asks(BOB, "say", None, text="Dinner!")[0], Perform)


def test_a_device_that_is_off_says_nothing() -> None:
    assert answered(Scene(enabled=False).asks(ROOT, "say", text="Dinner!"))["code"] == "voice_off"


def test_nothing_is_said_on_a_device_that_is_gone() -> None:
    scene = Scene()
    scene.desk.handle(DeviceLost("speaker-1"), NOW)
    assert answered(scene.asks(ROOT, "say", text="Dinner!"))["code"] == "device_offline"
    scene.desk.handle(DeviceOnline("speaker-1"), NOW)
    assert any(isinstance(each, Perform) for each in scene.asks(ROOT, "say", text="Dinner!"))


def test_to_hush_is_ordered_and_answered_at_once() -> None:
    order, answer = Scene().asks(BOB, "stop")
    assert order == Perform(HushOrdered("speaker-1"))
    assert answered([answer]) == {"id": "r1", "ok": True, "code": "stopped"}
