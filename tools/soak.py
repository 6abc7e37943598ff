"""An hour with a thousand boards: does the server's memory stay flat? Writes a line a minute, and a verdict."""

import asyncio
import csv
import secrets
import shutil
import signal
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from backend.core.principals import Principal, Role
from backend.shell.accounts import Accounts
from backend.shell.database import open_database
from tools.actor import Login
from tools.crowd import Board, Member, Observer, Person, Seen, live_until
from tools.ports import HOST
from tools.process import Cost, cost
from tools.server import Server, ServerError

_PEOPLE = 8
_CONNECTING_AT_ONCE = 20
_FLAT_KIB = 2048.0  # an hour: two bytes kept of each message would already be more
_LONG_ENOUGH = 30.0  # minutes: until then caches fill
_EMPTY_WITHIN_S = 60.0
_DATABASE_FILES = 32


@dataclass(frozen=True, slots=True)
class Line:
    """One minute. Memory in KiB, waits from claim to grant in ms; messages and what follows count this minute only."""

    minute: float
    resident: int
    files: int
    connections: int
    cpu_percent: float
    messages: int
    logins: int
    claims: int
    p50_ms: float
    p99_ms: float
    refused: int
    errors: int


class Watch:
    """Looks at the server once a minute and writes a line."""

    def __init__(self, server: Server, seen: Seen, path: Path, every_s: float) -> None:
        self.lines: list[Line] = []
        self._server = server
        self._seen = seen
        self._path = path
        self._every_s = every_s
        self._before = (0, 0, 0, 0)
        self._cpu_s = cost(server.pid).cpu_s

    async def run(self, minutes: float, check: Callable[[], None]) -> None:
        """Write a line a minute. Raises ServerError where the server ended."""
        start, number = time.monotonic(), 0
        with self._path.open("w", newline="") as file:
            lines = csv.DictWriter(file, list(Line.__dataclass_fields__))
            lines.writeheader()
            while number * self._every_s < minutes * 60:
                number += 1
                await asyncio.sleep(start + number * self._every_s - time.monotonic())
                check()
                self.lines.append(line := self._line((time.monotonic() - start) / 60))
                lines.writerow(asdict(line))
                file.flush()
                click.echo("  ".join(f"{key} {value}" for key, value in asdict(line).items()))

    def _line(self, minute: float) -> Line:
        now, seen = cost(self._server.pid), self._seen
        waits, seen.waits = sorted(seen.waits), []
        counts = (
            seen.published + seen.heard,
            seen.logins,
            sum(seen.refused.values()),
            sum(seen.errors.values()),
        )
        messages, logins, refused, errors = (new - old for new, old in zip(counts, self._before, strict=True))
        cpu_percent, self._before, self._cpu_s = (now.cpu_s - self._cpu_s) / self._every_s * 100, counts, now.cpu_s
        return Line(
            minute=round(minute, 2),
            resident=now.resident,
            files=now.files,
            connections=now.connections,
            cpu_percent=round(cpu_percent, 1),
            messages=messages,
            logins=logins,
            claims=len(waits),
            p50_ms=round(statistics.median(waits) * 1000, 2) if waits else 0.0,
            p99_ms=round(waits[int(len(waits) * 0.99)] * 1000, 2) if waits else 0.0,
            refused=refused,
            errors=errors,
        )


def slope(lines: Sequence[Line]) -> float:
    """Return how memory grows, by least squares, in KiB an hour."""
    minutes = [line.minute for line in lines]
    return statistics.linear_regression(minutes, [line.resident for line in lines]).slope * 60


