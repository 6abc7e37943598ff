"""A lean MQTT 3.1.1 client for measuring: it costs little, so that the server is what is measured."""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, cast

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9

Heard = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Hello:
    """What a client says when it connects. ``client_id``: by default one of its own; ``will``: topic and payload."""

    client_id: str | None = None
    clean: bool = True
    keep_alive_s: int = 600
    will: tuple[str, bytes] | None = None  # retained, QoS 1


def _length(size: int) -> bytes:
    """Return the variable-length size of a packet [MQTT 3.1.1, 2.2.3]."""
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(encoded)


def field(content: str | bytes) -> bytes:
    """Return a string, or bytes that may be none, with its length before it [MQTT 3.1.1, 1.5.3]."""
    encoded = content.encode() if isinstance(content, str) else content
    return struct.pack("!H", len(encoded)) + encoded


def packet(head: int, body: bytes) -> bytes:
    """Return a packet: its first byte, its length, its body."""
    return bytes([head]) + _length(len(body)) + body


def connect_packet(name: str, secret: str, hello: Hello, client_id: str) -> bytes:
    """Return the CONNECT packet."""
    flags = 0x80 | 0x40 | (0x02 if hello.clean else 0)  # name, secret
    body = field(client_id)
    if hello.will is not None:
        topic, payload = hello.will
        flags |= 0x04 | 0x08 | 0x20  # will, its QoS 1, retained
        body += field(topic) + struct.pack("!H", len(payload)) + payload
    head = field("MQTT") + bytes([4, flags]) + struct.pack("!H", hello.keep_alive_s)
    return packet(0x10, head + body + field(name) + field(secret))


def publish_packet(topic: str, payload: bytes, packet_id: bytes = b"", *, retain: bool = False) -> bytes:
    """Return a PUBLISH packet: QoS 1 with a packet id, else QoS 0."""
    return packet(0x30 | (0x02 if packet_id else 0) | retain, field(topic) + packet_id + payload)


def subscribe_packet(topic_filter: str, packet_id: bytes, qos: int = 1) -> bytes:
    """Return a SUBSCRIBE packet with one filter."""
    return packet(0x82, packet_id + field(topic_filter) + bytes([qos]))


class LeanClient(asyncio.Protocol):
    """One connection. ``heard`` is called with topic and payload of each message; QoS 1 is acknowledged at once."""

    def __init__(self, heard: Heard) -> None:
        self.gone = asyncio.Event()
        """Set when the connection is over."""
        self.unacknowledged = 0
        """How many messages at QoS 1 the broker has not acknowledged yet."""
        self.retained = False
        """Whether the message that is being heard was kept for who subscribes."""
        self._heard = heard
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[bytes] | None = None
        self._packet_id = 0

    @classmethod
    async def connect(
        cls,
        port: int,
        name: str,
        secret: str,
        heard: Heard = lambda _topic, _payload: None,
        hello: Hello = Hello(),
    ) -> Self:
        """Log in on this machine. Raises ConnectionRefusedError where the broker says no."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: cls(heard), "127.0.0.1", port)
        try:
            await client.log_in(name, secret, hello)
        except BaseException:
            client.cut()
            raise
        return client

    async def log_in(self, name: str, secret: str, hello: Hello = Hello()) -> None:
        """Send CONNECT. Raises ConnectionRefusedError where the broker says no."""
        answer = await self._ask(connect_packet(name, secret, hello, hello.client_id or f"{name}-{id(self)}"))
        if answer[1] != 0:
            raise ConnectionRefusedError(f"{name}: return code {answer[1]}")

    async def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """Subscribe. Raises PermissionError where the broker says no."""
        answer = await self._ask(subscribe_packet(topic_filter, self._next_id(), qos))
        if answer[2] == 0x80:
            raise PermissionError(topic_filter)

    def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        """Publish at QoS 0 or 1, without waiting."""
        self.unacknowledged += qos
        self._write(publish_packet(topic, payload, self._next_id() if qos else b"", retain=retain))

    def goodbye(self) -> None:
        """Say goodbye, and let the broker close the connection."""
        self._write(b"\xe0\x00")

    def close(self) -> None:
        """Say goodbye, and close the connection."""
        self.goodbye()
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Be gone without a goodbye."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits."""
        self.gone.set()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error or ConnectionResetError("the broker closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Take whole packets off the buffer."""
        self._buffer += data
        while (packet := self._take()) is not None:
            self._handle(*packet)

    def _take(self) -> tuple[int, bytes] | None:
        size, shift = 0, 0
        for index in range(1, min(5, len(self._buffer))):
            digit = self._buffer[index]
            size |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                start, end = index + 1, index + 1 + size
                if len(self._buffer) < end:
                    return None
                head, body = self._buffer[0], bytes(self._buffer[start:end])
                del self._buffer[:end]
                return head, body
        return None

    def _handle(self, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind in (CONNACK, SUBACK):
            if self._answered is not None and not self._answered.done():
                self._answered.set_result(body)
        elif kind == PUBACK:
            self.unacknowledged -= 1
        elif kind == PUBLISH:
            start = 2 + int.from_bytes(body[:2])
            topic = body[2:start].decode()
            if head & 0x06:
                self._write(b"\x40\x02" + body[start : start + 2])
                start += 2
            self.retained = bool(head & 0x01)
            self._heard(topic, body[start:])

    async def _ask(self, packet: bytes) -> bytes:
        self._answered = asyncio.get_running_loop().create_future()
        self._write(packet)
        async with asyncio.timeout(30):
            return await self._answered

    def _next_id(self) -> bytes:
        self._packet_id = self._packet_id % 0xFFFF + 1
        return struct.pack("!H", self._packet_id)

    def _write(self, packet: bytes | bytearray) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packet)
