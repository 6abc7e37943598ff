"""The same people and boards at both brokers: the embedded one, and a real Mosquitto set up by `talkstick export`."""

import json
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from backend.core.principals import Principal, Role
from backend.shell.database import open_database
from backend.shell.floors import Channel, Floors
from backend.shell.triggers import Triggers
from tests.rig import WITHIN_S, Talkstick, provisioned
from tools.brokers import mosquitto_program

PEOPLE = {
    who.name: who
    for who in (
        Principal("admin", Role.ADMIN, "Admin"),
        Principal("alice", Role.USER, "Alice"),
        Principal("bob", Role.USER, "Bob"),
        Principal("ears", Role.LISTENER, "Ears"),
        Principal("bot", Role.INTEGRATION, "Bot"),
        Principal("zigbee2mqtt", Role.INTEGRATION, "Zigbee2MQTT", topics=("zigbee2mqtt/#", "homeassistant/+/+/config")),
        Principal("scale-1", Role.DEVICE, "scale-1", owner="alice", triggers=frozenset({"pir"})),
        Principal("printer-1", Role.DEVICE, "printer-1"),
    )
}

CODE = Principal("claim-1", Role.CLAIM, "A claim code")
EVERYBODY = {**PEOPLE, CODE.name: CODE}


@dataclass
class Mosquitto:
    """A real Mosquitto on what was exported into a directory."""

    directory: Path
    port: int
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        """Start it; return when it listens, at the last of its ports too."""
        *_, last = re.findall(r"^listener (\d+)", (self.directory / "mosquitto.conf").read_text(), re.MULTILINE)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([mosquitto_program(), "-c", self.directory / "mosquitto.conf"], stderr=log)
        for _ in range(int(10 * WITHIN_S)):
            try:
                socket.create_connection(("127.0.0.1", int(last)), timeout=WITHIN_S).close()
            except ConnectionRefusedError:
                try:
                    self._process.wait(0.1)
                except subprocess.TimeoutExpired:
                    continue
                raise AssertionError("Mosquitto ended: " + self.log.read_text()) from None
            else:
                return
        raise AssertionError("Mosquitto does not listen")

    def stop(self) -> None:
        """End it, and wait for that."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(WITHIN_S)

    @property
    def log(self) -> Path:
        """Return where it logs."""
        return self.directory.parent / "mosquitto.log"


@dataclass
class Site:
    """A server with its broker, and everybody's passwords."""

    talkstick: Talkstick
    mosquitto: Mosquitto | None = None

    @property
    def port(self) -> int:
        """Return where the broker listens."""
        return self.talkstick.port

    @property
    def broker(self) -> str:
        """Return the URL with the server's login."""
        return self.talkstick.settings["TALKSTICK_BROKER"]

    def use_broker(self, url: str) -> None:
        """Let the server, and the commands, use another broker."""
        self.talkstick.settings = {**self.talkstick.settings, "TALKSTICK_BROKER": url}

    @classmethod
    def made(cls, directory: Path, **settings: str) -> Self:
        """Provision everybody on a new data directory."""
        # A session outlives the slowest machine.
        settings = {"stats_s": "0.1", "debounce_s": "0.5", "flapping": "1000", "lease_s": "3600", **settings}
        environment = {f"TALKSTICK_{key.upper()}": value for key, value in settings.items()}
        data = directory / "data"
        talkstick = Talkstick(data, settings=environment, passwords=provisioned(data, EVERYBODY.values()))
        database = open_database(data)
        Floors(database).add_channel(Channel("stage", "Stage", 0.0), {})
        Triggers(database).add("trigger", "pir", {"owner": "scale-1"}, 0.0)
        Triggers(database).add("profile", "greet", {"start": [{"do": "publish", "topic": "shed/greeting"}]}, 0.0)
        database.dispose()
        return cls(talkstick)

    def export(self, directory: Path) -> None:
        """Write a configuration for Mosquitto, and use it from now on."""
        made = json.loads(self.talkstick.run("export", "mosquitto", str(directory), "--json"))
        self.use_broker(made["broker"])
        self.talkstick.passwords["backend"] = made["broker"].split(":")[2].split("@")[0]
        self.mosquitto = Mosquitto(directory, self.port)


@contextmanager
def embedded(directory: Path, **settings: str) -> Iterator[Site]:
    """Run a server with the embedded broker."""
    site = Site.made(directory, **settings)
    with ExitStack() as stack:
        stack.callback(site.talkstick.stop, signal.SIGKILL)
        site.talkstick.start()
        yield site


@contextmanager
def with_mosquitto(directory: Path, *, certificates: bool = False, **settings: str) -> Iterator[Site]:
    """Run a Mosquitto, and a server that uses it: over TLS, where there are *certificates*."""
    site = Site.made(directory, **settings)
    if certificates:
        site.talkstick.run("certs", "init")
    site.export(directory / "mosquitto")
    if certificates:
        secure = f"localhost:{settings['tls_port']}"
        site.use_broker(site.broker.replace("mqtt://", "mqtts://").replace(f"127.0.0.1:{site.port}", secure))
    assert site.mosquitto is not None
    with ExitStack() as stack:
        stack.callback(site.mosquitto.stop)
        site.mosquitto.start()
        stack.callback(site.talkstick.stop, signal.SIGKILL)
        site.talkstick.start()
        yield site


BROKERS: dict[str, Callable[[Path], AbstractContextManager[Site]]] = {"embedded": embedded, "mosquitto": with_mosquitto}
