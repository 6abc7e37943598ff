"""Measure the embedded broker beside Mosquitto, in one run on one machine, and print both numbers side by side.

The broker has a core of its own where there are two; the clients, which are the same for all brokers, have another.
"""

import asyncio
import logging
import os
import platform
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click

from tools import brokers
from tools.brokers import Start, Target
from tools.load import Results, Size, beside_others, fan_out, many, medians, round_trip, throughput
from tools.process import pin

log = logging.getLogger(__name__)

QUICK = Size(seconds=0.4, trips=200, fans=100, others=(0, 200, 1000), connections=(200,))
FULL = Size(seconds=2.0, trips=1000, fans=500, others=(0, 1000, 5000), connections=(1000, 10_000))

_GIVE_UP_S = 300.0
_SHORT = 3  # so often a short measure is repeated; its median counts

Measure = Callable[[Target, Size], Awaitable[Results]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``key`` of the figure; ``client`` of how busy the client was beside the broker."""

    what: str
    key: str
    form: str = ",.0f"
    client: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """What must hold for the embedded broker: the figure, or its ratio to another, against the bar."""

    what: str
    key: str
    limit: float
    to: str = ""
    at_least: bool = False
    form: str = ".2f"

    def judge(self, found: Results) -> str:
        """Return the verdict in words."""
        if self.key not in found or (self.to and self.to not in found):
            return f"{self.what}: not measured"
        figure = found[self.key] / (found[self.to] if self.to else 1.0)
        met = figure >= self.limit if self.at_least else figure <= self.limit
        return f"{self.what}: {figure:{self.form}}, bar {self.limit:{self.form}}: {'met' if met else 'NOT MET'}"


@dataclass
class Bench:
    """Runs measures against brokers, one after the other, in turns. ``found``: the figures of each broker."""

    starts: Mapping[str, Start]
    size: Size
    folder: Path
    found: dict[str, Results] = field(default_factory=dict)

    def take(self, measures: Sequence[tuple[str, Measure]], repeat: int) -> None:
        """Run measures against fresh brokers; in turns, so that what disturbs the machine disturbs all."""
        with ExitStack() as stack:
            targets = [stack.enter_context(start(self.folder)) for start in self.starts.values()]
            for target in targets:
                pin(target.pid, 0)
            for what, measure in measures:
                runs: dict[str, list[Results]] = {name: [] for name in self.starts}
                for _ in range(repeat):
                    for target in targets:
                        click.echo(f"{what}: {target.name}", err=True)
                        runs[target.name].append(_within(measure, target, self.size))
                for name, results in runs.items():
                    self.found.setdefault(name, {}).update(medians(results))


def _within(measure: Measure, target: Target, size: Size) -> Results:
    """Measure, but not for ever: a broker may be too slow for it."""

    async def bounded() -> Results:
        async with asyncio.timeout(_GIVE_UP_S):
            return await measure(target, size)

    try:
        return brokers.run(bounded())
    except (TimeoutError, OSError) as error:
        log.error("%s: gave up: %r", target.name, error)
        return {}


def _rate(what: str, key: str, unit: str = "messages") -> Iterator[Row]:
    yield Row(f"{what} ({unit}/s)", key, client=f"{key} client")
    yield Row(f"{what}: CPU of the broker for each (µs)", f"{key} cpu", ".1f")


def rows(size: Size) -> Iterator[Row]:
    """Return the lines of the table."""
    for qos in (0, 1):
        yield from _rate(f"QoS {qos}, one to one, 100 B", f"qos{qos}")
    for qos in (0, 1):
        for percentile in ("p50", "p99"):
            what = f"request and response, QoS {qos}, {percentile} (ms)"
            yield Row(what, f"trip{qos} {percentile}", ".2f")
    yield from _rate(f"fan-out 1 to {size.fans:,}", "fan", "deliveries")
    for number in size.others:
        yield from _rate(f"QoS 0, one to one, beside {number:,} other subscriptions", f"beside {number}")
    for number in size.connections:
        yield Row(f"{number:,} connections with a subscription each: all in (s)", f"in {number}", ".1f")
        yield Row(f"{number:,} connections: memory of each (KiB)", f"KiB {number}", ".1f")
        for percentile in ("p50", "p99"):
            yield Row(f"delivery with 10 connections, {percentile} (ms)", f"few {number} {percentile}", ".2f")
            yield Row(
                f"delivery with {number:,} connections, {percentile} (ms)", f"deliver {number} {percentile}", ".2f"
            )
        yield Row(f"{number:,} connections: goodbye of each (µs)", f"out {number}")


def bars(size: Size) -> list[Bar]:
    """Return what must hold for the embedded broker."""
    many_, others = size.connections[-1], size.others[-1]
    return [
        Bar(f"{many_:,} connections, all in (s)", f"in {many_}", 30.0, form=".1f"),
        Bar(f"{many_:,} connections, memory of each (KiB)", f"KiB {many_}", 32.0, form=".1f"),
        Bar(f"delivery with {many_:,} subscriptions / with 10, p50", f"deliver {many_} p50", 1.5, f"few {many_} p50"),
        Bar(
            f"throughput beside {others:,} subscriptions / beside none",
            f"beside {others}",
            0.8,
            "beside 0",
            at_least=True,
        ),
    ]


def table(found: Mapping[str, Results], size: Size) -> list[str]:
    """Return the table in Markdown."""
    names = list(found)
    lines = [f"| measure | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    lines += [f"| {row.what} | {' | '.join(_cell(found[name], row) for name in names)} |" for row in rows(size)]
    if any("*" in line for line in lines):
        lines += ["", "\\* the measuring client was busier than the broker, which could do more."]
    return lines


def _cell(found: Results, row: Row) -> str:
    if row.key not in found:
        return "-"
    return f"{found[row.key]:{row.form}}{'*' if found.get(row.client, 0) > 1.0 else ''}"


def machine() -> str:
    """Return what was measured on."""
    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    load = os.getloadavg()[0]
    loop = "uvloop" if brokers.has_uvloop() else "asyncio"
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}, Python "
        f"{platform.python_version()} ({loop}), {brokers.mosquitto_version()}; load before: {load:.1f}"
    )


def _cpuinfo() -> Sequence[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


@click.command()
@click.option("--quick", is_flag=True, help="Small counts, under 20 s: to see that it works, not to be quoted.")
@click.option("--with-amqtt", is_flag=True, help="Measure plain amqtt too; takes minutes with many connections.")
def main(*, quick: bool, with_amqtt: bool) -> None:
    """Print a table with the embedded broker beside Mosquitto, and which bars are met."""
    brokers.allow_open_files()
    size = QUICK if quick else FULL
    starts: dict[str, Start] = {"embedded": brokers.embedded, "Mosquitto": brokers.mosquitto}
    if with_amqtt:
        starts["plain amqtt"] = brokers.plain_amqtt
    short: list[tuple[str, Measure]] = [
        ("throughput", throughput),
        ("round trip", round_trip),
        ("fan-out", fan_out),
        ("beside others", beside_others),
    ]
    on = machine()
    with _bench(starts, size) as bench:
        bench.take(short, 1 if quick else _SHORT)
        for number in size.connections:
            bench.take([(f"{number} connections", partial(many, number=number))], 1)
    click.echo("\n".join([*table(bench.found, size), "", on, ""]))
    click.echo("\n".join(f"- {bar.judge(bench.found['embedded'])}" for bar in bars(size)))


@contextmanager
def _bench(starts: Mapping[str, Start], size: Size) -> Iterator[Bench]:
    pin(os.getpid(), 1)
    with tempfile.TemporaryDirectory(prefix="talkstick-bench-") as folder:
        yield Bench(starts, size, Path(folder))


if __name__ == "__main__":
    main()
