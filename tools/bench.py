"""Measure what a person feels: claim to grant, durable, against a bare MQTT echo over the same broker; and cycles.

Both numbers of a ratio come from one run on one machine. Run it on a quiet one.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from backend.core.principals import Principal, Role
from backend.shell.accounts import Accounts
from backend.shell.database import open_database
from tools.actor import Login
from tools.brokers import embedded
from tools.lean import LeanClient
from tools.server import Server

PORT = 18850
RATE = 100.0  # requests a second
SECONDS = 10.0
CLIENTS = 100


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


async def _paced(call: Callable[[int], Awaitable[float]]) -> list[float]:
    """Call at a steady rate; return the seconds that each took."""
    start, taken = time.perf_counter(), []
    for number in range(int(RATE * SECONDS)):
        await asyncio.sleep(max(0.0, start + number / RATE - time.perf_counter()))
        taken.append(await call(number))
    return taken


async def echo(port: int) -> list[float]:
    """Measure request and answer between two clients of the bare broker, QoS 1."""
    caller = Caller()
    caller.client = await LeanClient.connect(port, "a", "a", caller.heard)
    answering = await LeanClient.connect(port, "b", "b", lambda _topic, payload: answering.publish("reply", payload))
    await caller.client.subscribe("reply")
    await answering.subscribe("request")
    payload = json.dumps({"id": "c1", "action": "claim", "pad": "x" * 60}).encode()

    async def call(_number: int) -> float:
        return (await caller.call("request", payload))[0]

    return await _paced(call)


@dataclass(frozen=True, slots=True)
class Claimant:
    """Somebody with a device of its own to claim."""

    caller: Caller
    device: str
    name: str

    async def ask(self, action: str, number: int) -> float:
        """Ask, and insist on a yes; return how many seconds it took."""
        body = json.dumps({"id": f"{action}{number}", "action": action}).encode()
        taken, answer = await self.caller.call(f"devices/{self.device}/session/request/{self.name}", body)
        if not json.loads(answer)["ok"]:
            raise RuntimeError(answer.decode())
        return taken


async def _claimant(person: Login, board: Login) -> Claimant:
    device = await LeanClient.connect(board.port, board.name, board.password)
    device.publish(f"devices/{board.name}/status", b'{"state":"online","boot":1}')
    caller = Caller()
    caller.client = await LeanClient.connect(person.port, person.name, person.password, caller.heard)
    await caller.client.subscribe(f"devices/{board.name}/session/reply/{person.name}")
    return Claimant(caller, board.name, person.name)


async def grants(person: Login, board: Login) -> list[float]:
    """Measure claim to grant; releases are not counted."""
    claimant = await _claimant(person, board)
    await asyncio.sleep(1)

    async def call(number: int) -> float:
        taken = await claimant.ask("claim", number)
        await claimant.ask("release", number)
        return taken

    return await _paced(call)


async def cycles(person: Login, boards: Sequence[Login]) -> float:
    """Return the cycles of claim and release a second, of as many clients at once as there are boards."""
    claimants = [await _claimant(person, board) for board in boards]
    await asyncio.sleep(1)
    end, done = time.perf_counter() + SECONDS, 0

    async def work(claimant: Claimant) -> int:
        number = 0
        while time.perf_counter() < end:
            await claimant.ask("claim", 10_000 + number)
            await claimant.ask("release", 10_000 + number)
            number += 1
        return number

    start = time.perf_counter()
    done = sum(await asyncio.gather(*(work(claimant) for claimant in claimants)))
    return done / (time.perf_counter() - start)


def _row(what: str, taken: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(taken)
    p50, p99 = statistics.median(ordered) * 1000, ordered[int(len(ordered) * 0.99)] * 1000
    click.echo(f"{what:34} p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   ({len(ordered)} at {RATE:.0f}/s)")
    return p50, p99


def accounts(data: Path, names: Sequence[str], role: Role) -> list[Login]:
    """Make accounts straight in the database; a hundred commands would take a minute."""
    stored = Accounts(open_database(data))
    for name in names:
        stored.add(Principal(name, role, name), "bench", time.time(), generated=True)
    return [Login(name, "bench", "127.0.0.1", PORT) for name in names]


@click.command()
def main() -> None:
    """Print claim to grant against a bare echo, and cycles per second."""
    with tempfile.TemporaryDirectory(prefix="talkstick-bench-") as directory, embedded(Path(directory)) as bare:
        echo_p50, _ = _row("bare echo, QoS 1", asyncio.run(echo(bare.port)))
    with tempfile.TemporaryDirectory(prefix="talkstick-bench-") as directory:
        server = Server(Path(directory), PORT)
        server.provision([])
        person = accounts(Path(directory), ["alice"], Role.USER)[0]
        boards = accounts(Path(directory), [f"board-{number}" for number in range(CLIENTS)], Role.DEVICE)
        with server.serving():
            grant_p50, _ = _row("claim to grant, durable", asyncio.run(grants(person, boards[0])))
            done = asyncio.run(cycles(person, boards))
    click.echo(f"{'claim to grant / bare echo':34} p50 {grant_p50 / echo_p50:6.2f} x")
    click.echo(f"{'claim + release, durable':34} {done:10.0f} cycles/s with {CLIENTS} clients")


if __name__ == "__main__":
    main()
