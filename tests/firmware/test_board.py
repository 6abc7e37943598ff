"""The firmware's core, as a process at a real broker: a device is shared, and all that may happen to it meanwhile."""

import json
import signal

import pytest

from tests.firmware.boards import Json, Person
from tests.firmware.lab import HOST, Lab, granted, online
from tools.actor import Login

RELAY = ("--output", "relay:off")


def test_somebody_works_with_it(lab: Lab) -> None:
    with lab.person() as alice, lab.board("worker", *RELAY, "--work", "300") as board:
        board.did("safe", reason="start")
        assert board.did("output")["on"] is False
        fence = granted(alice, board, type="weighing", input={"unit": "kg"})
        assert board.did("work", type="weighing", fence=fence, job=0)["data"] == {"unit": "kg"}
        assert board.shows(in_use=True, holder="alice", holder_name="Alice", fence=fence)["lease_ms"] > 0
        alice.command("worker", "tare", fence, by="alice")
        assert board.did("command", name="tare", fence=fence)["data"] == {"fence": fence, "by": "alice"}
        alice.body("devices/worker/telemetry", obeyed="tare", fence=fence)
        alice.command("worker", "switch", fence, output="relay", on=True)
        mark = board.behind(board.did("output", name="relay", on=True, fence=fence))
        alice.body("devices/worker/result", output={"percent": 50})
        alice.sees("worker", output={"percent": 100, "weight_kg": 70.5}, complete=True)
        alice.ask("worker", "release")
        board.did("output", mark, name="relay", on=False)
        board.did("safe", mark, reason="ended")
        assert board.stop() == 0
        alice.finds("worker", "disconnected")


def test_what_it_says_of_itself(lab: Lab) -> None:
    options = (*RELAY, "--clean-step", "--model", "bench", "--firmware", "test 1")
    with lab.person() as alice, lab.board("talker", *options) as board:
        info = alice.body("devices/talker/info", model="bench", firmware="test 1", clean_step=True)
        assert info["capabilities"] == ["relay"]
        board.type('telemetry {"lux":12}')
        alice.body("devices/talker/telemetry", lux=12)


def test_a_job_is_changed_while_it_is_done(lab: Lab) -> None:
    with lab.person() as alice, lab.board("changed") as board:
        fence = granted(alice, board, type="printing", input={"copies": 1})
        board.did("work", job=0)
        alice.ask("changed", "update", input={"copies": 2})
        assert board.did("work", fence=fence, job=1)["data"] == {"copies": 2}
        board.type('result {"pages":1}')
        alice.sees("changed", complete=False, output={"pages": 1})
        board.type('final {"pages":2}')
        alice.sees("changed", complete=True, output={"pages": 2})


def test_it_is_handed_over_and_the_work_goes_on(lab: Lab) -> None:
    with lab.person() as alice, lab.person("bob") as bob, lab.board("handed", *RELAY) as board:
        first = granted(alice, board, type="weighing")
        alice.command("handed", "switch", first, output="relay", on=True)
        mark = board.behind(board.did("output", on=True))
        alice.ask("handed", "offer", to="bob")
        second = bob.ask("handed", "accept")["fence"]
        assert second > first
        board.shows(mark, holder="bob", fence=second)
        bob.command("handed", "faster", second)
        board.did("command", mark, name="faster", fence=second)
        done = {line.get("did") for line in board.heard.lines[mark:]}
        assert not done & {"work", "safe", "output"}, "it went on as it was"


def test_a_power_cut_ends_the_session(lab: Lab) -> None:
    with lab.person() as alice, lab.board("cut") as board:
        lab.site.talkstick.run("device", "policy", "cut", "grace_s=1")
        fence = granted(alice, board, type="weighing")
        boot = online(alice, board)
        board.kill()
        alice.finds("cut", "lost", reason="last_will")
        alice.sees("cut", in_use=False, reason="device_lost")
        board.start()
        assert online(alice, board) > boot
        assert granted(alice, board, type="weighing") > fence


def test_it_is_restarted_and_the_session_goes_on(lab: Lab) -> None:
    with lab.person() as alice, lab.board("again", *RELAY) as board:
        fence = granted(alice, board, type="weighing", lease_s=60)
        boot = online(alice, board)
        board.did("work", fence=fence)
        board.kill()
        later = board.now
        board.start()
        board.did("work", later, fence=fence, job=0)
        assert online(alice, board) > boot
        alice.command("again", "tare", fence)
        board.did("command", later, name="tare", fence=fence)
        board.type('final {"weight_kg":1}')
        alice.sees("again", complete=True, output={"weight_kg": 1})


