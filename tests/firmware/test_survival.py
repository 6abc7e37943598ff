"""A virtual device survives 1,000 disconnects, broker restarts and take-overs, and never acts on an old fence."""

import os
import random
from pathlib import Path

import pytest

from tests.firmware.judge import Judge
from tests.firmware.lab import START, opened
from tests.firmware.storm import DEVICE, Storm
from tests.rig import WITHIN_S

STRIKES = {"embedded": 250, "mosquitto": 1000}
SETTINGS = {
    "grace_s": "2",
    "restart_grace_s": "2",
    "linger_s": "0.1",
    "requests_per_minute": "100000",
    "claims_per_minute": "100000",
}
WEIGHTS = {"reset": 38, "finish": 30, "stall": 12, "power": 9, "take over": 8}
RESTARTS = {"embedded": 2, "mosquitto": 4}  # as often as the others allow, within minutes


@pytest.mark.alone
@pytest.mark.parametrize("broker", START)
def test_a_device_survives(broker: str, tmp_path: Path, talkstick_device: Path) -> None:
    seed = _seed()
    print(f"\nTALKSTICK_STORM={seed}")  # noqa: T201
    strikes = int(os.environ.get("TALKSTICK_STRIKES", "0")) or STRIKES[broker]
    with (
        START[broker](tmp_path, **SETTINGS) as site,
        opened(site, talkstick_device, tmp_path) as lab,
        Storm(lab, seed, {**WEIGHTS, "broker": RESTARTS[broker]}) as storm,
    ):
        storm.strike(strikes)
        storm.calm()
        _works_as_ever(storm)
        verdict = storm.verdict()
    print(_told(storm, verdict))  # noqa: T201
    assert verdict.complaints[:5] == []
    assert storm.happened.total() == strikes
    assert verdict.connections > 0.7 * strikes
    assert verdict.acts > strikes / 2
    assert storm.forged > strikes
    assert verdict.refused > strikes
    assert all(user.grants > strikes / 25 for user in storm.users)


def _seed() -> int:
    """Return the same each time, lest a change fails for what was wrong before it; others on request."""
    asked = os.environ.get("TALKSTICK_STORM", "7")
    return random.randrange(2**32) if asked == "random" else int(asked)  # noqa: S311 - no secret


def _told(storm: Storm, verdict: Judge) -> str:
    """Return what happened in one line."""
    what = ", ".join(f"{number} x {name}" for name, number in sorted(storm.happened.items()))
    commands = f"{verdict.acts} commands obeyed, {verdict.refused} refused, {storm.forged} of them slipped in"
    return f"{what}; {verdict.connections} connections; {commands}; grants {[user.grants for user in storm.users]}"


def _works_as_ever(storm: Storm) -> None:
    alice, board = storm.users[0].person, storm.board
    assert alice.connected.wait(WITHIN_S), "she does not come back"  # what she asks for meanwhile is lost
    topic = f"devices/{DEVICE}/session"
    last = max(at for at, line in enumerate(alice.heard.lines) if line["topic"] == topic)
    alice.sees(DEVICE, last, state="free")
    mark = alice.now
    storm.proxy.cut(reset=True)
    board.event("connected", board.now)
    fence = alice.ask(DEVICE, "claim", type="weighing")["fence"]
    after = board.now
    alice.command(DEVICE, "last", fence)
    board.did("command", after, name="last", fence=fence)
    alice.sees(DEVICE, mark, fence=fence, complete=True)
