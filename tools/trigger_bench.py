"""Measure triggers: how soon 100 profile sessions run, and whether nothing is lost where it flaps, or where it is full.

The bare broker passes on as many retained messages of the same size in the same run, to compare.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from tools import brokers
from tools.process import cpu_s, pin, resident
from tools.trigger_load import (
    BUSY,
    CROWD,
    CROWDED,
    IDLE,
    RUNS,
    TAKES_S,
    Onlooker,
    Owner,
    PromiseError,
    bare_fan_out,
    flapping,
    insist,
    provisioned,
)

BAR_MS = 50.0
PER_S = 50

_SETTLED_S = 1.0
_QUIET_WITHIN_S = 300.0
_ASKS_PER_S = 5
_GROWTH_KIB = 2048


@dataclass(slots=True)
class House:
    """Who is there, and the process of the server."""

    pid: int
    owner: Owner = field(default_factory=Owner)
    onlooker: Onlooker = field(default_factory=Onlooker)

    async def quiet(self) -> dict[str, int]:
        """Wait until no profile session is left, and return the counters of triggers."""
        async with asyncio.timeout(_QUIET_WITHIN_S):
            while True:
                stats = await self.owner.stats()
                if not stats["triggers"]["running"] and not stats["workers"]["busy"]:
                    return dict(stats["triggers"])
                await asyncio.sleep(0.1)


# One activation, 100 sessions


@dataclass(frozen=True, slots=True)
class Fan:
    """How long it took until all were seen to run, and until all had done what they do, in ms."""

    running: Sequence[float]
    done: Sequence[float]


async def fan_out(house: House, trigger: str, rounds: int, acts: int) -> Fan:
    """Let a trigger become active, and inactive; *acts*: how many actions each of the two leads to."""
    owner, seen, running, done = house.owner, house.onlooker, list[float](), list[float]()
    for _ in range(rounds):
        seen.done, start = 0, time.perf_counter()
        owner.says(trigger, active=True)
        running.append((await seen.until(lambda: seen.number(trigger, "running") == RUNS) - start) * 1000)
        done.append((await seen.until(lambda: seen.done == acts) - start) * 1000)
        owner.says(trigger, active=False)
        await seen.until(lambda: seen.number(trigger, "terminated") == RUNS and seen.done == 2 * acts)
        await asyncio.sleep(0.05)
    return Fan(running, done)


# Flapping


@dataclass(frozen=True, slots=True)
class Flapped:
    """What came of it: messages, how long a request took meanwhile (ms), how long after the last all was quiet (s)."""

    messages: int
    seconds: float
    asked: Sequence[float]
    quiet_s: float
    cpu: float
    seen: int


async def flap(house: House, seconds: float) -> Flapped:
    """Let 20 triggers flap; insist that every message counted, and that nothing is left of it."""
    before, was = house.onlooker.messages, await house.quiet()
    activations = _activations(house.onlooker)
    asked: list[float] = []
    asking = asyncio.create_task(_keep_asking(house.owner, asked))
    cpu, start = cpu_s(house.pid), time.perf_counter()
    ticks = max(2, int(seconds * PER_S) // 2 * 2)
    for tick in range(ticks):
        await asyncio.sleep(start + tick / PER_S - time.perf_counter())
        for trigger in flapping():
            house.owner.says(trigger, active=tick % 2 == 0)
    took = time.perf_counter() - start
    cpu = (cpu_s(house.pid) - cpu) / took
    asking.cancel()
    await house.owner.listed(flapping()[0])  # answered when all of it was heard
    stats = await house.quiet()
    quiet_s = time.perf_counter() - start - took
    add_up(house.onlooker, activations, ticks // 2)
    told = {key: stats[key] - was[key] for key in ("started", "ended", "failed")}
    insist("sessions begun and not ended", found=told["started"] - told["ended"], wanted=0)
    insist("actions that failed", found=told["failed"], wanted=0)
    return Flapped(ticks * len(flapping()), took, asked, quiet_s, cpu, house.onlooker.messages - before)


async def _keep_asking(owner: Owner, asked: list[float]) -> None:
    """Note how long it takes until something is answered that waits behind all that came before."""
    while True:
        start = time.perf_counter()
        await owner.listed(flapping()[0])
        asked.append((time.perf_counter() - start) * 1000)
        await asyncio.sleep(1 / _ASKS_PER_S)


def _activations(seen: Onlooker) -> dict[tuple[str, str], int]:
    return {pair: body["counts"]["activations"] for pair, body in seen.documents.items()}


def add_up(seen: Onlooker, before: dict[tuple[str, str], int], each: int) -> None:
    """Insist that each message was an activation of each profile, and that what became of them adds up."""
    for pair in (pair for pair in seen.documents if pair[0] in flapping()):
        body, name = seen.documents[pair], "/".join(pair)
        counts = body["counts"]
        insist(f"{name}: activations", found=counts["activations"] - before[pair], wanted=each)
        insist(f"{name}: started and not ended", found=counts["started"] - counts["ended"], wanted=0)
        insist(f"{name}: state", found=body["state"], wanted="terminated")
        if body["mode"] == "one_shot":
            led = counts["started"] + counts["coalesced"] + sum(counts["dropped"].values())
            insist(f"{name}: activations that led to something", found=led, wanted=counts["activations"])


# More runs than workers


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many waited for a worker, by the counters and as it was seen, and how long it took until all were done."""

    slots: int
    waiting: int
    starting: int
    took_s: float


