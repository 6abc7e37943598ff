"""A client that says exactly what it is told, and insists on what it expects."""

import itertools
from collections import deque
from collections.abc import Callable
from typing import NoReturn

from tests.conformance import packets
from tests.conformance.links import Ended, Late, Link
from tests.conformance.packets import Kind, Message, Packet

_REFUSED = 0x80


class UnexpectedError(AssertionError):
    """The broker did something else than expected, or nothing."""


class Client:
    """One connection.

    What comes is sorted: ``message`` takes the next PUBLISH, ``answer`` the next packet of another kind, since a broker
    may send one between the others. Nothing gets lost: ``quiet`` and ``closed`` fail over packets that nobody took.
    """

    def __init__(self, link: Link, within_s: float) -> None:
        self.session_present = False
        self._link = link
        self._within_s = within_s
        self._buffer = bytearray()
        self._messages: deque[Message] = deque()
        self._answers: deque[Packet] = deque()
        self._ids = itertools.count(1)
        self.came: list[Kind] = []
        """What kinds of packets came, in their order."""

    def send(self, *sent: bytes) -> None:
        """Send bytes as they are, all at once."""
        self._link.send(b"".join(sent))

    def connack(self) -> tuple[bool, int]:
        """Take a CONNACK; return whether a session is present, and the return code."""
        body = self.answer(Kind.CONNACK).body
        if len(body) != 2 or body[0] > 1:
            raise UnexpectedError(f"CONNACK {body.hex()}")
        return body[0] == 1, body[1]

    def connect(self, packet: bytes) -> None:
        """Send a CONNECT that must be accepted."""
        self.send(packet)
        self.session_present, code = self.connack()
        if code:
            raise UnexpectedError(f"CONNACK with return code {code}")

    def subscribe(self, *asked: tuple[str, int]) -> list[int]:
        """Subscribe; return the return codes."""
        packet_id = next(self._ids)
        self.send(packets.subscribe(packet_id, *asked))
        body = self.answer(Kind.SUBACK, packet_id).body
        return list(body[2:])

    def unsubscribe(self, *filters: str) -> None:
        """Unsubscribe."""
        packet_id = next(self._ids)
        self.send(packets.unsubscribe(packet_id, *filters))
        if self.answer(Kind.UNSUBACK, packet_id).body[2:]:
            raise UnexpectedError("UNSUBACK with a payload")

    def publish(self, topic: str, payload: bytes = b"", qos: int = 0, *, retain: bool = False) -> None:
        """Publish, and do all that the QoS asks for; return when the broker has it."""
        packet_id = next(self._ids) if qos else None
        self.send(packets.publish(topic, payload, qos, packet_id, retain=retain))
        if packet_id is None:
            self.ping()
        elif qos == 1:
            self.answer(Kind.PUBACK, packet_id)
        else:
            self.answer(Kind.PUBREC, packet_id)
            self.send(packets.ack(Kind.PUBREL, packet_id))
            self.answer(Kind.PUBCOMP, packet_id)

    def ping(self) -> None:
        """Ping: what was sent before has been handled then."""
        self.send(packets.PINGREQ)
        self.answer(Kind.PINGRESP)

    def message(self) -> Message:
        """Take the next message, and acknowledge nothing."""
        self._read_until(lambda: bool(self._messages), "a message")
        return self._messages.popleft()

    def message_within(self, within_s: float) -> Message | None:
        """Take the next message, if one comes so soon, and the connection does not end before."""
        try:
            while not self._messages:
                self._buffer += self._link.receive(within_s)
                self._sort()
        except (Late, Ended):
            return None
        return self._messages.popleft()

    def take(self) -> Message:
        """Take the next message, and do all that its QoS asks for."""
        message = self.message()
        if message.packet_id is not None:
            if message.qos == 1:
                self.send(packets.ack(Kind.PUBACK, message.packet_id))
            else:
                self.send(packets.ack(Kind.PUBREC, message.packet_id))
                self.answer(Kind.PUBREL, message.packet_id)
                self.send(packets.ack(Kind.PUBCOMP, message.packet_id))
        return message

    def answer(self, kind: Kind, packet_id: int | None = None) -> Packet:
        """Take the next packet that is no PUBLISH; it must be of this kind, and have this packet id."""
        self._read_until(lambda: bool(self._answers), kind.name)
        found = self._answers.popleft()
        if found.kind is not kind or found.flags != packets.FLAGS.get(kind, 0):
            raise UnexpectedError(f"{found} instead of {kind.name}")
        if packet_id is not None and found.packet_id != packet_id:
            raise UnexpectedError(f"{found} instead of packet id {packet_id}")
        return found

    def quiet(self) -> None:
        """See that nothing came that was not taken, and that the connection is alive."""
        self.ping()
        self._nothing_left()

    def forget(self) -> None:
        """Forget the messages that came until now."""
        self.ping()
        self._messages.clear()

    def refused(self) -> int:
        """See that the broker closes the connection; return the code of the CONNACK that came before, or 0."""
        self._read_until(lambda: False, "the end of the connection", end_is_fine=True)
        if not self._answers:
            return 0
        present, code = self.connack()
        if present or not code:
            raise UnexpectedError(f"CONNACK, session present {present}, return code {code}")
        self._nothing_left()
        return code

    def closed(self) -> None:
        """See that the broker closes the connection, without another word."""
        self._read_until(lambda: False, "the end of the connection", end_is_fine=True)
        self._nothing_left()

    def is_served(self) -> bool:
        """Tell whether the broker serves on; or has closed the connection, which is the only other way."""
        return self._goes_on(packets.PINGREQ, Kind.PINGRESP)

    def is_let_in(self, connect: bytes) -> bool:
        """Tell whether the broker accepts a CONNECT; or refuses it, or closes the connection."""
        self.send(connect)
        self._read_until(lambda: bool(self._answers), "CONNACK or the end", end_is_fine=True)
        return bool(self._answers) and self.connack()[1] == 0

    def may_publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> bool:
        """Tell whether the broker acknowledges a message; or closes the connection."""
        if not qos:
            self.send(packets.publish(topic, payload, retain=retain))
            return self.is_served()
        packet_id = next(self._ids)
        sent = packets.publish(topic, payload, qos, packet_id, retain=retain)
        if not self._goes_on(sent, (Kind.PUBACK, Kind.PUBREC)[qos - 1]):
            return False
        return qos == 1 or self._goes_on(packets.ack(Kind.PUBREL, packet_id), Kind.PUBCOMP)

    def _goes_on(self, sent: bytes, expected: Kind) -> bool:
        self.send(sent)
        self._read_until(lambda: bool(self._answers), f"{expected.name} or the end", end_is_fine=True)
        if self._answers:
            self.answer(expected)
            return True
        return False

    def leave(self) -> None:
        """Say goodbye; return when the broker has closed the connection."""
        self.send(packets.DISCONNECT)
        self._read_until(lambda: False, "the end of the connection", end_is_fine=True)
        self.end()

    def cut(self) -> None:
        """End the connection without a goodbye, as where the cable is torn."""
        self._link.cut()

    def end(self) -> None:
        """End the connection and free the socket; harmless where it is over."""
        self._link.close()

    def _read_until(self, enough: Callable[[], bool], what: str, *, end_is_fine: bool = False) -> None:
        try:
            while not enough():
                self._buffer += self._link.receive(self._within_s)
                self._sort()
        except Ended:
            if not end_is_fine:
                self._fail(f"the connection was closed instead of {what}")
        except Late:
            self._fail(f"{what} did not come within {self._within_s} s")

    def _sort(self) -> None:
        while (found := self._whole_packet()) is not None:
            self.came.append(found.kind)
            if found.kind is Kind.PUBLISH:
                self._messages.append(Message.of(found))
            else:
                self._answers.append(found)

    def _whole_packet(self) -> Packet | None:
        size = 0
        for index, digit in enumerate(self._buffer[1:5]):
            size |= (digit & 0x7F) << 7 * index
            if not digit & 0x80:
                start, end = index + 2, index + 2 + size
                if len(self._buffer) < end:
                    return None
                head, body = self._buffer[0], bytes(self._buffer[start:end])
                del self._buffer[:end]
                return Packet(Kind(head >> 4), head & 0x0F, body)
        return None

    def _nothing_left(self) -> None:
        if self._messages or self._answers or self._buffer:
            self._fail("something came")

    def _fail(self, what: str) -> NoReturn:
        left = str([*self._answers, *self._messages])[:2000]
        raise UnexpectedError(f"{what}; not taken: {left} {bytes(self._buffer)[:80]!r}")
