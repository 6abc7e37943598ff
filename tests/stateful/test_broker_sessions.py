"""A session of the broker against a plain model: nothing acknowledged is sent again, nothing else is lost or reordered.

The client may be away, slow, forget to acknowledge, come back; and the broker may restart from what it kept.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from broker.keeper import Keeper
from broker.limits import Limits
from broker.messages import Message
from broker.outgoing import Outgoing
from broker.session import Session
from tests.strategies import histories

WINDOW, QUEUE = 3, 5
LIMITS = Limits(inflight=WINDOW, queued_messages=QUEUE, queued_bytes=10_000)


class Kept(Keeper):
    """Rows in memory, in place of the file."""

    def __init__(self) -> None:
        self.noted = 0
        self.tables: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {}

    def put(self, table: str, key: tuple[Any, ...], *values: Any) -> None:
        self.tables.setdefault(table, {})[key] = values

    def remove(self, table: str, *key: Any) -> None:
        self.tables.get(table, {}).pop(key, None)

    def when_kept(self, act: Callable[[], None]) -> None:
        act()

    def of(self, table: str) -> list[tuple[Any, ...]]:
        return [(*key, *values) for key, values in sorted(self.tables.get(table, {}).items())]


class Line:
    """What the client gets: (kind, packet id, number of the message, dup)."""

    def __init__(self) -> None:
        self.is_congested = False
        self.got: list[tuple[str, int, int, bool]] = []

    def send(self, packet: bytes) -> None:
        if packet[0] >> 4 == 6:
            self.got.append(("release", int.from_bytes(packet[2:4]), -1, False))
            return
        assert packet[0] >> 4 == 3
        qos, body = packet[0] >> 1 & 3, packet[2:]
        name_end = 2 + int.from_bytes(body[:2])
        number = int(body[name_end + (2 if qos else 0) :])
        packet_id = int.from_bytes(body[name_end : name_end + 2]) if qos else 0
        self.got.append((f"publish {qos}", packet_id, number, bool(packet[0] & 8)))

    def soon(self, act: Callable[[], None]) -> None:
        raise AssertionError(act)

    def end(self, reason: str, *, will: bool = True) -> None:
        raise AssertionError(reason, will)


class Client(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept()
        self.session = self.new_session()
        self.line: Line | None = None
        self.published = 0
        self.waiting: deque[tuple[int, int]] = deque()  # (number, qos)
        self.inflight: dict[int, tuple[int, int, bool]] = {}  # packet id: (number, qos, released)

    def new_session(self) -> Session:
        return Session("a/x", "a", LIMITS, lambda _topic: None, self.kept)

    @rule(qos=st.sampled_from([0, 1, 1, 2]))
    def is_published(self, qos: int) -> None:
        self.published += 1
        self.session.deliver(Message("t", str(self.published).encode(), qos), qos)
        if qos and len(self.waiting) < QUEUE:
            self.waiting.append((self.published, qos))
        elif not qos and self.line is not None and not self.line.is_congested:
            assert self.line.got.pop() == ("publish 0", 0, self.published, False)
        self.takes_what_has_room()

    def takes_what_has_room(self) -> None:
        """Move what the model expects to be sent now, and compare."""
        if self.line is None:
            return
        while not self.line.is_congested and self.waiting and len(self.inflight) < WINDOW:
            number, qos = self.waiting.popleft()
            kind, packet_id, got, dup = self.line.got.pop(0)
            assert (kind, got, dup) == (f"publish {qos}", number, False)
            assert 0 < packet_id < 65536
            assert packet_id not in self.inflight
            self.inflight[packet_id] = (number, qos, False)
        assert not self.line.got

    @precondition(lambda self: self.line is None)
    @rule(slow=st.booleans())
    def connects(self, slow: bool) -> None:
        self.line = Line()
        self.line.is_congested = slow
        self.session.resume(self.line)
        again = [self.line.got.pop(0) for _ in self.inflight]
        assert again == [
            ("release", packet_id, -1, False) if released else (f"publish {qos}", packet_id, number, True)
            for packet_id, (number, qos, released) in self.inflight.items()
        ]
        self.takes_what_has_room()

    @precondition(lambda self: self.line is not None)
    @rule()
    def is_gone(self) -> None:
        self.session.suspend()
        self.line = None

    @precondition(lambda self: self.line is not None)
    @rule(slow=st.booleans())
    def is_slow_or_not(self, slow: bool) -> None:
        assert self.line is not None
        self.line.is_congested = slow
        self.session.pump()
        self.takes_what_has_room()

    @precondition(lambda self: self.line is not None and self.inflight)
    @rule(data=st.data())
    def acknowledges(self, data: st.DataObject) -> None:
        assert self.line is not None
        packet_id = data.draw(st.sampled_from(list(self.inflight)))
        number, qos, released = self.inflight[packet_id]
        if qos == 2 and not released:
            self.session.received(packet_id)
            assert self.line.got.pop() == ("release", packet_id, -1, False)
            self.inflight[packet_id] = (number, qos, True)
        else:
            self.session.acknowledged(packet_id, qos)
            del self.inflight[packet_id]
        self.takes_what_has_room()

    @rule(packet_id=st.integers(1, WINDOW + 3) | st.integers(1, 65535), qos=st.sampled_from([1, 2]))
    def acknowledges_wrongly(self, packet_id: int, qos: int) -> None:
        _, sent, released = self.inflight.get(packet_id, (0, 0, False))
        if qos != sent or (qos == 2 and not released):
            self.session.acknowledged(packet_id, qos)
        if sent != 2:
            self.session.received(packet_id)
            assert self.line is None or self.line.got.pop() == ("release", packet_id, -1, False)

    @rule(packet_id=st.integers(1, 3), again=st.booleans())
    def sends_with_qos_2(self, packet_id: int, again: bool) -> None:
        assert self.session.is_new(packet_id)
        assert not (again and self.session.is_new(packet_id))
        self.session.released(packet_id)

    @rule()
    def the_broker_restarts(self) -> None:
        self.line = None
        self.session = self.new_session()
        for row in self.kept.of("outgoing"):
            self.session.restore(Outgoing.kept(*row[1:]))
        for _, packet_id in self.kept.of("incoming"):
            self.session.restore_incoming(packet_id)
        self.inflight = dict(sorted(self.inflight.items(), key=lambda item: item[1][0]))

    @invariant()
    def what_is_kept_is_what_is_not_acknowledged(self) -> None:
        rows = self.kept.of("outgoing")
        kept = [(int(row[3]), row[4], row[6], bool(row[7])) for row in rows]
        expected = [(number, qos, packet_id, released) for packet_id, (number, qos, released) in self.inflight.items()]
        assert kept == sorted(expected + [(number, qos, 0, False) for number, qos in self.waiting])

    def teardown(self) -> None:
        self.session.forget()
        assert not any(self.kept.tables.values())


TestClient = Client.TestCase
TestClient.settings = histories(150)
