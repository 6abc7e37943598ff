"""``talkstick certs``, as an operator uses it, and what doctor says of certificates."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import click.testing
import pytest

from backend.cli import doctor
from backend.cli.context import Context
from backend.cli.main import talkstick
from backend.shell import certificates
from backend.shell.authority import Authority
from tests.rig import Talkstick, serving
from tools.ports import free_port


def run(data: Path, *arguments: str, ok: bool = True) -> str:
    done = click.testing.CliRunner().invoke(talkstick, ["--data", str(data), *arguments])
    assert (done.exit_code == 0) == ok, done.output
    return done.output


def record(data: Path, *arguments: str) -> Any:
    return json.loads(run(data, *arguments, "--json"))


def test_the_authority_stays_and_the_server_is_renewed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert "certs init" in run(data, "certs", "show")
    made = record(data, "certs", "init", "--name", "Scale.Lab", "--name", "10.1.2.3", "--days", "30")
    assert made["authority"]["made"]
    assert made["server"]["made"]
    assert {"scale.lab", "10.1.2.3", "localhost", "127.0.0.1"} <= set(made["server"]["names"])
    assert made["server"]["days_left"] == 29  # and some hours
    assert made["missing_names"] == []
    again = run(data, "certs", "init", "--name", "other.lab")
    assert "does not name other.lab" in again
    assert "ca.pem to boards" in again
    renewed = record(data, "certs", "init", "--name", "other.lab", "--renew")
    assert renewed["authority"]["fingerprint"] == made["authority"]["fingerprint"]
    assert {"scale.lab", "other.lab"} <= set(renewed["server"]["names"])
    assert renewed["server"]["fingerprint"] != made["server"]["fingerprint"]
    shown = record(data, "certs", "show")
    assert [(each["what"], each["fingerprint"]) for each in shown] == [
        ("authority", renewed["authority"]["fingerprint"]),
        ("server", renewed["server"]["fingerprint"]),
    ]
    assert renewed["server"]["fingerprint"] in run(data, "certs", "show")


def test_a_new_authority_signs_anew(tmp_path: Path) -> None:
    before = record(tmp_path, "certs", "init")
    (tmp_path / "certs" / "ca.pem").unlink()
    after = record(tmp_path, "certs", "init")
    assert after["server"]["made"]
    assert after["server"]["fingerprint"] != before["server"]["fingerprint"]


def test_what_is_wrong_is_said_without_a_traceback(tmp_path: Path) -> None:
    assert "neither a host name" in run(tmp_path, "certs", "init", "--name", "a b", ok=False)
    run(tmp_path, "certs", "init")
    (tmp_path / "certs" / "ca.key").unlink()
    assert "cannot read the key" in run(tmp_path, "certs", "init", "--renew", ok=False)
    (tmp_path / "certs" / "server.pem").write_text("")
    assert "no certificate in PEM form" in run(tmp_path, "certs", "show", ok=False)
    (tmp_path / "talkstick.toml").write_text('tls_key = "a.key"')
    assert "belong together" in run(tmp_path, "certs", "show", ok=False)


def test_certificates_of_accounts(tmp_path: Path) -> None:
    server = Talkstick(tmp_path / "data")
    server.run("init")
    server.device("scale-1")
    assert "no authority yet: `talkstick certs init`" in server.run("certs", "client", "scale-1", ok=False)
    Authority(tmp_path / "data" / "certs").establish(time.time())
    assert "no account nobody" in server.run("certs", "client", "nobody", ok=False)
    made = json.loads(server.run("certs", "client", "scale-1", "--out", str(tmp_path / "board"), "--json"))
    assert (made["user"], made["subject"], made["made"]) == ("scale-1", "CN=scale-1", True)
    assert Path(made["file"]).parent == tmp_path / "board"
    assert 'tls_client_ca = "certs/ca.pem"' in server.run("certs", "client", "scale-1")


def tls(data: Path, state: str) -> str:
    """Return what doctor says of TLS, which must be of this state."""
    (found,) = doctor._tls(Context(data))
    assert found.state == state
    return f"{found.found} -> {found.help}"


def test_doctor_looks_at_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKSTICK_PORT", str(free_port()))  # where nothing listens
    assert "talkstick certs init" in tls(tmp_path, "warn")
    certs, now = tmp_path / "certs", time.time()
    authority = Authority(certs)
    authority.establish(now)
    authority.server(["localhost"], 100, now)
    assert "good for 99 days" in tls(tmp_path, "ok")
    authority.server(["localhost"], 20, now, renew=True)
    assert "--renew" in tls(tmp_path, "warn")
    authority.server(["localhost"], 1, now - 2 * 24 * 3600, renew=True)
    assert "expired" in tls(tmp_path, "fail")
    authority.server(["localhost"], 100, now, renew=True)
    (certs / "server.key").chmod(0o644)
    assert "chmod 600" in tls(tmp_path, "fail")
    (certs / "server.key").write_bytes((certs / "ca.key").read_bytes())
    assert "is not that of" in tls(tmp_path, "fail")
    monkeypatch.setenv("TALKSTICK_TLS_PORT", "0")
    monkeypatch.setenv("TALKSTICK_WSS_PORT", "0")
    assert "off" in tls(tmp_path, "warn")
    monkeypatch.setenv("TALKSTICK_HOST", "127.0.0.1")
    assert "only this machine" in tls(tmp_path, "ok")


def test_doctor_tells_that_a_server_has_not_taken_its_certificate_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def states() -> list[str]:
        return [found.state for found in doctor._tls(Context(running.data))]

    port = str(free_port())
    with serving(tmp_path, tls_port=port, wss_port="0") as running:
        for name, value in running.environment({}).items():
            monkeypatch.setenv(name, value)
        running.run("certs", "init")
        assert states() == ["ok", "warn"], "nothing listens for TLS"
        assert "start the server again" in running.run("doctor")
        running.stop()
        assert states() == ["ok"], "no server, nothing to complain of"
        running.start()
        assert states() == ["ok"]
        running.run("certs", "init", "--renew")
        assert states() == ["ok", "warn"], "it shows the one that it began with"


def test_doctor_says_nothing_of_the_certificate_of_a_server_that_is_too_busy_to_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "_KNOCK_S", 0.1)
    run(tmp_path, "certs", "init")
    with socket.create_server(("127.0.0.1", 0)) as plain, socket.create_server(("127.0.0.1", 0)) as secure:
        monkeypatch.setenv("TALKSTICK_HOST", "127.0.0.1")
        monkeypatch.setenv("TALKSTICK_PORT", str(plain.getsockname()[1]))
        monkeypatch.setenv("TALKSTICK_TLS_PORT", str(secure.getsockname()[1]))
        assert [found.state for found in doctor._tls(Context(tmp_path))] == ["ok"]
