"""amqtt's stream adapters, mended where a client that breaks off, or stops to read, would trouble the broker."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from amqtt.adapters import StreamWriterAdapter, WebSocketsWriter, WriterAdapter
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from broker.packets import ProtocolError

_CLOSE_WITHIN_S = 2.0
_PORTION = 64 * 1024
_HELD_BYTES = 64 * 1024  # the high-water mark of asyncio's streams, above which `drain` waits


class Writer(Protocol):
    """What a connection needs of a stream."""

    def write(self, data: bytes) -> None:
        """Write as much as is taken at once, and hold the rest."""

    def needs_drain(self) -> bool:
        """Tell whether so much is held that one must wait."""

    async def drain(self) -> None:
        """Wait until little is held. Raises OSError where the client is gone."""

    async def close(self) -> None:
        """Close in bounded time."""


class TcpWriter(StreamWriterAdapter):
    """Writes to a TCP or TLS stream; closes it in bounded time, whether or not the client takes what was sent."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        super().__init__(writer)
        self._transport = writer.transport

    def write(self, data: bytes) -> None:
        """Write, unless the client is gone already: uvloop raises RuntimeError then, where asyncio is content."""
        if not self._transport.is_closing():
            super().write(data)

    def needs_drain(self) -> bool:
        """Tell whether the client is slower than what is written."""
        return self._transport.get_write_buffer_size() > _HELD_BYTES

    async def close(self) -> None:
        """Close after what was written, or without it."""
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await super().close()
        except (OSError, TimeoutError, RuntimeError):  # RuntimeError: uvloop, where the client was quicker
            pass
        finally:
            self._transport.abort()


class TcpReader:
    """Reads from a TCP or TLS stream."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def some(self) -> bytes:
        """Return what came; nothing at the end. Raises OSError."""
        return await self._reader.read(_PORTION)


class WebSocketReader:
    """Reads MQTT from the binary frames of a WebSocket, whose borders mean nothing [MQTT-6.0.0-2].

    amqtt 0.12.1 takes text for binary, and reads the last frame again and again where the client breaks off.
    """

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def some(self) -> bytes:
        """Return what came, or nothing at the end. Raises ProtocolError on text [MQTT-6.0.0-1]."""
        while True:
            try:
                frame = await self._connection.recv()
            except ConnectionClosed:
                return b""
            if isinstance(frame, str):
                raise ProtocolError("[MQTT-6.0.0-1] a text frame")
            if frame:  # an empty one is not the end
                return frame


class WebSocketWriter(WebSocketsWriter):
    """Writes to a WebSocket; a client that has gone is an OSError, as it is on TCP."""

    def __init__(self, connection: ServerConnection) -> None:
        super().__init__(connection)
        self._connection = connection

    def needs_drain(self) -> bool:
        """Tell that frames are sent by waiting only."""
        return True

    async def drain(self) -> None:
        """Send what was written, as one frame. Raises ConnectionResetError where the client is gone."""
        try:
            await super().drain()
        except ConnectionClosed as error:
            raise ConnectionResetError(str(error)) from error

    async def close(self) -> None:
        """Close in bounded time."""
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self._connection.close()
        except (OSError, TimeoutError):
            pass
        finally:
            self._connection.transport.abort()


class Sender:
    """Sends packets: what comes in one turn of the loop together, and no faster than the client takes it.

    *taken* is called when it took something; *failed*, with a reason, when it took nothing for *stalled_s* seconds, or
    is gone.
    """

    def __init__(
        self, writer: Writer, stalled_s: float, taken: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        self._writer = writer
        self._stalled_s = stalled_s
        self._is_taken = taken
        self._has_failed = failed
        self._loop = asyncio.get_running_loop()
        self._packets: deque[bytes] = deque()
        self._is_sending = False
        self._draining: asyncio.Task[None] | None = None
        self.backlog = 0  # bytes that were sent and not taken

    def send(self, packet: bytes) -> None:
        """Send a packet."""
        self._packets.append(packet)
        self.backlog += len(packet)
        if not self._is_sending:
            self._is_sending = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write what waits. Only where the client does not take it at once, a task has to wait for it."""
        while self._packets:
            written = self._write()
            if self._writer.needs_drain():
                self._draining = self._loop.create_task(self._drain(written))
                return
            self.backlog -= written
        self._is_sending = False
        self._is_taken()

    def _write(self) -> int:
        """Write a portion: it is for a portion that the client has so much time."""
        portion, size = [], 0
        while self._packets and size < _HELD_BYTES:
            portion.append(self._packets.popleft())
            size += len(portion[-1])
        self._writer.write(b"".join(portion))
        return size

    async def _drain(self, written: int) -> None:
        try:
            while written:
                async with asyncio.timeout(self._stalled_s):
                    await self._writer.drain()
                self.backlog -= written
                self._is_taken()
                written = self._write()
        except TimeoutError:
            self._has_failed("takes nothing")
        except OSError:
            self._has_failed("gone")
        finally:
            self._draining, self._is_sending = None, False

    async def close(self) -> None:
        """Close the connection, after what was sent, where the client takes it soon."""
        await asyncio.sleep(0)  # what was sent in this turn
        if (draining := self._draining) is not None:
            await asyncio.wait([draining], timeout=_CLOSE_WITHIN_S)
            draining.cancel()
        await self._writer.close()


def certified_name(writer: WriterAdapter) -> str | None:
    """Return the common name of the client's certificate; empty where it has not just one; None without certificate."""
    connection: Any = writer.get_ssl_info()
    certificate = connection.getpeercert() if connection is not None else None
    if not certificate:
        return None
    names = [value for attributes in certificate["subject"] for key, value in attributes if key == "commonName"]
    return str(names[0]) if len(names) == 1 else ""
