"""Does to the broker what an input says."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from tests.fuzz.inputs import NAME, SECRET, Input
from tools.brokers import Target
from tools.lean import Hello, LeanClient, connect_packet
from tools.ports import HOST

_CLOSES_WITHIN_S = 10.0
_UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
)


def _frame(data: bytes) -> bytes:
    """Return a masked binary frame; a mask of zeros changes nothing."""
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xff" + len(data).to_bytes(8, "big")
    return b"\x82" + size + b"\0\0\0\0" + data


def _script(one: Input) -> list[bytes]:
    """Return the pieces that are to be written."""
    pieces = one.pieces()
    if one.greeted:
        pieces.insert(0, connect_packet(NAME, SECRET, Hello(), f"client-{len(one.data) % 20}"))
    if one.way == "websocket":
        pieces = [_frame(piece) for piece in pieces]
    elif one.way == "frames" and one.greeted:
        pieces[0] = _frame(pieces[0])
    return pieces


async def throw(target: Target, batch: Sequence[Input]) -> None:
    """Do it all at once, until the broker has taken it. Raises AssertionError where it keeps what it must close."""
    staying: list[asyncio.StreamWriter] = []
    try:
        await asyncio.gather(*(_throw(target, one, staying) for one in batch))
        await _ask(target)
    finally:
        for writer in staying:
            await _close(writer)


async def _ask(target: Target) -> None:
    """Come when everything else has come, and be served: so the broker has looked at everything else."""
    client = await LeanClient.connect(target.port, "asking", SECRET)
    await client.subscribe("asked")
    client.close()


async def _throw(target: Target, one: Input, staying: list[asyncio.StreamWriter]) -> None:
    reader, writer = await asyncio.open_connection(HOST, target.port if one.way == "tcp" else target.ws_port)
    try:
        if one.way in ("websocket", "frames"):
            writer.write(_UPGRADE)
            await reader.readuntil(b"\r\n\r\n")
        for piece in _script(one):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if one.ending == "half-close":
            writer.write_eof()
            if one.way == "tcp":  # a WebSocket says goodbye for a while; whether it ends is seen when all is over
                await _closed(reader, one)
    except (OSError, asyncio.IncompleteReadError):
        pass  # the broker was quicker
    finally:
        if one.ending == "stay" or (one.ending == "half-close" and one.way != "tcp"):
            staying.append(writer)
        else:
            await _close(writer, abort=one.ending == "abort")


async def _closed(reader: asyncio.StreamReader, one: Input) -> None:
    try:
        async with asyncio.timeout(_CLOSES_WITHIN_S):
            while await reader.read(65536):
                pass
    except TimeoutError:
        raise AssertionError(f"the broker keeps a connection that was closed on one side: {one}") from None


async def _close(writer: asyncio.StreamWriter, *, abort: bool = False) -> None:
    if abort:
        writer.transport.abort()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
