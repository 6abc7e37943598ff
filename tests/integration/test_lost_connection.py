"""Commands that wait while the server is killed and started again: nobody loses a place, and nobody watches in vain."""

import json
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rig import WITHIN_S, Subscriber, Talkstick, serving

LOST, BACK = "the connection is lost", "the connection is there again"
STATUS, SESSION = "devices/scale-1/status", "devices/scale-1/session"


class Running:
    """The installed command while it runs; its lines are read as they come."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.told, self.shown = _lines(process.stderr), _lines(process.stdout)

    def end(self) -> int:
        """Return how it ended."""
        return self.process.wait(WITHIN_S)


class Lines:
    """What comes on a stream, read by a thread."""

    def __init__(self, stream: Iterator[str]) -> None:
        self.all: list[str] = []
        self._next: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def until(self, expected: Callable[[str], bool]) -> str:
        """Return the next line that is as expected."""
        while (line := self._next.get(timeout=WITHIN_S)) is not None:
            if expected(line):
                return line
        raise AssertionError(f"it ended without it: {self.all}")

    def rest(self) -> list[str]:
        """Return all lines, when it has ended."""
        self._reader.join(WITHIN_S)
        return self.all

    def _read(self, stream: Iterator[str]) -> None:
        for line in stream:
            self.all.append(line)
            self._next.put(line)
        self._next.put(None)


def _lines(stream: Iterator[str] | None) -> Lines:
    assert stream is not None
    return Lines(stream)


@contextmanager
def running(talkstick: Talkstick, *arguments: str, who: str = "admin") -> Iterator[Running]:
    """Start the installed command as somebody."""
    with talkstick.started(who, *arguments, stderr=subprocess.PIPE) as process:
        yield Running(process)


@pytest.fixture
def talkstick(tmp_path: Path) -> Iterator[Talkstick]:
    """Return a server with a board that is there, which alice holds for long."""
    with serving(tmp_path, restart_grace_s="600") as talkstick, talkstick.subscribe("admin", "#") as admin:
        talkstick.publish("scale-1", STATUS, {"state": "online", "boot": 1}, "-r")
        admin.body("devices/scale-1/presence", state="online")
        talkstick.ask("alice", "scale-1", id="1", action="claim", lease_s=600)
        admin.body(f"{SESSION}/reply/alice", code="granted")
        yield talkstick


def holder_and_queue(admin: Subscriber, holder: str, *waiting: str) -> None:
    """Wait until somebody holds it, and these wait."""

    def is_so(document: dict[str, object]) -> bool:
        places = document["queue"]
        return document["holder"] == holder and isinstance(places, list) and [p["user"] for p in places] == [*waiting]

    admin.wait_for(lambda got: got.topic == SESSION and got.payload != "" and is_so(got.body), f"{holder}, {waiting}")


def kill(talkstick: Talkstick, *waiting: Running) -> None:
    """Kill the server; those who wait notice."""
    talkstick.stop(signal.SIGKILL)
    for each in waiting:
        each.told.until(lambda line: LOST in line)


def test_who_waits_keeps_the_place_when_the_server_is_killed(talkstick: Talkstick) -> None:
    with (
        running(talkstick, "session", "claim", "scale-1", "--wait", "--json", who="bob") as bob,
        talkstick.subscribe("admin", SESSION) as admin,
    ):
        bob.told.until(lambda line: "queued" in line)
        with running(talkstick, "session", "claim", "scale-1", "--wait", "--json", who="carol") as carol:
            carol.told.until(lambda line: "queued" in line)
            holder_and_queue(admin, "alice", "bob", "carol")
            kill(talkstick, bob, carol)
            talkstick.start()
            bob.told.until(lambda line: BACK in line)
            bob.told.until(lambda line: "queued" in line)
            with talkstick.subscribe("admin", "#") as after:
                holder_and_queue(after, "alice", "bob", "carol")
                talkstick.ask("alice", "scale-1", id="2", action="release")
                granted = json.loads(bob.shown.until(lambda line: line.startswith("{")))
                assert (granted["code"], granted["fence"]) == ("granted", 2)
                assert bob.end() == 0
                asked = [got.body["id"] for got in after.got if got.topic == f"{SESSION}/reply/bob"]
                assert set(asked) == {granted["id"]}, "one claim, whatever the connection does"
                holder_and_queue(after, "bob", "carol")


def test_what_was_granted_while_nobody_could_be_told_is_told(talkstick: Talkstick) -> None:
    """Alice has no lease any more when the server is back: it is bob's at once, before he has a connection again."""
    with running(talkstick, "session", "claim", "scale-1", "--wait", "--json", who="bob") as bob:
        bob.told.until(lambda line: "queued" in line)
        bob.process.send_signal(signal.SIGSTOP)
        talkstick.stop(signal.SIGKILL)
        talkstick.start()
        with talkstick.subscribe("admin", "#") as admin:
            talkstick.ask("alice", "scale-1", id="2", action="release")
            admin.body(SESSION, holder="bob", fence=2)
        bob.process.send_signal(signal.SIGCONT)
        assert json.loads(bob.shown.until(lambda line: line.startswith("{")))["fence"] == 2
        assert bob.end() == 0
        assert "superseded" not in "".join(bob.told.rest())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_gives_up_without_a_connection_is_told_that_the_wait_goes_on(
    talkstick: Talkstick, number: signal.Signals
) -> None:
    with running(talkstick, "session", "claim", "scale-1", "--wait", who="bob") as bob:
        bob.told.until(lambda line: "queued" in line)
        kill(talkstick, bob)
        bob.process.send_signal(number)
        assert bob.end() == 1
        said = "".join(bob.told.rest())
        assert "`talkstick session leave scale-1` ends the wait" in said
        assert "Traceback" not in said