def test_who_takes_over_is_not_undone_by_the_will_of_the_other(lab: Lab) -> None:
    """The first is half-open: it hears nothing of its end until the broker has told its last will."""
    with lab.person() as alice, lab.board("twice") as first:
        old = online(alice, first)
        second = lab.board("twice")
        first.send(signal.SIGSTOP)
        with second:
            assert online(alice, second) > old
            alice.body("devices/twice/status", state="lost", boot=old)
            mark = alice.now
            fence = granted(alice, second, type="weighing")
            alice.command("twice", "tare", fence)
            second.did("command", name="tare", fence=fence)
            states = {line["state"] for line in alice.heard.lines[mark:] if line["topic"] == "devices/twice/presence"}
            assert states <= {"online"}
            first.kill()


def test_what_was_measured_without_a_broker_comes_after(lab: Lab) -> None:
    with lab.person() as alice, lab.board("patient", *RELAY) as board:
        fence = granted(alice, board, type="weighing", lease_s=600)
        alice.command("patient", "switch", fence, output="relay", on=True)
        mark, later = board.behind(board.did("output", on=True)), alice.now
        lab.stop_broker()
        board.event("lost", mark)
        for line in ('result {"percent":40}', 'final {"weight_kg":2.5}'):
            board.type(line)
        lab.start_broker()
        alice.sees("patient", later, complete=True)
        alice.ask("patient", "release")
        last = alice.ask("patient", "history")["sessions"][0]
        assert (last["fence"], last["complete"]) == (fence, True)
        assert last["output"]["weight_kg"] == 2.5, "the last result; progress may be lost where nobody listened"
        done = {line.get("did") for line in board.heard.lines[mark : board.behind(board.event("connected", mark))]}
        assert not done & {"work", "safe", "output"}, "nothing stopped: the lease lasts"


def test_a_lease_that_ends_without_a_broker_makes_it_safe(lab: Lab) -> None:
    with lab.person() as alice, lab.board("lonely", *RELAY) as board:
        fence = granted(alice, board, type="weighing")
        alice.command("lonely", "switch", fence, output="relay", on=True)
        mark = board.behind(board.did("output", on=True))
        alice.ask("lonely", "renew", lease_s=8)
        told = board.heard.wait_for(lambda line: 0 < _expires_in_s(line) <= 8, "the lease", mark)
        lab.stop_broker()
        off = board.did("output", mark, name="relay", on=False)
        assert board.did("safe", mark)["reason"] == "lease"
        assert off["at"] - told["at"] < 20, "the lease, not the connection, and not the minute that others have"
        lab.start_broker()
        board.event("connected", mark)


def _expires_in_s(line: Json) -> float:
    """Return how long the session lasts that a board is told of; 0: the line is about something else."""
    is_told = line.get("event") == "got" and line["topic"].endswith("/session")
    return float(json.loads(line["payload"])["expires_in_s"] or 0) if is_told else 0.0


def test_without_a_broker_it_stops_sooner_where_it_is_told_so(lab: Lab) -> None:
    with lab.person() as alice, lab.board("hasty", *RELAY, "--link-grace-ms", "300") as board:
        granted(alice, board, type="weighing", lease_s=600)
        mark = board.behind(board.did("work"))
        lab.stop_broker()
        lost = board.event("lost", mark)
        assert 0.25 < board.did("safe", mark, reason="link")["at"] - lost["at"] < 60
        lab.start_broker()
        online(alice, board, mark)


def test_the_board_cleans_up_before_the_next(lab: Lab) -> None:
    with lab.person() as alice, lab.person("bob") as bob, lab.board("press", "--clean-step") as board:
        alice.body("devices/press/info", clean_step=True)
        fence = granted(alice, board, type="printing")
        assert bob.ask("press", "claim", wait=True)["code"] == "queued"
        alice.ask("press", "release")
        board.did("clean")
        bob.sees("press", state="resetting")
        mark = bob.now
        board.type("clean")
        assert bob.sees("press", mark, holder="bob")["fence"] > fence


