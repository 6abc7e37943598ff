"""A lean MQTT 3.1.1 client for measuring: it costs little, so that the server is what is measured."""

import asyncio
import struct
from collections.abc import Callable
from typing import Self

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9

Heard = Callable[[str, bytes], None]


def _length(size: int) -> bytes:
    """Return the variable-length size of a packet [MQTT 3.1.1, 2.2.3]."""
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(encoded)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("!H", len(encoded)) + encoded


def _packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + _length(len(body)) + body


class LeanClient(asyncio.Protocol):
    """One connection. ``heard`` is called with topic and payload of each message; QoS 1 is acknowledged at once."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._packet_id = 0

    @classmethod
    async def connect(cls, port: int, name: str, secret: str, heard: Heard = lambda _topic, _payload: None) -> Self:
        """Log in on this machine. Raises ConnectionRefusedError where the broker says no."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: cls(heard), "127.0.0.1", port)
        await client.log_in(name, secret)
        return client

    async def log_in(self, name: str, secret: str) -> None:
        """Send CONNECT. Raises ConnectionRefusedError where the broker says no."""
        flags = 0x80 | 0x40 | 0x02  # name, secret, clean session
        head = _text("MQTT") + bytes([4, flags]) + struct.pack("!H", 600)
        answer = await self._ask(_packet(0x10, head + _text(f"{name}-{id(self)}") + _text(name) + _text(secret)))
        if answer[1] != 0:
            raise ConnectionRefusedError(f"{name}: return code {answer[1]}")

    async def subscribe(self, topic_filter: str) -> None:
        """Subscribe at QoS 1. Raises PermissionError where the broker says no."""
        answer = await self._ask(_packet(0x82, self._next_id() + _text(topic_filter) + b"\x01"))
        if answer[2] == 0x80:
            raise PermissionError(topic_filter)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1, without waiting."""
        self._write(_packet(0x32, _text(topic) + self._next_id() + payload))

    def close(self) -> None:
        """Say goodbye."""
        self._write(b"\xe0\x00")
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

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
            self._answered.set_result(body)
        elif kind == PUBLISH:
            start = 2 + int.from_bytes(body[:2])
            topic = body[2:start].decode()
            if head & 0x06:
                self._write(b"\x40\x02" + body[start : start + 2])
                start += 2
            self._heard(topic, body[start:])

    async def _ask(self, packet: bytes) -> bytes:
        self._answered = asyncio.get_running_loop().create_future()
        self._write(packet)
        async with asyncio.timeout(30):
            return await self._answered

    def _next_id(self) -> bytes:
        self._packet_id = self._packet_id % 0xFFFF + 1
        return struct.pack("!H", self._packet_id)

    def _write(self, packet: bytes) -> None:
        if self._transport is not None:
            self._transport.write(packet)
