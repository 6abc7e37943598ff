"""Kill a server at work a hundred times, and judge what everybody saw: ``python -m tools.fire``."""

import asyncio
import random
import shutil
from pathlib import Path

import click

from tools.fire.check import check, told
from tools.fire.history import read
from tools.fire.report import figures
from tools.fire.site import FireError
from tools.fire.storm import Plan, run


@click.command()
@click.option("--broker", type=click.Choice(["embedded", "mosquitto"]), default="embedded", show_default=True)
@click.option("--kills", default=100, show_default=True, help="How often something is killed.")
@click.option("--seed", type=int, help="The same seed rolls the same dice; by default another each time.")
@click.option("--port", default=18890, show_default=True, help="Where the broker listens; the next port, too.")
@click.option("--people", default=12, show_default=True, help="How many people.")
@click.option("--boards", default=6, show_default=True, help="How many boards they share.")
@click.option("--out", default="build/fire", show_default=True, type=click.Path(path_type=Path), help="For results.")
def main(  # noqa: PLR0913, PLR0917 - one argument per option
    broker: str, kills: int, seed: int | None, port: int, people: int, boards: int, out: Path
) -> None:
    """Kill the server, or its broker, with -9 while people share boards; then check that no promise was broken."""
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    folder = out / broker
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True, mode=0o700)
    click.echo(f"{broker}, seed {seed}; the history is in {folder / 'history.jsonl'}")
    try:
        history = list(read(asyncio.run(run(Plan(broker, kills, seed, port, people, boards), folder))))
    except FireError as error:
        raise click.ClickException(str(error)) from error
    violations = check(history)
    click.echo(f"{figures(history)}\n{told(violations)}")
    if violations:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
