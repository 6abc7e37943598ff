"""The three brokers, each in a process of its own that can be stopped, killed and started again."""

import getpass
import hashlib
import json
import signal
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from base64 import b64encode
from pathlib import Path
from time import monotonic

from tests.conformance import rules
from tests.rig import WITHIN_S
from tools.brokers import mosquitto_program
from tools.ports import free_port


class Broker(ABC):
    """A broker on two ports of this machine, that keeps what it keeps in *directory*."""

    kind: str
    closes_after_s = WITHIN_S
    """How long to wait for the end of clients that are silent, however slow the machine."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.ws_port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; return when it listens."""
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log)
        until = monotonic() + WITHIN_S
        while not (_listens(self.port) and _listens(self.ws_port)):
            if _ends(self._process, within_s=0.01) or monotonic() > until:
                self.stop(signal.SIGKILL)
                raise RuntimeError(f"{self.kind} does not start: " + (self._directory / "log").read_text()[-2000:])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process with a signal; return when it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(WITHIN_S)
        finally:
            process.kill()
            process.wait()

    def restart(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it with a signal, and start it again on what it kept."""
        self.stop(number)
        self.start()

    def begin(self) -> None:  # noqa: B027 - most need no preparation
        """Begin a case."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return what starts it."""


class Embedded(Broker):
    """The broker of this project, with a door that is open to who knows the secret."""

    kind = "embedded"

    def _command(self) -> list[str]:
        ports = [str(self.port), str(self.ws_port)]
        return [sys.executable, "-m", "tests.conformance.embedded", *ports, str(self._directory / "store")]


class PlainAmqtt(Broker):
    """The broker of amqtt as it is shipped. Its defects spoil each other's cases, so each begins with a new one."""

    kind = "plain amqtt"
    closes_after_s = 8.0  # it never does

    def begin(self) -> None:
        """Begin with a new one."""
        self.restart(signal.SIGKILL)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "tests.conformance.plain", str(self.port), str(self.ws_port)]


class Mosquitto(Broker):
    """The real Mosquitto, with its dynamic-security plugin for accounts and rules."""

    kind = "mosquitto"

    def _command(self) -> list[str]:
        rights = self._directory / "rights.json"
        rights.write_text(json.dumps(_rights()))
        settings = {
            "user": getpass.getuser(),
            "per_listener_settings": "false",
            "allow_anonymous": "false",
            "plugin": _plugin(),
            "plugin_opt_config_file": rights,
            "persistence": "true",
            "persistence_location": f"{self._directory}/",
            "set_tcp_nodelay": "true",
            "max_packet_size": rules.PACKET_BYTES,
            "max_inflight_messages": rules.INFLIGHT,
            "max_queued_messages": 100,  # for one that takes nothing, at QoS 0 too
            "allow_duplicate_messages": "false",
        }
        lines = [f"{key} {value}" for key, value in settings.items()]
        lines += [f"listener {self.port} 127.0.0.1", f"listener {self.ws_port} 127.0.0.1", "protocol websockets"]
        configuration = self._directory / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n")
        return [mosquitto_program(), "-c", str(configuration)]


KINDS: dict[str, type[Broker]] = {broker.kind: broker for broker in (Embedded, Mosquitto, PlainAmqtt)}


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _ends(process: subprocess.Popen[bytes], within_s: float) -> bool:
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _plugin() -> Path:
    prefix = Path(mosquitto_program()).resolve().parents[1]
    places = (*prefix.glob("lib*/**/mosquitto_dynamic_security.so"), *Path("/usr/lib").glob("*/mosquitto_dynamic_*.so"))
    for place in places:
        return place
    raise RuntimeError("mosquitto's dynamic-security plugin is not installed")


def _rights() -> dict[str, object]:
    """Return what the door of the embedded broker says, as a document of the plugin."""
    salt, rounds = b"conformance.", 101
    hashed = hashlib.pbkdf2_hmac("sha512", rules.SECRET.encode(), salt, rounds)
    refused = [
        {"acltype": kind, "topic": f"{rules.FORBIDDEN}#", "allow": False, "priority": 1}
        for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")
    ]
    return {
        "defaultACLAccess": dict.fromkeys(
            ("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe"), True
        ),
        "clients": [
            {
                "username": name,
                "password": b64encode(hashed).decode(),
                "salt": b64encode(salt).decode(),
                "iterations": rounds,
                "roles": [] if name == rules.WARDEN else [{"rolename": "guest"}],
            }
            for name in (*rules.GUESTS, rules.WARDEN)
        ],
        "roles": [{"rolename": "guest", "acls": refused}],
    }
