"""Counts turns, and how long people wait for the text and for the answer."""

from collections import Counter
from collections.abc import Mapping

from backend.core.facts import TurnEnded
from backend.core.measures import RequestCount
from backend.shell.meter import Durations


class Tally:
    """What was heard and said since the server started."""

    def __init__(self) -> None:
        self._final = Durations()
        self._first_audio = Durations()
        self._failed: Counter[str] = Counter()

    def add(self, turn: TurnEnded) -> None:
        """Take note of a turn that is over."""
        if turn.final_ms is not None:
            self._final.add(turn.final_ms / 1000)
        if turn.first_audio_ms is not None:
            self._first_audio.add(turn.first_audio_ms / 1000)
        if turn.code is not None:
            self._failed[turn.code.value] += 1

    @property
    def final(self) -> RequestCount:
        """From the end of the audio to the text."""
        return self._final.count()

    @property
    def first_audio(self) -> RequestCount:
        """From the end of the audio, or from the request, to the first frame of the answer."""
        return self._first_audio.count()

    @property
    def failed(self) -> Mapping[str, int]:
        """Turns that failed, by the reason."""
        return dict(self._failed)
