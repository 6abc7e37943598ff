"""Transcripts as Python reads them: what happens to a board, what it does, and what others do meanwhile."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "schemas" / "transcripts"

_EVENT = re.compile(r"@(?P<ms>\d+) (?P<name>!?\w+) ?(?P<rest>.*)")
_CONNECT = re.compile(r"connect (?P<topic>\S+) (?P<payload>.*)")
_SUBSCRIBE = re.compile(r"subscribe (?P<qos>\d) (?P<topic>\S+)")
_PUBLISH = re.compile(r"publish (?P<qos>\d)(?P<retained> retained)? (?P<topic>\S+) (?P<payload>.*)")
_MESSAGE = re.compile(r"(?P<retained>retained )?(?P<topic>\S+) ?(?P<payload>.*)")


class NotATranscript(ValueError):  # noqa: N818 - it says what it is
    """A line is not of the format."""


@dataclass(frozen=True)
class Packet:
    """A message, or the last will, as a line tells it."""

    topic: str
    payload: bytes = b""
    retained: bool = False
    qos: int = 0

    @property
    def text(self) -> str:
        """Return it as a transcript has it behind `message`."""
        retained = "retained " if self.retained else ""
        return f"{retained}{self.topic} {payload_text(self.payload)}".rstrip()


@dataclass(frozen=True)
class Line:
    """One line within a moment: an action of the board, or (``aside``) what happens elsewhere."""

    number: int
    text: str
    aside: bool

    @property
    def verb(self) -> str:
        """Return its first word."""
        return self.text.partition(" ")[0]

    @property
    def rest(self) -> str:
        """Return what follows the first word."""
        return self.text.partition(" ")[2]

    def packet(self) -> Packet:
        """Return what the board sends, or the filter that it subscribes to. Raises NotATranscript."""
        found = {"connect": _CONNECT, "subscribe": _SUBSCRIBE, "publish": _PUBLISH}[self.verb].fullmatch(self.text)
        if found is None:
            raise NotATranscript(self.text)
        parts = found.groupdict()
        payload = payload_of(parts.get("payload", ""))
        return Packet(parts["topic"], payload, parts.get("retained") is not None, int(parts.get("qos") or 1))


@dataclass(frozen=True)
class Moment:
    """An event, and the lines below it."""

    number: int
    ms: int
    name: str
    rest: str
    lines: list[Line] = field(default_factory=list)

    def message(self) -> Packet:
        """Return the message of an event `message`. Raises NotATranscript."""
        found = _MESSAGE.fullmatch(self.rest)
        if found is None:
            raise NotATranscript(self.rest)
        return Packet(found["topic"], payload_of(found["payload"]), found["retained"] is not None)

    @property
    def noted(self) -> str | None:
        """Return the reason code that the board notes first, if it notes one."""
        return next((line.rest.split(" ")[0] for line in self.lines if line.verb == "note"), None)


@dataclass(frozen=True)
class Transcript:
    """A whole transcript. ``traits`` of the board are by name; those without a value are True.

    ``claims``: the board has no id yet, but a claim code, which stands for it. ``setup``: asides before all events.
    """

    path: Path
    claims: bool
    device: str
    traits: dict[str, Any]
    setup: list[Line]
    moments: list[Moment]


def read(path: Path) -> Transcript:
    """Return a transcript. Raises NotATranscript."""
    return parse(path, path.read_text())


def parse(path: Path, text: str) -> Transcript:
    """Return the transcript in *text*. Raises NotATranscript."""
    about, setup, moments = list[str](), list[Line](), list[Moment]()
    for number, line in _lines(text):
        aside = Line(number, line.lstrip(" ~"), line.lstrip().startswith("~"))
        if line.startswith(("device ", "claim ")):
            about = line.split()
        elif line.startswith("@"):
            moments.append(_moment(number, line))
        elif moments or aside.aside:
            (moments[-1].lines if moments else setup).append(aside)
        else:
            raise NotATranscript(f"{path.name}:{number}: {line}")
    if len(about) < 2 or not moments:
        raise NotATranscript(f"{path.name}: nothing happens")
    traits = {name: value or True for name, _equals, value in (each.partition("=") for each in about[2:])}
    return Transcript(path, about[0] == "claim", about[1], traits, setup, moments)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def _moment(number: int, line: str) -> Moment:
    found = _EVENT.fullmatch(line)
    if found is None:
        raise NotATranscript(f"line {number}: {line}")
    return Moment(number, int(found["ms"]), found["name"], found["rest"])


def payload_of(text: str) -> bytes:
    """Return the bytes that a transcript tells. Raises NotATranscript."""
    if not text.startswith("hex:"):
        return text.encode()
    try:
        return bytes.fromhex(text.removeprefix("hex:"))
    except ValueError as error:
        raise NotATranscript(text) from error


def payload_text(payload: bytes) -> str:
    """Return bytes as a transcript tells them."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return f"hex:{payload.hex()}"
    is_seen = all(character >= " " and character != "\x7f" for character in text)
    return text if is_seen and not text.startswith("hex:") else f"hex:{payload.hex()}"
