"""amqtt's stream adapters, mended where a client that breaks off, or stops to read, would trouble the broker."""

import asyncio
import ssl
from typing import Any, Protocol

from amqtt.adapters import ReaderAdapter, StreamWriterAdapter, WebSocketsWriter, WriterAdapter
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from broker.wire import ProtocolError

_CLOSE_WITHIN_S = 2.0
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

    def needs_drain(self) -> bool:
        """Tell whether the client is slower than what is written."""
        return self._transport.get_write_buffer_size() > _HELD_BYTES

    async def close(self) -> None:
        """Close after what was written, or without it."""
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await super().close()
        except (OSError, TimeoutError, ssl.SSLError):
            pass
        finally:
            self._transport.abort()


class WebSocketReader(ReaderAdapter):
    """Reads MQTT from the binary frames of a WebSocket, whose borders mean nothing [MQTT-6.0.0-2].

    amqtt 0.12.1 takes text for binary, and reads the last frame again and again where the client breaks off.
    """

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._buffer = bytearray()

    async def read(self, n: int = -1) -> bytes:
        """Return *n* bytes. Raises IncompleteReadError at the end, ProtocolError on text [MQTT-6.0.0-1]."""
        while len(self._buffer) < n:
            try:
                frame = await self._connection.recv()
            except ConnectionClosed as error:
                raise asyncio.IncompleteReadError(bytes(self._buffer), n) from error
            if isinstance(frame, str):
                raise ProtocolError("[MQTT-6.0.0-1] a text frame")
            self._buffer += frame
        taken = bytes(self._buffer[:n])
        del self._buffer[:n]
        return taken

    def feed_eof(self) -> None:
        """Do nothing: the connection knows its end."""


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


def certified_name(writer: WriterAdapter) -> str | None:
    """Return the common name of the client's certificate, where it had to show one; it was verified then."""
    connection: Any = writer.get_ssl_info()
    certificate = connection.getpeercert() if connection is not None else None
    for attributes in (certificate or {}).get("subject", ()):
        for key, value in attributes:
            if key == "commonName":
                return str(value)
    return None
