"""The same scenario goes the same way on every machine: here, on rv32, and on Xtensa."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.firmware.conftest import BUILT


def say(machine: str, test: str) -> str:
    """Run what CTest would run; return what it said."""
    folder = BUILT.parent / machine
    listed = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], check=True, capture_output=True)
    commands = {each["name"]: each.get("command") for each in json.loads(listed.stdout)["tests"]}
    said = subprocess.run(commands[test], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return said.stdout  # whether all went well is what `make firmware` has asked already


@pytest.fixture(scope="session")
def told_here(firmware_build: Path) -> str:
    return say(firmware_build.name, "scenario")


def test_the_scenario_locks_works_and_unlocks(told_here: str) -> None:
    acts = [line.split()[0] for line in told_here.splitlines() if line.startswith("    ")]
    assert [act for act in acts if act in {"work", "command", "output", "safe"}] == [
        *("output", "safe"),  # switched on
        *("work", "command", "output"),  # what the holder asked for, once each
        *("output", "safe"),  # unlocked
    ]
    assert "WRONG" not in told_here


@pytest.mark.parametrize("machine", ["rv32", "lx106"])
def test_a_bare_machine_says_the_same(machine: str, told_here: str) -> None:
    told = say(machine, "bare")
    assert told.startswith(told_here)
    assert "stack: " in told.removeprefix(told_here)