async def crowd(house: House) -> Crowd:
    """Let more begin than there are workers; insist that it is seen, and that all of it is done."""
    owner, seen = house.owner, house.onlooker
    start = time.perf_counter()
    owner.says(CROWD, active=True)
    await seen.until(lambda: seen.number(CROWD, "running") + seen.number(CROWD, "starting") == CROWDED)
    starting, workers = seen.number(CROWD, "starting"), await _crowded_out(owner)
    took_s = await seen.until(lambda: seen.number(CROWD, "terminated") == CROWDED) - start
    owner.says(CROWD, active=False)
    stats = await house.quiet()
    insist("profile sessions left", found=stats["running"], wanted=0)
    reasons = {body["reason"] for (trigger, _), body in seen.documents.items() if trigger == CROWD}
    insist("why they ended", found=reasons, wanted={"completed"})
    insist("waiting for a worker", found=workers["waiting"], wanted=CROWDED - workers["slots"])
    insist("seen to wait for a worker", found=starting, wanted=CROWDED - workers["slots"])
    return Crowd(workers["slots"], workers["waiting"], starting, took_s)


async def _crowded_out(owner: Owner) -> dict[str, int]:
    """Return the counters of workers once all are busy; they are measured each second."""
    async with asyncio.timeout(TAKES_S):
        while not (workers := (await owner.stats())["workers"])["waiting"]:  # noqa: ASYNC110 - a server is asked
            await asyncio.sleep(0.05)
    return dict(workers)


# All of it


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int
    seconds: float
    minutes: float
    qos: int


async def measured(bare: int, pid: int, port: int, size: Size) -> int:
    """Measure everything, and print it; return how many KiB more the server has in the end."""
    house = House(pid)
    await house.onlooker.connect(port, size.qos)
    await house.owner.connect(port)
    await asyncio.sleep(_SETTLED_S)
    idle, busy = await fan_out(house, IDLE, 3, 0), await fan_out(house, BUSY, 3, RUNS)  # what is done once, is done
    idle, busy = await fan_out(house, IDLE, size.rounds, 0), await fan_out(house, BUSY, size.rounds, RUNS)
    payload = json.dumps(house.onlooker.documents[BUSY, "telling-0"], separators=(",", ":")).encode()
    passed = await bare_fan_out(bare, size.rounds, payload, size.qos)
    _say(_fans(idle, busy, passed, len(payload)))
    _say(_crowded(await crowd(house)))
    memory = [resident(pid)]
    until = time.monotonic() + size.minutes * 60
    while True:
        _say(_flaps(await flap(house, size.seconds)))
        memory.append(resident(pid))
        click.echo(f"memory of the server {memory[-1]:,} KiB, {memory[-1] - memory[0]:+,} KiB")
        if time.monotonic() >= until:
            break
    for each in (house.owner, house.onlooker):
        each.close()
    return memory[-1] - memory[1]


def _fans(idle: Fan, busy: Fan, passed: Sequence[float], size: int) -> Iterator[str]:
    yield _line(f"bare broker: {RUNS} retained messages of {size} B", passed)
    yield _line(f"{RUNS} sessions that do nothing run", idle.running, BAR_MS)
    yield _line(f"{RUNS} sessions that publish run", busy.running, BAR_MS)
    yield _line(f"all {RUNS} of them have published", busy.done)
    ratio = statistics.median(idle.running) / statistics.median(passed)
    yield f"{f'{RUNS} sessions run / bare fan-out, p50':52} {ratio:8.1f}"


def _line(what: str, taken: Sequence[float], bar: float | None = None) -> str:
    p50, p95 = statistics.median(taken), sorted(taken)[int(len(taken) * 0.95)]
    verdict = "" if bar is None else f"   bar {bar:.0f} ms: {'PASS' if p95 <= bar else 'FAIL'}"
    return f"{what:52} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms{verdict}"


def _crowded(found: Crowd) -> Iterator[str]:
    yield (
        f"{CROWDED} runs of {TAKES_S:g} s, {found.slots} workers: {found.waiting} waited, {found.starting} were seen "
        f"to, and all were done after {found.took_s:.2f} s"
    )


def _flaps(found: Flapped) -> Iterator[str]:
    yield (
        f"{found.messages:,} messages in {found.seconds:.1f} s, {found.seen:,} seen; CPU {found.cpu:.0%}; all counted, "
        f"nothing left after {found.quiet_s:.2f} s"
    )
    yield _line("meanwhile, what is asked is answered after", found.asked)


def _say(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)


@click.command()
@click.option("--rounds", default=20, show_default=True, help="How often 100 sessions are begun.")
@click.option("--seconds", default=30.0, show_default=True, help="How long triggers flap.")
@click.option("--minutes", default=0.0, show_default=True, help="Flap again and again for so long: is memory flat?")
@click.option("--qos", type=click.IntRange(0, 1), default=1, show_default=True, help="Of who watches.")
def main(*, rounds: int, seconds: float, minutes: float, qos: int) -> None:
    """Print how soon 100 sessions run, and what becomes of flapping and of too much; end with 1 if a promise broke."""
    with tempfile.TemporaryDirectory(prefix="talkstick-bench-") as folder, brokers.embedded(Path(folder)) as bare:
        data = Path(folder) / "data"
        data.mkdir()
        server = provisioned(data)
        with server.serving():
            for pid, core in ((bare.pid, 0), (server.pid, 0), (os.getpid(), 1)):
                pin(pid, core)
            try:
                grown = brokers.run(measured(bare.port, server.pid, server.port, Size(rounds, seconds, minutes, qos)))
            except (PromiseError, TimeoutError) as error:
                click.echo(f"BROKEN: {error or 'something never happened'}")
                sys.exit(1)
    if minutes:
        click.echo(f"memory grew by {grown:,} KiB after the first time, at most {_GROWTH_KIB:,}")
        sys.exit(0 if grown <= _GROWTH_KIB else 1)


if __name__ == "__main__":
    main()
