"""The loudspeaker of a virtual board: a small buffer that plays, and notices all that one would hear."""

import asyncio
from dataclasses import dataclass, field

from backend.features.voice.frames import SEQUENCES, Codec, Flag, Frame
from backend.shell.voice.saving import decoded, wav

_BYTES_A_S = {Codec.PCM16_16K: 32_000, Codec.PCM16_8K: 16_000, Codec.MULAW_8K: 8_000}


@dataclass(slots=True)
class Played:
    """What came of one answer. Times by the monotonic clock, in seconds."""

    codec: Codec | None = None
    audio: bytearray = field(default_factory=bytearray, repr=False)
    first_at: float | None = None
    frames: int = 0
    keep_alives: int = 0
    starts: int = 0
    ends: int = 0
    missing: int = 0
    repeated: int = 0
    stale: int = 0
    """Frames of this answer that came when a newer turn had begun already, and were dropped."""
    underruns: int = 0
    """How often there was nothing to play in the middle of the answer, and for how long."""
    silent_s: float = 0.0
    excess_s: float = 0.0
    """How much more came at most than the buffer holds, beside the frame at hand."""
    aborted: bool = False

    def wav(self) -> bytes:
        """Return what was played as a WAV file."""
        return wav(asyncio.run(decoded(bytes(self.audio), self.codec)) if self.codec is not None else b"")


class Loudspeaker:
    """Plays the answer to the newest turn. No I/O, no clock; times in seconds."""

    def __init__(self, buffer_ms: int) -> None:
        self._buffer_s = buffer_ms / 1000
        self._turn = -1
        self._due = 0
        self._dry_at = 0.0
        self._ended = False

    @property
    def plays_until(self) -> float:
        """When there will be nothing to play any more."""
        return self._dry_at

    def hush(self, turn: int) -> None:
        """Play nothing that is older than this turn."""
        if turn > self._turn:
            self._turn = turn
            self._begin()

    def take(self, turn: int, data: bytes, played: Played, now: float) -> None:
        """Take a frame of a turn, and note in *played* what came of it. Raises Refused where it is none."""
        frame = Frame.read(data)
        self.hush(turn)
        if turn < self._turn:
            played.stale += 1
            return
        if self._ended and Flag.START in frame.flags:
            self._begin()  # an announcement has no turn of its own
        is_aborted = Flag.ABORT in frame.flags  # whatever its number is: a server that was killed does not know it
        ahead = 0 if is_aborted else (frame.seq - self._due) % SEQUENCES
        if ahead >= SEQUENCES // 2:
            played.repeated += 1
            return
        self._due = frame.seq + 1
        played.missing += ahead
        played.frames += 1
        played.codec = frame.codec
        played.starts += Flag.START in frame.flags
        self._ended = Flag.END in frame.flags
        played.ends += self._ended
        played.aborted = played.aborted or is_aborted
        if frame.payload:
            self._play(frame, played, now)
        elif not frame.flags:
            played.keep_alives += 1

    def _begin(self) -> None:
        self._due, self._dry_at, self._ended = 0, 0.0, False

    def _play(self, frame: Frame, played: Played, now: float) -> None:
        played.audio += frame.payload
        if played.first_at is None:
            played.first_at = now
        elif self._dry_at < now and frame.codec in _BYTES_A_S:
            played.underruns += 1
            played.silent_s += now - self._dry_at
        lasts_s = len(frame.payload) / _BYTES_A_S.get(frame.codec, 1e9)  # of files nobody knows without decoding them
        self._dry_at = max(now, self._dry_at) + lasts_s
        played.excess_s = max(played.excess_s, self._dry_at - now - self._buffer_s - lasts_s)
