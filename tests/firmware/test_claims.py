"""The virtual device, which runs the firmware's core, becomes a device with a claim code, before both brokers."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.brokers import BROKERS, Site
from tests.rig import WITHIN_S
from tools.ports import free_port

MAC = "a4cf128b3f9e"
REFUSED = 3
"""How the program ends where another code is needed."""


@pytest.fixture(scope="module", params=BROKERS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with one broker after the other."""
    with BROKERS[request.param](tmp_path_factory.mktemp(f"claiming-{request.param}")) as made:
        yield made


@dataclass(frozen=True)
class Board:
    """A board: the *state* file is its flash memory."""

    program: Path
    state: Path
    port: int

    def arguments(self, *options: str) -> list[str]:
        """Return how it is switched on."""
        return [str(self.program), "--uri", f"mqtt://127.0.0.1:{self.port}", "--state", str(self.state), *options]

    @contextmanager
    def on(self, *options: str) -> Iterator["subprocess.Popen[str]"]:
        """Switch it on, and pull the plug at the end."""
        process = subprocess.Popen(
            self.arguments(*options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace"
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate(timeout=WITHIN_S)

    def ends(self, *options: str) -> int:
        """Switch it on, and wait until it ends by itself; return how."""
        done = subprocess.run(
            self.arguments(*options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=WITHIN_S,
            check=False,
        )
        return done.returncode


@pytest.fixture
def board(site: Site, talkstick_device: Path, tmp_path: Path) -> Board:
    """A board that knows nothing yet."""
    return Board(talkstick_device, tmp_path / "board.state", site.port)


def new_code(site: Site, *options: str) -> str:
    """Make a code for the scale."""
    made = site.talkstick.run("device", "code", "scale-1", *options, "--json")
    return str(json.loads(made)["code"])


def used_by(site: Site, code: str) -> tuple[str, str | None]:
    """Return how a code stands, and which board used it."""
    codes = json.loads(site.talkstick.run("device", "codes", "--json"))
    found: dict[str, Any] = next(each for each in codes if each["code"] == code[:5])
    return found["state"], found["used_by"]


def comes_online(site: Site, board: Board, *options: str) -> None:
    """Switch a board on; return when the server sees it as the scale."""
    with site.talkstick.subscribe("admin", "devices/scale-1/presence") as admin:
        admin.wait_for(lambda got: got.body["state"] != "online", "the goodbye of the last one")
        with board.on(*options):
            admin.body("devices/scale-1/presence", after=1, state="online")
        admin.body("devices/scale-1/presence", after=2, state="lost")


def test_a_board_claims_and_needs_the_code_no_more(site: Site, board: Board) -> None:
    code = new_code(site)
    typed = code.upper().replace("0", "O").replace("1", "l")
    comes_online(site, board, "--code", typed, "--mac", MAC)
    assert used_by(site, code) == ("used", MAC)
    stored = board.state.read_text(errors="replace")
    assert code.replace("-", "") not in stored.replace("-", "").lower()
    comes_online(site, board)


def test_a_second_board_is_refused(site: Site, board: Board, tmp_path: Path) -> None:
    code = new_code(site)
    comes_online(site, board, "--code", code, "--mac", MAC)
    other = Board(board.program, tmp_path / "other.state", board.port)
    assert other.ends("--code", code, "--mac", "a4cf128b3fa0") == REFUSED
    assert used_by(site, code) == ("used", MAC)


def test_a_board_with_another_mac_is_refused(site: Site, board: Board) -> None:
    code = new_code(site, "--mac", MAC)
    assert board.ends("--code", code, "--mac", "a4cf128b3fa0") == REFUSED
    assert used_by(site, code) == ("open", None)


def test_a_revoked_code_is_refused(site: Site, board: Board) -> None:
    code = new_code(site)
    site.talkstick.run("device", "code", "scale-1", "--revoke")
    assert board.ends("--code", code, "--mac", MAC) == REFUSED


def test_a_board_that_lost_the_answer_asks_again(site: Site, board: Board) -> None:
    """Its flash memory is set back to what it was when it asked: the nonce is there, and no secret."""
    code, before = new_code(site), board.state.with_suffix(".before")
    nobody = Board(board.program, board.state, free_port())
    with nobody.on("--code", code, "--mac", MAC) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline(), "it has written down what it will ask, and tries to"
        shutil.copy(board.state, before)
    comes_online(site, board, "--code", code, "--mac", MAC)
    shutil.copy(before, board.state)
    comes_online(site, board, "--code", code, "--mac", MAC)
    assert used_by(site, code) == ("used", MAC)
