"""A few kills of the real thing; `make fire` does a hundred of each."""

import asyncio
from pathlib import Path

import pytest

from tools.fire.check import check, told
from tools.fire.history import read
from tools.fire.report import figures
from tools.fire.storm import Plan, run
from tools.ports import free_port


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("broker", "kills"), [("embedded", 4), ("mosquitto", 3)])
def test_no_promise_is_broken(broker: str, kills: int, tmp_path: Path) -> None:
    plan = Plan(broker, kills, seed=kills, port=free_port(), people=8, boards=3)
    history = list(read(asyncio.run(run(plan, tmp_path))))
    violations, seen = check(history), figures(history)
    assert not violations, told(violations)
    assert seen.kills.total() >= kills
    assert seen.grants > kills, "they were at work"
    assert len(seen.recoveries) >= kills
    assert {"granted", "queued", "released"} <= seen.codes.keys()
