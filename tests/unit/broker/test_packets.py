"""Packets are read and written to the letter; the conformance suite has each rule, here are all sizes and any bytes."""

import asyncio
from collections.abc import Sequence

import pytest
from amqtt.adapters import BufferReader
from amqtt.errors import AMQTTError, MQTTError
from amqtt.mqtt.packet import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBSCRIBE, UNSUBSCRIBE
from amqtt.mqtt.publish import PublishPacket
from hypothesis import example, given
from hypothesis import strategies as st

from broker.messages import Message
from broker.packets import Filters, ProtocolError, Publish, ack_bytes, publish_bytes
from broker.wire import ConnectionEndedError, Packets, WrongVersionError
from tools.lean import field, packet

LIMIT = 300_000
TOPICS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=200)


class Portions:
    """Bytes that come bit by bit."""

    def __init__(self, portions: Sequence[bytes]) -> None:
        self._portions = [*portions, b""]

    async def some(self) -> bytes:
        return self._portions.pop(0)


def read(*portions: bytes, limit: int = LIMIT) -> list[tuple[int, object]]:
    """Return all packets until the end."""

    async def story() -> list[tuple[int, object]]:
        packets, found = Packets(Portions([each for each in portions if each])), list[tuple[int, object]]()
        try:
            while True:
                found.append(await packets.next(limit))
        except ConnectionEndedError:
            return found

    return asyncio.run(story())


@given(TOPICS, st.binary(max_size=300), st.integers(0, 2), st.booleans(), st.integers(1, 65535), st.integers(1, 400))
@example("t", b"x" * 124, 0, False, 1, 400)  # 127 bytes have a length of one digit
@example("t", b"x" * 125, 0, False, 1, 400)
@example("t", b"x" * 16_380, 0, False, 1, 50_000)  # 16383, of two
@example("t", b"x" * 16_381, 0, False, 1, 50_000)
@example("t", b"x" * 250_000, 1, True, 1, 64 * 1024)
def test_what_was_written_is_read_however_it_comes(
    topic: str, payload: bytes, qos: int, retain: bool, packet_id: int, portion: int
) -> None:
    message = Message(topic, payload, qos)
    sent = publish_bytes(message, qos, retain=retain, packet_id=packet_id, dup=qos > 0) * 2
    portions = [sent[at : at + portion] for at in range(0, len(sent), portion)]
    expected = Publish(topic, payload, qos, retain, packet_id if qos else 0)
    assert read(*portions) == [(PUBLISH, expected)] * 2


@given(st.integers(0, 15), st.binary(max_size=40))
@example(0, b"\0\1\0")
@example(2, b"\0\1a\0\0")
@example(2, b"\0\1a\0")
@example(0, b"\0\3\xed\xa0\x80")
def test_a_publish_is_read_as_amqtt_does_or_not_at_all(flags: int, body: bytes) -> None:
    sent = packet(PUBLISH << 4 | flags, body)
    try:
        [(_, found)] = read(sent)
    except ProtocolError:
        return
    assert isinstance(found, Publish)
    theirs = asyncio.run(PublishPacket.from_stream(BufferReader(sent)))
    assert (theirs.topic_name, theirs.data or b"", theirs.qos) == (found.topic, found.payload, found.qos)
    assert (bool(theirs.retain_flag), theirs.packet_id or 0) == (found.retain, found.packet_id)


@given(st.binary(max_size=60))
def test_any_bytes_are_packets_or_end_the_connection(sent: bytes) -> None:
    try:
        assert all(0 < kind < 15 for kind, _ in read(sent))
    except (ProtocolError, WrongVersionError):
        pass
    except (AMQTTError, MQTTError):
        pytest.fail("amqtt's own errors are for nobody")


@pytest.mark.parametrize(("kind", "first"), [(PUBACK, 0x40), (PUBREC, 0x50), (PUBREL, 0x62), (PUBCOMP, 0x70)])
def test_acknowledgements(kind: int, first: int) -> None:
    assert ack_bytes(kind, 0x1234) == bytes([first, 2, 0x12, 0x34])
    assert read(ack_bytes(kind, 0x1234)) == [(kind, 0x1234)]
    for wrong in (b"", b"\1", b"\0\0", b"\0\1\0"):
        with pytest.raises(ProtocolError):
            read(packet(first, wrong))


def test_filters() -> None:
    filters = b"".join(field(each) + b"\1" for each in ("a/+", "#"))
    assert read(packet(0x82, b"\0\7" + filters)) == [(SUBSCRIBE, Filters(7, [("a/+", 1), ("#", 1)]))]
    assert read(packet(0xA2, b"\0\7" + field("a/+"))) == [(UNSUBSCRIBE, Filters(7, [("a/+", 0)]))]
    for wrong in (filters[:-1], filters + b"\0", field("a") + b"\3", b"", field("a/#/b") + b"\0", field("") + b"\0"):
        with pytest.raises(ProtocolError):
            read(packet(0x82, b"\0\7" + wrong))


def test_what_is_too_large_is_refused_before_it_came() -> None:
    with pytest.raises(ProtocolError, match="a packet of 101 bytes; 100 are allowed"):
        read(b"\x30\x65", limit=100)
    with pytest.raises(ProtocolError, match="a length without an end"):
        read(b"\x30\xff\xff\xff\xff")
