"""Measure what a claim costs, and what memory a device takes, as more and more devices are provisioned.

All but one of them are idle: they were never connected. Each number of devices has a server of its own.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tools import brokers
from tools.actor import Login
from tools.bench import Claimant, p99, paced, provisioned
from tools.process import pin, resident

MOST_KIB = 2.0  # of one more idle device
_SETTLED_S = 2.0


@dataclass(frozen=True, slots=True)
class Row:
    """One size: seconds until the server was ready, its memory in KiB, and the seconds of each claim."""

    devices: int
    start_s: float
    resident: int
    claims: Sequence[float]


def _measured(devices: int, seconds: float) -> Row:
    with tempfile.TemporaryDirectory(prefix="talkstick-growth-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        server, claimants = provisioned(data, devices)
        with server.serving():
            pass  # what is done once, when devices are new, takes memory for a moment
        start = time.perf_counter()
        with server.serving():
            start_s = time.perf_counter() - start
            pin(server.pid, 0)
            pin(os.getpid(), 1)
            time.sleep(_SETTLED_S)
            memory = resident(server.pid)
            claims = brokers.run(_claims(*claimants[0], seconds))
        return Row(devices, start_s, memory, claims)


async def _claims(person: Login, board: Login, seconds: float) -> list[float]:
    claimant = await Claimant.connected(person, board)
    await asyncio.sleep(_SETTLED_S)
    return await paced(claimant.cycle, seconds)


@click.command()
@click.option("--devices", "sizes", multiple=True, type=int, default=(10, 1000, 10_000), show_default=True)
@click.option("--seconds", default=5.0, show_default=True, help="So long claims are measured, 100 a second.")
def main(*, sizes: Sequence[int], seconds: float) -> None:
    """Print what a claim costs with each number of devices, and what memory each device takes."""
    rows = []
    for devices in sizes:
        rows.append(row := _measured(devices, seconds))
        p50 = statistics.median(row.claims) * 1000
        click.echo(
            f"{row.devices:7,} devices   claim to grant p50 {p50:6.2f} ms   p99 {p99(row.claims):6.2f} ms"
            f"   memory {row.resident:9,} KiB   started in {row.start_s:5.1f} s"
        )
    first, last = rows[0], rows[-1]
    more = statistics.median(last.claims) / statistics.median(first.claims)
    click.echo(f"a claim with {last.devices:,} devices / with {first.devices:,}: {more:.2f}")
    each = (last.resident - first.resident) / max(1, last.devices - first.devices)
    verdict = "PASS" if each <= MOST_KIB else "FAIL"
    click.echo(f"memory of one more idle device: {each:.2f} KiB, at most {MOST_KIB:.0f}: {verdict}")


if __name__ == "__main__":
    main()
