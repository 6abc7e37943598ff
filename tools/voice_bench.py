"""How long a conversation takes, measured at a board, and how many of them a server bears at once."""

import queue
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from tools.ports import free_port
from tools.satellite import Satellite, Talk
from tools.server import ServerError
from tools.voice_party import Guest, Owner, hosted

_FINAL_MS, _FIRST_AUDIO_MS, _CACHED_MS = 100.0, 300.0, 20.0  # the bars
_STILL_GOOD_MS = 300.0  # until the final text, while others talk
_SENTENCE = "who has the printer"
_LONG = " ".join(["who has the printer", "what time is it", "how is the scale"] * 5)
_CROWDS = (1, 2, 4, 6, 8, 12, 16, 20, 24, 32)
_ROUNDS = 3  # of each crowd
_LONG_TURNS = 5
_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Waits:
    """How long something took, in ms."""

    each: Sequence[float]

    def percentile(self, share: float) -> float:
        """Return the smallest wait that was enough for this share of all."""
        return sorted(self.each)[min(len(self.each) - 1, int(len(self.each) * share))]

    def line(self, name: str, bar: float | None = None) -> str:
        """Return a line of the report."""
        beside = f"   bar {bar:.0f} ms" if bar is not None else ""
        median = statistics.median(self.each)
        return f"{name:44} p50 {median:7.1f} ms   p95 {self.percentile(0.95):7.1f} ms{beside}"


def waits(talks: Sequence[Talk], name: str) -> Waits:
    """Return how long after the end of the audio something came. Raises ValueError where a turn failed."""
    found = [talk.figures[name] for talk in talks]
    if any(talk.code is not None for talk in talks) or None in found:
        raise ValueError("; ".join(talk.line() for talk in talks if talk.code is not None) or f"no {name}")
    return Waits([ms for ms in found if ms is not None])


@contextmanager
def boards(guests: Sequence[Guest]) -> Iterator[Sequence[Satellite]]:
    """Connect boards."""
    with ExitStack() as stack:
        made = [stack.enter_context(Satellite(guest.board, boots=guest.boots)) for guest in guests]
        for board in made:
            board.connected.wait(_WITHIN_S)
        yield made


def alone(board: Satellite, guest: Guest, turns: int) -> Iterator[str]:
    """Measure one board that has the server for itself."""
    with Owner(guest.owner, guest.board.name) as owner:
        owner.connected.wait(_WITHIN_S)
        board.converse(_SENTENCE, _WITHIN_S)  # processes start with the first answer
        fresh, cached = [], []
        for _ in range(turns):
            owner.ask("forget")
            fresh.append(board.converse(_SENTENCE, _WITHIN_S))
            cached.append(board.converse(_SENTENCE, _WITHIN_S))
    yield waits([*fresh, *cached], "final").line("end of speech -> final text", _FINAL_MS)
    yield waits(fresh, "first_audio").line("end of speech -> first audio, uncached", _FIRST_AUDIO_MS)
    yield waits(cached, "first_audio").line("end of speech -> first audio, cached", None)
    yield Waits([_answered_after(talk) for talk in cached]).line("final text -> first audio, cached", _CACHED_MS)


def _answered_after(talk: Talk) -> float:
    if talk.final_at is None or talk.played.first_at is None:
        raise ValueError(talk.line())
    return (talk.played.first_at - talk.final_at) * 1000


def at_full_speed(board: Satellite, turns: int) -> Iterator[str]:
    """Measure how fast audio is heard that comes as fast as it can."""
    audio, factors = board.spoken(_LONG), []
    board.pace = 0.0
    for _ in range(turns):
        talk = board.stream(audio).wait(_WITHIN_S)
        factors.append(waits([talk], "final").each[0] / (len(audio) / 32))
    board.pace = 1.0
    seconds = len(audio) / 32_000
    yield f"{'real-time factor, one stream':44} {statistics.median(factors):.4f}   ({seconds:.1f} s of speech)"


def together(everybody: Sequence[Satellite]) -> Iterator[str]:
    """Measure more and more boards that are talked to in the same moment, until it takes too long."""
    audio, good = everybody[0].spoken(_SENTENCE), 0
    for number in [each for each in _CROWDS if each <= len(everybody)]:
        talks = [talk for _ in range(_ROUNDS) for talk in _all_at_once(everybody[:number], audio)]
        found = waits(talks, "final")
        silent = sum(talk.played.underruns for talk in talks)
        yield f"{found.line(f'{number:3} at once: end of speech -> final text')}   underruns {silent}"
        if found.percentile(0.95) > _STILL_GOOD_MS:
            break
        good = number
    yield f"{'as many at once, final text within 300 ms':44} {good}"


def _all_at_once(everybody: Sequence[Satellite], audio: bytes) -> list[Talk]:
    talks = [board.stream(audio) for board in everybody]
    return [talk.wait(_WITHIN_S) for talk in talks]


def crowded(guests: Sequence[Guest], places: int) -> Iterator[str]:
    """Measure more boards than the server hears at once: all are told their place, and answered."""
    with boards(guests) as everybody:
        talks = _all_at_once(everybody, everybody[0].spoken(_SENTENCE))
    told = sorted(first["position"] for talk in talks if (first := talk.first("busy")) is not None)
    answered = sum(talk.code is None for talk in talks)
    if answered != len(guests) or told != list(range(1, len(guests) - places + 1)):
        raise ValueError(f"{answered} of {len(guests)} answered, and told their places: {told}")
    yield f"{f'{len(guests)} at once with room for {places}':44} all answered; places told: {told}"


def measure(data: Path, turns: int, most: int, show: Callable[[str], None]) -> None:
    """Run everything. Raises ServerError, TimeoutError, ValueError."""
    with hosted(data / "one", free_port(), most, voice_turns=most) as (_server, guests), boards(guests) as everybody:
        board = everybody[0]
        for lines in (alone(board, guests[0], turns), at_full_speed(board, _LONG_TURNS), together(everybody)):
            for line in lines:
                show(line)
    with hosted(data / "two", free_port(), 6, voice_turns=2) as (_server, guests):
        for line in crowded(guests, 2):
            show(line)


@click.command()
@click.option("--turns", default=20, show_default=True, help="How often each wait is measured.")
@click.option("--most", default=_CROWDS[-1], show_default=True, help="How many boards at once, at most.")
def main(turns: int, most: int) -> None:
    """Measure conversations, with real speech, on a server of their own; boards and server share this machine."""
    with tempfile.TemporaryDirectory(prefix="talkstick-voice-") as data:
        try:
            measure(Path(data), turns, most, click.echo)
        except (ServerError, TimeoutError, ValueError, queue.Empty) as error:
            raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
