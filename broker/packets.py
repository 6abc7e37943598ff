"""Packets of MQTT 3.1.1, read and written to the letter; but CONNECT, which `wire` leaves to amqtt."""

from typing import NamedTuple

from amqtt.mqtt.packet import CONNACK, PINGRESP, PUBLISH, PUBREL, SUBACK, UNSUBACK

from broker.messages import Message

_DUP = 8
_FILTERS = 1000  # in one packet; thousands would hold up everybody else


class ProtocolError(Exception):
    """The client broke the protocol; the connection must be closed [MQTT-4.8.0-1]."""


class Publish(NamedTuple):
    """What a PUBLISH says; the packet id is 0 at QoS 0."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    packet_id: int


class Filters(NamedTuple):
    """What a SUBSCRIBE or UNSUBSCRIBE says: topic filters, each with a QoS, which is 0 in the latter."""

    packet_id: int
    asked: list[tuple[str, int]]


# Reading. Each raises ProtocolError.


def publish_of(flags: int, body: bytes) -> Publish:
    """Read a PUBLISH."""
    qos = flags >> 1 & 3
    if qos == 3 or (qos == 0 and flags & _DUP):
        raise ProtocolError("[MQTT-3.3.1-2, 4] PUBLISH with the flags of no QoS")
    topic, end = _text(body, 0)
    check_topic(topic)
    if not qos:
        return Publish(topic, body[end:], qos, bool(flags & 1), 0)
    return Publish(topic, body[end + 2 :], qos, bool(flags & 1), packet_id_of(body[end : end + 2]))


def packet_id_of(body: bytes) -> int:
    """Read a PUBACK, PUBREC, PUBREL or PUBCOMP: it is its packet id."""
    if len(body) != 2:
        raise ProtocolError("malformed packet")
    packet_id = int.from_bytes(body)
    if not packet_id:
        raise ProtocolError("[MQTT-2.3.1-1] packet id 0")
    return packet_id


def filters_of(body: bytes, *, with_qos: bool) -> Filters:
    """Read a SUBSCRIBE (with a QoS after each filter) or an UNSUBSCRIBE."""
    packet_id, at, asked = packet_id_of(body[:2]), 2, list[tuple[str, int]]()
    while at < len(body):
        if len(asked) == _FILTERS:
            raise ProtocolError(f"more than {_FILTERS} filters in one packet")
        topic_filter, at = _text(body, at)
        _check_filter(topic_filter)
        qos = 0
        if with_qos:
            qos, at = int.from_bytes(body[at : at + 1] or b"\xff"), at + 1
            if qos > 2:
                raise ProtocolError("[MQTT-3.8.3-4] a QoS beyond 2")
        asked.append((topic_filter, qos))
    if not asked:
        raise ProtocolError("[MQTT-3.8.3-3, 3.10.3-2] no filter")
    return Filters(packet_id, asked)


def _text(body: bytes, at: int) -> tuple[str, int]:
    """Return the text that begins there, with its length before it, and where it ends."""
    start = at + 2
    end = start + int.from_bytes(body[at:start])
    if len(body) < end or len(body) < start:
        raise ProtocolError("malformed packet")
    try:
        return str(body[start:end], "utf-8"), end
    except UnicodeDecodeError as error:
        raise ProtocolError(f"[MQTT-1.5.3-1] {error}") from error


def check_topic(topic: str) -> None:
    """Check a topic name: [MQTT-4.7.3-1, 2], [MQTT-3.3.2-2]."""
    if not topic or "\0" in topic or "+" in topic or "#" in topic:
        raise ProtocolError(f"no topic: {topic[:80]!r}")


def _check_filter(topic_filter: str) -> None:
    levels = topic_filter.split("/")
    if (
        not topic_filter
        or "\0" in topic_filter
        or "#" in "".join(levels[:-1])
        or any(len(level) > 1 and ("+" in level or "#" in level) for level in levels)
    ):
        raise ProtocolError(f"[MQTT-4.7.1-2, 3] no topic filter: {topic_filter[:80]!r}")


# Writing


def publish_bytes(message: Message, qos: int, *, retain: bool, packet_id: int = 0, dup: bool = False) -> bytes:
    """Write a PUBLISH."""
    topic = message.topic.encode()
    flags = (_DUP if dup else 0) | qos << 1 | retain
    return _bytes(
        PUBLISH, len(topic).to_bytes(2), topic, packet_id.to_bytes(2) if qos else b"", message.payload, flags=flags
    )


def ack_bytes(kind: int, packet_id: int) -> bytes:
    """Write a PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return _bytes(kind, packet_id.to_bytes(2), flags=2 if kind == PUBREL else 0)


def connack_bytes(code: int, *, present: bool = False) -> bytes:
    """Write a CONNACK; *present*: there is a session already."""
    return _bytes(CONNACK, bytes([present, code]))


def suback_bytes(packet_id: int, codes: list[int]) -> bytes:
    """Write a SUBACK."""
    return _bytes(SUBACK, packet_id.to_bytes(2), bytes(codes))


def unsuback_bytes(packet_id: int) -> bytes:
    """Write an UNSUBACK."""
    return _bytes(UNSUBACK, packet_id.to_bytes(2))


def pingresp_bytes() -> bytes:
    """Write a PINGRESP."""
    return _bytes(PINGRESP)


def _bytes(kind: int, *parts: bytes, flags: int = 0) -> bytes:
    head, size = bytearray([kind << 4 | flags]), sum(map(len, parts))
    while size > 127:  # [MQTT 3.1.1, 2.2.3]
        head.append(size & 127 | 128)
        size >>= 7
    head.append(size)
    return b"".join((head, *parts))
