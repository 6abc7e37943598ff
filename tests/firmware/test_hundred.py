"""A hundred boards at once, each a process with the firmware's core in it."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from backend.core.principals import Principal, Role
from tests.firmware.boards import Board, Person
from tests.rig import Talkstick, provisioned
from tools.actor import Login
from tools.process import cost

BOARDS = [f"board-{number}" for number in range(100)]
WITHIN_S = 60.0
MOST_KIB = 16 * 1024
SETTINGS = {"requests_per_minute": "100000", "claims_per_minute": "100000"}


@pytest.fixture
def talkstick(tmp_path: Path) -> Talkstick:
    """A server that knows all of them."""
    people = [Principal("alice", Role.USER, "Alice"), *(Principal(name, Role.DEVICE, name) for name in BOARDS)]
    settings = {f"TALKSTICK_{key.upper()}": value for key, value in SETTINGS.items()}
    return Talkstick(tmp_path / "data", settings=settings, passwords=provisioned(tmp_path / "data", people))


@pytest.mark.alone
def test_a_hundred_at_once(talkstick: Talkstick, tmp_path: Path, talkstick_device: Path) -> None:
    def login(name: str) -> Login:
        return Login(name, talkstick.passwords[name], "127.0.0.1", talkstick.port)

    with ExitStack() as stack:
        stack.callback(talkstick.stop)
        talkstick.start()
        alice = stack.enter_context(Person(login("alice"), "devices/+/session", "devices/+/presence"))
        began = time.monotonic()
        boards = {
            name: stack.enter_context(Board(talkstick_device, login(name), tmp_path / name, ("--work", "500")))
            for name in BOARDS
        }
        for name in BOARDS:
            alice.finds(name, "online")
        online = time.monotonic() - began
        fences = {name: alice.ask(name, "claim", type="weighing")["fence"] for name in BOARDS}
        for name, fence in fences.items():
            alice.command(name, "tare", fence)
        for name, fence in fences.items():
            boards[name].did("command", name="tare", fence=fence)
            alice.sees(name, fence=fence, complete=True, output={"percent": 100, "weight_kg": 70.5})
        took = time.monotonic() - began
        costs = [cost(board.pid) for board in boards.values()]
    memory, cpu = sum(each.resident for each in costs), sum(each.cpu_s for each in costs)
    figures = f"online in {online:.1f} s, done in {took:.1f} s, {memory} KiB, {cpu:.2f} s of CPU"
    print(f"\n{len(BOARDS)} boards: {figures}")  # noqa: T201
    assert took < WITHIN_S
    assert max(each.resident for each in costs) < MOST_KIB
