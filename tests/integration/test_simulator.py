"""The virtual devices and people at a real server."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.rig import WITHIN_S, Got, Subscriber, Talkstick, serving
from tools.actor import Actor, Login
from tools.kinds import KINDS
from tools.people import Errand, Person
from tools.simulator import Device

NAMES = ("alice", "bob", "carol")
STATUS = "devices/scale-1/status"
PRESENCE = "devices/scale-1/presence"
SESSION = "devices/scale-1/session"
EVENT = "devices/scale-1/session/event"
RESULT = "devices/scale-1/result"


@pytest.fixture(scope="module")
def talkstick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talkstick]:
    with serving(tmp_path_factory.mktemp("simulator"), debounce_s="2") as running:
        yield running


@pytest.fixture
def ears(talkstick: Talkstick) -> Iterator[Subscriber]:
    with talkstick.subscribe("alice", "#") as subscriber:
        yield subscriber


def login(talkstick: Talkstick, name: str) -> Login:
    return Login(name, talkstick.passwords[name], port=talkstick.port)


def device(talkstick: Talkstick, kind: str = "scale", *, speed: float = 20.0) -> Device:
    """Return a device whose boot number goes on from test to test."""
    boots = talkstick.data / "boots"
    return Device(login(talkstick, "scale-1"), KINDS[kind], speed=speed, heartbeat_s=0.2, boots=boots)


def grant(talkstick: Talkstick, ears: Subscriber, user: str, request_id: str) -> int:
    """Claim for *user*, with an id that no other test uses; return the fence."""
    seen = len(ears.got)
    talkstick.ask(user, "scale-1", id=request_id, action="claim", type="weighing")
    return int(ears.body(EVENT, after=seen, event="granted", user=user)["fence"])


def test_who_leaves_before_being_let_in_does_not_come_in_after_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as broker:
        broker.settimeout(WITHIN_S)
        actor = Actor(Login("alice", "secret", port=broker.getsockname()[1]), ())
        actor.start()
        line, _address = broker.accept()
        with line:
            line.settimeout(WITHIN_S)
            assert line.recv(1024), "a CONNECT, which nobody answers"
            actor.stop()
            assert line.recv(1024) == b"", "it is gone"


class TestDevice:
    def test_it_is_born_beats_and_says_goodbye(self, talkstick: Talkstick, ears: Subscriber) -> None:
        with device(talkstick) as scale:
            assert scale.connected.wait(WITHIN_S)
            ears.body(STATUS, state="online", boot=scale.boot)
            ears.body(PRESENCE, state="online", boot=scale.boot, reason="birth")
            ears.body("devices/scale-1/info", model="Virtual scale")
            ears.body("devices/scale-1/heartbeat", boot=scale.boot)
        ears.body(STATUS, state="disconnected", boot=scale.boot)
        ears.body(PRESENCE, state="disconnected", boot=scale.boot)

    def test_its_will_speaks_when_it_crashes_and_it_boots_again(self, talkstick: Talkstick, ears: Subscriber) -> None:
        scale = device(talkstick)
        scale.start()
        assert scale.connected.wait(WITHIN_S)
        boot = scale.boot
        ears.body(PRESENCE, state="online", boot=boot)
        scale.crash()
        ears.body(STATUS, state="lost", boot=boot)
        ears.body(PRESENCE, state="lost", boot=boot, reason="last_will")
        with scale:
            ears.body(PRESENCE, state="online", boot=boot + 1, reason="birth")
        assert device(talkstick).boot == boot + 1

    def test_it_goes_on_working_after_a_lost_connection(self, talkstick: Talkstick, ears: Subscriber) -> None:
        with device(talkstick, "printer", speed=2) as printer:
            ears.body(PRESENCE, state="online", boot=printer.boot)
            fence = grant(talkstick, ears, "alice", "lost-connection")
            ears.body(RESULT, fence=fence)
            boot = printer.boot
            printer.drop_connection()
            ears.body(STATUS, state="lost", boot=boot)
            ears.body(STATUS, state="online", boot=boot + 1)
            ears.body(SESSION, fence=fence, holder="alice", complete=True)
            talkstick.ask("alice", "scale-1", action="release")
            ears.body(EVENT, event="ended", fence=fence, reason="released", complete=True)

    def test_it_stops_when_the_session_ends(self, talkstick: Talkstick, ears: Subscriber) -> None:
        with device(talkstick, "printer", speed=0.5) as printer:
            ears.body(PRESENCE, state="online", boot=printer.boot)
            first = grant(talkstick, ears, "alice", "stops-1")
            ears.body(RESULT, fence=first)
            talkstick.ask("alice", "scale-1", action="release")
            ears.body(EVENT, event="ended", fence=first, complete=False)
            printer.board._speed = 20.0  # this time it shall come to an end
            second = grant(talkstick, ears, "bob", "stops-2")
            ears.body(RESULT, fence=second, complete=True)
            talkstick.ask("bob", "scale-1", action="release")
            ears.body(EVENT, event="ended", fence=second)
        results = [(body["fence"], body["complete"]) for body in ears.bodies(RESULT)]
        assert (first, True) not in results
        assert results == sorted(results)

    def test_it_obeys_the_holder(self, talkstick: Talkstick, ears: Subscriber) -> None:
        with device(talkstick) as scale:
            ears.body(PRESENCE, state="online", boot=scale.boot)
            fence = grant(talkstick, ears, "alice", "obeys")
            output = ears.body(SESSION, fence=fence, complete=True)["output"]
            assert output.keys() == {"weight_kg", "unit"}
            talkstick.ask("alice", "scale-1", action="update", input={"height": 180})
            ears.wait_for(lambda got: got.topic == SESSION and "bmi" in got.body["output"])
            seen = len(ears.got)
            talkstick.publish("alice", "devices/scale-1/command/start", {"fence": fence})
            ears.body("devices/scale-1/telemetry", command="start", done=True, fence=fence)
            ears.body(RESULT, after=seen, fence=fence, complete=True)
            talkstick.ask("alice", "scale-1", action="release")
            ears.body(EVENT, event="ended", fence=fence)

    def test_it_comes_back_to_a_server_that_was_away(self, talkstick: Talkstick) -> None:
        with device(talkstick) as scale:
            assert scale.connected.wait(WITHIN_S)
            boot = scale.boot
            talkstick.stop()
            talkstick.start()
            with talkstick.subscribe("alice", PRESENCE) as ears:
                presence = ears.wait_for(lambda got: got.body["state"] == "online" and got.body["boot"] > boot).body
            assert presence["reason"] == "birth"

    def test_the_command_runs_one(self, talkstick: Talkstick, ears: Subscriber) -> None:
        arguments = ["--port", str(talkstick.port), "--user", "scale-1", "--password-env", "SCALE_PASSWORD"]
        boots, boot = talkstick.data / "boots", device(talkstick).boot + 1
        simulator = subprocess.Popen(
            [sys.executable, "-m", "tools.simulator", *arguments, "--boots", boots],
            env={**os.environ, "SCALE_PASSWORD": talkstick.passwords["scale-1"]},
            stderr=subprocess.DEVNULL,
        )
        try:
            ears.body(PRESENCE, state="online", boot=boot)
            simulator.send_signal(signal.SIGTERM)
            ears.body(PRESENCE, state="disconnected", boot=boot)
            assert simulator.wait(WITHIN_S) == 0
        finally:
            simulator.kill()
            simulator.wait()


def ends(user: str, *, after: int) -> Callable[[Got], bool]:
    """Return a test for the end of a session of *user* with a fence higher than *after*."""

    def is_one(got: Got) -> bool:
        if got.topic != EVENT:
            return False
        event = got.body
        return (event["event"], event["user"]) == ("ended", user) and int(event["fence"]) > after

    return is_one


def test_people_share_a_device(talkstick: Talkstick, ears: Subscriber) -> None:
    errand = Errand("scale-1", "weighing", {"age": 30}, command="tare")
    alice, bob, carol = people = [Person(login(talkstick, name), [errand], pause_s=0.05) for name in NAMES]
    with device(talkstick), alice, bob, carol:
        for name in NAMES:
            first = ears.wait_for(ends(name, after=0)).body
            assert (first["reason"], first["complete"]) == ("released", True)
            ears.wait_for(ends(name, after=first["fence"]))
    assert all(person.visitor.granted >= person.visitor.completed >= 2 for person in people)
    granted = [body["fence"] for body in ears.bodies(EVENT) if body["event"] == "granted"]
    assert granted == sorted(set(granted))
