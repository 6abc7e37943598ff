"""Every command, as an operator uses it."""

import json
import stat
import subprocess
from pathlib import Path

from tests.rig import COMMAND, Talkstick, serving

SESSION = "devices/scale-1/session"


def test_before_there_is_anything(tmp_path: Path) -> None:
    talkstick = Talkstick(tmp_path / "data")
    findings = talkstick.installed("doctor", ok=False)
    assert "talkstick init" in findings
    assert "there is no database in" in talkstick.run("user", "add", "alice", ok=False)
    assert not talkstick.data.exists()
    made = json.loads(talkstick.installed("init", "--json"))
    assert made["data"] == str(tmp_path / "data")
    assert made["admin"]["password"]
    assert json.loads(talkstick.installed("init", "--json"))["admin"] is None
    for name, mode in (("", 0o700), ("operator.json", 0o600), ("talkstick.db", 0o600)):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == mode
    assert "is `talkstick serve` running?" in talkstick.installed("session", "list", ok=False)
    assert "server" in talkstick.installed("doctor")


def test_a_setting_that_is_wrong_is_named(tmp_path: Path) -> None:
    talkstick = Talkstick(tmp_path / "data")
    talkstick.run("init")
    (tmp_path / "data" / "talkstick.toml").write_text("lease_s = -1\ncolour = 'red'\n")
    complaint = talkstick.installed("serve", ok=False)
    assert "lease_s" in complaint
    assert "colour" in complaint
    assert "port" in talkstick.run("user", "list", ok=False, environment={"TALKSTICK_PORT": "seven"})


def test_accounts(tmp_path: Path) -> None:
    talkstick = Talkstick(tmp_path / "data")
    talkstick.run("init")
    talkstick.user("alice")
    assert "exists already" in talkstick.run("user", "add", "alice", ok=False)
    assert "is no name" in talkstick.run("user", "add", "Al ice", ok=False)
    assert "server's own name" in talkstick.run("user", "add", "backend", ok=False)
    old = talkstick.passwords["alice"]
    assert json.loads(talkstick.run("user", "passwd", "alice", "--json"))["password"] != old
    users = json.loads(talkstick.run("user", "list", "--json"))
    assert [(user["user"], user["role"]) for user in users] == [("admin", "admin"), ("alice", "user")]
    assert old not in talkstick.run("user", "list")
    shown = json.loads(talkstick.run("user", "show", "alice", "--json"))
    assert (shown["user"], shown["name"], shown["role"], "presence" in shown) == ("alice", "Alice", "user", False)
    assert "no account bob" in talkstick.run("user", "show", "bob", ok=False)
    talkstick.run("user", "rm", "alice", "--yes")
    assert "no account alice" in talkstick.run("user", "rm", "alice", "--yes", ok=False)


def test_boards(tmp_path: Path) -> None:
    talkstick = Talkstick(tmp_path / "data")
    talkstick.run("init")
    board = json.loads(talkstick.run("device", "add", "A4:CF:12:8B:3F:9E", "--name", "Lab scale", "--json"))
    assert board["device"] == board["username"] == board["client_id"] == "esp32-a4cf128b3f9e"
    assert board["subscribes"]["session"] == "devices/esp32-a4cf128b3f9e/session"
    uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert uuid in talkstick.run("device", "add", uuid.upper())
    assert "shown once" in talkstick.run("device", "add", "Lab Scale 2")
    assert "makes no id" in talkstick.run("device", "add", "***", ok=False)
    listed = json.loads(talkstick.run("device", "list", "--json"))
    assert [each["device"] for each in listed] == [uuid, "esp32-a4cf128b3f9e", "lab-scale-2"]
    assert json.loads(talkstick.run("device", "show", "lab-scale-2", "--json"))["hardware"] == "Lab Scale 2"
    assert json.loads(talkstick.run("device", "rotate", "lab-scale-2", "--json"))["password"]
    assert "use `talkstick user`" in talkstick.run("device", "rm", "admin", "--yes", ok=False)
    talkstick.run("device", "rm", "lab-scale-2", "--yes")
    assert "no device" in talkstick.run("device", "show", "lab-scale-2", ok=False)


