"""``device add`` and ``device rotate`` with ``--nvs``: what an operator sees, and what the board finds."""

import errno
import json
import os
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from backend.cli.main import talkstick
from tests import nvs
from tests.brokers.brokers import with_mosquitto
from tests.operator import Operator
from tests.rig import COMMAND, WITHIN_S, Talkstick, serving
from tools.ports import free_port

WIFI = {"TALKSTICK_WIFI_PASSWORD": 'correct horse, "battery" & 100 % staple'}


@pytest.fixture
def site(tmp_path: Path) -> Talkstick:
    """A data directory without a server."""
    made = Talkstick(tmp_path / "data")
    made.run("init")
    return made


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is told of new accounts, so that it need not run."""
    monkeypatch.setattr("backend.cli.context.Context._mirror", None)


def board(file: Path) -> dict[str, Any]:
    """Return what a board with this image knows."""
    return nvs.read(file.read_bytes())["talkstick"]


def add(site: Talkstick, name: str, file: Path, *options: str, ok: bool = True) -> str:
    return site.run("device", "add", name, "--nvs", str(file), *options, ok=ok, environment=WIFI)


def typing(
    site: Talkstick, name: str, file: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Result:
    """Add a device, and return all that is said of it."""
    arguments = ["device", "add", name, "--nvs", str(file), *options]
    done = CliRunner().invoke(talkstick, arguments, env=site.environment(environment or {}))
    assert done.exit_code == 0, done.output
    return done


def devices(site: Talkstick) -> list[str]:
    return [each["device"] for each in json.loads(site.run("device", "list", "--json"))]


def connect(known: dict[str, Any], ca: Path, topic: str = "heartbeat") -> str:
    """Publish as a board does that knows no more than its flash memory; return what it complains of."""
    where = urlsplit(known["uri"])
    tls = []
    if where.scheme == "mqtts":
        ca.write_text(known["ca"])
        tls = ["--cafile", str(ca)]
    done = subprocess.run(
        [
            *("mosquitto_pub", "-h", str(where.hostname), "-p", str(where.port), *tls),
            *("-i", known["id"], "-u", known["id"], "-P", known["secret"]),
            *("-q", "1", "-t", f"{known.get('prefix', '')}devices/{known['id']}/{topic}", "-m", "{}"),
        ],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    return done.stderr


# What is in the image


def test_an_image_holds_what_was_asked(site: Talkstick, tmp_path: Path) -> None:
    began = int(time.time())
    said = add(site, "A4:CF:12:8B:3F:9E", tmp_path / "a.bin", "--host", "Scales.Lab", "--wifi", "Café ☕")
    known = board(tmp_path / "a.bin")
    assert began <= known.pop("time") <= time.time()
    secret = known.pop("secret")
    assert known == {
        "uri": f"mqtt://scales.lab:{site.port}",
        "id": "esp32-a4cf128b3f9e",
        "wifi_ssid": "Café ☕",
        "wifi_pass": WIFI["TALKSTICK_WIFI_PASSWORD"],
    }
    assert secret not in said
    assert WIFI["TALKSTICK_WIFI_PASSWORD"] not in said
    assert f"esptool --port PORT write-flash 0x9000 {tmp_path / 'a.bin'} " in said
    assert (tmp_path / "a.bin").stat().st_size == 0x5000


def test_prefix_and_size(site: Talkstick, tmp_path: Path) -> None:
    site.settings = {"TALKSTICK_PREFIX": "lab1/"}
    said = add(site, "scale-1", tmp_path / "a.bin", "--size", "24K")
    assert board(tmp_path / "a.bin")["prefix"] == "lab1/"
    assert (tmp_path / "a.bin").stat().st_size == 0x6000
    assert "No Wi-Fi is in it" in said


def test_for_programs(site: Talkstick, tmp_path: Path) -> None:
    made = json.loads(add(site, "scale-1", tmp_path / "a.bin", "--json"))
    known = board(tmp_path / "a.bin")
    assert made["password"] is None
    assert made["nvs"] == {
        "file": str(tmp_path / "a.bin"),
        "bytes": 0x5000,
        "uri": known["uri"],
        "keys": ["uri", "id", "secret", "time"],
    }
    shown = json.loads(add(site, "scale-2", tmp_path / "b.bin", "--json", "--show"))
    assert shown["password"] == board(tmp_path / "b.bin")["secret"]
    again = site.run("device", "rotate", "scale-2", "--nvs", str(tmp_path / "b.bin"), "--force", "--show")
    assert f"password    {board(tmp_path / 'b.bin')['secret']}" in again
    assert "nvs" not in json.loads(site.run("device", "add", "scale-3", "--json"))


def test_the_password_of_the_wifi_from_a_file(site: Talkstick, tmp_path: Path) -> None:
    (tmp_path / "wifi").write_text("from the file\r\nno more\n")
    options = ("--wifi", "shed", "--wifi-password-file", str(tmp_path / "wifi"))
    add(site, "scale-1", tmp_path / "a.bin", *options)
    assert board(tmp_path / "a.bin")["wifi_pass"] == "from the file"
    (tmp_path / "wifi").write_text("")
    add(site, "scale-2", tmp_path / "b.bin", *options)
    assert "wifi_pass" not in board(tmp_path / "b.bin"), "the Wi-Fi is open"


def test_the_password_of_the_wifi_is_asked(site: Talkstick, tmp_path: Path) -> None:
    arguments = ["device", "add", "scale-1", "--nvs", str(tmp_path / "a.bin"), "--wifi", "shed", "--json"]
    done = CliRunner().invoke(talkstick, arguments, input="typed in secret\n", env=site.environment({}))
    assert done.exit_code == 0, done.output
    assert board(tmp_path / "a.bin")["wifi_pass"] == "typed in secret"
    assert json.loads(done.stdout)["device"] == "scale-1"
    assert "Password of the Wi-Fi shed" in done.stderr
    assert "typed in secret" not in done.output


def test_an_empty_password_of_the_wifi_is_told(site: Talkstick, tmp_path: Path) -> None:
    empty = {"TALKSTICK_WIFI_PASSWORD": ""}
    done = typing(site, "scale-1", tmp_path / "a.bin", "--wifi", "shed", environment=empty)
    assert "TALKSTICK_WIFI_PASSWORD is empty, so the board takes the Wi-Fi shed for an open one" in done.stderr
    assert "wifi_pass" not in board(tmp_path / "a.bin")
    done = typing(site, "scale-2", tmp_path / "b.bin", "--wifi", "shed", environment=WIFI)
    assert "is empty" not in done.stderr


def test_nobody_can_be_asked_for_the_password_of_the_wifi(site: Talkstick, tmp_path: Path) -> None:
    arguments = ("device", "add", "scale-1", "--nvs", str(tmp_path / "a.bin"), "--wifi", "shed")
    done = subprocess.run(
        [COMMAND, *arguments],
        env=site.environment({}),
        input="not for this\n",
        start_new_session=True,  # so it has no terminal
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 1
    assert "no terminal" in done.stderr
    assert "say it in TALKSTICK_WIFI_PASSWORD, or --wifi-password-file" in done.stderr
    assert "echo" not in done.stderr
    assert devices(site) == []


# Where the broker is


@pytest.mark.parametrize(
    ("host", "warning"),
    [
        ("127.0.0.1", "no board finds the broker at "),
        ("localhost", "no board finds the broker at "),
        ("::1", "no board finds the broker at "),
        ("0.0.0.0", "no board finds the broker at "),  # noqa: S104 - said, not bound
        ("VM.local", "boards do not resolve .local names such as vm.local"),
    ],
)
def test_an_address_that_means_nothing_to_a_board(site: Talkstick, tmp_path: Path, host: str, warning: str) -> None:
    done = typing(site, "scale-1", tmp_path / "a.bin", "--host", host)
    assert warning in done.stderr
    assert "--host ADDRESS" in done.stderr
    assert devices(site) == ["scale-1"]


def test_an_address_that_a_board_can_use(site: Talkstick, tmp_path: Path) -> None:
    assert "Warning" not in typing(site, "scale-1", tmp_path / "a.bin", "--host", "10.0.0.7").stderr
    assert "Warning" not in typing(site, "scale-2", tmp_path / "b.bin", "--host", "localhost.lab").stderr
    assert "no board finds the broker at " in typing(site, "scale-3", tmp_path / "c.bin").stderr, "host is 127.0.0.1"
    site.settings = {"TALKSTICK_HOST": "10.0.0.7", "TALKSTICK_PLAIN_HOST": "127.0.0.1"}
    assert "finds the broker without TLS" in typing(site, "scale-4", tmp_path / "d.bin").stderr
    site.run("certs", "init")
    assert "Warning" not in typing(site, "scale-5", tmp_path / "e.bin").stderr
    assert "finds the broker without TLS" in typing(site, "scale-6", tmp_path / "f.bin", "--plain").stderr


@pytest.mark.usefixtures("untold")
def test_a_broker_of_one_s_own_on_the_server_s_machine(site: Talkstick, tmp_path: Path) -> None:
    site.settings = {"TALKSTICK_BROKER": "mqtt://backend:secret@127.0.0.1:1884"}
    done = typing(site, "scale-1", tmp_path / "a.bin")
    assert board(tmp_path / "a.bin")["uri"] == "mqtt://127.0.0.1:1884", "Mosquitto listens on `host`, too"
    assert "no board finds the broker at " in done.stderr
    site.settings = {**site.settings, "TALKSTICK_HOST": "10.0.0.7"}
    done = typing(site, "scale-2", tmp_path / "b.bin")
    assert board(tmp_path / "b.bin")["uri"] == "mqtt://10.0.0.7:1884"
    assert "The broker is at 127.0.0.1 for the server, and at 10.0.0.7 for boards; else say --host" in done.stderr
    done = typing(site, "scale-3", tmp_path / "c.bin", "--host", "10.0.0.8")
    assert board(tmp_path / "c.bin")["uri"] == "mqtt://10.0.0.8:1884"
    assert done.stderr == ""


# TLS


def test_tls_where_the_server_has_it(site: Talkstick, tmp_path: Path) -> None:
    site.run("certs", "init")
    add(site, "scale-1", tmp_path / "a.bin")
    known = board(tmp_path / "a.bin")
    assert known["uri"] == "mqtts://127.0.0.1:8883"
    assert known["ca"] == (site.data / "certs/ca.pem").read_text()
    add(site, "scale-2", tmp_path / "b.bin", "--plain")
    known = board(tmp_path / "b.bin")
    assert known["uri"] == f"mqtt://127.0.0.1:{site.port}"
    assert "ca" not in known


def test_a_certificate_that_the_board_would_not_trust(site: Talkstick, tmp_path: Path) -> None:
    site.run("certs", "init")
    said = add(site, "scale-1", tmp_path / "a.bin", "--host", "shed.lab", ok=False)
    assert "certificate is not for shed.lab" in said
    assert "talkstick certs init --name shed.lab --renew" in said
    site.run("certs", "init", "--name", "*.lab", "--renew")
    add(site, "scale-1", tmp_path / "a.bin", "--host", "Shed.lab")
    (site.data / "certs/server.key").unlink()
    assert "cannot read the key" in add(site, "scale-2", tmp_path / "b.bin", ok=False)
    assert devices(site) == ["scale-1"], "no image without TLS by mistake"


def test_a_server_that_asks_for_certificates_of_boards(site: Talkstick, tmp_path: Path) -> None:
    site.run("certs", "init")
    site.settings = {"TALKSTICK_TLS_CLIENT_CA": "certs/ca.pem"}
    assert "which an image has not: --plain" in add(site, "scale-1", tmp_path / "a.bin", ok=False)
    add(site, "scale-1", tmp_path / "a.bin", "--plain")


def test_another_broker_with_tls_only(site: Talkstick, tmp_path: Path) -> None:
    site.settings = {"TALKSTICK_BROKER": "mqtts://backend:secret@broker.lab"}
    assert "do without --plain" in add(site, "scale-1", tmp_path / "a.bin", "--plain", ok=False)


@pytest.mark.usefixtures("untold")
def test_another_broker_whose_tls_the_server_does_not_use(site: Talkstick, tmp_path: Path) -> None:
    site.run("certs", "init")
    site.settings = {"TALKSTICK_BROKER": "mqtt://backend:secret@127.0.0.1:1884", "TALKSTICK_TLS_PORT": "8884"}
    said = add(site, "scale-1", tmp_path / "a.bin", ok=False)
    assert 'broker = "mqtts://backend:…@127.0.0.1:8884" and broker_ca = "certs/ca.pem"' in said
    assert "or --plain" in said
    assert "secret@" not in said
    assert devices(site) == []
    add(site, "scale-1", tmp_path / "a.bin", "--plain")
    assert board(tmp_path / "a.bin")["uri"] == "mqtt://127.0.0.1:1884"
    secure = {"TALKSTICK_BROKER": "mqtts://backend:secret@127.0.0.1:8884", "TALKSTICK_BROKER_CA": "certs/ca.pem"}
    site.settings = {**site.settings, **secure}
    add(site, "scale-2", tmp_path / "b.bin")
    assert board(tmp_path / "b.bin")["uri"] == "mqtts://127.0.0.1:8884"
    assert board(tmp_path / "b.bin")["ca"] == (site.data / "certs/ca.pem").read_text()


@pytest.mark.usefixtures("untold")
def test_another_broker_with_a_certificate_that_the_board_would_not_trust(site: Talkstick, tmp_path: Path) -> None:
    site.run("certs", "init")
    secure = {"TALKSTICK_BROKER": "mqtts://backend:secret@localhost", "TALKSTICK_BROKER_CA": "certs/ca.pem"}
    site.settings = secure
    said = add(site, "scale-1", tmp_path / "a.bin", "--host", "10.9.9.9", ok=False)
    assert "certificate is not for 10.9.9.9" in said
    assert "talkstick certs init --name 10.9.9.9 --renew" in said
    site.settings = {**secure, "TALKSTICK_HOST": "10.9.9.8"}
    assert "certificate is not for 10.9.9.8" in add(site, "scale-1", tmp_path / "a.bin", ok=False)
    site.settings = {**secure, "TALKSTICK_TLS_CLIENT_CA": "certs/ca.pem"}
    assert "asks for certificates of boards" in add(site, "scale-1", tmp_path / "a.bin", ok=False)
    assert devices(site) == []
    Operator(tmp_path / "other").run("certs", "init")
    site.settings = {**secure, "TALKSTICK_BROKER_CA": str(tmp_path / "other/certs/ca.pem")}
    add(site, "scale-1", tmp_path / "a.bin", "--host", "10.9.9.9")
    assert board(tmp_path / "a.bin")["uri"] == "mqtts://10.9.9.9:8883", "somebody else's, which nobody knows here"


# What goes wrong


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--wifi", "x" * 33), "wifi_ssid has 33 bytes, and a board takes 32"),
        (("--host", f"{'x' * 60}.{'y' * 60}.{'z' * 60}.org"), "uri has"),
        (("--host", "not a host"), "neither a host name nor an address"),
        (("--owner", "nobody"), "no account nobody"),
        (("--size", "5000"), "in steps of 0x1000"),
        (("--wifi-password-file", os.devnull), "needs --wifi"),
    ],
)
def test_nothing_is_provisioned_then(site: Talkstick, tmp_path: Path, options: tuple[str, ...], complaint: str) -> None:
    assert complaint in add(site, "scale-1", tmp_path / "a.bin", *options, ok=False)
    assert devices(site) == []
    assert [each.name for each in tmp_path.iterdir() if each != site.data] == []


def test_a_bad_password_of_the_wifi_is_not_repeated(site: Talkstick, tmp_path: Path) -> None:
    arguments = ("device", "add", "scale-1", "--nvs", str(tmp_path / "a.bin"), "--wifi", "shed")
    said = site.run(*arguments, ok=False, environment={"TALKSTICK_WIFI_PASSWORD": "tooshrt"})
    assert "8 to 63" in said
    assert "tooshrt" not in said


def test_a_file_is_not_replaced_by_accident(site: Talkstick, tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_text("precious")
    assert "--force replaces it" in add(site, "scale-1", file, ok=False)
    assert file.read_text() == "precious"
    add(site, "scale-1", file, "--force")
    assert board(file)["id"] == "scale-1"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "exists already" in add(site, "scale-2", pipe, "--force", ok=False)
    assert "cannot write" in add(site, "scale-2", tmp_path / "nowhere/a.bin", ok=False)
    assert devices(site) == ["scale-1"]
    assert {each.name for each in tmp_path.iterdir()} == {"data", "a.bin", "pipe"}


def test_what_belongs_to_an_image_is_refused_without_one(site: Talkstick) -> None:
    assert "say --nvs FILE" in site.run("device", "add", "scale-1", "--wifi", "shed", ok=False)
    assert "say --nvs FILE" in site.run("device", "add", "scale-1", "--plain", ok=False)
    assert devices(site) == []


def test_a_secret_is_not_lost_with_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with serving(tmp_path) as site:
        old = site.passwords["scale-1"]
        monkeypatch.setattr("backend.shell.flash.os.fsync", full)
        file = tmp_path / "a.bin"
        said = site.run("device", "rotate", "scale-1", "--nvs", str(file), ok=False)
        assert "No space left on device" in said
        assert not file.exists()
        secret = said.rstrip().rpartition("secret ")[2]
        known = {"uri": f"mqtt://127.0.0.1:{site.port}", "id": "scale-1"}
        assert connect({**known, "secret": secret}, tmp_path / "ca.pem") == ""
        assert "not authori" in connect({**known, "secret": old}, tmp_path / "ca.pem").lower()


# A board that knows no more than its image


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Talkstick]:
    """A server with TLS and a prefix."""
    Operator(tmp_path / "data").run("certs", "init")
    with serving(tmp_path, tls_port=str(free_port()), wss_port="0", prefix="lab1/", host="127.0.0.1") as site:
        yield site


def test_the_board_logs_in_until_it_gets_another_secret(secure: Talkstick, tmp_path: Path) -> None:
    first, second, ca = tmp_path / "first.bin", tmp_path / "second.bin", tmp_path / "ca.pem"
    add(secure, "printer-1", first)
    assert board(first)["uri"].startswith("mqtts://")
    assert connect(board(first), ca) == ""
    secure.passwords["printer-1"] = board(first)["secret"]
    with secure.subscribe("printer-1", "lab1/devices/printer-1/session") as subscriber:
        subscriber.body("lab1/devices/printer-1/session", state="free")
        secure.run("device", "rotate", "printer-1", "--nvs", str(second))
        assert "not authori" in connect(board(first), ca).lower()
        assert connect(board(second), ca) == ""
    assert board(first)["secret"] != board(second)["secret"]


def test_the_board_logs_in_at_mosquitto(tmp_path: Path) -> None:
    settings = {"tls_port": str(free_port()), "wss_port": "0"}
    ca = tmp_path / "data/certs/ca.pem"
    with with_mosquitto(tmp_path, certificates=True, broker_ca=str(ca), **settings) as site:
        add(site.talkstick, "new-1", tmp_path / "a.bin", "--host", "localhost")
        known = board(tmp_path / "a.bin")
        assert known["uri"] == f"mqtts://localhost:{settings['tls_port']}"
        assert known["ca"] == ca.read_text()
        assert connect(known, tmp_path / "ca.pem") == ""
        said = add(site.talkstick, "new-2", tmp_path / "b.bin", "--host", "10.9.9.9", ok=False)
        assert "certificate is not for 10.9.9.9" in said
        add(site.talkstick, "new-2", tmp_path / "b.bin")
        assert board(tmp_path / "b.bin")["uri"] == f"mqtts://127.0.0.1:{settings['tls_port']}", "where it listens"
        assert connect(board(tmp_path / "b.bin"), tmp_path / "ca.pem") == ""
