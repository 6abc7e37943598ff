"""How audio travels: small frames with a header of four bytes, so that a board needs no large buffer.

Header: sequence number (u16, big endian), flags (u8), codec (u8). All frames of one turn have the same codec; the first
is 0, and the number wraps.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Self

from backend.core.refusals import EXPLAINED, Code, Refused

_HEADER = struct.Struct(">HBB")
HEADER_BYTES = _HEADER.size
SEQUENCES = 2**16
MAX_FRAME = 16 * 1024  # bytes: more than any board sends at once; 1,400 avoid fragments on Wi-Fi


class Codec(IntEnum):
    """What the payload of a frame is; `CODECS` explains. Numbers are part of the contract."""

    PCM16_16K = 0
    PCM16_8K = 1
    MULAW_8K = 2
    OPUS = 3
    MP3 = 4
    WAV = 5


CODECS: Mapping[Codec, str] = {
    Codec.PCM16_16K: "PCM: signed 16 bits, little endian, mono, 16 kHz",
    Codec.PCM16_8K: "the same at 8 kHz",
    Codec.MULAW_8K: "mu-law (G.711), mono, 8 kHz",
    Codec.OPUS: "one Opus packet in each frame",
    Codec.MP3: "a piece of an MP3 stream",
    Codec.WAV: "a piece of a WAV file",
}
HEARD = frozenset({Codec.PCM16_16K, Codec.PCM16_8K, Codec.MULAW_8K, Codec.OPUS})
SPOKEN = frozenset(Codec) - {Codec.OPUS}


class Flag(IntFlag):
    """What a frame says of its turn; `FLAGS` explains."""

    START = 1
    END = 2
    ABORT = 4


FLAGS: Mapping[Flag, str] = {
    Flag.START: "the first frame of the turn",
    Flag.END: "the last one",
    Flag.ABORT: "whoever sends it gives the turn up",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of the audio of a turn. Without payload it keeps the turn alive, or says how it ends."""

    seq: int
    flags: Flag
    codec: Codec
    payload: bytes = b""

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Return the frame in *data*. Raises Refused: ``bad_frame`` or ``unknown_codec``."""
        if not HEADER_BYTES <= len(data) <= MAX_FRAME:
            raise Refused(Code.BAD_FRAME, f"a frame has {HEADER_BYTES} to {MAX_FRAME} bytes, not {len(data)}")
        seq, flags, codec = _HEADER.unpack_from(data)
        try:
            return cls(seq, Flag(flags & 7), Codec(codec), data[HEADER_BYTES:])
        except ValueError:
            raise Refused(Code.UNKNOWN_CODEC, f"{EXPLAINED[Code.UNKNOWN_CODEC]}: {codec}") from None

    def wire(self) -> bytes:
        """Return the frame as it travels."""
        return _HEADER.pack(self.seq % SEQUENCES, self.flags, self.codec) + self.payload


def framed(payloads: Sequence[bytes], codec: Codec) -> list[Frame]:
    """Return the frames of one turn."""
    last = len(payloads) - 1
    return [
        Frame(number, Flag((number == 0) * Flag.START | (number == last) * Flag.END), codec, payload)
        for number, payload in enumerate(payloads)
    ]
