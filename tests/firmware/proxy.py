"""Somebody in the middle of an MQTT connection, who cuts it, lets it hang, and slips in messages of its own."""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.rig import WITHIN_S
from tools.lean import publish_packet
from tools.ports import free_port

T = TypeVar("T")

HOST = "127.0.0.1"


class Wire:
    """One connection through the proxy. All in the proxy's thread."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near = near
        self.far = far
        self.flows = asyncio.Event()
        """Clear: nothing passes, in either direction, and nobody is told."""
        self.flows.set()

    def cut(self, *, reset: bool) -> None:
        """End it for both: with RST, or with FIN."""
        self.flows.set()
        for end in (self.near, self.far):
            if reset:
                line: socket.socket = end.get_extra_info("socket")
                with suppress(OSError):
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.transport.abort()
            else:
                end.close()


class Proxy:
    """A port that leads to another one."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.passed = 0
        """How many connections there were."""
        self._target = target
        self._wires: list[Wire] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._call(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, *, reset: bool) -> None:
        """Cut all connections."""

        async def act() -> None:
            for wire in self._wires:
                wire.cut(reset=reset)

        self._call(act)

    def stall(self, seconds: float) -> None:
        """Let nothing through for a while; what was sent meanwhile comes then."""

        async def act() -> None:
            stalled = list(self._wires)
            for wire in stalled:
                wire.flows.clear()
            await asyncio.sleep(seconds)
            for wire in stalled:
                wire.flows.set()

        self._call(act)

    def forge(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Say something to the device as if the broker did; return whether a device was there."""

        async def act() -> bool:
            for wire in self._wires:
                wire.near.write(publish_packet(topic, payload, retain=retain))
            return bool(self._wires)

        return self._call(act)

    def _call(self, act: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(WITHIN_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, HOST, self.port)

    async def _close(self) -> None:
        self._server.close()
        for wire in self._wires:
            wire.cut(reset=True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        wire = Wire(writer, far_writer)
        self._wires.append(wire)
        self.passed += 1
        ways = [_carry(wire, _chunks(reader), far_writer), _carry(wire, _packets(far_reader), writer)]
        try:
            await _first_of(ways)
        finally:
            self._wires.remove(wire)
            wire.cut(reset=False)


async def _first_of(ways: list[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(wire: Wire, pieces: AsyncIterator[bytes], to: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        async for piece in pieces:
            await wire.flows.wait()
            to.write(piece)
            await to.drain()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await reader.read(65536):
        yield piece


async def _packets(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield whole MQTT packets: between two of them there is room for another."""
    while True:
        head = bytearray(await reader.readexactly(2))
        while head[-1] & 0x80:
            head += await reader.readexactly(1)
        size = sum((digit & 0x7F) << (7 * place) for place, digit in enumerate(head[1:]))
        yield bytes(head) + await reader.readexactly(size)