def test_sessions_of_a_running_server(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick, talkstick.subscribe("admin", "#") as admin:
        assert "device_offline" in talkstick.run("session", "claim", "scale-1", ok=False)
        talkstick.publish("scale-1", "devices/scale-1/status", {"state": "online", "boot": 1}, "-r")
        admin.body("devices/scale-1/presence", state="online")
        alice = {"TALKSTICK_PASSWORD": talkstick.passwords["alice"]}
        claimed = talkstick.run(
            "session",
            "claim",
            "scale-1",
            "--as",
            "alice",
            "--type",
            "w",
            "--input",
            '{"a":1}',
            "--json",
            environment=alice,
        )
        assert json.loads(claimed)["code"] == "granted"
        shown = json.loads(talkstick.run("session", "show", "scale-1", "--json"))
        assert (shown["holder"], shown["type"], shown["input"]) == ("alice", "w", {"a": 1})
        assert "alice" in talkstick.run("session", "list")
        assert "busy" in talkstick.run("session", "claim", "scale-1", ok=False)
        assert "not_holder" in talkstick.run("session", "release", "scale-1", ok=False)
        assert "refused the login: wrong name or password\n" in talkstick.run(
            "session", "list", "--as", "alice", ok=False, environment={"TALKSTICK_PASSWORD": "no"}
        )
        assert "released" in talkstick.run("session", "release", "scale-1", "--as", "alice", environment=alice)
        talkstick.run("session", "claim", "scale-1", "--as", "alice", environment=alice)
        assert "kicked" in talkstick.run("session", "kick", "scale-1")
        admin.body(f"{SESSION}/event", event="ended", reason="kicked", user="alice")
        assert "no device nowhere" in talkstick.run("session", "show", "nowhere", ok=False)
        assert "answers" in talkstick.run("doctor")


def test_watch(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick:
        lines = talkstick.run("watch", "backend/#", "--json", "--count", "2").splitlines()
        assert {json.loads(line)["topic"] for line in lines} == {"backend/status", "backend/stats"}
        assert "backend/status" in talkstick.run("watch", "backend/status", "--count", "1")
        assert talkstick.run("watch", "users/nobody/presence", "--for", "0.1") == ""
        assert "'#' must be the last level" in talkstick.run("watch", "a#", ok=False)
        device = {"TALKSTICK_PASSWORD": talkstick.passwords["scale-1"]}
        with subprocess.Popen(
            [COMMAND, "watch", "--json"], env=talkstick.environment({}), stdout=subprocess.PIPE, text=True
        ) as watching:
            printed = watching.stdout
            assert printed is not None
            topics = [json.loads(next(printed))["topic"]]
            talkstick.publish("admin", "done/now", {})  # comes after all that is retained, since it has subscribed
            topics += iter(lambda: json.loads(next(printed))["topic"], "done/now")
            watching.kill()
        assert "backend/status" in topics
        assert "backend/stats" not in topics
        refused = talkstick.run("watch", "devices/other/#", "--as", "scale-1", ok=False, environment=device)
        assert "may not subscribe" in refused


def test_a_running_server_notices_what_was_provisioned_and_removed(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick, talkstick.subscribe("admin", "#") as admin:
        talkstick.device("probe-1")
        admin.body("devices/probe-1/session", state="free", fence=0)
        talkstick.publish("probe-1", "devices/probe-1/status", {"state": "online", "boot": 1}, "-r")
        admin.body("devices/probe-1/presence", state="online")
        talkstick.ask("alice", "probe-1", id="1", action="claim")
        talkstick.ask("bob", "probe-1", id="1", action="claim", wait=True)
        admin.body("devices/probe-1/session/reply/bob", code="queued")

        talkstick.run("user", "rm", "alice", "--yes")
        admin.body("devices/probe-1/session", holder="bob", fence=2)
        talkstick.ask("carol", "probe-1", id="1", action="claim", wait=True)
        admin.body("devices/probe-1/session/reply/carol", code="queued")

        talkstick.run("device", "rm", "probe-1", "--yes")
        admin.body("devices/probe-1/session/event", event="ended", user="bob", reason="device_lost")
        admin.body("devices/probe-1/session/reply/carol", ok=False, code="unknown_device")
        admin.wait_for(lambda got: got.topic == "devices/probe-1/status" and not got.payload)

        before = len(admin.got)
        talkstick.device("probe-1")
        admin.body("devices/probe-1/session", after=before, state="free", fence=2)


def test_a_configuration_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    talkstick, theirs = Talkstick(tmp_path / "data"), tmp_path / "mosquitto.conf"
    talkstick.run("init")
    theirs.write_text("listener 1883\n")
    assert "somebody else's" in talkstick.run("export", "mosquitto", str(tmp_path), ok=False)
    assert theirs.read_text() == "listener 1883\n"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mosquitto.conf"]
