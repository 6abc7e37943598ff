"""Puts the frames of one turn in order again: some come twice, some late, and some never."""

from dataclasses import dataclass, field

from backend.features.voice.frames import SEQUENCES, Codec, Flag, Frame

PATIENCE = 16  # frames that may be ahead of a missing one, before it counts as lost
_LONGEST_GAP = 100  # frames that silence stands for; more are only counted
_SILENT = {Codec.PCM16_16K: b"\0", Codec.PCM16_8K: b"\0", Codec.MULAW_8K: b"\xff"}


@dataclass(slots=True)
class Assembly:
    """The frames of one turn so far. ``is_over``: nothing more will come out of it."""

    codec: Codec
    lost: int = 0
    repeated: int = 0
    is_over: bool = False
    _due: int = 0  # which frame is next; counts on where the sequence number wraps
    _ahead: dict[int, Frame] = field(default_factory=dict)
    _last_size: int = 0

    @property
    def waits(self) -> bool:
        """Whether a frame is missing that others are ahead of."""
        return bool(self._ahead)

    def add(self, frame: Frame) -> list[bytes]:
        """Take a frame; return the payloads whose turn it is, silence for those that were lost.

        Of packets (Opus) an empty one stands for one that was lost: the decoder makes something up for it.
        """
        number = self._due + (frame.seq - self._due) % SEQUENCES
        if self.is_over or number - self._due >= SEQUENCES // 2 or number in self._ahead:
            self.repeated += 1
            return []
        self._ahead[number] = frame
        out = self._follow()
        while len(self._ahead) > PATIENCE:
            out += self._skip()
        return out

    def flush(self) -> list[bytes]:
        """Give up waiting for what is missing; return what is there."""
        out: list[bytes] = []
        while self._ahead:
            out += self._skip()
        return out

    def _follow(self) -> list[bytes]:
        """Return the payloads that follow without a gap."""
        out = []
        while not self.is_over and (frame := self._ahead.pop(self._due, None)) is not None:
            self._due += 1
            self.is_over = Flag.END in frame.flags
            if frame.payload:
                self._last_size = len(frame.payload)
                out.append(frame.payload)
        if self.is_over:
            self._ahead.clear()  # a board that sends on after the end
        return out

    def _skip(self) -> list[bytes]:
        """Go on behind the gap."""
        first = min(self._ahead)
        missing = first - self._due
        self.lost += missing
        self._due = first
        gap = min(missing, _LONGEST_GAP)
        if self.codec is Codec.OPUS:
            return [*([b""] * gap), *self._follow()]
        silence = _SILENT.get(self.codec, b"") * (gap * self._last_size)
        return [*([silence] if silence else []), *self._follow()]
