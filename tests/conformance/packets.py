"""MQTT 3.1.1 on the wire, right and wrong: what a client sends, and what it gets."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from tests.conformance import rules


class Kind(IntEnum):
    """The type of a packet (table 2.1 of the standard)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


# The flags of a fixed header that are not zero (table 2.2). Those of a PUBLISH mean something.
FLAGS = {Kind.PUBREL: 2, Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2}

# The flags of a CONNECT (figure 3.4).
RESERVED, CLEAN, WILL, WILL_QOS, WILL_RETAIN, SECRET, USER = 0x01, 0x02, 0x04, 0x18, 0x20, 0x40, 0x80


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that came."""

    kind: Kind
    flags: int
    body: bytes

    @property
    def packet_id(self) -> int:
        """Return the packet id of an acknowledgement."""
        return int.from_bytes(self.body[:2])


@dataclass(frozen=True, slots=True)
class Message:
    """A PUBLISH that came."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    dup: bool
    packet_id: int | None

    @classmethod
    def of(cls, packet: Packet) -> Self:
        """Read a PUBLISH."""
        qos = packet.flags >> 1 & 3
        end = 2 + int.from_bytes(packet.body[:2])
        start = end + (2 if qos else 0)
        return cls(
            topic=packet.body[2:end].decode(),
            payload=packet.body[start:],
            qos=qos,
            retain=bool(packet.flags & 1),
            dup=bool(packet.flags & 8),
            packet_id=int.from_bytes(packet.body[end:start]) if qos else None,
        )


@dataclass(frozen=True, slots=True)
class Will:
    """A last will."""

    topic: str
    payload: bytes = b"gone"
    qos: int = 0
    retain: bool = False


def length(size: int) -> bytes:
    """Encode a remaining length: seven bits a byte, the lowest first (2.2.3)."""
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(encoded)


def packet(kind: int, body: bytes = b"", flags: int | None = None) -> bytes:
    """Encode a packet; with the flags of its kind, unless told otherwise."""
    if flags is None:
        flags = FLAGS.get(Kind(kind), 0)
    return bytes([kind << 4 | flags]) + length(len(body)) + body


def text(value: str | bytes) -> bytes:
    """Encode a string, or bytes that need not be one, with the length before it (1.5.3)."""
    encoded = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(encoded)) + encoded


def number(value: int) -> bytes:
    """Encode a number of two bytes."""
    return struct.pack("!H", value)


def raw_connect(flags: int, *fields: bytes, name: str | bytes = "MQTT", level: int = 4, keep_alive: int = 60) -> bytes:
    """Encode a CONNECT of any flags and fields, whether they fit or not."""
    return packet(Kind.CONNECT, text(name) + bytes([level, flags]) + number(keep_alive) + b"".join(fields))


def connect(
    client_id: str,
    *,
    user: str | None = "alice",
    secret: str | None = rules.SECRET,
    clean: bool = True,
    keep_alive: int = 60,
    will: Will | None = None,
) -> bytes:
    """Encode a CONNECT as it should be."""
    flags, fields = CLEAN if clean else 0, [text(client_id)]
    if will is not None:
        flags |= WILL | will.qos << 3 | (WILL_RETAIN if will.retain else 0)
        fields += [text(will.topic), text(will.payload)]
    if user is not None:
        flags |= USER
        fields.append(text(user))
    if secret is not None:
        flags |= SECRET
        fields.append(text(secret))
    return raw_connect(flags, *fields, keep_alive=keep_alive)


def publish(
    topic: str | bytes,
    payload: bytes = b"",
    qos: int = 0,
    packet_id: int | None = None,
    *,
    retain: bool = False,
    dup: bool = False,
) -> bytes:
    """Encode a PUBLISH."""
    body = text(topic) + (number(packet_id) if packet_id is not None else b"") + payload
    return packet(Kind.PUBLISH, body, dup << 3 | qos << 1 | retain)


def subscribe(packet_id: int, *asked: tuple[str | bytes, int]) -> bytes:
    """Encode a SUBSCRIBE: filters, each with a QoS."""
    return packet(Kind.SUBSCRIBE, number(packet_id) + b"".join(text(each) + bytes([qos]) for each, qos in asked))


def unsubscribe(packet_id: int, *filters: str | bytes) -> bytes:
    """Encode an UNSUBSCRIBE."""
    return packet(Kind.UNSUBSCRIBE, number(packet_id) + b"".join(text(each) for each in filters))


def ack(kind: Kind, packet_id: int) -> bytes:
    """Encode a PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return packet(kind, number(packet_id))


PINGREQ = packet(Kind.PINGREQ)
DISCONNECT = packet(Kind.DISCONNECT)