def test_a_badge_claims_and_gives_back(lab: Lab) -> None:
    with lab.person() as alice, lab.board("reader", "--badges") as board:
        online(alice, board)
        board.type("badge alice")
        claimed = board.did("answer")
        assert claimed["code"] == "granted"
        alice.sees("reader", holder="alice")
        board.shows(holder="alice")
        board.type("badge alice")
        released = board.did("answer", board.behind(claimed))
        assert released["code"] == "released"
        board.type("badge nobody")
        refused = board.did("answer", board.behind(released))
        assert (refused["code"], refused["ok"]) == ("unknown_principal", False)


def test_what_it_senses_is_told_again_after_each_connection(lab: Lab) -> None:
    with lab.person() as alice, lab.board("scale-1", "--trigger", "pir") as board:
        online(alice, board)
        board.type('sense on {"lux":12}')
        alice.body("triggers/pir", active=True, data={"lux": 12})
        mark, after = alice.now, board.now
        lab.stop_broker()
        lab.start_broker()
        again = board.behind(board.event("connected", after))
        board.did("publish", again, topic="triggers/pir")  # a Mosquitto has the old one still
        alice.body("triggers/pir", mark, active=True, data={"lux": 12})
        board.type("sense off")
        alice.body("triggers/pir", mark, active=False)


@pytest.mark.parametrize(("typed", "state"), [("sleep 5000", "sleeping"), ("goodbye", "disconnected")])
def test_it_leaves_politely(lab: Lab, typed: str, state: str) -> None:
    with lab.person() as alice, lab.board(f"leaver-{state}") as board:
        online(alice, board)
        board.type(typed)
        assert board.ends() == 0
        presence = alice.finds(board.login.name, state)
        assert presence["wake_in_s"] == (5 if state == "sleeping" else None)
        alice.ask(board.login.name, "history")  # by then its last will would have been heard, too
        said = [line["state"] for line in alice.heard.lines if line["topic"] == f"devices/{board.login.name}/status"]
        assert "lost" not in said


def test_a_device_that_is_removed_is_safe(lab: Lab) -> None:
    with lab.person() as alice, lab.board("removed", *RELAY) as board:
        fence = granted(alice, board, type="weighing")
        alice.command("removed", "switch", fence, output="relay", on=True)
        mark = board.behind(board.did("output", on=True))
        lab.site.talkstick.run("device", "rm", "removed", "--yes")
        board.did("output", mark, on=False)
        board.did("safe", mark)
        board.event("lost", mark)
        board.event("refused", mark)
        del lab.site.talkstick.passwords["removed"]


def test_a_new_secret_shuts_the_old_one_out(lab: Lab) -> None:
    with lab.person() as alice, lab.board("rotated", *RELAY) as board:
        granted(alice, board, type="weighing")
        mark = board.behind(board.did("work"))
        made = json.loads(lab.site.talkstick.run("device", "rotate", "rotated", "--json"))
        lab.site.talkstick.passwords["rotated"] = made["password"]
        board.event("lost", mark)
        assert board.event("refused", mark)["code"] in {4, 5}
        assert board.did("safe", mark)["reason"] == "removed"
        board.kill()
        with lab.board("rotated") as known:
            online(alice, known)


@pytest.mark.parametrize("lab", ["mosquitto"], indirect=True)  # in the embedded broker the backend has no account
def test_commands_of_an_old_session_are_noticed(lab: Lab) -> None:
    """The broker passes on no such thing: here is somebody who can, an operator's `mosquitto_pub` as the backend."""
    backend = Person(Login("backend", lab.site.talkstick.passwords["backend"], HOST, lab.site.port))
    with lab.person() as alice, lab.board("besieged", *RELAY) as board, backend:
        old = granted(alice, board, type="weighing")
        alice.ask("besieged", "release")
        fence = granted(alice, board, type="weighing")
        board.did("work", fence=fence)
        for at, body in enumerate(_forged(old, fence)):
            backend.say(f"devices/besieged/command/forged-{at}", body)
        backend.say("devices/besieged/command/switch", {"fence": old, "output": "relay", "on": True})
        backend.command("besieged", "good", fence)
        board.did("command", name="good")
        acts = [line for line in board.heard.lines if line.get("did") == "command"]
        assert [act["name"] for act in acts] == ["good"]
        assert not [line for line in board.heard.lines if line.get("did") == "output" and line["on"]]
        codes = [line["code"] for line in board.heard.lines if line.get("did") == "note"]
        assert codes.count("stale_fence") >= 3


def _forged(old: int, fence: int) -> list[Json]:
    return [{"fence": old}, {"fence": fence + 1}, {}, {"fence": str(fence)}, {"fence": fence + 0.5}, {"fence": None}]
