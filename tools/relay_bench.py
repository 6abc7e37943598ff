"""Measure how fast a channel passes data on to its listeners, against the bare broker's own fan-out.

Both in one run, in turns. The same data go from one sender to the same number of listeners: here straight through a
broker that lets everything pass, there through the relay of a whole server. That one checks and numbers them, adds who
said it and when, and acknowledges them.
"""

import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from backend.core.principals import Principal, Role
from backend.features.channels.messages import BROADCAST, DATA, REPLY
from backend.shell.accounts import Accounts
from backend.shell.database import open_database
from backend.shell.floors import Channel, Floors
from tools.brokers import Target, embedded, run
from tools.lean import Hello, LeanClient
from tools.ports import free_port
from tools.server import Server
from tools.streams import Rate, measure

BAR = 0.7

_MARK = b'"mark":'  # once in each message
_DATA = json.dumps({"mark": 1, "gps": [52.520008, 13.404954], "pad": "x" * 60}).encode()
_UNDER_WAY = 5  # messages that not all listeners have yet
_ENDLESS_PER_S = 10_000.0


class Listener(LeanClient):
    """Counts messages by their mark, and does nothing else: it must not be what is measured."""

    _taken: Callable[[int], None] | None = None
    _rest = b""

    def count(self, taken: Callable[[int], None]) -> None:
        """Call *taken* with the number of messages in each piece that comes, from now on."""
        self._taken = taken

    def data_received(self, data: bytes) -> None:
        """Count what comes, also where a mark comes in two pieces."""
        if self._taken is None:
            super().data_received(data)
            return
        self._taken((self._rest + data).count(_MARK))
        self._rest = data[1 - len(_MARK) :]


@dataclass
class Audience:
    """One sender and its listeners, at one place: what it publishes here, they hear there."""

    target: Target
    sender: LeanClient
    listeners: Sequence[Listener]
    topic: str
    rates: list[Rate] = field(default_factory=list)
    _sent: int = 0
    _heard: int = 0
    _is_over: bool = True

    def listen(self) -> None:
        """Count from now on."""
        for listener in self.listeners:
            listener.count(self._hear)

    async def measure(self, seconds: float) -> None:
        """Send as fast as it is heard, for so long."""
        self._is_over = False
        self._hear(0)
        self.rates.append(await measure(self.target, seconds, lambda: self._heard))
        self._is_over = True
        until = time.perf_counter() + 10
        while self._heard < self._sent * len(self.listeners):
            if time.perf_counter() > until:
                raise RuntimeError(f"{self.target.name}: {self._heard} of {self._sent} x {len(self.listeners)} came")
            await asyncio.sleep(0.01)

    def _hear(self, number: int) -> None:
        self._heard += number
        while not self._is_over and self._sent * len(self.listeners) - self._heard < _UNDER_WAY * len(self.listeners):
            self._sent += 1
            self.sender.publish(self.topic, _DATA, 0)


async def bare(target: Target, number: int) -> Audience:
    """Return listeners of the bare broker."""
    sender = await LeanClient.connect(target.port, "sender", "-")
    return Audience(target, sender, await _listeners(target.port, number, "fan/out"), "fan/out")


async def relayed(target: Target, number: int) -> Audience:
    """Return listeners of a channel, whose floor the sender has. Raises RuntimeError where it does not get it."""
    granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def heard(_topic: str, payload: bytes) -> None:
        reply = json.loads(payload)
        if not reply["ok"]:
            raise RuntimeError(reply)
        if not granted.done():
            granted.set_result(None)

    sender = await LeanClient.connect(target.port, "alice", "bench", heard)
    await sender.subscribe(REPLY.at(channel="stage", principal="alice"), 0)
    sender.publish("channels/stage/session/request/alice", b'{"action":"claim"}')
    async with asyncio.timeout(10):
        await granted
    listeners = await _listeners(target.port, number, BROADCAST.at(channel="stage"))
    return Audience(target, sender, listeners, DATA.at(channel="stage", principal="alice"))


async def _listeners(port: int, number: int, topic: str) -> list[Listener]:
    made = [await Listener.connect(port, "ears", "bench", hello=Hello(f"{topic}-{each}")) for each in range(number)]
    for listener in made:
        await listener.subscribe(topic, 0)
    return made


@contextmanager
def serving(data: Path) -> Iterator[Target]:
    """Run a whole server with a channel and two accounts."""
    server = Server(data, free_port())
    server.provision([])
    database = open_database(data)
    for name, role in (("alice", Role.USER), ("ears", Role.LISTENER)):
        Accounts(database).add(Principal(name, role, name.title()), "bench", time.time())
    Floors(database).add_channel(Channel("stage", "Stage", time.time()), {"data_per_s": _ENDLESS_PER_S})
    database.dispose()
    with server.serving():
        yield Target("relay", server.pid, server.port, 0, server.log)


async def compare(targets: tuple[Target, Target], listeners: int, turns: int, seconds: float) -> list[Audience]:
    """Measure the bare broker and the relay in turns."""
    audiences = [await bare(targets[0], listeners), await relayed(targets[1], listeners)]
    for audience in audiences:
        audience.listen()
    for _ in range(turns):
        for audience in audiences:
            await audience.measure(seconds)
    return audiences


def _row(what: str, rates: Sequence[Rate]) -> tuple[float, float]:
    each = sorted(rate.each_s for rate in rates)
    cpu = statistics.median(rate.cpu_us for rate in rates)
    client = statistics.median(rate.client for rate in rates)
    click.echo(
        f"{what:22} {statistics.median(each):10,.0f} deliveries/s ({each[0]:,.0f} to {each[-1]:,.0f}), "
        f"CPU {cpu:5.1f} µs each; the clients were {client:.2f} times as busy"
    )
    return statistics.median(each), cpu


def _pin(pid: int, core: int) -> None:
    """Keep a process on one core, where there are two, and where the system can."""
    if sys.platform == "linux" and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {core})


@click.command()
@click.option("--listeners", default=200, help="How many listen.", show_default=True)
@click.option("--turns", default=5, help="How often each is measured; the median counts.", show_default=True)
@click.option("--seconds", default=2.0, help="How long each time.", show_default=True)
def main(listeners: int, turns: int, seconds: float) -> None:
    """Print deliveries a second of both, and their ratio; end with 1 where it does not meet the bar."""
    logging.basicConfig(level=logging.WARNING)
    _pin(os.getpid(), 1)
    with tempfile.TemporaryDirectory(prefix="talkstick-bench-") as folder:
        data = Path(folder) / "data"
        with embedded(Path(folder)) as first, serving(data) as second:
            for target in (first, second):
                _pin(target.pid, 0)
            found = run(compare((first, second), listeners, turns, seconds))
    click.echo(f"{listeners} listeners, QoS 0, {len(_DATA)} B of data, {turns} turns of {seconds:g} s")
    (broker, broker_cpu), (relay, relay_cpu) = (
        _row(what, audience.rates) for what, audience in zip(("bare broker", "relay of a channel"), found, strict=True)
    )
    ratio = relay / broker
    verdict = "PASS" if ratio >= BAR else "FAIL"
    click.echo(f"relay / bare broker    {ratio:.0%} (by CPU {broker_cpu / relay_cpu:.0%}), bar {BAR:.0%}: {verdict}")
    sys.exit(0 if ratio >= BAR else 1)


if __name__ == "__main__":
    main()
