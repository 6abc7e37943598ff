"""A server of one's own, run by the real command line: for the demo and for measuring."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tools.actor import Login
from tools.ports import HOST

_READY_WITHIN_S = 60.0
_STOPPED_WITHIN_S = 10.0
_LOG_LINES_SHOWN = 15


class ServerError(Exception):
    """The server does not run; the message says why."""


class Server:
    """A server with a data directory, and *settings*, of its own, run by the real command line."""

    def __init__(self, data: Path, port: int, settings: Mapping[str, object] | None = None) -> None:
        self.port = port
        self.pid = 0
        """The process that serves; 0: none did yet."""
        self.log = data / "server.log"
        """What the server says, of its last run."""
        self._command = [str(Path(sys.executable).parent / "talkstick"), "--data", str(data)]
        # Somebody who pastes commands needs longer than an app.
        ours = {
            "TALKSTICK_LINGER_S": "60",
            "TALKSTICK_HOST": HOST,
            "TALKSTICK_PORT": str(port),
            "TALKSTICK_WS_PORT": str(port + 1),
        }
        ours |= {f"TALKSTICK_{name.upper()}": str(value) for name, value in (settings or {}).items()}
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("TALKSTICK_")} | ours

    def provision(self, *stages: Sequence[tuple[str, ...]]) -> Mapping[str, Login]:
        """Make the accounts of these commands (``user add alice``, ...), all of a stage at once; return the logins.

        Raises ServerError.
        """
        self.run("init")
        logins = {}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for wanted in stages:
                made = pool.map(lambda arguments: self.run(*arguments), wanted)
                for (_kind, _add, name, *_more), account in zip(wanted, made, strict=True):
                    logins[name] = Login(name, account["password"], HOST, self.port)
        return logins

    @contextmanager
    def serving(self) -> Iterator[Callable[[], None]]:
        """Run the server; yield a check that it still runs. Raises ServerError, and so does the check."""
        with self.log.open("w") as log, self._started(log) as server:
            self.pid = server.pid

            def check() -> None:
                if server.poll() is not None:
                    last = self.log.read_text().splitlines()[-_LOG_LINES_SHOWN:]
                    raise ServerError("\n".join(["the server ended:", *last]))

            try:
                if not _becomes_ready(server):
                    _end(server)
                check()
                yield check
            finally:
                _end(server)

    def _started(self, log: IO[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._command, "serve"],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demo, which lets everybody say goodbye first
        )

    def run(self, *arguments: str) -> Any:
        """Run a command; return what it says as JSON. Raises ServerError."""
        command = [*self._command, *arguments, "--json"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerError(f"{' '.join(command)} failed:\n{done.stderr}")
        return json.loads(done.stdout)


def _becomes_ready(server: subprocess.Popen[str]) -> bool:
    """Wait until the server says that it is ready (True), or ends, of itself or because it takes too long (False)."""
    watchdog = threading.Timer(_READY_WITHIN_S, server.terminate)
    watchdog.start()
    try:
        return any("ready" in line for line in server.stdout or ())
    finally:
        watchdog.cancel()


def _end(server: subprocess.Popen[str]) -> None:
    server.terminate()
    try:
        server.wait(_STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
