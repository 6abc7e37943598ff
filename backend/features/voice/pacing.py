"""When which frame of an answer goes out: soon enough that it never stops, and never more than the device can keep.

All points in time and lengths are in seconds.
"""

from collections import deque

from backend.features.voice.frames import HEADER_BYTES, SEQUENCES, Codec, Flag, Frame

KEEP_ALIVE_S = 0.5
"""After so long without a frame an empty one is sent, so that nobody takes the turn for dead."""

_BURST, _BURST_S = 128, 0.1
"""So many frames go out in so many seconds: a broker keeps no more than some hundred for a slow board."""
_FILLED = 0.8  # of the device's buffer: it may begin to play a little later than we think


class Pacer:
    """Cuts the audio of one turn into frames, and tells when they are due.

    The device is taken to play from the first frame on. Its buffer is filled at once, and then kept full; a frame that
    is longer than half of it is sent when the buffer is half empty. A frame has at most *frame_bytes* with its header.
    """

    def __init__(self, codec: Codec, frame_bytes: int, buffer_ms: int, now: float) -> None:
        self._codec = codec
        self._most = max(2, (frame_bytes - HEADER_BYTES) & ~1)  # whole samples
        self._buffer_s = buffer_ms / 1000 * _FILLED
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._ended = False
        self._over = False
        self._seq = 0
        self._sent_at = now
        self._burst_at, self._in_burst = now, 0
        self._plays_until = now
        self._sent_s = 0.0

    @property
    def over(self) -> bool:
        """Whether the last frame was due."""
        return self._over

    @property
    def frames(self) -> int:
        """How many frames were due so far."""
        return self._seq

    @property
    def sent_s(self) -> float:
        """How much audio was due so far."""
        return self._sent_s

    @property
    def plays_until(self) -> float:
        """When the device will have played what was due so far."""
        return self._plays_until

    def add(self, data: bytes, seconds: float) -> None:
        """Take more of the audio, which sounds so long."""
        for at in range(0, len(data), self._most):
            payload = data[at : at + self._most]
            self._waiting.append((payload, seconds * len(payload) / len(data)))

    def end(self) -> None:
        """Say that this was all."""
        self._ended = True

    def due(self, now: float) -> list[Frame]:
        """Return what is to be sent now."""
        frames: list[Frame] = []
        while not self._over and self.deadline() <= now:
            payload, seconds = self._waiting.popleft() if self._may_play(now) else (b"", 0.0)
            self._plays_until = max(self._plays_until, now) + seconds
            self._sent_at = now
            self._sent_s += seconds
            self._count(now)
            self._over = self._ended and not self._waiting
            frames.append(self._frame(Flag.END if self._over else Flag(0), payload))
        return frames

    def deadline(self) -> float:
        """Return when something is due the next time; never, if it is over."""
        if self._over:
            return float("inf")
        alive = self._sent_at + KEEP_ALIVE_S
        if self._waiting:
            return min(alive, self._may_play_at())
        return self._sent_at if self._ended else alive

    def _may_play(self, now: float) -> bool:
        return bool(self._waiting) and self._may_play_at() <= now

    def _count(self, now: float) -> None:
        if now >= self._burst_at + _BURST_S:
            self._burst_at, self._in_burst = now, 0
        self._in_burst += 1

    def _may_play_at(self) -> float:
        """Return when the next frame may go: there is room for it, and it is not one too many at a time."""
        room = self._room_at()
        return room if self._in_burst < _BURST else max(room, self._burst_at + _BURST_S)

    def _room_at(self) -> float:
        """Return when the device has room for the next frame."""
        _payload, seconds = self._waiting[0]
        return self._plays_until - max(self._buffer_s - seconds, self._buffer_s / 2)

    def _frame(self, flags: Flag, payload: bytes = b"") -> Frame:
        start = Flag(0) if self._seq else Flag.START
        frame = Frame(self._seq % SEQUENCES, flags | start, self._codec, payload)
        self._seq += 1
        return frame
