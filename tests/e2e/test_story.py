"""The story of the product, with the installed command and mosquitto's own clients, and kill -9 in the middle."""

import signal
from pathlib import Path

from tests.rig import Subscriber, Talkstick, serving

SESSION = "devices/scale-1/session"
EVENT = f"{SESSION}/event"
COMMAND = "devices/scale-1/command/tare"
RESULT = "devices/scale-1/result"


def board(talkstick: Talkstick, boot: int) -> Subscriber:
    """Connect a board: last will, subscriptions, birth."""
    will = ("--will-topic", "devices/scale-1/status", "--will-payload", f'{{"state":"lost","boot":{boot}}}')
    board = talkstick.subscribe(
        "scale-1", SESSION, "devices/scale-1/command/+", options=(*will, "--will-retain", "--will-qos", "1")
    )
    board.__enter__()
    talkstick.publish("scale-1", "devices/scale-1/status", {"state": "online", "boot": boot}, "-r")
    return board


def test_a_device_is_shared_end_to_end(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick:
        history = _before_the_crash(talkstick)
        talkstick.stop(signal.SIGKILL)
        talkstick.start()
        history += _after_the_crash(talkstick)
        _check_history(history)


def _before_the_crash(talkstick: Talkstick) -> list[dict[str, object]]:
    with talkstick.subscribe("alice", "#") as alice, talkstick.subscribe("bob", "#") as bob:
        alice.body("devices/scale-1/presence", state="unknown", reason="provisioned")
        scale = board(talkstick, boot=1)
        alice.body("devices/scale-1/presence", state="online", boot=1)

        talkstick.ask("alice", "scale-1", id="a1", action="claim", type="weighing", input={"age": 25})
        alice.body(f"{SESSION}/reply/alice", id="a1", ok=True, code="granted", fence=1)
        scale.body(SESSION, holder="alice", fence=1, type="weighing", input={"age": 25})

        talkstick.ask("bob", "scale-1", id="b1", action="claim")
        refused = bob.body(f"{SESSION}/reply/bob", id="b1", ok=False, code="busy")
        assert 0 < refused["retry_in_s"] <= 60
        assert "Alice" in refused["message"]
        talkstick.ask("bob", "scale-1", id="b2", action="claim", wait=True)
        bob.body(f"{SESSION}/reply/bob", id="b2", ok=True, code="queued", position=1)

        talkstick.publish("bob", COMMAND, {"fence": 1, "by": "bob"})
        bob.body(f"{SESSION}/reply/bob", ok=False, code="not_holder")
        talkstick.publish("alice", COMMAND, {"fence": 1, "by": "alice"})
        scale.body(COMMAND, by="alice")
        assert [command["by"] for command in scale.bodies(COMMAND)] == ["alice"]

        talkstick.publish("scale-1", RESULT, {"fence": 1, "output": {"weight": 70.5}})
        alice.body(SESSION, output={"weight": 70.5}, complete=False)
        assert not alice.bodies(f"{SESSION}/reply/bob"), "replies are private"
        scale.kill()
        return alice.bodies(SESSION)


def _after_the_crash(talkstick: Talkstick) -> list[dict[str, object]]:
    with talkstick.subscribe("alice", "#") as alice, talkstick.subscribe("bob", "#") as bob:
        kept = alice.body(SESSION)
        assert (kept["holder"], kept["fence"], kept["output"]) == ("alice", 1, {"weight": 70.5})
        assert [place["user"] for place in kept["queue"]] == ["bob"]
        alice.wait_for(lambda got: got.topic.endswith("scale-1/presence") and got.body["state"] in ("unknown", "lost"))
        scale = board(talkstick, boot=2)
        alice.body("devices/scale-1/presence", state="online", boot=2)

        talkstick.ask("alice", "scale-1", id="a1", action="claim", type="weighing", input={"age": 25})
        alice.body(f"{SESSION}/reply/alice", id="a1", code="granted", fence=1)
        talkstick.publish("bob", COMMAND, {"fence": 1, "by": "bob"})
        bob.body(f"{SESSION}/reply/bob", ok=False, code="not_holder")

        talkstick.publish("scale-1", RESULT, {"fence": 1, "output": {"bmi": 22.1}, "complete": True})
        alice.body(EVENT, event="completed", output={"weight": 70.5, "bmi": 22.1})
        talkstick.ask("alice", "scale-1", id="a2", action="release", fence=1)
        alice.body(EVENT, event="ended", reason="released", user="alice", complete=True)
        bob.body(f"{SESSION}/reply/bob", id="b2", code="granted", fence=2)

        talkstick.publish("alice", COMMAND, {"fence": 1, "by": "alice"})
        alice.body(f"{SESSION}/reply/alice", ok=False, code="not_holder")
        talkstick.publish("scale-1", RESULT, {"fence": 1, "output": {"late": True}})
        alice.wait_for(lambda got: got.topic == "backend/stats" and got.body["refused"].get("stale_fence") == 1)
        talkstick.ask("bob", "scale-1", id="b3", action="release")
        ended = bob.body(EVENT, event="ended", user="bob")
        assert ended["output"] == {}
        scale.body(SESSION, fence=2, in_use=False)
        assert scale.bodies(COMMAND) == []

        scale.kill()
        alice.body("devices/scale-1/presence", state="lost", reason="last_will", boot=2)
        return alice.bodies(SESSION)


def _check_history(documents: list[dict[str, object]]) -> None:
    """One holder per fence, fences and revisions never fall: across the crash, too."""
    fences = [int(str(document["fence"])) for document in documents]
    revisions = [int(str(document["revision"])) for document in documents]
    assert fences == sorted(fences)
    assert revisions == sorted(revisions)
    holders = {(document["fence"], document["holder"]) for document in documents if document["holder"]}
    assert sorted(holders) == [(1, "alice"), (2, "bob")]


def test_sigterm_says_goodbye(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick, talkstick.subscribe("alice", "backend/status") as alice:
        alice.body("backend/status", state="online")
        assert talkstick.stop(signal.SIGTERM) == 0
        alice.body("backend/status", state="disconnected")


def test_kill_nine_leaves_the_last_word_to_nobody_and_a_second_server_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick:
        assert "another server runs" in talkstick.installed("serve", ok=False)
        talkstick.stop(signal.SIGKILL)
        talkstick.start()
        with talkstick.subscribe("alice", "backend/status") as alice:
            alice.body("backend/status", state="online")
