"""Speech in the codec that a device declares.

Each sentence is converted by itself, by a process that ends with it: nothing is left to go wrong in the next, and what
was made once can be kept. They follow each other without a click, because synthesised sentences begin and end in
silence. A resampler must first take out what the lower rate cannot carry, or it comes back as a whistle: ffmpeg's does.
"""

import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass

from backend.core.refusals import Code, Refused
from backend.features.voice.frames import SPOKEN, Codec
from backend.shell.voice.ffmpeg import ffmpeg
from backend.shell.voice.worker import Speech

MP3_BITS = 32_000  # a second, constant
WAV_RATE = 22_050
"""Samples a second of WAV and MP3: what espeak makes."""
UNKNOWN_LENGTH = 0xFFFF_FFFF

_WAV = struct.Struct("<4sI4s4sIHHIIHH4sI")
_OPTIONS = {
    Codec.PCM16_16K: "-ar 16000 -f s16le",
    Codec.PCM16_8K: "-ar 8000 -f s16le",
    Codec.MULAW_8K: "-ar 8000 -f mulaw",
    Codec.MP3: f"-ar {WAV_RATE} -b:a {MP3_BITS} -write_xing 0 -id3v2_version 0 -f mp3",
    Codec.WAV: f"-ar {WAV_RATE} -f s16le",
}
_BYTES_S = {
    Codec.PCM16_16K: 32_000,
    Codec.PCM16_8K: 16_000,
    Codec.MULAW_8K: 8_000,
    Codec.MP3: MP3_BITS // 8,
    Codec.WAV: 2 * WAV_RATE,
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the audio of a turn, as it goes out."""

    data: bytes
    seconds: float


class Encoder:
    """Makes pieces of speech, no more than *at_once* at a time, each within *deadline_s* seconds.

    A turn is the opening and then the piece of each sentence. MP3 is one stream of so many, each with its own run-in
    (25 to 50 ms of silence) and no tags. *lead_in_ms* of silence come first, for amplifiers that are slow to wake.
    """

    def __init__(self, lead_in_ms: int = 0, at_once: int = 4, deadline_s: float = 5.0) -> None:
        self._lead_in = Speech(bytes(2 * (WAV_RATE * lead_in_ms // 1000)), WAV_RATE)
        self._silences: dict[Codec, Piece] = {}
        self._places = asyncio.Semaphore(at_once)
        self._deadline_s = deadline_s

    async def encoded(self, speech: Speech, codec: Codec) -> Piece:
        """Return *speech* in *codec*; of WAV the samples only. Raises Refused: ``unknown_codec``, ``speech_failed``."""
        if codec not in SPOKEN:
            raise Refused(Code.UNKNOWN_CODEC, f"nothing is spoken in {codec.name}")
        if not speech.pcm or (codec == Codec.WAV and speech.rate == WAV_RATE):
            data = speech.pcm
        else:
            data = await self._converted(speech, _OPTIONS[codec])
        return Piece(data, len(data) / _BYTES_S[codec])

    async def opening(self, codec: Codec, only: Piece | None = None) -> Piece:
        """Return what comes before the first sentence: silence, if so set, and the header of a WAV file.

        It tells the length if there is *only* one sentence; else the length is unknown.
        """
        if codec not in self._silences:
            self._silences[codec] = await self.encoded(self._lead_in, codec)
        silence = self._silences[codec]
        if codec != Codec.WAV:
            return silence
        header = wav_header(None if only is None else len(silence.data) + len(only.data))
        return Piece(header + silence.data, silence.seconds)

    async def _converted(self, speech: Speech, options: str) -> bytes:
        pipe = asyncio.subprocess.PIPE
        given = f"-nostdin -loglevel error -f s16le -ar {speech.rate} -ac 1 -i pipe:0"
        try:
            async with self._places, asyncio.timeout(self._deadline_s):
                process = await asyncio.create_subprocess_exec(
                    ffmpeg(), *given.split(), *options.split(), "pipe:1", stdin=pipe, stdout=pipe, stderr=pipe
                )
                try:
                    data, complaint = await process.communicate(speech.pcm)
                finally:
                    with suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        except (OSError, RuntimeError, TimeoutError) as error:
            raise Refused(Code.SPEECH_FAILED, f"the speech could not be converted: {error!r}") from error
        if process.returncode:
            raise Refused(Code.SPEECH_FAILED, f"ffmpeg: {complaint.decode(errors='replace').strip()}")
        return data


def wav_header(size: int | None) -> bytes:
    """Return the header of a WAV file with so many bytes of samples; None: nobody knows yet."""
    riff, data = (UNKNOWN_LENGTH, UNKNOWN_LENGTH) if size is None else (36 + size, size)
    rate = WAV_RATE
    return _WAV.pack(b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", data)
