"""Brokers that let everybody do everything, each in a process of its own: to be measured, and to be tortured.

``python -m tools.brokers embedded PORT [WS_PORT]`` runs the embedded broker, ``amqtt PORT`` the one it is built on.
"""

import asyncio
import getpass
import importlib
import importlib.util
import logging
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from amqtt.broker import Broker

from broker.limits import Limits
from broker.ports import Judgement
from broker.server import Listener, running
from tools.ports import HOST, free_port

T = TypeVar("T")

_UP_WITHIN_S = 30.0
_DOWN_WITHIN_S = 15.0
_ENDLESS = 10**9
_ELSEWHERE = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


@dataclass(frozen=True, slots=True)
class Target:
    """A broker that runs. ``log`` is the file with what it says."""

    name: str
    pid: int
    port: int
    ws_port: int
    log: Path


Start = Callable[[Path], AbstractContextManager[Target]]


@dataclass(frozen=True, slots=True)
class Passed:
    """A publish that may go on, but for a ``code``."""

    code: str | None = None
    guard: str | None = None


class OpenDoor:
    """Lets everybody do everything: the broker as it is without Talkstick's rules."""

    async def authenticate(self, _name: str, _secret: str) -> bool:
        """Let in."""
        return True

    async def vouched(self, _name: str) -> bool:
        """Let in."""
        return True

    def judge(self, _name: str, _topic: str, *, retain: bool, size: int) -> Judgement:
        """Let pass."""
        del retain, size
        return Passed()

    def may_subscribe(self, _name: str, _topic_filter: str) -> bool:
        """Let hear."""
        return True

    def may_receive(self, _name: str, _topic: str) -> bool:
        """Let hear."""
        return True

    def refused(self, _name: str, _topic: str, _code: str) -> None:
        """Nothing is."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, with uvloop where it is installed."""
    factory = importlib.import_module("uvloop").new_event_loop if has_uvloop() else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def has_uvloop() -> bool:
    """Tell whether uvloop is installed."""
    return importlib.util.find_spec("uvloop") is not None


def allow_open_files() -> None:
    """Take as many open files as one may: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def embedded(folder: Path) -> Iterator[Target]:
    """Run the embedded broker, with an open door and no limits to how often one knocks."""
    port, ws_port = free_port(), free_port()
    command = [sys.executable, "-m", "tools.brokers", "embedded", str(port), str(ws_port)]
    with process("embedded", command, (port, ws_port), folder) as target:
        yield target


@contextmanager
def plain_amqtt(folder: Path) -> Iterator[Target]:
    """Run amqtt as it is."""
    port = free_port()
    command = [sys.executable, "-m", "tools.brokers", "amqtt", str(port)]
    with process("plain amqtt", command, (port, 0), folder) as target:
        yield target


@contextmanager
def mosquitto(folder: Path) -> Iterator[Target]:
    """Run Mosquitto. Raises FileNotFoundError where it is not installed."""
    program = mosquitto_program()
    port, configuration = free_port(), folder / "mosquitto.conf"
    # Without TCP_NODELAY, an answer after an acknowledgement waits 40 ms.
    lines = [f"listener {port} {HOST}", "allow_anonymous true", "set_tcp_nodelay true", "log_type error"]
    configuration.write_text("\n".join([f"user {getpass.getuser()}", *lines, ""]))
    with process("Mosquitto", [program, "-c", str(configuration)], (port, 0), folder) as target:
        yield target


def mosquitto_version() -> str:
    """Return name and version. Raises FileNotFoundError where it is not installed."""
    told = subprocess.run([mosquitto_program(), "-h"], capture_output=True, text=True, check=False)
    return told.stdout.splitlines()[0]


def mosquitto_program() -> str:
    """Return the program, which Debian keeps where ordinary users do not look. Raises FileNotFoundError."""
    found = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *_ELSEWHERE]))
    if found is None:
        raise FileNotFoundError("mosquitto is not installed; `make system-packages` does it")
    return found


@contextmanager
def process(name: str, command: Sequence[str], ports: tuple[int, int], folder: Path) -> Iterator[Target]:
    """Run a broker that listens on these ports: TCP, and WebSocket or 0. What it says goes into the folder."""
    port, ws_port = ports
    path = folder / f"{name.replace(' ', '-').lower()}-{port}.log"
    with path.open("w") as log:
        started = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            for each in filter(None, ports):
                _wait_until_up(started, each, path)
            yield Target(name, started.pid, port, ws_port, path)
        finally:
            started.terminate()
            try:
                started.wait(_DOWN_WITHIN_S)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def _wait_until_up(started: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + _UP_WITHIN_S
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError as error:
            if started.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{started.args!r} does not listen:\n{log.read_text()}") from error
            time.sleep(0.05)
        else:
            return


async def _serve_embedded(port: int, ws_port: int) -> None:
    listeners = [Listener("tcp", HOST, port)]
    if ws_port:
        listeners.append(Listener("ws", HOST, ws_port))
    limits = Limits(
        connections=20_000,
        connects_per_s=_ENDLESS,
        failed_logins=_ENDLESS,
        flapping=_ENDLESS,
    )
    async with running(listeners, OpenDoor(), limits):
        await _terminated()


async def _serve_amqtt(port: int) -> None:
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    await _terminated()
    await broker.shutdown()


async def _terminated() -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    await over.wait()


def main(kind: str, port: str, ws_port: str = "0") -> None:
    """Run one until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    allow_open_files()
    if kind == "embedded":
        run(_serve_embedded(int(port), int(ws_port)))
    else:
        asyncio.run(_serve_amqtt(int(port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
