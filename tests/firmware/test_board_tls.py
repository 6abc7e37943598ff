"""The firmware's core over TLS, and below a prefix: it believes whom it was told to, for the name that it was given."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backend.shell.authority import Authority
from tests.brokers.brokers import Site, embedded, with_mosquitto
from tests.firmware.boards import Board, Person
from tests.firmware.lab import HOST, Lab, online, opened
from tools.actor import Login
from tools.ports import free_port


@contextmanager
def secure_embedded(directory: Path, **settings: str) -> Iterator[Site]:
    """Run a server with the embedded broker, and a certificate for ``localhost``."""
    site = Site.made(directory, **settings)
    site.talkstick.run("certs", "init")
    try:
        site.talkstick.start()
        yield site
    finally:
        site.talkstick.stop(signal.SIGKILL)


@contextmanager
def secure_mosquitto(directory: Path, **settings: str) -> Iterator[Site]:
    """Run a Mosquitto with a certificate for ``localhost``."""
    with with_mosquitto(directory, certificates=True, broker_ca="certs/ca.pem", **settings) as site:
        yield site


@pytest.fixture(scope="module", params=[secure_embedded, secure_mosquitto], ids=["embedded", "mosquitto"])
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, talkstick_device: Path
) -> Iterator[Lab]:
    """A server with a certificate, with one broker after the other."""
    directory = tmp_path_factory.mktemp("tls")
    with (
        request.param(directory, tls_port=str(free_port()), wss_port="0") as site,
        opened(site, talkstick_device, directory) as made,
    ):
        yield made


def secure(lab: Lab, ca: Path, host: str = "localhost") -> Board:
    """Return a board that believes this authority."""
    board = lab.board("printer-1", "--ca", str(ca))
    port = int(lab.site.talkstick.settings["TALKSTICK_TLS_PORT"])
    return replace(board, login=replace(board.login, host=host, port=port), scheme="mqtts")


def test_it_works_over_tls(lab: Lab) -> None:
    with lab.person() as alice, secure(lab, lab.site.talkstick.data / "certs" / "ca.pem") as board:
        online(alice, board)
        fence = alice.ask("printer-1", "claim", type="printing")["fence"]
        alice.command("printer-1", "go", fence)
        board.did("command", name="go", fence=fence)
        board.type('final {"pages":1}')
        alice.sees("printer-1", complete=True, output={"pages": 1})
        assert board.stop() == 0


@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_it_does_not_talk_to_anybody_else(lab: Lab, tmp_path: Path, wrong: str) -> None:
    ca, host = lab.site.talkstick.data / "certs" / "ca.pem", "localhost"
    if wrong == "authority":
        ca = Authority(tmp_path / "certs").establish(0).certificate
    else:
        host = "127.1"  # which leads to the same place
    with secure(lab, ca, host) as board:
        first = board.event("lost")
        second = board.event("lost", board.behind(first))
        assert second is not first, "it goes on trying"
        assert not [line for line in board.heard.lines if line.get("event") in {"connected", "got", "refused"}]


def test_the_whole_tree_may_be_elsewhere(tmp_path: Path, talkstick_device: Path) -> None:
    with embedded(tmp_path, prefix="lab1/") as site:
        logins = {name: Login(name, site.talkstick.passwords[name], HOST, site.port) for name in ("alice", "scale-1")}
        board = Board(talkstick_device, logins["scale-1"], tmp_path / "state", ("--prefix", "lab1/"))
        with Person(logins["alice"], "lab1/devices/#") as alice, board:
            alice.body("lab1/devices/scale-1/presence", state="online")
            board.event("got", topic="lab1/devices/scale-1/session")
            alice.say("lab1/devices/scale-1/session/request/alice", {"action": "claim", "type": "weighing"})
            fence = board.did("work", type="weighing")["fence"]
            alice.say("lab1/devices/scale-1/command/tare", {"fence": fence})
            board.did("command", name="tare", fence=fence)
