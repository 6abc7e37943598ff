"""What was said on a device, as an operator and its owner read it, and have it forgotten."""

import json
import signal
import time
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from backend.cli.main import talkstick as command
from tests.rig import WITHIN_S, Talkstick, serving

EVENTS = "devices/scale-1/conversation"


def record(talkstick: Talkstick, *arguments: str, name: str = "admin") -> Any:
    """Return what a command of somebody printed as JSON."""
    return json.loads(voice(talkstick, *arguments, "--json", name=name))


def voice(talkstick: Talkstick, *arguments: str, name: str = "admin", ok: bool = True) -> str:
    """Run a command of somebody, in this process: to start one anew takes longer than the command."""
    environment = talkstick.environment(talkstick.login(name))
    done = CliRunner(env=environment).invoke(command, ["voice", *arguments])
    assert (done.exit_code == 0) == ok, done.output
    return done.output


def says(talkstick: Talkstick, text: str, name: str) -> None:
    """Let the device say something, and wait until it has."""
    with talkstick.subscribe("admin", EVENTS) as admin:
        told = record(talkstick, "say", "scale-1", text, name=name)
        assert told["device"] == "scale-1"
        admin.body(EVENTS, event="answer", text=text, user=name)
        admin.body(EVENTS, event="spoken", turn=told["turn"])


def recording(talkstick: Talkstick) -> Path:
    """Return a recording of a conversation that is forgotten."""
    made = talkstick.data / "recordings" / "scale-1" / "20200101T000000.000000Z-1.wav"
    made.parent.mkdir(parents=True)
    made.touch()
    return made


def heard(talkstick: Talkstick, name: str = "alice") -> list[tuple[str, str]]:
    """Return who said what, the newest first."""
    return [(turn["user"], turn["answer"]) for turn in record(talkstick, "history", "scale-1", name=name)]


def test_what_was_said_is_read_by_whom_it_concerns_and_forgotten(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick:
        talkstick.run("device", "owner", "scale-1", "alice")
        assert "Nothing was said" in voice(talkstick, "history", "scale-1")
        says(talkstick, "Dinner is ready.", "bob")
        says(talkstick, "Five grams.", "alice")
        said = [("alice", "Five grams."), ("bob", "Dinner is ready.")]
        assert heard(talkstick) == said
        assert "Dinner is ready." in voice(talkstick, "history", "scale-1", name="alice")
        for command in ("history", "stats"):
            assert "forbidden" in voice(talkstick, command, "scale-1", name="bob", ok=False)
        assert "forbidden" in voice(talkstick, "stats", name="alice", ok=False), "of all devices"
        talkstick.stop(signal.SIGKILL)
        talkstick.start()
        assert heard(talkstick) == said
        stats = record(talkstick, "stats", "scale-1", name="alice")
        assert (stats["turns"], stats["messages"], stats["phrases"]) == (2, 2, 2)
        everything = record(talkstick, "stats")
        assert [each["device"] for each in everything["recent"]] == ["scale-1"]
        assert "conversations" in voice(talkstick, "stats")
        assert "forbidden" in voice(talkstick, "forget", "scale-1", "--yes", name="bob", ok=False)
        assert record(talkstick, "forget", "scale-1", "--yes", name="alice") == {
            "turns_deleted": 2,
            "phrases_deleted": 2,
        }
        assert heard(talkstick) == []
        assert "stopped" in voice(talkstick, "stop", "scale-1", name="bob")
        assert "is no name" in voice(talkstick, "history", "scale-1/x", ok=False)
        assert "unknown_device" in voice(talkstick, "history", "nowhere", ok=False)


def test_who_has_a_session_at_the_broker_hears_that_the_server_was_killed_in_a_turn(tmp_path: Path) -> None:
    watching = ("-c", "-i", "wall")
    with serving(tmp_path) as talkstick:
        with talkstick.subscribe("admin", EVENTS, options=watching) as admin:
            told = record(talkstick, "say", "scale-1", "Dinner is ready. " * 50)
            admin.body(EVENTS, event="answer", turn=told["turn"])
            talkstick.stop(signal.SIGKILL)
        talkstick.start()
        with talkstick.subscribe("admin", EVENTS, options=watching) as admin:
            admin.body(EVENTS, event="error", turn=told["turn"], code="interrupted")


def test_what_is_old_is_cleaned_up_with_and_without_a_server(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick:
        says(talkstick, "Hello.", "bob")
        nothing = {"phrases_deleted": 0, "turns_deleted": 0, "conversations_deleted": 0}
        assert record(talkstick, "cleanup") == nothing
        gone = voice(talkstick, "cleanup", "--days", "0.0000001")
        assert gone == "Forgotten: 1 phrases, 1 turns, 1 conversations.\n"
        assert heard(talkstick, "admin") == []
        says(talkstick, "Hello again.", "bob")
        talkstick.stop()
        forgotten = recording(talkstick)
        assert record(talkstick, "cleanup", "--days", "0.0000001") == dict.fromkeys(nothing, 1)
        assert not forgotten.exists()
        assert "x>0" in voice(talkstick, "cleanup", "--days", "0", ok=False)
        forgotten = recording(talkstick)
        talkstick.start()
        deadline = time.monotonic() + WITHIN_S
        while forgotten.exists():
            assert time.monotonic() < deadline, "a server looks when it starts, and every hour"
            time.sleep(0.01)


def test_what_a_device_has_said_before_is_not_made_again_and_each_has_its_own(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick:
        talkstick.device("lab-1")
        with talkstick.subscribe("admin", "devices/+/conversation") as admin:
            for device, cached in (("scale-1", False), ("scale-1", True), ("lab-1", False), ("lab-1", True)):
                seen = len(admin.got)
                voice(talkstick, "say", device, "Dinner is ready.")
                spoken = admin.body(f"devices/{device}/conversation", seen, event="spoken")
                assert spoken["cached"] == cached
                assert spoken["first_audio_ms"] > 0


def test_the_log_tells_what_was_refused_and_never_what_was_said(tmp_path: Path) -> None:
    with serving(tmp_path, log_level="DEBUG") as talkstick:
        says(talkstick, "Dinner is ready.", "bob")
        with talkstick.subscribe("admin", EVENTS) as admin:
            talkstick.publish("scale-1", "devices/scale-1/audio/7", b"??")
            admin.body(EVENTS, event="error", turn=7, code="bad_frame")
        talkstick.stop()
        log = talkstick.log.read_text()
    assert "bad_frame on 'devices/scale-1/audio/7'" in log
    assert "Dinner" not in log
