"""The processes under fire: the server with its broker inside, or a backend and a Mosquitto."""

import asyncio
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from backend.core.principals import Principal, Role
from backend.shell.accounts import Accounts
from backend.shell.database import open_database
from backend.shell.floors import Channel, Floors
from tools.actor import Login
from tools.brokers import mosquitto_program
from tools.fire.history import History
from tools.ports import HOST

TALKSTICK = str(Path(sys.executable).parent / "talkstick")

_READY_WITHIN_S = 120.0  # the machine may be busy with other things
_LISTENS_AFTER_S = 0.02
_HASTE: Mapping[str, str] = {
    "lease_s": "2",
    "linger_s": "0.3",
    "idle_s": "2",
    "grace_s": "0.5",
    "cooling_s": "0.2",
    "restart_grace_s": "1",
    "debounce_s": "0.3",
    "stats_s": "1",
    "log_level": "WARNING",
    # Nobody is turned away for coming back, or asking, often.
    "flapping": "1000000",
    "connects_per_s": "10000",
    "requests_per_minute": "1000000",
    "claims_per_minute": "1000000",
    "waits": "1000",
}
_HASTE_OF_CHANNELS = {"lease_s": 2.0, "idle_s": 1.0, "place_grace_s": 0.5}


class FireError(Exception):
    """The run cannot go on; the message says why."""


@dataclass
class Part:
    """A process that can be killed. ``port``: it is ready when it listens there; 0: when it says so.

    ``mend`` is called before each start: it mends what a kill broke that is not ours, and tells whether something was.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    history: History
    port: int = 0
    mend: Callable[[], bool] = lambda: False
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    async def start(self) -> None:
        """Start it, and wait until it is ready. Raises FireError where it ends before, unless it was killed."""
        if await asyncio.to_thread(self.mend):
            self.history.note("mended", self.name)
        self.history.note("started", self.name)
        with self.log.open("ab") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *self.command, env=dict(self.environment), stdout=subprocess.PIPE, stderr=log
            )
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                is_ready = await (self._listens() if self.port else self._says_so())
        except TimeoutError as error:
            raise FireError(f"{self.name} does not become ready") from error
        if is_ready:
            self.history.note("ready", self.name)
        elif await process.wait() != -signal.SIGKILL:
            raise FireError(f"{self.name} ended of itself:\n{self.log.read_text()[-2000:]}")

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self.history.note("killed", self.name)
            await self._process.wait()

    def check(self) -> None:
        """Insist that it runs. Raises FireError."""
        if self._process is None or self._process.returncode is not None:
            raise FireError(f"{self.name} ended of itself:\n{self.log.read_text()[-2000:]}")

    async def _listens(self) -> bool:
        while self._process is not None and self._process.returncode is None:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(HOST, self.port)
                writer.close()
                return True
            await asyncio.sleep(_LISTENS_AFTER_S)
        return False

    async def _says_so(self) -> bool:
        if self._process is not None and self._process.stdout is not None:
            async for line in self._process.stdout:
                if b"ready" in line:
                    return True
        return False


class Site:
    """A data directory with its accounts, and the processes that serve it."""

    def __init__(self, folder: Path, port: int, broker: str) -> None:
        self.parts: list[Part] = []
        self.log = folder / "server.log"
        self._accounts = folder / "mosquitto" / "dynamic-security.json"
        self._folder = folder
        self._port = port
        self._is_embedded = broker == "embedded"
        ours = {"data": str(folder / "data"), "host": HOST, "port": str(port), "ws_port": str(port + 1), **_HASTE}
        self.settings = {f"TALKSTICK_{name.upper()}": value for name, value in ours.items()}

    def provision(self, people: Mapping[str, Role], channels: Sequence[str]) -> dict[str, Login]:
        """Make the accounts and channels of a new data directory; return the logins."""
        self._talkstick("init")
        database = open_database(self._folder / "data")
        accounts, logins = Accounts(database), {}
        for name, role in people.items():
            logins[name] = login = Login(name, secrets.token_urlsafe(16), HOST, self._port)
            accounts.add(Principal(name, role, name.title()), login.password, time.time(), generated=True)
        for name in channels:
            Floors(database).add_channel(Channel(name, name.title(), time.time()), _HASTE_OF_CHANNELS)
        database.dispose()
        return logins

    def set_up(self, history: History) -> None:
        """Decide what there is to start, when all accounts are made."""
        if self._is_embedded:
            self.parts = [Part("server", [TALKSTICK, "serve"], self._environment(), self.log, history)]
            return
        made = self._export()
        self.settings["TALKSTICK_BROKER"] = made["broker"]
        command, log = [mosquitto_program(), "-c", made["configuration"]], self._folder / "mosquitto.log"
        mosquitto = Part("mosquitto", command, dict(os.environ), log, history, self._port, self._mend_mosquitto)
        self.parts = [mosquitto, Part("backend", [TALKSTICK, "serve"], self._environment(), self.log, history)]

    def _export(self) -> dict[str, str]:
        made: dict[str, str] = json.loads(self._talkstick("export", "mosquitto", str(self._accounts.parent), "--json"))
        return made

    def _mend_mosquitto(self) -> bool:
        """Do as an operator must where Mosquitto was killed while it wrote its accounts, which it does in place."""
        try:
            json.loads(self._accounts.read_text())
        except ValueError:
            self._export()
            return True
        return False

    def complaints(self) -> list[str]:
        """Return what the server's log tells of a fault of its own, and not of a library that lost its connection."""
        entries = re.split(r"^(?=\d{4}-\d\d-\d\d )", self.log.read_text(errors="replace"), flags=re.MULTILINE)
        return [each for each in entries if "Traceback" in each and ("/backend/" in each or "/broker/" in each)]

    def _talkstick(self, *arguments: str) -> str:
        done = subprocess.run(
            [TALKSTICK, *arguments], env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise FireError(f"talkstick {' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        others = {key: value for key, value in os.environ.items() if not key.startswith("TALKSTICK_")}
        return {**others, **self.settings}
