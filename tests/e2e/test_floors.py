"""Sessions from the command line, as people use them."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rig import COMMAND, Talkstick, serving

SESSION = "devices/scale-1/session"


def as_(talkstick: Talkstick, name: str, *arguments: str, ok: bool = True) -> str:
    """Run a command as somebody."""
    environment = {"TALKSTICK_USER": name, "TALKSTICK_PASSWORD": talkstick.passwords[name]}
    return talkstick.run(*arguments, ok=ok, environment=environment)


@contextmanager
def started(talkstick: Talkstick, name: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a command as somebody; it is ended at the end."""
    environment = {"TALKSTICK_USER": name, "TALKSTICK_PASSWORD": talkstick.passwords[name]}
    with subprocess.Popen(
        [COMMAND, *arguments],
        env=talkstick._environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def online(talkstick: Talkstick) -> None:
    talkstick.publish("scale-1", "devices/scale-1/status", {"state": "online", "boot": 1}, "-r")


def test_a_session_from_the_command_line(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick, talkstick.subscribe("admin", "#") as admin:
        online(talkstick)
        admin.body("devices/scale-1/presence", state="online")
        claimed = as_(talkstick, "alice", "session", "claim", "scale-1", "--client", "shell", "--lease", "20", "--json")
        assert json.loads(claimed)["code"] == "granted"
        assert admin.body(SESSION, holder="alice")["client"] == "shell"
        assert "renewed" in as_(talkstick, "alice", "session", "renew", "devices/scale-1", "--lease", "30")
        assert "updated" in as_(talkstick, "alice", "session", "update", "scale-1", '{"age": 5}')
        admin.body(SESSION, input={"age": 5})
        assert "not a JSON object" in as_(talkstick, "alice", "session", "update", "scale-1", "[]", ok=False)
        assert "not_waiting" in as_(talkstick, "alice", "session", "leave", "scale-1", ok=False)
        assert json.loads(as_(talkstick, "bob", "session", "leave", "scale-1", "--json", ok=False))["ok"] is False
        (row,) = json.loads(talkstick.run("session", "list", "--json"))
        assert (row["floor"], row["holder"], row["presence"]) == ("scale-1", "alice", "online")
        for floor in ("users/alice", "channels/+", "a/b/c"):
            assert "no device, and no channels/NAME" in talkstick.run("session", "show", floor, ok=False)
        assert "no channel stage" in talkstick.run("session", "show", "channels/stage", ok=False)


def test_who_waits_at_the_command_line_and_gives_up_waits_no_longer(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick, talkstick.subscribe("admin", "#") as admin:
        online(talkstick)
        admin.body("devices/scale-1/presence", state="online")
        as_(talkstick, "alice", "session", "claim", "scale-1")
        with started(talkstick, "bob", "session", "claim", "scale-1", "--wait") as bob:
            admin.body(f"{SESSION}/event", event="queued", user="bob")
            assert bob.stdout is not None
            assert "queued, position 1" in bob.stdout.readline()
            bob.send_signal(signal.SIGINT)
            assert "you wait no longer" in bob.communicate(timeout=15)[0]
            assert bob.returncode == 1
        admin.body(f"{SESSION}/event", event="left", user="bob")
        with started(talkstick, "bob", "session", "claim", "scale-1", "--wait") as bob:
            assert bob.stdout is not None
            assert "queued, position 1" in bob.stdout.readline()
            as_(talkstick, "alice", "session", "release", "scale-1")
            assert "granted" in bob.communicate(timeout=15)[0]
            assert bob.returncode == 0
