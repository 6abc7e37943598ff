"""Packets on the wire: where each begins and ends, and what none may be.

CONNECT is read by amqtt's codec. amqtt 0.12.1 reads on where it is malformed (text that is no UTF-8, lengths that lie).
What it read is therefore written again, and must be what came.
"""

import struct
from typing import Any, Protocol

from amqtt.adapters import BufferReader
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.packet import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    UNSUBSCRIBE,
    MQTTFixedHeader,
)

from broker.packets import ProtocolError, check_topic, filters_of, packet_id_of, publish_of

# [MQTT-2.2.2-1]: the flags of every packet that a client may send, but PUBLISH, are fixed.
_FLAGS = {
    CONNECT: 0, PUBACK: 0, PUBREC: 0, PUBREL: 2, PUBCOMP: 0, SUBSCRIBE: 2, UNSUBSCRIBE: 2, PINGREQ: 0, DISCONNECT: 0
}  # fmt: skip
_ACKNOWLEDGES = (PUBACK, PUBREC, PUBREL, PUBCOMP)
_TLS = 6  # 0x16, with which a TLS handshake begins
_LENGTH_DIGITS = 4


class WrongVersionError(Exception):
    """The client speaks another version of MQTT; it may fall back, if it is told so [MQTT-3.1.2-2]."""


class ConnectionEndedError(Exception):
    """There is nothing more to read."""


class Source(Protocol):
    """Where bytes come from."""

    async def some(self) -> bytes:
        """Return what came, in portions of any size; nothing at the end. Raises OSError."""


class Packets:
    """Takes one packet after the other off the bytes that come."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._buffer = bytearray()

    async def next(self, limit: int) -> tuple[int, Any]:
        """Return the kind of the next packet, of at most *limit* bytes, and what it says.

        That is a `Publish`, `Filters`, the packet id of an acknowledgement, amqtt's ConnectPacket, or nothing. Raises
        ProtocolError, WrongVersionError, ConnectionEndedError.
        """
        while (found := self._whole(limit)) is None:
            try:
                portion = await self._source.some()
            except OSError as error:
                raise ConnectionEndedError from error
            if not portion:
                raise ConnectionEndedError
            self._buffer += portion
        first, body = found
        kind = first >> 4
        if kind == CONNECT:
            _check_version(body)
            return kind, await _by_amqtt(body)
        return kind, _content(kind, first & 15, body)

    def _whole(self, limit: int) -> tuple[int, bytes] | None:
        """Return first byte and body of a packet that is there in whole; what its head says is checked at once."""
        buffer, size = self._buffer, 0
        for at in range(1, min(len(buffer), 1 + _LENGTH_DIGITS)):
            size |= (buffer[at] & 127) << 7 * (at - 1)
            if buffer[at] < 128:
                first, end = buffer[0], at + 1 + size
                _check_head(first, size, limit)
                if len(buffer) < end:
                    return None
                body = bytes(buffer[at + 1 : end])
                del buffer[:end]
                return first, body
        if len(buffer) > _LENGTH_DIGITS:
            raise ProtocolError("[MQTT-2.2.3] a length without an end")
        return None


def _check_head(first: int, size: int, limit: int) -> None:
    kind, flags = first >> 4, first & 15
    if size > limit:
        raise ProtocolError(f"a packet of {size} bytes; {limit} are allowed")
    if kind == PUBLISH:
        return
    if kind not in _FLAGS:
        raise ProtocolError(f"no packet for a server: type {kind}")
    if kind == CONNECT and flags == _TLS:
        raise ProtocolError("a TLS handshake, on a port without TLS")
    if flags != _FLAGS[kind]:
        raise ProtocolError("[MQTT-2.2.2-2] reserved flags")


def _content(kind: int, flags: int, body: bytes) -> object:
    if kind == PUBLISH:
        return publish_of(flags, body)
    if kind in _ACKNOWLEDGES:
        return packet_id_of(body)
    if kind in (SUBSCRIBE, UNSUBSCRIBE):
        return filters_of(body, with_qos=kind == SUBSCRIBE)
    if body:
        raise ProtocolError("malformed packet")
    return None


def _check_version(body: bytes) -> None:
    """Look at name and level of the protocol first: what follows them depends on the version."""
    end = 2 + int.from_bytes(body[:2])
    name, level = body[2:end], body[end : end + 1]
    if name not in (b"MQTT", b"MQIsdp") or not level:
        raise ProtocolError("[MQTT-3.1.2-1] not MQTT")
    if (name, level[0]) != (b"MQTT", 4):
        raise WrongVersionError(level[0])


async def _by_amqtt(body: bytes) -> ConnectPacket:
    header = MQTTFixedHeader(CONNECT, 0, len(body))
    try:
        packet = await ConnectPacket.from_stream(BufferReader(body), fixed_header=header)
        if _written_again(packet) != body:
            raise ProtocolError("malformed packet")
    except (AMQTTError, MQTTError, NoDataError, ValueError, struct.error) as error:
        raise ProtocolError(f"malformed packet: {error}") from error
    return packet


def _written_again(packet: ConnectPacket) -> bytes:
    if packet.payload is None or packet.variable_header is None:
        return b""
    if packet.client_id_is_random:
        packet.payload.client_id = ""  # amqtt made one up
    return bytes(
        packet.variable_header.to_bytes() + packet.payload.to_bytes(packet.fixed_header, packet.variable_header)
    )


def check_connect(packet: object) -> ConnectPacket:
    """Check the first packet of a connection. Raises ProtocolError where it must be closed without an answer."""
    if not isinstance(packet, ConnectPacket) or packet.variable_header is None:
        raise ProtocolError("[MQTT-3.1.0-1] the first packet is no CONNECT")
    if packet.reserved_flag:
        raise ProtocolError("[MQTT-3.1.2-3] reserved flag")
    if packet.password_flag and not packet.username_flag:
        raise ProtocolError("[MQTT-3.1.2-22] a password without a user name")
    promised = (
        (packet.username_flag, packet.username),
        (packet.password_flag, packet.password),
        (packet.will_flag, packet.will_message),
    )
    if any(flag and field is None for flag, field in promised):  # amqtt takes it for left out
        raise ProtocolError("[MQTT-3.1.2-19, 21] a field is missing that its flag promised")
    if "\0" in f"{packet.client_id}{packet.username}":
        raise ProtocolError("[MQTT-1.5.3-2] U+0000 in a string")
    if packet.will_flag:
        check_topic(packet.will_topic or "")
    if packet.will_qos > (2 if packet.will_flag else 0) or (packet.will_retain_flag and not packet.will_flag):
        raise ProtocolError("[MQTT-3.1.2-11, 13, 14, 15] flags of a will")
    return packet
