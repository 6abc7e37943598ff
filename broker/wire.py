"""Packets on the wire: amqtt's codec, held to the letter of MQTT 3.1.1.

amqtt 0.12.1 reads on where a packet is malformed (text that is no UTF-8, lengths that lie, reserved flags). What it
read is therefore written again, and must be what came.
"""

import asyncio
import struct
from typing import Any

from amqtt.adapters import BufferReader, ReaderAdapter
from amqtt.codecs_amqtt import encode_string
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt import packet_class
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
    MQTTPacket,
)
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.pubcomp import PubcompPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.pubrec import PubrecPacket
from amqtt.mqtt.pubrel import PubrelPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket

from broker.messages import Message

Packet = MQTTPacket[Any, Any, MQTTFixedHeader]

# [MQTT-2.2.2-1]: the flags of every packet that a client may send, but PUBLISH, are fixed.
_FLAGS = {
    CONNECT: 0, PUBACK: 0, PUBREC: 0, PUBREL: 2, PUBCOMP: 0, SUBSCRIBE: 2, UNSUBSCRIBE: 2, PINGREQ: 0, DISCONNECT: 0
}  # fmt: skip
_TLS = 6  # 0x16, with which a TLS handshake begins
_FILTERS = 1000  # in one packet; thousands would hold up everybody else
_WITH_ID = (PubackPacket, PubrecPacket, PubrelPacket, PubcompPacket, SubscribePacket, UnsubscribePacket)


class ProtocolError(Exception):
    """The client broke the protocol; the connection must be closed [MQTT-4.8.0-1]."""


class WrongVersionError(Exception):
    """The client speaks another version of MQTT; it may fall back, if it is told so [MQTT-3.1.2-2]."""


class ConnectionEndedError(Exception):
    """There is nothing more to read."""


async def read_packet(reader: ReaderAdapter, limit: int) -> Packet:
    """Read one packet of at most *limit* bytes. Raises ProtocolError, WrongVersionError, ConnectionEndedError."""
    try:
        header = await MQTTFixedHeader.from_stream(reader)
        if header is None:
            raise ConnectionEndedError
        _check_header(header, limit)
        body = await reader.read(header.remaining_length) if header.remaining_length else b""
    except (asyncio.IncompleteReadError, OSError) as error:
        raise ConnectionEndedError from error
    except MQTTError as error:
        raise ProtocolError(str(error)) from error
    if header.packet_type == CONNECT:
        _check_version(body)
    elif header.packet_type in (SUBSCRIBE, UNSUBSCRIBE):
        _check_count(body, 1 if header.packet_type == SUBSCRIBE else 0)
    return await _decode(header, body)


def _check_version(body: bytes) -> None:
    """Look at name and level of the protocol first: what follows them depends on the version."""
    end = 2 + int.from_bytes(body[:2])
    name, level = body[2:end], body[end : end + 1]
    if name not in (b"MQTT", b"MQIsdp") or not level:
        raise ProtocolError("[MQTT-3.1.2-1] not MQTT")
    if (name, level[0]) != (b"MQTT", 4):
        raise WrongVersionError(level[0])


def _check_count(body: bytes, options: int) -> None:
    """Count the filters, each with so many bytes of options, before they are decoded."""
    position, count = 2, 0
    while position < len(body):
        position += 2 + int.from_bytes(body[position : position + 2]) + options
        count += 1
        if count > _FILTERS:
            raise ProtocolError(f"more than {_FILTERS} filters in one packet")


def _check_header(header: MQTTFixedHeader, limit: int) -> None:
    if header.remaining_length > limit:
        raise ProtocolError(f"a packet of {header.remaining_length} bytes; {limit} are allowed")
    if header.packet_type == PUBLISH:
        qos = header.flags >> 1 & 3
        if qos == 3 or (qos == 0 and header.flags & PublishPacket.DUP_FLAG):
            raise ProtocolError("[MQTT-3.3.1-2, 4] PUBLISH with the flags of no QoS")
    elif header.packet_type not in _FLAGS:
        raise ProtocolError(f"no packet for a server: type {header.packet_type}")
    elif header.packet_type == CONNECT and header.flags == _TLS:
        raise ProtocolError("a TLS handshake, on a port without TLS")
    elif header.flags != _FLAGS[header.packet_type]:
        raise ProtocolError("[MQTT-2.2.2-2] reserved flags")


