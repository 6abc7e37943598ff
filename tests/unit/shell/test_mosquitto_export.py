"""The configuration that is written for Mosquitto."""

import json
from pathlib import Path

import pytest

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.shell import verifier
from backend.shell.certificates import CertificateError
from backend.shell.mosquitto_export import configuration, security
from backend.shell.mosquitto_rights import Rights
from backend.shell.settings import FILE, load
from tests.people import ALICE, SCALE


def lines(directory: Path, text: str = "") -> list[str]:
    (directory / FILE).write_text(text)
    return configuration(load(directory), directory / "mosquitto", Path("/lib/plugin.so")).splitlines()


def test_listeners_are_those_of_the_settings(tmp_path: Path) -> None:
    found = lines(tmp_path, 'host = "192.0.2.1"\nplain_host = "127.0.0.1"\nws_port = 0\nmax_connections = 7')
    assert [line for line in found if line.startswith("listener")] == ["listener 1883 127.0.0.1"]
    assert "max_connections 7" in found
    assert "plugin /lib/plugin.so" in found
    assert f"plugin_opt_config_file {tmp_path}/mosquitto/dynamic-security.json" in found


def test_tls_is_served_where_there_is_a_certificate(tmp_path: Path) -> None:
    found = lines(tmp_path, 'tls_certificate = "s.pem"\ntls_key = "s.key"\ntls_client_ca = "ca.pem"')
    at = found.index("listener 8883 0.0.0.0")
    assert found[at + 2 : at + 7] == [
        f"certfile {tmp_path}/s.pem",
        f"keyfile {tmp_path}/s.key",
        f"cafile {tmp_path}/ca.pem",
        "require_certificate true",
        "use_identity_as_username true",
    ]
    with pytest.raises(CertificateError):
        lines(tmp_path, 'tls_certificate = "s.pem"')


def test_accounts_come_with_their_hashes_and_roles() -> None:
    hashes = {name: verifier.made("secret", generated=True) for name in ("alice", "scale-1")}
    made = security(Rights(Rulebook(TABLE), ""), {"alice": ALICE, "scale-1": SCALE}, hashes)
    alice, scale = made["clients"]
    assert f"$7$1000${alice['salt']}${alice['password']}" == hashes["alice"]
    assert [role["rolename"] for role in scale["roles"]] == ["account:scale-1", "holder:scale-1", "role:device"]
    named = {role["rolename"]: role["acls"] for role in made["roles"]}
    assert named["holder:alice"] == []
    assert made["defaultACLAccess"]["publishClientReceive"] is False
    assert "secret" not in json.dumps(made)
