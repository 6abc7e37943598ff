"""What everybody did and saw, as lines of JSON in the order of one clock. Knows nothing of the server.

Each line has ``t`` (seconds since the run began), ``what``, and what belongs to that:

    run                         ``body``: broker, seed and settings
    started, ready, killed      ``who``: a part of the server; ``started`` is the moment before
    connected                   ``who``, ``conn``: a new connection, before it subscribes; not ``clean``: it keeps its
                                MQTT session
    mended                      ``who``: what a kill had broken that is not Talkstick's was mended by hand
    cut                         ``who``: the connection was cut, without a goodbye
    request, reply              ``who`` asked, or was answered, on ``floor``; each time that a request is sent
    document, event, broadcast  what ``who`` heard on ``floor``; ``retained``: as one that was kept; ``{}``: cleared
    sent, data                  a command, or data on a channel, that ``who`` sent
    command                     a command that came to the board ``who``; ``obeyed``: it acted on it
    past                        a session that is over, as the server remembers it in the end
    final                       the document of a floor after all was quiet
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """One line."""

    line: int
    t: float
    what: str
    who: str = ""
    conn: int = 0
    floor: str = ""
    body: Json = field(default_factory=dict)
    retained: bool = False
    clean: bool = True
    obeyed: bool = False

    @property
    def id(self) -> str:
        """Return the id of a request, or of the request that is answered; empty where there is none."""
        return str(self.body.get("id") or "")

    @property
    def code(self) -> str:
        """Return how a request was answered."""
        return str(self.body.get("code", ""))

    @property
    def fence(self) -> int | None:
        """Return the fence that is named, if one is."""
        fence = self.body.get("fence")
        return fence if type(fence) is int else None

    @property
    def holder(self) -> str | None:
        """Return the holder that a document names."""
        holder = self.body.get("holder")
        return holder if isinstance(holder, str) else None


class History:
    """Writes a history."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        self._start = time.monotonic()
        self._connections = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    def note(self, what: str, who: str = "", **more: Any) -> None:
        """Write a line."""
        at = round(time.monotonic() - self._start, 6)
        self._file.write(json.dumps({"t": at, "what": what, "who": who, **more}, separators=(",", ":")) + "\n")

    def connected(self, who: str, *, clean: bool = True) -> int:
        """Note a connection before it subscribes to anything; return its number."""
        self._connections += 1
        self.note("connected", who, conn=self._connections, clean=clean)
        return self._connections


def read(path: Path) -> Iterator[Record]:
    """Return the lines of a history."""
    with path.open() as lines:
        for number, line in enumerate(lines, start=1):
            yield Record(line=number, **json.loads(line))
