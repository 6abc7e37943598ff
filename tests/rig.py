"""The installed command and mosquitto's clients, as a user has them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from backend.core.principals import Principal, Role
from backend.shell import operator
from backend.shell.accounts import Accounts, new_secret
from backend.shell.database import open_database
from tests.operator import typed
from tools.ports import free_port

T = TypeVar("T")

COMMAND = Path(sys.executable).parent / "talkstick"
STATS = "backend/stats"
WITHIN_S = 120.0
"""No measurement: what takes longer hangs, however busy the machine is with other tests."""

PEOPLE = (
    Principal("admin", Role.ADMIN, "Admin"),
    Principal("alice", Role.USER, "Alice"),
    Principal("bob", Role.USER, "Bob"),
    Principal("carol", Role.USER, "Carol"),
    Principal("scale-1", Role.DEVICE, "scale-1"),
)


@dataclass(frozen=True)
class Got:
    """One message that a subscriber got."""

    topic: str
    payload: str
    retained: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """Return the payload as JSON."""
        return dict(json.loads(self.payload))


class Subscriber:
    """A running ``mosquitto_sub``. Its lines are collected by a thread; tests wait for what they expect."""

    def __init__(self, port: int, user: str, password: str, *topics: str, options: tuple[str, ...] = ()) -> None:
        arguments = ["-h", "127.0.0.1", "-p", str(port), "-u", user, "-P", password, "-q", "1", "-d"]
        filters = [part for topic in topics for part in ("-t", topic)]
        self._changed = threading.Condition()
        self.got: list[Got] = []
        self._ready = False
        self._process = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", *arguments, *filters, "-F", "GOT %r %t %p", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        self._wait(lambda: self._ready, "a SUBACK")
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End it as a power cut would: the last will is due."""
        self._process.kill()
        self._reader.join()
        self._process.wait()

    def wait_for(self, expected: Callable[[Got], bool], what: str = "the message", after: int = 0) -> Got:
        """Return the first message, from index *after* on, that is as expected."""
        return self._wait(lambda: next(filter(expected, self.got[after:]), None), what)

    def body(self, topic: str, after: int = 0, **expected: object) -> dict[str, Any]:
        """Return the first JSON body on *topic* that has these keys and values."""
        return self.wait_for(
            lambda got: got.topic == topic and got.payload != "" and expected.items() <= got.body.items(),
            f"{topic} {expected}",
            after,
        ).body

    def bodies(self, topic: str) -> list[dict[str, Any]]:
        """Return all JSON bodies on *topic* so far."""
        return [got.body for got in self.got if got.topic == topic and got.payload]

    @contextmanager
    def refusals(self, code: str, count: int = 1) -> Iterator[None]:
        """Wait until so many messages more are refused for a reason. To be used once, before anything else is refused.

        The stats must be subscribed to: what was counted before is what they told first.
        """
        before = self.body(STATS)["refused"].get(code, 0)
        yield
        self.wait_for(lambda got: got.topic == STATS and got.body["refused"].get(code, 0) >= before + count, code)

    def _wait(self, look: Callable[[], T | None], what: str) -> T:
        with self._changed:
            self._changed.wait_for(look, WITHIN_S)
            found = look()
        assert found, f"{what} did not come within {WITHIN_S} s; got {self.got[-12:]}"
        return found

    def _read(self) -> None:
        if self._process.stdout is None:
            return
        with self._process.stdout as lines:
            for line in lines:
                with self._changed:
                    self._take(line.rstrip("\n"))
                    self._changed.notify_all()

    def _take(self, line: str) -> None:
        if line.startswith("GOT "):
            retained, topic, payload = line[4:].split(" ", 2)
            self.got.append(Got(topic, payload, retained == "1"))
        elif "SUBACK" in line:
            self._ready = True