def _grown(lines: Sequence[Line], share: int) -> str:
    """Tell how memory grew after the first *share*th of the lines; the second half is what counts."""
    late = lines[len(lines) // share :]
    if len(late) < 3:
        return "Too short to tell how memory grows."
    grown, since = slope(late), lines[len(lines) // share - 1].minute if len(lines) >= share else 0.0
    told = f"Memory after minute {since:g}: {grown:+.0f} KiB an hour"
    if share != 2 or lines[-1].minute < _LONG_ENOUGH:
        return f"{told}."
    return f"{told}: {'flat' if grown <= _FLAT_KIB else 'NOT flat'} (bar {_FLAT_KIB:+.0f})."


def report(lines: Sequence[Line], seen: Seen, log: Path) -> str:
    """Return the lines as a table, what they mean, and what went wrong, in Markdown."""
    heads = list(Line.__dataclass_fields__)
    rows = [heads, ["---:"] * len(heads), *([str(value) for value in asdict(line).values()] for line in lines)]
    told = ["| " + " | ".join(row) + " |" for row in rows]
    told += ["", *(_grown(lines, share) for share in (10, 2))]
    bad = [text for text in log.read_text(errors="replace").splitlines() if "Traceback" in text or " ERROR " in text]
    told.append(f"Answers: {_counts(seen.codes)}. Refused: {_counts(seen.refused)}. Errors: {_counts(seen.errors)}.")
    told.append(f"Lines of the server's log with an error: {len(bad)}.")
    return "\n".join([*told, *bad[:5], ""])


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(counted.items())) or "none"


def provision(data: Path, port: int, names: Sequence[str], role: Role) -> list[Login]:
    """Make accounts straight in the database; a thousand commands would take minutes."""
    database = open_database(data)
    accounts, logins = Accounts(database), []
    for name in names:
        login = Login(name, secrets.token_urlsafe(16), HOST, port)
        accounts.add(Principal(name, role, name), login.password, time.time(), generated=True)
        logins.append(login)
    database.dispose()
    return logins


def crowd(data: Path, port: int, devices: int, seen: Seen) -> list[Member]:
    """Return boards, people, and one who watches."""
    gate = asyncio.Semaphore(_CONNECTING_AT_ONCE)
    boards = provision(data, port, [f"board-{number}" for number in range(devices)], Role.DEVICE)
    people = provision(data, port, [f"person-{number}" for number in range(_PEOPLE)], Role.USER)
    observer = provision(data, port, ["observer"], Role.USER)
    names = [login.name for login in boards]
    return [
        *(Board(login, seen, gate, number) for number, login in enumerate(boards)),
        *(Person(login, seen, gate, names) for login in people),
        *(Observer(login, seen, gate) for login in observer),
    ]


async def _emptied(server: Server, before: Cost) -> str:
    """Wait until the server has let go of everybody; tell what is left. The database keeps some files of its own."""
    until = time.monotonic() + _EMPTY_WITHIN_S
    while (now := cost(server.pid)).files > before.files + _DATABASE_FILES and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(1)  # another process tells nobody
    return (
        f"All gone: {now.connections} connections ({before.connections} before), {now.files} open files "
        f"({before.files} before), {now.resident} KiB."
    )


async def soak(server: Server, devices: int, minutes: float, every_s: float) -> bool:
    """Run it; tell whether the server lived through it."""
    out, seen, over = server.log.parent.parent, Seen(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    server.provision([])
    members = crowd(server.log.parent, server.port, devices, seen)
    with server.serving() as check:
        before, lived = cost(server.pid), False
        watch = Watch(server, seen, out / "soak.csv", every_s)
        click.echo(f"{devices} boards, {_PEOPLE} people, {minutes:g} minutes; lines in {out / 'soak.csv'}")
        try:
            await live_until(over, members, lambda: watch.run(minutes, check))
            last, lived = await _emptied(server, before), True
        except (ServerError, ProcessLookupError) as error:
            last = f"The server ended: {error}"
    told = report(watch.lines, seen, server.log) + last + "\n"
    (out / "soak.md").write_text(told)
    click.echo(told)
    return lived


@click.command()
@click.option("--devices", default=1000, show_default=True, help="How many boards.")
@click.option("--minutes", default=60.0, show_default=True, help="How long.")
@click.option("--every", "every_s", default=60.0, show_default=True, help="Seconds between two lines.")
@click.option("--port", default=18880, show_default=True, help="Where the server listens; the next port, too.")
@click.option("--out", default="build/soak", show_default=True, type=click.Path(path_type=Path), help="For results.")
def main(devices: int, minutes: float, every_s: float, port: int, out: Path) -> None:
    """Run the server with many boards and a few people, and tell whether its memory stays flat.

    Caches of topics and of answers fill for the first half hour, so the second half of an hour counts.
    """
    data = out / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, mode=0o700)
    if not asyncio.run(soak(Server(data, port), devices, minutes, every_s)):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
