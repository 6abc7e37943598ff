"""Are ten boards that are talked to for minutes all answered, and is each history its own? Tells what it took."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from tools.chatter import Chatter
from tools.ports import free_port
from tools.process import resident
from tools.server import Server, ServerError
from tools.voice_party import Told, hosted, party, told

_EVERY_S = 60.0


def watch(server: Server, chatters: Sequence[Chatter], minutes: float) -> None:
    """Tell each minute how it goes."""
    start = time.monotonic()
    end, number = start + minutes * 60, 0
    while time.monotonic() < end:
        number += 1
        time.sleep(max(0.0, min(start + number * _EVERY_S, end) - time.monotonic()))
        talks = [talk for chatter in chatters for talk in chatter.over]
        click.echo(
            f"{(time.monotonic() - start) / 60:5.1f} min  {len(talks)} turns  {resident(server.pid) // 1024} MiB"
        )


def verdict(found: Sequence[Told]) -> list[str]:
    """Print what came of it; return what is wrong."""
    talks = [talk for each in found for talk in each.talks]
    for name in ("final", "first_audio"):
        waits = sorted(ms for talk in talks if (ms := talk.figures[name]) is not None)
        if waits:
            p95 = waits[int(len(waits) * 0.95)]
            click.echo(f"{name:12} p50 {statistics.median(waits):.0f} ms  p95 {p95:.0f} ms  most {waits[-1]:.0f} ms")
    busy = sum(talk.first("busy") is not None for talk in talks)
    understood = sum(each.understood for each in found)
    click.echo(f"{len(talks)} turns on {len(found)} boards; {understood} understood as they were said; {busy} waited")
    return [complaint for each in found for complaint in each.complaints()]


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="How long they talk.")
@click.option("--boards", default=10, show_default=True, help="How many of them.")
def main(minutes: float, boards: int) -> None:
    """Let boards be talked to at once; exit with 1 where a turn is lost, mixed up, or badly heard."""
    with tempfile.TemporaryDirectory(prefix="talkstick-voice-") as data:
        try:
            with hosted(Path(data), free_port(), boards) as (server, guests), party(guests) as chatters:
                watch(server, chatters, minutes)
                wrong = verdict(told(guests, chatters))
        except (ServerError, TimeoutError) as error:
            raise click.ClickException(str(error)) from error
    for complaint in wrong:
        click.echo(complaint)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
