"""A configuration with which Mosquitto gives the same answers as the embedded broker."""

import math
import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backend.core.access import MAX_PAYLOAD
from backend.core.principals import Principal
from backend.shell import certificates, verifier
from backend.shell.mosquitto_rights import DEFAULT_ACCESS, Rights, acls, role_refs
from backend.shell.settings import Settings

CONFIGURATION, SECURITY = "mosquitto.conf", "dynamic-security.json"

_PLUGIN = "mosquitto_dynamic_security.so"
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib", "/opt/local/lib")
_DAY_S = 24 * 3600
_SERVER_MESSAGES, _SERVER_BYTES = 20_000, 32 * 1024 * 1024  # what may wait for the server


def plugin() -> Path | None:
    """Return where the dynamic-security plugin of this machine is; None where there is none."""
    found = (path for library in _LIBRARIES for path in sorted(Path(library).glob(f"**/{_PLUGIN}")))
    return next(found, None)


MADE_BY = "# Made by `talkstick export mosquitto`"


def security(rights: Rights, people: Mapping[str, Principal], verifiers: Mapping[str, str]) -> dict[str, Any]:
    """Return the plugin's document: all accounts with the *verifiers* of their secrets, and their roles."""
    return {
        "clients": [_client(rights, who, verifiers[name]) for name, who in people.items()],
        "groups": [],
        "roles": [{"rolename": role, "acls": acls(rules)} for role, rules in rights.all_roles(people.values()).items()],
        "defaultACLAccess": DEFAULT_ACCESS,
    }


def _client(rights: Rights, who: Principal, stored: str) -> dict[str, Any]:
    known = verifier.parsed(stored)
    return {
        "username": who.name,
        "textname": who.display_name,
        "password": known.password,
        "salt": known.salt,
        "iterations": known.iterations,
        "roles": role_refs(rights.names(who)),
    }


def configuration(settings: Settings, directory: Path, library: Path) -> str:
    """Return the text of ``mosquitto.conf``. Raises CertificateError."""
    return "\n".join([*_everywhere(settings, directory, library), *_listeners(settings), ""])


def _everywhere(settings: Settings, directory: Path, library: Path) -> Iterator[str]:
    yield f"{MADE_BY}, which replaces it when it is run again."
    yield "per_listener_settings false"
    yield "allow_anonymous false"
    yield f"plugin {library}"
    yield f"plugin_opt_config_file {directory / SECURITY}"
    yield ""
    yield "# Whom Mosquitto becomes if root starts it; it must be able to write into this directory."
    yield f"user {pwd.getpwuid(os.geteuid()).pw_name}"
    yield "persistence true"
    yield f"persistence_location {directory}/"
    yield "autosave_interval 60"
    yield f"persistent_client_expiration {max(1, math.ceil(settings.session_expiry_s / _DAY_S))}d"
    yield ""
    yield f"max_packet_size {settings.max_packet}"
    yield f"message_size_limit {MAX_PAYLOAD}"
    yield f"max_inflight_messages {settings.max_inflight}"
    yield "# One number for all, and the server must not miss anything when all boards speak at once."
    yield f"max_queued_messages {max(settings.max_queued, _SERVER_MESSAGES)}"
    yield f"max_queued_bytes {max(settings.max_backlog, _SERVER_BYTES)}"
    yield "queue_qos0_messages false"
    yield "set_tcp_nodelay true"
    yield "sys_interval 0"
    yield "log_dest stderr"
    yield "log_type error"
    yield "log_type warning"
    yield "log_type notice"


def _listeners(settings: Settings) -> Iterator[str]:
    plain, files = settings.plain_host or settings.host, certificates.tls(settings)
    ports = [
        (settings.port, plain, False, None),
        (settings.ws_port, plain, True, None),
        (settings.tls_port if files else 0, settings.host, False, files),
        (settings.wss_port if files else 0, settings.host, True, files),
    ]
    for port, host, web, tls in ports:
        if not port:
            continue
        yield ""
        yield f"listener {port} {host}"
        yield f"max_connections {settings.max_connections}"
        if web:
            yield "protocol websockets"
        if tls is not None:
            yield from _tls(tls)


def _tls(files: certificates.Tls) -> Iterator[str]:
    yield f"certfile {files.certificate}"
    yield f"keyfile {files.key}"
    if files.client_ca is not None:
        yield f"cafile {files.client_ca}"
        yield "require_certificate true"
        yield "use_identity_as_username true"
