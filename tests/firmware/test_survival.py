"""A virtual device survives 1,000 disconnects, broker restarts and take-overs, and never acts on an old fence."""

import os
import random
from pathlib import Path

import pytest

from tests.firmware.judge import Judge
from tests.firmware.lab import START, granted, online, opened
from tests.firmware.storm import DEVICE, Storm

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


@pytest.mark.timeout(1800)
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
    assert verdict.acts > strikes / 4
    assert storm.forged > strikes
    assert verdict.refused > strikes
    assert all(user.grants > strikes / 50 for user in storm.users)


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
    """Insist on it, with a board that is begun anew: of the one before, nobody knows what is yet to be read."""
    alice, board = storm.users[0].person, storm.board
    for user in storm.users:  # who asked for something in the storm has it, and gives it back
        user.person.insist(f"devices/{DEVICE}/session", action="release")
    storm.power_cut()
    online(alice, board)
    mark = board.now
    storm.proxy.cut(reset=True)
    fence = granted(alice, board, board.behind(board.event("lost", mark)))
    alice.command(DEVICE, "last", fence)
    board.did("command", mark, name="last", fence=fence)
    board.type('final {"weight_kg":70.5}')
    alice.sees(DEVICE, fence=fence, complete=True)
