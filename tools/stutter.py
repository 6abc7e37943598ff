"""Run a command on a machine that stutters: each of its processes is stopped now and then, for up to half a second.

A test that looks before what it looks for can be there passes on a quiet machine, and fails one day; here, it fails
soon.
"""

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import click

# amqtt brings it; its types are in a package of their own.
import psutil  # type: ignore[import-untyped]

PERIOD_S = 0.02
# How likely a process is stopped at one look, and for how long: it then works about four fifths of its time.
LIKELY = 0.02
MOST_S = 0.5


class Process(Protocol):
    """What is needed of psutil's."""

    def status(self) -> str:
        """Return what the system says that it does."""

    def suspend(self) -> None:
        """Stop it."""

    def resume(self) -> None:
        """Let it go on."""


class Stutter:
    """Stops processes, and lets them go on."""

    def __init__(self, seed: int, most_s: float = MOST_S) -> None:
        self._dice = random.Random(seed)
        self._most_looks = max(1, round(most_s / PERIOD_S))
        self._stopped: dict[Process, int] = {}

    def look(self, processes: Sequence[Process]) -> None:
        """Let those go on whose time is over, and stop some others. To be called each `PERIOD_S`."""
        for process, looks in list(self._stopped.items()):
            self._stopped[process] = looks - 1
            if looks <= 1:
                self._go_on(process)
        for process in processes:
            if process not in self._stopped and self._dice.random() < LIKELY:
                self._stop(process)

    def end(self) -> None:
        """Let all go on."""
        for process in list(self._stopped):
            self._go_on(process)

    def _stop(self, process: Process) -> None:
        with suppress(psutil.Error):
            # A test may have stopped it, and would wonder if it went on.
            if process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                process.suspend()
                self._stopped[process] = self._dice.randint(1, self._most_looks)

    def _go_on(self, process: Process) -> None:
        del self._stopped[process]
        with suppress(psutil.Error):
            process.resume()


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--most", "most_s", default=MOST_S, show_default=True, help="Longest stop, in seconds.")
@click.option("--seed", type=int, help="The dice of an earlier run.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def main(most_s: float, seed: int | None, command: tuple[str, ...]) -> None:
    """Run COMMAND, and let the processes it starts stutter."""
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    click.echo(f"stutter: seed {seed}, up to {most_s:g} s", err=True)
    stutter, over = Stutter(seed, most_s), threading.Event()
    with subprocess.Popen(command) as started:
        threading.Thread(target=_tell_end, args=(started, over)).start()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command hears it too, and ends by itself
        me = psutil.Process(started.pid)
        while not over.wait(PERIOD_S):
            with suppress(psutil.Error):
                stutter.look(me.children(recursive=True))
        stutter.end()
    sys.exit(started.returncode)


def _tell_end(started: "subprocess.Popen[bytes]", over: threading.Event) -> None:
    started.wait()
    over.set()


if __name__ == "__main__":
    main()
