"""A board that knows no more than its image: from the bench to the bin, as the operator sees it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import nvs
from tests.firmware.boards import Board
from tests.operator import Operator
from tests.rig import Subscriber, Talkstick, serving
from tools.actor import Login
from tools.ports import free_port

MAC = "A4:CF:12:8B:3F:9E"
ID = "esp32-a4cf128b3f9e"
PRESENCE, STATUS = f"lab1/devices/{ID}/presence", f"lab1/devices/{ID}/status"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Talkstick]:
    """A server with TLS and a prefix."""
    Operator(tmp_path / "data").run("certs", "init")
    with serving(tmp_path, tls_port=str(free_port()), wss_port="0", prefix="lab1/") as site:
        yield site


@pytest.fixture
def watcher(site: Talkstick) -> Iterator[Subscriber]:
    """Somebody who sees everything."""
    with site.subscribe("admin", "lab1/#") as watcher:
        yield watcher


def flashed(program: Path, image: Path) -> Board:
    """Return a board with this image in its flash memory."""
    known: dict[str, Any] = nvs.read(image.read_bytes())["talkstick"]
    where = urlsplit(known["uri"])
    authority = image.with_suffix(".pem")
    authority.write_text(known["ca"])
    options = ["--ca", str(authority), "--prefix", known["prefix"], "--output", "relay:off"]
    if "code" in known:
        options += ["--code", known["code"], "--mac", ID.removeprefix("esp32-")]
    login = Login(known.get("id", "nobody yet"), known.get("secret", ""), str(where.hostname), int(where.port or 0))
    return Board(program, login, image.with_suffix(".state"), options, scheme=where.scheme)


def test_from_the_bench_to_the_bin(
    site: Talkstick, watcher: Subscriber, talkstick_device: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.bin", tmp_path / "second.bin"
    site.run("device", "add", MAC, "--nvs", str(first))
    with flashed(talkstick_device, first) as board:
        watcher.body(PRESENCE, state="online")
        site.run("session", "claim", ID)
        fence = board.shows(in_use=True)["fence"]
        mark, seen = board.now, len(watcher.got)
        site.run("device", "rotate", ID, "--nvs", str(second))
        board.did("safe", mark, reason="removed")
        board.did("note", mark, code="forbidden")
    with flashed(talkstick_device, second) as board:
        watcher.body(STATUS, seen, state="online")
        board.shows(in_use=True, fence=fence)
        mark = board.now
        site.run("device", "rm", ID, "--yes")
        board.did("safe", mark, reason="removed")
        board.did("note", mark, code="forbidden")


def test_a_board_with_a_code_gets_its_secret_by_itself(
    site: Talkstick, watcher: Subscriber, talkstick_device: Path, tmp_path: Path
) -> None:
    image, stolen = tmp_path / "code.bin", tmp_path / "stolen.bin"
    site.run("device", "add", MAC, "--code", "--nvs", str(image))
    stolen.write_bytes(image.read_bytes())
    with flashed(talkstick_device, image) as board:
        watcher.body(PRESENCE, state="online")
        board.did("safe", reason="start")
        assert board.stop() == 0
    (used,) = json.loads(site.run("device", "codes", "--json"))
    assert used["device"] == ID
    with flashed(talkstick_device, stolen) as thief:
        assert thief.ends() == 3
