"""Who may read what is said to a device: itself, its owner and admins; and all people where it is opened."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.access import Rulebook
from backend.core.principals import Principal, Role, Roster
from backend.core.routing import RouteTable
from backend.core.topics import overlaps
from backend.features.voice.routes import ROUTES
from tests.people import ALICE, BACKEND, BOB, BOT, EARS, EVERYBODY, PRINTER, ROOT, SCALE

CONVERSATION, SPEECH, AUDIO = "devices/scale-1/conversation", "devices/scale-1/speech/7", "devices/scale-1/audio/7"
UTTERANCE, ASKING = "devices/scale-1/audio", "devices/scale-1/conversation/request/alice"
ALL = (*EVERYBODY.values(), BACKEND)
LEVELS = {"device": ("scale-1", "printer-1"), "turn": ("7",), "principal": ("alice", "bob", "ears", "scale-1")}


def rules(*devices: Principal, prefix: str = "") -> Rulebook:
    """Return the rules of conversations, where these devices are as they are given."""
    there = {who.name: who for who in (*ALL, *devices) if who is not BACKEND}
    return Rulebook(RouteTable(ROUTES), prefix, Roster(there))


def readers(topic: str, *devices: Principal) -> str:
    """Return the names of all who may receive a topic."""
    judge = rules(*devices)
    return " ".join(sorted(who.name for who in ALL if judge.receive(who, topic)))


HERS, OPEN = replace(SCALE, owner="alice"), replace(SCALE, is_open=True)


@pytest.mark.parametrize("topic", [CONVERSATION, SPEECH])
def test_a_conversation_is_the_devices_and_its_owners(topic: str) -> None:
    assert readers(topic) == "backend root scale-1"
    assert readers(topic, HERS) == "alice backend root scale-1"
    assert readers(topic, replace(HERS, owner="bot")) == "backend bot root scale-1"
    assert readers(topic, replace(PRINTER, owner="alice", is_open=True)) == "backend root scale-1"


def test_an_open_conversation_is_read_by_all_people_but_its_sound_is_not() -> None:
    assert readers(CONVERSATION, OPEN) == "alice backend bob bot carol ears root scale-1"
    assert readers(SPEECH, OPEN) == "backend root scale-1"
    assert readers(SPEECH, replace(HERS, is_open=True)) == "alice backend root scale-1"
    assert readers("devices/printer-1/conversation", OPEN) == "backend printer-1 root"


@pytest.mark.parametrize("topic", [AUDIO, UTTERANCE])
def test_what_is_said_to_a_device_only_the_server_hears(topic: str) -> None:
    assert readers(topic, replace(HERS, is_open=True)) == "backend root"


def test_answers_are_read_by_who_asked_whoever_owns_the_device() -> None:
    for topic in (ASKING, ASKING.replace("request", "reply")):
        assert readers(topic, replace(OPEN, owner="bob")) == "alice backend root"


def test_nobody_owns_a_device_that_is_not_there() -> None:
    nowhere = Rulebook(RouteTable(ROUTES), "", Roster({"alice": ALICE}))
    assert not nowhere.receive(ALICE, CONVERSATION)
    assert not nowhere.receive(Principal("None", Role.USER, "None"), CONVERSATION)


def test_who_owns_nothing_by_its_role_reads_nothing() -> None:
    for owner in (EARS, PRINTER):
        judge = rules(replace(SCALE, owner=owner.name))
        assert not judge.receive(owner, CONVERSATION)
        assert CONVERSATION not in judge.grants(owner).receive


def test_one_may_subscribe_before_one_may_read() -> None:
    judge = rules()
    for wild in (CONVERSATION, "devices/+/conversation", "devices/#"):
        assert all(judge.subscribe(who, wild) for who in (ALICE, BOB, BOT, EARS, ROOT, SCALE))
    assert judge.subscribe(ALICE, "devices/+/speech/+")
    assert not judge.subscribe(EARS, "devices/+/speech/+")
    assert not judge.subscribe(PRINTER, CONVERSATION)
    assert not any(judge.subscribe(who, "devices/+/audio/#") for who in (ALICE, EARS, SCALE))


def test_only_the_device_and_admins_send_sound_and_only_people_and_it_ask() -> None:
    def writers(topic: str) -> str:
        judge = rules(replace(HERS, is_open=True))
        return " ".join(who.name for who in ALL if judge.publish(who, topic, retain=False, size=9).code is None)

    assert writers(AUDIO) == writers(UTTERANCE) == "root scale-1 backend"
    assert writers(CONVERSATION) == writers(SPEECH) == "backend"
    assert writers(ASKING) == "alice backend"
    assert writers("devices/scale-1/conversation/request/ears") == "backend"
    assert writers("devices/scale-1/conversation/request/scale-1") == "scale-1 backend"


def test_the_rules_follow_the_roster() -> None:
    judge = rules()
    assert not judge.receive(ALICE, CONVERSATION)
    judge.roster = Roster({**EVERYBODY, "scale-1": HERS})
    assert judge.receive(ALICE, CONVERSATION)
    judge.roster = Roster({**EVERYBODY, "scale-1": OPEN})
    assert judge.receive(EARS, CONVERSATION)


def test_a_roster_names_the_devices_of_each_owner() -> None:
    roster = Roster({"a": replace(SCALE, name="a", owner="bob"), "b": replace(OPEN, name="b", owner="bob")})
    assert roster.owned == {"bob": frozenset({"a", "b"})}
    assert roster.opened == frozenset({"b"})


def a_device(who: Principal) -> st.SearchStrategy[Principal]:
    return st.builds(
        lambda owner, is_open: replace(who, owner=owner, is_open=is_open),
        st.sampled_from([None, "alice", "bob", "root", "bot", "ears", "gone"]),
        st.booleans(),
    )


anybody = st.sampled_from(ALL)
topics = st.sampled_from(ROUTES).flatmap(
    lambda route: st.fixed_dictionaries({name: st.sampled_from(LEVELS[name]) for name in route.topic.names}).map(
        lambda levels: route.topic.at(**levels)
    )
)


def widened(topic: str, wild: Mapping[int, bool]) -> str:
    """Return a filter that covers a topic, with these levels wild."""
    return "/".join("+" if wild.get(at) else level for at, level in enumerate(topic.split("/")))


@given(a_device(SCALE), a_device(PRINTER), anybody, topics, st.dictionaries(st.integers(0, 4), st.booleans()))
def test_subscribing_receiving_and_grants_agree(
    scale: Principal, printer: Principal, who: Principal, topic: str, wild: Mapping[int, bool]
) -> None:
    judge = rules(scale, printer)
    may = judge.receive(who, topic)
    assert any(overlaps(topic, covered) for covered in judge.grants(who).receive) == may
    if may:
        assert judge.subscribe(who, widened(topic, wild))
    lab = rules(scale, printer, prefix="lab/")
    assert lab.receive(who, f"lab/{topic}") == may
    assert lab.grants(who).receive == {f"lab/{covered}" for covered in judge.grants(who).receive}
