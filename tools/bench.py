"""Measure what a person feels: claim to grant, durable, against a bare MQTT echo over the same broker; and cycles.

Both brokers run at once and are measured in turns, so that what disturbs the machine disturbs both. The server has a
core of its own where there are two; the clients, which are the same for both, have another.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from sqlmodel import Session

from backend.core.principals import Role
from backend.features.directory.feature import AccountRow
from backend.shell import verifier
from backend.shell.database import open_database
from tools import brokers
from tools.actor import Login
from tools.brokers import embedded
from tools.lean import LeanClient
from tools.ports import free_port
from tools.process import cpu_s, pin
from tools.server import Server

RATE = 100.0  # requests a second
CLIENTS = 100
BOUNDLESS = 10**9  # claims a minute of one account: here alice has every board
MOST_RATIO, MOST_P99_MS, LEAST_CYCLES = 1.5, 10.0, 1000.0  # the bars


class Caller:
    """Sends one message, and measures until the answer is there."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[bytes] | None = None
        self.client: LeanClient | None = None

    def heard(self, _topic: str, payload: bytes) -> None:
        """Take an answer."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(payload)

    async def call(self, topic: str, payload: bytes) -> tuple[float, bytes]:
        """Return how many seconds the answer took, and the answer."""
        if self.client is None:
            raise RuntimeError("not connected")
        self._waiting = asyncio.get_running_loop().create_future()
        start = time.perf_counter()
        self.client.publish(topic, payload)
        async with asyncio.timeout(30):
            answer = await self._waiting
        return time.perf_counter() - start, answer


Call = Callable[[], Awaitable[float]]


async def paced(call: Call, seconds: float) -> list[float]:
    """Call at a steady rate; return the seconds that each took."""
    start, taken = time.perf_counter(), []
    for number in range(int(RATE * seconds)):
        await asyncio.sleep(max(0.0, start + number / RATE - time.perf_counter()))
        taken.append(await call())
    return taken


async def echo(port: int) -> Call:
    """Return request and answer between two clients of the bare broker, QoS 1."""
    caller = Caller()
    caller.client = await LeanClient.connect(port, "a", "a", caller.heard)
    answering = await LeanClient.connect(port, "b", "b", lambda _topic, payload: answering.publish("reply", payload))
    await caller.client.subscribe("reply")
    await answering.subscribe("request")
    payload = json.dumps({"id": "c1", "action": "claim", "pad": "x" * 60}).encode()

    async def call() -> float:
        return (await caller.call("request", payload))[0]

    return call


class Claimant:
    """Somebody with a device of its own to claim."""

    def __init__(self, caller: Caller, device: str, name: str) -> None:
        self._caller = caller
        self._device = device
        self._name = name
        self._number = 0

    @classmethod
    async def connected(cls, person: Login, board: Login) -> "Claimant":
        """Connect the person and the board."""
        device = await LeanClient.connect(board.port, board.name, board.password)
        device.publish(f"devices/{board.name}/status", b'{"state":"online","boot":1}')
        caller = Caller()
        caller.client = await LeanClient.connect(person.port, person.name, person.password, caller.heard)
        await caller.client.subscribe(f"devices/{board.name}/session/reply/{person.name}")
        return cls(caller, board.name, person.name)

    async def _ask(self, action: str) -> float:
        """Ask, and insist on a yes; return how many seconds it took."""
        self._number += 1
        body = json.dumps({"id": f"c{self._number}", "action": action}).encode()
        taken, answer = await self._caller.call(f"devices/{self._device}/session/request/{self._name}", body)
        if not json.loads(answer)["ok"]:
            raise RuntimeError(answer.decode())
        return taken

    async def cycle(self) -> float:
        """Claim and release; return how many seconds the claim took."""
        taken = await self._ask("claim")
        await self._ask("release")
        return taken


async def cycles(claimants: Sequence[Claimant], seconds: float) -> int:
    """Let all claim and release as fast as they can; return how many cycles they came to."""
    end = time.perf_counter() + seconds

    async def work(claimant: Claimant) -> int:
        number = 0
        while time.perf_counter() < end:
            await claimant.cycle()
            number += 1
        return number

    return sum(await asyncio.gather(*(work(claimant) for claimant in claimants)))


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured at about the same time: seconds of each call, cycles a second, and a second of CPU time."""

    echo: Sequence[float]
    claim: Sequence[float]
    cycles: float
    cycles_per_cpu_s: float

    @property
    def ratio(self) -> float:
        """Return the median claim in median echoes."""
        return statistics.median(self.claim) / statistics.median(self.echo)


