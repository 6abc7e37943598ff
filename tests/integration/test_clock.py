"""The clock of the machine is set while the server runs: a computer without one of its own has a network at last."""

import asyncio
import json
import logging
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from backend.app.parts import wired
from backend.app.serving import run
from backend.core.clock import DAY_S, moment
from backend.core.principals import Principal, Role
from backend.shell.settings import Settings
from tests.rig import WITHIN_S
from tools.lean import LeanClient
from tools.ports import free_port


class House:
    """A server in this process, and a wall clock that is set as soon as the server is ready for the first time."""

    def __init__(self, data: Path, set_by_s: float) -> None:
        self.settings = Settings(data=data, port=free_port(), ws_port=0)
        self.set_by_s = set_by_s
        self.wrong_by_s = 0.0
        self.said: list[dict[str, Any]] = []
        self.tasks: list[asyncio.Task[None]] = []
        parts = wired(self.settings)
        parts.accounts.add(Principal("ann", Role.USER, "Ann"), "secret", 0.0)
        parts.database.dispose()

    def wall(self) -> float:
        return time.time() + self.wrong_by_s

    def is_ready(self) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(self.looks()))

    async def looks(self) -> None:
        """Read what the server says of itself; then the clock is set, or, the second time, the server is stopped."""
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        async with asyncio.timeout(WITHIN_S):
            client = await LeanClient.connect(
                self.settings.port, "ann", "secret", lambda _topic, payload: heard.put_nowait(payload)
            )
            await client.subscribe("backend/status")
            self.said.append(json.loads(await heard.get()))
        if len(self.said) == 1:
            self.wrong_by_s = self.set_by_s
        else:
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("days", [400.0, -2.0])
def test_when_the_clock_is_set_the_server_begins_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, days: float
) -> None:
    house = House(tmp_path, days * DAY_S)
    with caplog.at_level(logging.WARNING, "backend.app.serving"):
        run(house.settings, house.is_ready, house.wall)
    assert f"was set by {days * DAY_S:+.0f} s" in caplog.text
    before, after = [moment(each["since"]) for each in house.said]
    assert after - before == pytest.approx(days * DAY_S, abs=WITHIN_S)
    assert [each["state"] for each in house.said] == ["online", "online"]
    assert all(task.done() and task.exception() is None for task in house.tasks)
