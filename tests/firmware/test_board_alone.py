"""The firmware's core where nobody answers: what a board does by itself."""

import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.firmware.boards import Board
from tools.actor import Login
from tools.ports import free_port

CANNOT, REBOOT, FORGOT = 2, 4, 5

Make = Callable[..., Board]


@pytest.fixture
def board(talkstick_device: Path, tmp_path: Path) -> Make:
    """Return boards for whom there is no broker."""
    login = Login("alone", "secret", "127.0.0.1", free_port())
    return lambda *options: Board(talkstick_device, login, tmp_path / "state", options)


def test_it_is_safe_before_anything_else(board: Make) -> None:
    with board("--output", "relay:off", "--output", "fan:on") as alone:
        alone.did("connect")
    done = [line for line in alone.heard.lines if "did" in line]
    first = [(line["did"], line.get("name"), line.get("on")) for line in done[:3]]
    assert first == [("output", "relay", False), ("output", "fan", True), ("safe", None, None)]
    assert [line["did"] for line in done].index("save_boot") < [line["did"] for line in done].index("connect")


def test_it_tries_again_ever_more_seldom_and_not_in_step(board: Make) -> None:
    with board("--seed", "7") as one, board("--seed", "8") as other:
        pauses = [_pauses(each) for each in (one, other)]
    for mine in pauses:
        assert all(pause > 0.009 * 2**number for number, pause in enumerate(mine)), "half of what it may wait, or more"
    assert pauses[0] != pytest.approx(pauses[1], abs=0.002)


def _pauses(board: Board) -> list[float]:
    """Return how long it waited before each of the first attempts but one, on a slow machine longer than it meant."""
    board.heard.wait_for(lambda _line: _attempts(board) > 7, "the eighth attempt")
    moments = [line["at"] for line in board.heard.lines if line.get("did") == "connect"]
    return [later - sooner for sooner, later in pairwise(moments[:7])]


def _attempts(board: Board) -> int:
    return sum(line.get("did") == "connect" for line in board.heard.lines)


def test_a_restart_may_help(board: Make) -> None:
    with board("--give-up-ms", "300") as alone:
        assert alone.ends() == REBOOT
        assert alone.did("reboot")


def test_the_boot_number_is_kept_in_advance(board: Make, tmp_path: Path) -> None:
    boots = []
    for _ in range(2):
        with board() as alone:
            alone.did("connect")
        boots.append(alone.did("connect")["will"]["boot"])
        saved = alone.did("save_boot")
        assert saved["saved"]
        assert saved["boot"] > boots[-1]
    assert boots[1] > boots[0]
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600


def test_who_holds_the_button_for_ten_seconds_erases_it(board: Make, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("boot 640\nid other\nsecret hidden\n")
    with board() as alone:
        ready = alone.did("connect")["at"]
        alone.type("button down")
        assert alone.ends() == FORGOT
        assert alone.did("forget")["at"] - ready > 9
    assert (tmp_path / "state").read_text() == "boot 704\n", "it never falls"


def test_the_end_of_the_input_ends_nothing(board: Make) -> None:
    with board() as alone:
        alone.type("result {}", last=True)
        read = alone.behind(alone.did("note", code="not_in_use"))
        again = alone.behind(alone.did("connect", read))
        alone.did("connect", again)
        assert alone.stop() == 0


def test_it_explains_itself(talkstick_device: Path) -> None:
    done = subprocess.run([talkstick_device, "--help"], capture_output=True, text=True, check=True)
    assert "--uri" in done.stdout


def test_a_goodbye_needs_no_broker(board: Make) -> None:
    with board() as alone:
        alone.did("connect")
        assert alone.stop() == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--output", "relay"),
        ("--speech", "tape"),
        ("--seed", "x"),
        ("--trigger", "No Trigger"),
        ("--microphone", "/nowhere"),
        ("--ca", "/nowhere"),
        ("--uri", "http://localhost"),
        ("--nonsense",),
    ],
    ids=lambda options: options[0],
)
def test_what_makes_no_sense_is_refused(board: Make, options: tuple[str, ...]) -> None:
    with board(*options) as alone:
        assert alone.ends() == CANNOT
