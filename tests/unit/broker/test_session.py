"""Retained messages for a new subscriber; all else of a session is in tests/stateful."""

from collections.abc import Callable

from broker import session as module
from broker.keeper import Keeper
from broker.limits import Limits
from broker.messages import Message
from broker.session import Session

MANY = 3 * module._LOOKED_UP_AT_ONCE


class Line:
    def __init__(self) -> None:
        self.is_congested = False
        self.got: list[bytes] = []
        self.later: list[Callable[[], None]] = []

    def send(self, packet: bytes) -> None:
        self.got.append(packet)

    def soon(self, act: Callable[[], None]) -> None:
        self.later.append(act)

    def end(self, reason: str, *, will: bool = True) -> None:
        raise AssertionError(reason, will)


def connected(retained: dict[str, Message], **limits: int) -> tuple[Session, Line]:
    session, line = Session("a/x", "a", Limits(**limits), retained.get, Keeper(None)), Line()
    session.resume(line)
    session.subscriptions.update({"#": 2, "zero": 0})
    return session, line


def topics(line: Line) -> list[str]:
    return [packet[4 : 4 + packet[3]].decode() for packet in line.got]


def test_many_retained_messages_leave_others_their_turn() -> None:
    retained = {f"t/{number}": Message(f"t/{number}", b"x") for number in range(MANY)}
    session, line = connected(retained)
    session.replay("zero", iter(retained))
    session.pump()
    assert len(line.got) == module._LOOKED_UP_AT_ONCE
    while line.later:
        line.later.pop()()
    assert topics(line) == list(retained)


def test_what_may_not_be_received_leaves_others_their_turn_too() -> None:
    session, line = connected({"last": Message("last", b"x")})
    session.replay("zero", iter([f"t/{number}" for number in range(MANY)] + ["last"]))
    session.pump()
    assert line.got == []
    while line.later:
        line.later.pop()()
    assert topics(line) == ["last"]


def test_retained_messages_keep_to_the_window_and_are_more_than_the_queue_holds() -> None:
    retained = {f"t/{number}": Message(f"t/{number}", b"x", 1) for number in range(50)}
    session, line = connected(retained, inflight=4, queued_messages=5)
    session.replay("#", iter(retained))
    session.pump()
    for number in range(50):
        assert len(line.got) == min(50, number + 4)
        session.acknowledged(int.from_bytes(line.got[number][4 + line.got[number][3] :][:2]), 1)
    assert topics(line) == list(retained)
    assert session.dropped == 0


def test_who_sends_what_finds_no_room_waits_for_what_it_sent_before() -> None:
    keeper = Keeper(None)
    session = Session("a/x", "a", Limits(queued_messages=1), lambda _topic: None, keeper)
    session.deliver(Message("t", b"1", 1), 1)
    before = keeper.noted
    session.deliver(Message("t", b"2", 1), 1)
    assert session.dropped == 1
    assert keeper.noted > before, "the first may have been the same one, and not be kept yet"


def test_retained_messages_at_qos_0_do_not_wait_for_acknowledgements() -> None:
    retained = {f"t/{number}": Message(f"t/{number}", b"x", 1) for number in range(3)}
    session, line = connected(retained, inflight=1)
    session.replay("#", iter(retained))
    session.pump()
    session.replay("zero", iter(retained))
    session.pump()
    assert topics(line) == ["t/0", "t/0", "t/1", "t/2"]


def test_to_subscribe_again_begins_anew_and_to_unsubscribe_ends_it() -> None:
    retained = {f"t/{number}": Message(f"t/{number}", b"x", 1) for number in range(3)}
    session, line = connected(retained, inflight=1)
    for _ in range(1000):
        session.replay("#", iter(retained))
    session.pump()
    assert len(session._replays) == 1
    del session.subscriptions["#"]
    session.acknowledged(1, 1)
    assert not session._replays
    assert topics(line) == ["t/0"]


def test_a_slow_client_gets_the_rest_when_it_has_taken_the_first() -> None:
    retained = {f"t/{number}": Message(f"t/{number}", b"x") for number in range(3)}
    session, line = connected(retained)
    line.is_congested = True
    session.replay("zero", iter(retained))
    session.pump()
    assert line.got == []
    line.is_congested = False
    session.pump()
    assert topics(line) == list(retained)


def test_a_message_that_is_cleared_meanwhile_is_not_sent_and_a_newer_one_is() -> None:
    retained = {f"t/{number}": Message(f"t/{number}", b"old") for number in range(3)}
    session, line = connected(retained)
    line.is_congested = True
    session.replay("zero", iter(list(retained)))
    session.pump()
    del retained["t/1"]
    retained["t/2"] = Message("t/2", b"new")
    line.is_congested = False
    session.pump()
    assert topics(line) == ["t/0", "t/2"]
    assert line.got[1].endswith(b"new")