async def _measured(bare: int, server: int, claimants: Sequence[tuple[Login, Login]], size: "Size") -> list[Round]:
    call = await echo(bare)
    people = [await Claimant.connected(person, board) for person, board in claimants]
    await asyncio.sleep(1)  # the boards are online
    rounds = []
    for _ in range(size.rounds):
        echoes, claims = await paced(call, size.seconds), await paced(people[0].cycle, size.seconds)
        cpu, start = cpu_s(server), time.perf_counter()
        done = await cycles(people, size.seconds)
        rounds.append(
            Round(echoes, claims, done / (time.perf_counter() - start), done / max(0.01, cpu_s(server) - cpu))
        )
    return rounds


@dataclass(frozen=True, slots=True)
class Size:
    """How many rounds, and how many seconds each measure takes in one."""

    rounds: int
    seconds: float


def report(rounds: Sequence[Round]) -> Iterator[str]:
    """Return the lines to print: medians over the rounds, with the lowest and the highest, and whether bars are met."""
    p99s = [p99(each.claim) for each in rounds]
    for what, runs in (("bare echo, QoS 1", [e.echo for e in rounds]), ("claim to grant", [e.claim for e in rounds])):
        medians = [statistics.median(taken) * 1000 for taken in runs]
        yield f"{what:34} p50 {_spread(medians, '.2f')} ms   p99 {_spread([p99(taken) for taken in runs], '.2f')} ms"
    yield _judged("claim to grant / bare echo, p50", [each.ratio for each in rounds], ".2f", most=MOST_RATIO)
    yield _judged(f"claim to grant, p99 at {RATE:.0f}/s (ms)", p99s, ".1f", most=MOST_P99_MS)
    yield _judged(f"cycles/s, {CLIENTS} clients", [each.cycles for each in rounds], ".0f", least=LEAST_CYCLES)
    yield f"{'cycles a second of CPU time':34} {_spread([each.cycles_per_cpu_s for each in rounds], '.0f')}"


def p99(taken: Sequence[float]) -> float:
    """Return what 99 of 100 took at most, in milliseconds."""
    return sorted(taken)[int(len(taken) * 0.99)] * 1000


def _spread(figures: Sequence[float], form: str) -> str:
    return f"{statistics.median(figures):{form}} ({min(figures):{form}} to {max(figures):{form}})"


def _judged(what: str, figures: Sequence[float], form: str, *, most: float = float("inf"), least: float = 0.0) -> str:
    bar = f"at most {most:{form}}" if least == 0.0 else f"at least {least:{form}}"
    passed = least <= statistics.median(figures) <= most
    return f"{what:34} {_spread(figures, form)}, {bar}: {'PASS' if passed else 'FAIL'}"


def accounts(data: Path, names: Sequence[str], role: Role, port: int) -> list[Login]:
    """Make accounts straight in the database; ten thousand commands would take hours."""
    stored, now = verifier.made("bench", generated=True), time.time()
    rows = [
        AccountRow(name=name, role=role.value, display_name=name, verifier=stored, created_at=now) for name in names
    ]
    with Session(open_database(data)) as session, session.begin():
        session.add_all(rows)
    return [Login(name, "bench", "127.0.0.1", port) for name in names]


def provisioned(folder: Path, devices: int) -> tuple[Server, list[tuple[Login, Login]]]:
    """Return a server that does not run yet, and who has which board."""
    own = {"requests_per_minute": BOUNDLESS, "claims_per_minute": BOUNDLESS, "ws_port": 0}
    server = Server(folder, free_port(), own)
    server.provision([])
    person = accounts(folder, ["alice"], Role.USER, server.port)[0]
    boards = accounts(folder, [f"board-{number}" for number in range(devices)], Role.DEVICE, server.port)
    return server, [(person, board) for board in boards]


@click.command()
@click.option("--rounds", default=5, show_default=True, help="So often everything is measured.")
@click.option("--seconds", default=3.0, show_default=True, help="So long each measure takes in a round.")
def main(*, rounds: int, seconds: float) -> None:
    """Print claim to grant against a bare echo, and cycles per second, with their bars."""
    with tempfile.TemporaryDirectory(prefix="talkstick-bench-") as folder, embedded(Path(folder)) as bare:
        data = Path(folder) / "data"
        data.mkdir()
        server, claimants = provisioned(data, CLIENTS)
        with server.serving():
            for pid, core in ((bare.pid, 0), (server.pid, 0), (os.getpid(), 1)):
                pin(pid, core)
            found = brokers.run(_measured(bare.port, server.pid, claimants, Size(rounds, seconds)))
    click.echo("\n".join(report(found)))


if __name__ == "__main__":
    main()