@dataclass
class Talkstick:
    """A data directory, and the server on it."""

    data: Path
    port: int = field(default_factory=free_port)
    ws_port: int = field(default_factory=free_port)
    settings: Mapping[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    _server: "subprocess.Popen[str] | None" = None

    @property
    def log(self) -> Path:
        """Return where the server's log goes."""
        return self.data.parent / "server.log"

    def run(self, *arguments: str, ok: bool = True, environment: Mapping[str, str] | None = None) -> str:
        """Run a command in this process; return what it printed. *ok* False: it must fail."""
        return typed(*arguments, ok=ok, environment=self.environment(environment or {}))

    def installed(self, *arguments: str, ok: bool = True, environment: Mapping[str, str] | None = None) -> str:
        """Run the installed command, which takes long to start; return what it printed. *ok* False: it must fail."""
        done = subprocess.run(
            [COMMAND, *arguments],
            env=self.environment(environment or {}),
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert (done.returncode == 0) == ok, (arguments, done.stdout, done.stderr)
        return done.stdout if ok else done.stdout + done.stderr

    @contextmanager
    def started(self, who: str, *arguments: str, stderr: int = subprocess.STDOUT) -> Iterator["subprocess.Popen[str]"]:
        """Start the installed command as somebody, in a process of its own; it is killed in the end."""
        with subprocess.Popen(
            [COMMAND, *arguments],
            env=self.environment({**self.login(who), "PYTHONUNBUFFERED": "1"}),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def login(self, who: str) -> dict[str, str]:
        """Return what lets a command log in as somebody."""
        return {"TALKSTICK_USER": who, "TALKSTICK_PASSWORD": self.passwords[who]}

    def user(self, name: str, role: str = "user") -> None:
        """Add an account, and keep its password."""
        made = self.run("user", "add", name, "--name", name.title(), "--role", role, "--json")
        self.passwords[name] = json.loads(made)["password"]

    def device(self, name: str) -> None:
        """Provision a device, and keep its password."""
        self.passwords[name] = json.loads(self.run("device", "add", name, "--json"))["password"]

    def start(self) -> None:
        """Start the server; return when it is ready."""
        with self.log.open("a") as log:
            self._server = subprocess.Popen(
                [COMMAND, "serve"], env=self.environment({}), stdout=subprocess.PIPE, stderr=log, text=True
            )
        for line in self._server.stdout or ():
            if "ready" in line:
                return
        raise AssertionError("the server ended: " + self.log.read_text())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the server a signal; return how it ended."""
        server, self._server = self._server, None
        if server is None:
            return 0
        server.send_signal(number)
        server.communicate(timeout=WITHIN_S)
        return server.returncode

    def publish(self, user: str, topic: str, body: Mapping[str, object] | bytes, *options: str) -> None:
        """Publish with a new ``mosquitto_pub``, at QoS 0 unless told otherwise."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        subprocess.run(
            ["mosquitto_pub", *self._login(user), "-t", topic, "-s", *options],
            input=payload,
            check=True,
            timeout=WITHIN_S,
        )

    def publish_lines(self, user: str, topic: str, lines: bytes) -> None:
        """Publish each line with one ``mosquitto_pub``, as fast as it can, at QoS 1."""
        subprocess.run(
            ["mosquitto_pub", *self._login(user), "-t", topic, "-q", "1", "-l"],
            input=lines,
            check=True,
            timeout=WITHIN_S,
        )

    def ask(self, user: str, device: str, **body: object) -> None:
        """Publish a session request."""
        self.publish(user, f"devices/{device}/session/request/{user}", body)

    def subscribe(self, user: str, *topics: str, options: tuple[str, ...] = ()) -> Subscriber:
        """Start a ``mosquitto_sub``."""
        return Subscriber(self.port, user, self.passwords[user], *topics, options=options)

    def _login(self, user: str) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-u", user, "-P", self.passwords[user]]

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a command, in which the settings are, and some *more*."""
        ports = {"TALKSTICK_PORT": str(self.port), "TALKSTICK_WS_PORT": str(self.ws_port)}
        mine = {"TALKSTICK_DATA": str(self.data), "TALKSTICK_HOST": "127.0.0.1", **ports, **self.settings}
        return {**os.environ, **mine, **more}


def provisioned(data: Path, people: Collection[Principal]) -> dict[str, str]:
    """Add accounts to a data directory, quicker than the commands would; return their passwords.

    The commands may use the admin's, as after ``talkstick init``.
    """
    database = open_database(data)
    passwords = {who.name: new_secret() for who in people}
    for who in people:
        Accounts(database).add(who, passwords[who.name], time.time(), generated=True)
    database.dispose()
    if "admin" in passwords:
        operator.write(data, operator.Login("admin", passwords["admin"]))
    return passwords


@contextmanager
def serving(directory: Path, **settings: str) -> Iterator[Talkstick]:
    """Run a server on a new data directory, with the people and the device of most stories."""
    settings = {"stats_s": "0.1", "debounce_s": "0.5", **settings}
    environment = {f"TALKSTICK_{key.upper()}": value for key, value in settings.items()}
    data = directory / "data"
    talkstick = Talkstick(data, settings=environment, passwords=provisioned(data, PEOPLE))
    try:
        talkstick.start()
        yield talkstick
    finally:
        talkstick.stop(signal.SIGKILL)
