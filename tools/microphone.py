"""What a virtual board makes of what it hears: frames in any codec, and the ways in which they go wrong.

Audio comes in as PCM16LE, mono, 16 kHz.
"""

import struct
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from backend.features.voice.frames import Codec, Flag, Frame, framed
from backend.shell.voice.ffmpeg import ffmpeg

RATE = 16_000
"""Samples a second of what comes in."""

FRAME_MS = 20
"""How much audio is in one frame."""

_MS = 1000
_BYTES_A_MS = {Codec.PCM16_16K: 32, Codec.PCM16_8K: 16, Codec.MULAW_8K: 8}
_FFMPEG: Mapping[Codec, Sequence[str]] = MappingProxyType(
    {
        Codec.PCM16_8K: ("-ar", "8000", "-f", "s16le"),
        Codec.MULAW_8K: ("-ar", "8000", "-f", "mulaw"),
        Codec.OPUS: ("-c:a", "libopus", "-b:a", "24k", "-frame_duration", str(FRAME_MS), "-f", "ogg"),
    }
)
_PAGE = struct.Struct("<4sBBqIIIB")  # of Ogg, RFC 3533
_OGG_HEADERS = 2  # packets: OpusHead and OpusTags


def converted(audio: bytes, given: Sequence[str], wanted: Sequence[str]) -> bytes:
    """Return audio in another form, as options of ffmpeg name both."""
    command = [ffmpeg(), "-hide_banner", "-loglevel", "error", *given, "-i", "-", *wanted, "-"]
    return subprocess.run(command, input=audio, capture_output=True, check=True).stdout


def frames(pcm: bytes, codec: Codec = Codec.PCM16_16K) -> list[Frame]:
    """Return the frames of one turn."""
    return framed(list(_payloads(pcm, codec)), codec)


def _payloads(pcm: bytes, codec: Codec) -> Iterator[bytes]:
    given = ("-f", "s16le", "-ar", str(RATE), "-ac", "1")
    audio = converted(pcm, given, _FFMPEG[codec]) if codec in _FFMPEG else pcm
    if codec is Codec.OPUS:
        yield from list(packets(audio))[_OGG_HEADERS:]
        return
    size = _BYTES_A_MS[codec] * FRAME_MS
    yield from (audio[at : at + size] for at in range(0, len(audio), size))


def packets(ogg: bytes) -> Iterator[bytes]:
    """Yield the packets of an Ogg stream."""
    at, packet = 0, b""
    while at < len(ogg):
        segments = _PAGE.unpack_from(ogg, at)[-1]
        sizes = ogg[at + _PAGE.size : at + _PAGE.size + segments]
        at += _PAGE.size + segments
        for size in sizes:
            packet += ogg[at : at + size]
            at += size
            if size < 255:  # a full segment goes on in the next one
                yield packet
                packet = b""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong between a board and the server, by the numbers of the frames."""

    lost: Collection[int] = ()
    repeated: Collection[int] = ()
    late: Collection[int] = ()
    """These come after their followers."""
    no_end: bool = False
    aborts_after: int | None = None

    def befall(self, sent: Sequence[Frame]) -> list[bytes]:
        """Return what comes through, as it travels."""
        through = list(sent)
        if self.aborts_after is not None:
            through = through[: self.aborts_after]
            through.append(Frame(len(through), Flag.ABORT, sent[0].codec))
        if self.no_end:
            through[-1] = replace(through[-1], flags=through[-1].flags & ~Flag.END)
        for number in sorted(self.late):
            through[number : number + 2] = reversed(through[number : number + 2])
        for frame in [frame for frame in through if frame.seq in self.repeated]:
            through.insert(through.index(frame), frame)
        return [frame.wire() for frame in through if frame.seq not in self.lost]


FAULTLESS = Faults()