async def _decode(header: MQTTFixedHeader, body: bytes) -> Packet:
    try:
        packet: Packet = await packet_class(header).from_stream(BufferReader(body), fixed_header=header)
        if _body(packet) != body:
            raise ProtocolError("malformed packet")
    except (AMQTTError, MQTTError, NoDataError, ValueError, struct.error) as error:
        raise ProtocolError(f"malformed packet: {error}") from error
    if isinstance(packet, PublishPacket):
        _check_topic(packet.topic_name or "")
        if packet.qos and not packet.packet_id:
            raise ProtocolError("[MQTT-2.3.1-1] packet id 0")
    elif isinstance(packet, _WITH_ID) and not packet_id_of(packet):
        raise ProtocolError("[MQTT-2.3.1-1] packet id 0")
    if isinstance(packet, SubscribePacket | UnsubscribePacket):
        _check_filters(packet)
    return packet


def packet_id_of(packet: Packet) -> int:
    """Return the packet id of a packet that must have one."""
    return int(packet.variable_header.packet_id) if packet.variable_header is not None else 0


def _body(packet: Packet) -> bytes:
    if isinstance(packet, ConnectPacket) and packet.payload is not None and packet.client_id_is_random:
        packet.payload.client_id = ""  # amqtt made one up
    variable = packet.variable_header.to_bytes() if packet.variable_header is not None else b""
    if isinstance(packet, SubscribePacket) and packet.payload is not None:  # amqtt's way is quadratic
        return bytes(variable) + b"".join(encode_string(each) + bytes([qos]) for each, qos in packet.payload.topics)
    payload = (
        packet.payload.to_bytes(packet.fixed_header, packet.variable_header) if packet.payload is not None else b""
    )
    return bytes(variable + payload)


def _check_topic(topic: str) -> None:
    """Check a topic name: [MQTT-4.7.3-1, 2], [MQTT-3.3.2-2]."""
    if not topic or "\0" in topic or "+" in topic or "#" in topic:
        raise ProtocolError(f"no topic: {topic[:80]!r}")


def _check_filters(packet: SubscribePacket | UnsubscribePacket) -> None:
    asked = packet.payload.topics if packet.payload is not None else []
    filters = [each if isinstance(each, str) else each[0] for each in asked]
    if not filters:
        raise ProtocolError("[MQTT-3.8.3-3, 3.10.3-2] no filter")
    if any(not isinstance(each, str) and each[1] > 2 for each in asked):
        raise ProtocolError("[MQTT-3.8.3-4] a QoS beyond 2")
    for topic_filter in filters:
        levels = topic_filter.split("/")
        if (
            not topic_filter
            or "\0" in topic_filter
            or "#" in "".join(levels[:-1])
            or any(len(level) > 1 and ("+" in level or "#" in level) for level in levels)
        ):
            raise ProtocolError(f"[MQTT-4.7.1-2, 3] no topic filter: {topic_filter[:80]!r}")


def check_connect(packet: Packet) -> ConnectPacket:
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
        _check_topic(packet.will_topic or "")
    if packet.will_qos > (2 if packet.will_flag else 0) or (packet.will_retain_flag and not packet.will_flag):
        raise ProtocolError("[MQTT-3.1.2-11, 13, 14, 15] flags of a will")
    return packet


def publish_bytes(
    message: Message, qos: int, *, retain: bool, packet_id: int | None = None, dup: bool = False
) -> bytes:
    """Encode a PUBLISH."""
    return PublishPacket.build(message.topic, message.payload, packet_id, dup, qos, retain).to_bytes()
