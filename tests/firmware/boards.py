"""Virtual devices as processes, and people at the other end: what each of them got and did, in order."""

import json
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.rig import WITHIN_S
from tools.actor import Actor, Login, Message

Json = Mapping[str, Any]
T = TypeVar("T")

_ASK_AGAIN_S = 0.2


class Heard:
    """What somebody got, in order. Whoever waits is woken by each new thing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[Json] = []
        self.is_over = False
        self._changed = threading.Condition()

    def note(self, line: Json) -> None:
        """Add a thing."""
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def end(self, line: Json) -> None:
        """Add the last thing: nobody need wait for more."""
        self.is_over = True
        self.note(line)

    def look_for(self, expected: Callable[[Json], bool], after: int = 0, within_s: float = WITHIN_S) -> Json | None:
        """Return the first thing, from index *after* on, that is as expected; None: it did not come."""
        seen, found = after, None

        def look() -> bool:
            nonlocal seen, found
            while found is None and seen < len(self.lines):
                found = self.lines[seen] if expected(self.lines[seen]) else None
                seen += 1
            return found is not None

        with self._changed:
            self._changed.wait_for(lambda: look() or self.is_over, within_s)
            return found

    def wait_for(self, expected: Callable[[Json], bool], what: str, after: int = 0) -> Json:
        """Return the first thing, from index *after* on, that is as expected."""
        found = self.look_for(expected, after)
        assert found is not None, f"{what} did not come to {self.name}; the last were {self.lines[-15:]}"
        return found

    def wait_with(self, after: int = 0, **expected: object) -> Json:
        """Return the first thing that has these keys and values."""
        return self.wait_for(lambda line: expected.items() <= line.items(), str(expected), after)


@dataclass
class Board:
    """A `talkstick-device`. Its *state* file outlives the process, as flash memory does."""

    program: Path
    login: Login
    state: Path
    options: Sequence[str] = ()
    scheme: str = "mqtt"
    heard: Heard = field(init=False)
    booted: int = field(default=0, init=False)
    """The index of what came first since it was switched on last."""
    status: int | None = field(default=None, init=False)
    """How the process ended, once it did."""
    _process: "subprocess.Popen[str] | None" = field(default=None, init=False)
    _reader: threading.Thread | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.heard = Heard(self.login.name)

    def start(self) -> Self:
        """Switch it on."""
        self.heard.is_over, self.booted = False, self.now
        self._process = subprocess.Popen(
            [self.program, "--uri", f"{self.scheme}://{self.login.host}:{self.login.port}", *self._identity()],
            env={**os.environ, "BOARD_SECRET": self.login.password},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        return self

    def _identity(self) -> list[str]:
        login = ["--id", self.login.name, "--password-env", "BOARD_SECRET"] if self.login.password else []
        hurry = ["--backoff-min-ms", "20", "--backoff-max-ms", "1000"]
        # Its counter of milliseconds wraps a few seconds after the start.
        return [*login, "--state", str(self.state), "--uptime-ms", str(2**32 - 3000), *hurry, *self.options]

    def _read(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            try:
                self.heard.note(json.loads(line))
            except ValueError:  # it was killed in the middle of it
                self.heard.note({"cut": line})
        self.status = process.wait()
        self.heard.end({"ended": self.status})

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def now(self) -> int:
        """Return the index of what is read next; it may have done more already, see `behind`."""
        return len(self.heard.lines)

    def behind(self, line: Json) -> int:
        """Return the index of what came after this line."""
        return self.heard.lines.index(line) + 1

    def type(self, line: str, *, last: bool = False) -> None:
        """Do what a person would do at it: see `talkstick-device --help`. *last*: nobody types any more."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        if last:
            self._process.stdin.close()

    def did(self, word: str, after: int = 0, **expected: object) -> Json:
        """Wait for something that it does."""
        return self.heard.wait_with(after, did=word, **expected)

    def event(self, word: str, after: int = 0, **expected: object) -> Json:
        """Wait for something that happens to it."""
        return self.heard.wait_with(after, event=word, **expected)

    def shows(self, after: int = 0, **expected: object) -> Json:
        """Wait for what its display shows."""
        return self.did("show", after, **expected)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def ends(self) -> int:
        """Wait until it ends by itself; return how."""
        assert self._process is not None
        assert self._reader is not None
        self._reader.join(WITHIN_S)
        assert not self._reader.is_alive(), f"{self.login.name} does not end"
        assert self.status is not None
        return self.status

    def kill(self) -> None:
        """Pull the plug."""
        if self._process is not None and self._reader is not None:
            self._process.kill()
            self._reader.join()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = self._reader = None

    def stop(self) -> int:
        """Switch it off; return how it ended."""
        self.send(signal.SIGTERM)
        return self.ends()


class Person(Actor):
    """Somebody with an app: asks, commands, and keeps all that comes."""

    def __init__(self, login: Login, *filters: str) -> None:
        super().__init__(login, (*filters, f"devices/+/session/reply/{login.name}"))
        self.heard = Heard(login.name)

    def hear(self, topic: str, payload: bytes) -> None:
        """Keep what came; JSON objects with their keys."""
        try:
            body = json.loads(payload)
        except ValueError:
            body = None
        more = body if isinstance(body, dict) else {}
        self.heard.note({**more, "topic": topic, "size": len(payload), "came_at": time.monotonic()})

    @property
    def now(self) -> int:
        """Return the index of what comes next."""
        return len(self.heard.lines)

    def body(self, topic: str, after: int = 0, **expected: object) -> Json:
        """Wait for a message with these keys and values."""
        return self.heard.wait_with(after, topic=topic, **expected)

    def say(self, topic: str, body: Json, *, retain: bool = False) -> None:
        """Publish something."""
        self.post(lambda: self.publish(Message(topic, body, retain=retain)))

    def ask(self, device: str, action: str, **body: object) -> Json:
        """Ask something of a device's session; return the answer."""
        request, after = {"id": secrets.token_hex(4), "action": action, **body}, self.now
        self.say(f"devices/{device}/session/request/{self.login.name}", request)
        return self.body(f"devices/{device}/session/reply/{self.login.name}", after, id=request["id"])

    def insist(self, place: str, **body: object) -> Json:
        """Ask, and again with the same id until there is an answer: who is away, or was, may not know it yet."""
        request, after, give_up_at = {"id": secrets.token_hex(4), **body}, self.now, time.monotonic() + WITHIN_S
        while time.monotonic() < give_up_at:
            self.say(f"{place}/request/{self.login.name}", request)
            answer = self.heard.look_for(
                lambda line: line.get("id") == request["id"] and "ok" in line, after, _ASK_AGAIN_S
            )
            if answer is not None:
                return answer
        raise AssertionError(f"nobody answers {self.login.name} on {place}; the last were {self.heard.lines[-15:]}")

    def command(self, device: str, name: str, fence: int, **body: object) -> None:
        """Command a device."""
        self.say(f"devices/{device}/command/{name}", {"fence": fence, **body})

    def sees(self, device: str, after: int = 0, **expected: object) -> Json:
        """Wait for a session document."""
        return self.body(f"devices/{device}/session", after, **expected)

    def finds(self, device: str, state: str, after: int = 0, **expected: object) -> Json:
        """Wait for a presence."""
        return self.body(f"devices/{device}/presence", after, state=state, **expected)

    def __enter__(self) -> Self:
        super().__enter__()
        assert self.connected.wait(WITHIN_S), f"{self.login.name} cannot log in"
        return self