def test_who_gives_up_later_leaves_the_queue(talkstick: Talkstick) -> None:
    with running(talkstick, "session", "claim", "scale-1", "--wait", who="bob") as bob:
        bob.told.until(lambda line: "queued" in line)
        kill(talkstick, bob)
        talkstick.start()
        bob.told.until(lambda line: BACK in line)
        bob.told.until(lambda line: "queued" in line)
        bob.process.send_signal(signal.SIGINT)
        assert bob.end() == 1
        assert "you wait no longer\n" in bob.told.rest()


def test_who_watches_goes_on(talkstick: Talkstick) -> None:
    with running(talkstick, "watch", "backend/status", "--json", "--count", "2") as watching:
        first = json.loads(watching.shown.until(lambda _line: True))
        kill(talkstick, watching)
        talkstick.start()
        watching.told.until(lambda line: BACK in line)
        assert json.loads(watching.shown.until(lambda _line: True))["payload"] != first["payload"]
        assert watching.end() == 0
        assert watching.told.rest()[-1] == BACK + "\n"


@pytest.mark.parametrize(("arguments", "code"), [(("--for", "2"), 0), ((), 0)])
def test_who_watches_what_is_gone_can_end_it(talkstick: Talkstick, arguments: tuple[str, ...], code: int) -> None:
    with running(talkstick, "watch", "backend/status", *arguments) as watching:
        watching.shown.until(lambda line: "backend/status" in line)
        kill(talkstick, watching)
        if not arguments:
            watching.process.send_signal(signal.SIGINT)
        assert watching.end() == code
        assert "Traceback" not in "".join(watching.told.rest())


def test_who_may_not_come_back_is_told(talkstick: Talkstick) -> None:
    with running(talkstick, "watch", "backend/status", who="bob") as watching:
        watching.shown.until(lambda line: "backend/status" in line)
        kill(talkstick, watching)
        talkstick.run("user", "passwd", "bob")
        talkstick.start()
        assert watching.end() == 1
        assert watching.told.rest()[-1].startswith("Error: the server refused the login: wrong name or password")


def test_who_waits_and_may_not_come_back_is_told_that_the_wait_goes_on(talkstick: Talkstick) -> None:
    with running(talkstick, "session", "claim", "scale-1", "--wait", who="bob") as bob:
        bob.told.until(lambda line: "queued" in line)
        kill(talkstick, bob)
        talkstick.run("user", "passwd", "bob")
        talkstick.start()
        assert bob.end() == 1
        *_, waits, refused = bob.told.rest()
        assert "`talkstick session leave scale-1` ends the wait" in waits
        assert refused.startswith("Error: the server refused the login: wrong name or password")
        with talkstick.subscribe("admin", SESSION) as admin:
            holder_and_queue(admin, "alice", "bob")
