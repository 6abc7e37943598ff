"""What could not be stored did not happen; what is projected is all there is; what time brings is never late."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine as Database

from backend.core.engine import Send
from backend.core.facts import Resumed
from backend.features.sessions.policy import Policy
from tests.house import House, memory_database
from tests.people import EVERYBODY

Move = Callable[[House], list[Send]]


def said(topic: str, **body: Any) -> Move:
    return lambda house: house.receive(topic, body)


def asked(device: str, user: str, action: str, **keys: Any) -> Move:
    return said(f"devices/{device}/session/request/{user}", action=action, **keys)


def passed(seconds: float) -> Move:
    return lambda house: house.passes(seconds)


devices = st.sampled_from(["scale-1", "printer-1"])
users = st.sampled_from(["alice", "bob", "carol", "root", "ears", "scale-1"])
ids = st.sampled_from([None, "a", "b", "c"])
fences = st.integers(0, 3)
moves: st.SearchStrategy[Move] = st.one_of(
    st.builds(asked, devices, users, st.just("claim"), id=ids, wait=st.booleans(), lease_s=st.integers(1, 50)),
    st.builds(asked, devices, users, st.sampled_from(["release", "leave", "kick", "renew", "fly"]), id=ids),
    st.builds(asked, devices, users, st.just("update"), id=ids, input=st.fixed_dictionaries({"n": st.integers(0, 9)})),
    st.builds(
        lambda device, state, boot: said(f"devices/{device}/status", state=state, boot=boot),
        devices,
        st.sampled_from(["online", "online", "lost", "sleeping", "disconnected"]),
        st.integers(1, 3),
    ),
    st.builds(
        lambda device, fence, done: said(f"devices/{device}/result", fence=fence, complete=done, output={"x": fence}),
        devices,
        fences,
        st.booleans(),
    ),
    st.builds(lambda device, fence: said(f"devices/{device}/command/go", fence=fence), devices, fences),
    st.builds(lambda device: said(f"devices/{device}/heartbeat"), devices),
    st.builds(passed, st.sampled_from([0.5, 2, 10, 40, 130])),
    st.sampled_from([{}, {"scale-1"}, {"alice"}, {"printer-1", "bob"}]).map(
        lambda gone: lambda house: house.knows({name: who for name, who in EVERYBODY.items() if name not in gone})
    ),
    st.just(lambda house: house.engine.hear(Resumed(), house.now)),
)
histories = st.lists(moves, max_size=12)

SIGNS_OF_LIFE = {"last_activity", "expires_at"}
"""Not each sign of life is worth a document, so what is projected may know of a later one."""


def opened(database: Database) -> House:
    house = House(database, Policy(lease_s=20, linger_s=3))
    for device in ("scale-1", "printer-1"):
        house.receive(f"devices/{device}/status", {"state": "online", "boot": 1})
    house.commit()
    return house


def naive_deadline(house: House) -> float | None:
    """Look at every machine of every desk."""
    found = [desk.until(state) for desk in house.engine.desks for state in desk.states.values()]
    return min((when for when in found if when is not None), default=None)


def is_never_late(house: House) -> bool:
    true, told = naive_deadline(house), house.engine.deadline()
    return true is None or (told is not None and told <= true)


@settings(max_examples=40)
@given(histories, histories, histories)
def test_a_rolled_back_batch_did_not_happen(before: list[Move], batch: list[Move], after: list[Move]) -> None:
    """A house whose batch failed goes on exactly as one in which it was never tried."""
    databases = memory_database(), memory_database()
    failing, other = (opened(database) for database in databases)
    for house in (failing, other):
        for move in before:
            move(house)
        house.commit()
    everything, projected = failing.everything(), list(failing.engine.projection(failing.now))
    accounts, now = failing.accounts, failing.now
    for move in batch:
        move(failing)
    failing.fail()
    failing.accounts, failing.now = accounts, now
    assert failing.everything() == everything
    assert list(failing.engine.projection(now)) == projected
    assert not failing.engine.changes()
    assert is_never_late(failing)
    for move in after:
        assert move(failing) == move(other)
    assert failing.everything() == other.everything()
    for database in databases:
        database.dispose()


@settings(max_examples=40)
@given(histories)
def test_what_is_projected_is_what_was_published_last(history: list[Move]) -> None:
    """Somebody who saw every retained message knows what somebody knows who comes now."""
    database = memory_database()
    house = opened(database)
    seen = {send.topic: send.payload for send in house.engine.projection(house.now)}
    for move in [*history, passed(10), House.measures]:
        seen |= {send.topic: send.payload for send in move(house) if send.retain}
        assert is_never_late(house)
    projected = {send.topic: send.payload for send in house.engine.projection(house.now)}
    del seen["backend/stats"], projected["backend/stats"]  # published every few seconds, not with every change
    shown = {topic: timeless(payload) for topic, payload in seen.items() if payload}
    now = {topic: timeless(payload) for topic, payload in projected.items()}
    for topic, body in shown.items():
        for key in SIGNS_OF_LIFE & body.keys():
            assert (body.pop(key) or "") <= (now[topic].pop(key) or "")
    assert shown == now
    database.dispose()


@settings(max_examples=40)
@given(histories)
def test_what_was_committed_survives_and_what_was_not_does_not(history: list[Move]) -> None:
    """A server that died goes on from the last commit: holders, queues, fences, boots."""
    database = memory_database()
    house = opened(database)
    for move in history:
        move(house)
    house.commit()
    fences = {device: house.session(device).fence for device in ("scale-1", "printer-1")}
    sessions = {device: house.session(device) for device in ("scale-1", "printer-1")}
    house.receive("devices/scale-1/session/request/alice", {"action": "claim", "wait": True})
    house.receive("devices/scale-1/session/request/alice", {"action": "release"})
    house.restart()
    for device, before in sessions.items():
        after = house.session(device)
        assert after.holder == before.holder
        assert [waiter.user for waiter in after.queue] == [waiter.user for waiter in before.queue]
        assert after.fence == fences[device]
        assert after.revision >= before.revision
    database.dispose()


def test_a_sign_of_life_that_was_worth_no_document_is_projected() -> None:
    house = opened(memory_database())
    asked("scale-1", "alice", "claim", lease_s=50)(house)
    house.passes(0.5)
    assert said("devices/scale-1/command/go", fence=1)(house) == []
    bodies = {send.topic: send.payload for send in house.engine.projection(house.now)}
    session = json.loads(bodies["devices/scale-1/session"])
    assert session["expires_in_s"] == 50


def timeless(payload: bytes) -> dict[str, Any]:
    """Return a document without what only says how long it is until then."""
    body: dict[str, Any] = json.loads(payload)
    body.pop("expires_in_s", None)
    for place in body.get("queue", ()):
        place.pop("eta_s")
    return body
