"""The broker under fire: it serves others meanwhile, and afterwards it is as it was before.

``TALKSTICK_FUZZ_INPUTS`` says how many inputs, ``TALKSTICK_FUZZ_SEED`` which; the same seed makes the same inputs. An
input that fails is shown as it was made: put it into `KNOWN`, and it comes first in every run.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.attacker import throw
from tests.fuzz.honest import Honest
from tests.fuzz.inputs import Input, inputs
from tools.brokers import process
from tools.lean import field, packet
from tools.ports import free_port
from tools.process import Cost, cost

INPUTS = int(os.environ.get("TALKSTICK_FUZZ_INPUTS", "2000"))
SEED = int(os.environ.get("TALKSTICK_FUZZ_SEED", "0"))
KNOWN: tuple[Input, ...] = (
    # amqtt makes a longer topic of one that is no UTF-8, and cannot encode that.
    Input("bad topic", "tcp", False, packet(0x30, field(b"\xff" * 0xFFFF)), (), "half-close"),
)

_ROUND = 100  # examples for each seed
_AT_ONCE = 16
_WARM_UP = 500  # inputs, before memory is looked at
_GROWS_AT_MOST = 8 * 1024  # KiB
_WAITS_AT_MOST_S = 2.0  # the machine may be busy with other tests
_GONE_WITHIN_S = 15.0
_HONEST = 2  # clients


class Range:
    """A broker, two honest clients, and what was thrown so far. Made anew where something broke."""

    def __init__(self, folder: Path) -> None:
        self.thrown: Counter[str] = Counter()
        self.before: Cost | None = None
        self._folder = folder
        self._open()

    def _open(self) -> None:
        self._stack = ExitStack()
        port, ws_port = free_port(), free_port()
        command = [sys.executable, "-m", "tests.fuzz.broker", str(port), str(ws_port), str(self._folder / f"{port}.db")]
        self.target = self._stack.enter_context(process("fuzzed", command, (port, ws_port), self._folder))
        self.fresh = cost(self.target.pid)
        self.honest = self._stack.enter_context(Honest(port))
        self._told = 0

    def close(self) -> None:
        """Let the honest clients leave, then stop the broker."""
        self._stack.close()

    def throw(self, batch: Sequence[Input], runner: asyncio.Runner) -> None:
        """Throw a batch, and look at what it did. Raises AssertionError where it did harm."""
        try:
            runner.run(throw(self.target, batch))
            self._look()
        except BaseException:
            if not self.honest.is_served():
                self.close()
                self._open()
            raise
        self.thrown.update(one.kind for one in batch)
        if self.before is None and self.thrown.total() >= min(_WARM_UP, INPUTS // 2):
            self.before = cost(self.target.pid)

    def _look(self) -> None:
        told = self.target.log.read_bytes()
        new, self._told = told[self._told :].decode(errors="replace"), len(told)
        assert "Traceback" not in new, f"the broker says:\n{new}"
        assert " ERROR " not in new, f"the broker says:\n{new}"
        assert self.honest.failure is None, f"an honest client was not served: {self.honest.failure!r}"


@pytest.fixture
def shooting_range(tmp_path: Path) -> Iterator[Range]:
    made = Range(tmp_path)
    yield made
    made.close()


@pytest.mark.alone
@pytest.mark.timeout(3600)
def test_harms_nobody(shooting_range: Range, capsys: pytest.CaptureFixture[str]) -> None:
    start = time.perf_counter()
    with asyncio.Runner() as runner:
        if KNOWN:
            shooting_range.throw(KNOWN, runner)
        number = SEED
        while shooting_range.thrown.total() < INPUTS:
            _round(number, shooting_range, runner)
            number += 1
    took, after = time.perf_counter() - start, _settled(shooting_range)
    with capsys.disabled():
        print(f"\n{_report(shooting_range, took, after)}")  # noqa: T201
    before = shooting_range.before
    assert before is not None
    assert max(shooting_range.honest.waits) < _WAITS_AT_MOST_S
    assert after.connections == _HONEST
    assert after.files <= shooting_range.fresh.files + _HONEST
    assert after.resident - before.resident < _GROWS_AT_MOST


def _round(number: int, on: Range, runner: asyncio.Runner) -> None:
    @seed(number)
    @settings(max_examples=_ROUND, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(inputs(), min_size=1, max_size=2 * _AT_ONCE))
    def storm(batch: list[Input]) -> None:
        on.throw(batch, runner)

    storm()


def _settled(on: Range) -> Cost:
    """Wait until the broker holds no connection, nor file of one, but of the honest clients; return its cost then.

    Sockets whose other side is gone already are no connections any more, but are open until the broker has closed them.
    """
    until, files = time.monotonic() + _GONE_WITHIN_S, on.fresh.files + _HONEST
    while time.monotonic() < until:
        now = cost(on.target.pid)
        if now.connections <= _HONEST and now.files <= files:
            break
        time.sleep(0.1)
    return now


def _report(on: Range, took: float, after: Cost) -> str:
    waits, before = sorted(on.honest.waits), on.before or after
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in on.thrown.most_common())
    return "\n".join(
        [
            f"{on.thrown.total():,} inputs in {took:.0f} s ({on.thrown.total() / took:.0f}/s), seed {SEED}: {kinds}",
            f"honest clients: {len(waits):,} messages there and back, none lost; "
            f"p99 {waits[int(len(waits) * 0.99)] * 1000:.0f} ms, worst {waits[-1] * 1000:.0f} ms",
            f"memory {before.resident:,} KiB, then {after.resident:,} KiB; "
            f"open files {on.fresh.files}, then {after.files}; "
            f"connections {on.fresh.connections}, then {after.connections}",
        ]
    )
