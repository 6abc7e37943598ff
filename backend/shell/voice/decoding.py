"""From what a board sends to what is recognised: PCM16LE, mono, 16 kHz; frame by frame, as they come."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from backend.core.refusals import EXPLAINED, Code, Refused
from backend.features.voice.frames import Codec
from backend.shell.voice import opus, pcm
from backend.shell.voice.converter import ConversionError, Converter
from backend.shell.voice.ffmpeg import audioop

_TELEPHONE = 8_000  # samples a second
_DEADLINE_S = 5.0  # for ffmpeg, which needs some milliseconds


class Decoder(ABC):
    """Decodes the frames of one turn, in their order. It ends with ``close``, whatever happened before."""

    @abstractmethod
    async def decode(self, payload: bytes) -> bytes:
        """Take the payload of a frame; return the audio that is there by now.

        Raises Refused: ``bad_audio``, or ``too_long`` before that is decoded which would be too much.
        """

    @abstractmethod
    async def finish(self) -> bytes:
        """Return the audio that was still to come. Raises Refused: ``bad_audio``."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of what it holds."""


def decoder(codec: Codec, most_s: float) -> Decoder:
    """Return a decoder for no more than *most_s* of audio. Raises Refused: ``unknown_codec`` where none is heard."""
    match codec:
        case Codec.PCM16_16K:
            return _Samples(most_s, pcm.RATE, pcm.WIDTH, lambda whole: whole)
        case Codec.PCM16_8K:
            return _Samples(most_s, _TELEPHONE, pcm.WIDTH, _Resampled())
        case Codec.MULAW_8K:
            twice = _Resampled()
            return _Samples(most_s, _TELEPHONE, 1, lambda whole: twice(audioop.ulaw2lin(whole, pcm.WIDTH)))
        case Codec.OPUS:
            return _Opus(most_s)
        case _:
            raise Refused(Code.UNKNOWN_CODEC, f"{EXPLAINED[Code.UNKNOWN_CODEC]}: {codec.name}")


def too_long(most_s: float) -> Refused:
    """Return the refusal of more audio than that."""
    return Refused(Code.TOO_LONG, f"{EXPLAINED[Code.TOO_LONG]}: {most_s:g} s")


def undecodable(why: str) -> Refused:
    """Return the refusal of what is no audio, for a reason."""
    return Refused(Code.BAD_AUDIO, f"{EXPLAINED[Code.BAD_AUDIO]}: {why}")


class _Samples(Decoder):
    """Samples of a fixed size; a frame may end within one."""

    def __init__(self, most_s: float, rate: int, width: int, convert: Callable[[bytes], bytes]) -> None:
        self._most_s = most_s
        self._left = int(most_s * rate) * width  # bytes
        self._width = width
        self._convert = convert
        self._rest = b""

    async def decode(self, payload: bytes) -> bytes:
        self._left -= len(payload)
        if self._left < 0:
            raise too_long(self._most_s)
        data = self._rest + payload
        whole = len(data) // self._width * self._width
        self._rest = data[whole:]
        return self._convert(data[:whole])

    async def finish(self) -> bytes:
        return b""  # half a sample is none

    async def close(self) -> None:
        pass


class _Resampled:
    """Twice as many samples; it remembers between two frames where it was."""

    def __init__(self) -> None:
        self._state: Any = None

    def __call__(self, whole: bytes) -> bytes:
        made, self._state = audioop.ratecv(whole, pcm.WIDTH, 1, _TELEPHONE, pcm.RATE, self._state)
        return bytes(made)


class _Opus(Decoder):
    """One packet in each frame, through an ffmpeg of its own. An empty payload is a packet that was lost."""

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._stream = opus.Stream()
        self._last = b""
        self._converter: Converter | None = None
        self._made = 0  # bytes

    async def decode(self, payload: bytes) -> bytes:
        if not payload and not self._last:
            return b""
        try:
            self._last = payload or opus.lost(self._last)
            pages = self._stream.write(self._last)
        except ValueError as error:
            raise undecodable(f"no Opus packet, {error}") from error
        if self._stream.samples > self._most_s * opus.RATE:
            raise too_long(self._most_s)
        try:
            if self._converter is None:
                self._converter = await Converter.started("ogg", self._most_s, _DEADLINE_S)
            await self._converter.feed(pages)
        except ConversionError as error:
            raise undecodable(f"ffmpeg: {error}") from error
        return self._taken(self._converter.made())

    async def finish(self) -> bytes:
        if self._converter is None:
            return b""
        try:
            rest = self._taken(await self._converter.finish())
        except ConversionError as error:
            raise undecodable(f"ffmpeg: {error}") from error
        if not self._made:
            raise undecodable("nothing is left of the Opus packets")
        return rest

    async def close(self) -> None:
        if self._converter is not None:
            await self._converter.close()

    def _taken(self, audio: bytes) -> bytes:
        self._made += len(audio)
        return audio
