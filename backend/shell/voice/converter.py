"""One ffmpeg that makes PCM out of a stream: what it has made is there as soon as it is made."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

from backend.shell.voice import pcm
from backend.shell.voice.ffmpeg import ffmpeg

_PORTION = 64 * 1024
# It reads nothing but its input, where a list of files would make it open others, and allocates no more at once than
# any speech needs.
_CAREFUL = ("-nostdin", "-v", "error", "-protocol_whitelist", "pipe", "-max_alloc", "67108864")
_PCM = ("-map", "0:a:0", "-ac", "1", "-ar", str(pcm.RATE), "-f", "s16le", "-flush_packets", "1")


class ConversionError(Exception):
    """There is no ffmpeg, or it hangs."""


class EndedError(ConversionError):
    """It reads no more."""


class Converter:
    """A process that is fed, and read from, as long as the stream goes on. Times in seconds."""

    def __init__(self, process: Process, deadline_s: float) -> None:
        self._process = process
        self._deadline_s = deadline_s
        self._made = bytearray()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def started(cls, form: str, most_s: float, deadline_s: float) -> "Converter":
        """Start a process that reads *form* and makes no more than *most_s* of audio of it.

        *deadline_s*: how long it may take to read what it is given, and to finish. Raises ConversionError.
        """
        options = (*_CAREFUL, "-f", form, "-i", "pipe:0", "-t", f"{most_s:.3f}", *_PCM, "pipe:1")
        try:
            process = await asyncio.create_subprocess_exec(ffmpeg(), *options, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        except (OSError, RuntimeError) as error:
            raise ConversionError(f"{error}") from error
        return cls(process, deadline_s)

    async def feed(self, data: bytes) -> None:
        """Let it read *data*. Raises ConversionError: EndedError, or that it hangs."""
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it was asked for
        try:
            stdin.write(data)
            async with asyncio.timeout(self._deadline_s):
                await stdin.drain()
        except TimeoutError as error:
            raise ConversionError("it reads nothing") from error
        except OSError as error:
            raise EndedError("it has ended") from error

    def made(self) -> bytes:
        """Return what it has made since the last time: PCM, whole samples."""
        whole = len(self._made) // pcm.WIDTH * pcm.WIDTH
        out = bytes(self._made[:whole])
        del self._made[:whole]
        return out

    async def finish(self) -> bytes:
        """Return the rest, when it has ended. Raises ConversionError."""
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it was asked for
        stdin.close()
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._reading
                await self._process.wait()
        except TimeoutError as error:
            raise ConversionError("it does not end") from error
        return self.made()

    async def close(self) -> None:
        """Kill the process, if it still runs."""
        self._reading.cancel()
        with suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.gather(self._reading, self._process.wait(), return_exceptions=True)

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for
        while data := await stdout.read(_PORTION):
            self._made += data
