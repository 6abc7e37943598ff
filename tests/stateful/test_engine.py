"""The whole engine under any history: bytes come in, a journal stores, servers die, disks fail."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backend.core.engine import Arrived, Send
from backend.core.facts import Resumed
from backend.core.liveness import Limits
from tests.house import House, memory_database
from tests.model import GRID_S, LEASES, POLICY, Floor
from tests.observer import Observer, timeless
from tests.people import EVERYBODY
from tests.strategies import devices, later, moments, off_by, usually

DEVICES = ("scale-1", "printer-1")
USERS = ("alice", "bob", "carol", "root", "bot", "scale-1")
LIMITS = Limits(debounce_s=4, heartbeat_s=100)
REMEMBERED_S = 600
UNREAD = ("unknown_device", "unknown_principal", "forbidden")  # the engine's own refusals are not remembered

users = st.sampled_from(USERS)


class House24(RuleBasedStateMachine):
    """A house that is open around the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.database = memory_database()
        self.house = House(self.database, POLICY, LIMITS)
        self.floors = {device: Floor() for device in DEVICES}
        self.stored = deepcopy(self.floors)
        self.boots = dict.fromkeys(DEVICES, 0)
        self.observer = Observer()
        self.observer.sees(self.house.greeting)
        self.requests: list[tuple[str, bytes]] = []
        self.promised: dict[tuple[str, str], tuple[bytes, float]] = {}
        self.given: dict[tuple[str, str], tuple[bytes, float]] = {}

    def teardown(self) -> None:
        self.database.dispose()

    @initialize(there=usually)
    def opens(self, there: bool) -> None:
        for device in DEVICES if there else ():
            self.is_born(device)
        self.is_stored()

    # How messages get in, and what the model makes of it

    def gets(self, topic: str, body: bytes | Mapping[str, Any], *, retained: bool = False) -> list[Send]:
        """Let a message arrive, and time pass a little, as the service does."""
        sends = self.house.receive(topic, body, retained=retained)
        self.devices_come_and_go(sends)
        self.looks_around()
        self.notes_answers(sends)
        return sends

    def looks_around(self) -> None:
        self.floors_pass()
        sends = self.house.passes(0)
        self.devices_come_and_go(sends)
        self.notes_answers(sends)

    def floors_pass(self) -> None:
        for floor in self.floors.values():
            floor.passes(self.house.now)

    def devices_come_and_go(self, sends: list[Send]) -> None:
        """Believe presence: it has its own tests."""
        for send in sends:
            if send.topic.endswith("/presence") and send.payload:
                floor = self.floors[send.topic.split("/")[1]]
                match json.loads(send.payload)["state"]:
                    case "online":
                        floor.comes(self.house.now)
                    case "lost" | "disconnected":
                        floor.goes()

    def notes_answers(self, sends: list[Send]) -> None:
        for send in sends:
            if "/session/reply/" in send.topic and "id" in (body := json.loads(send.payload)):
                key = send.topic, body["id"]
                if body["code"] not in UNREAD or key in self.promised:
                    self.promised[key] = (send.payload, self.house.now + REMEMBERED_S)

    def asks(self, device: str, user: str, expected: str, action: str, /, **keys: Any) -> None:
        request_id = f"c{len(self.requests)}"
        topic = f"devices/{device}/session/request/{user}"
        body = {"id": request_id, "action": action} | {k: v for k, v in keys.items() if v is not None}
        self.requests.append((topic, json.dumps(body).encode()))
        sends = self.gets(topic, body)
        reply_topic = f"devices/{device}/session/reply/{user}"
        codes = [reply["code"] for reply in replies(sends, reply_topic) if reply.get("id") == request_id]
        assert codes == [expected]

    def may_ask(self, device: str, user: str) -> str | None:
        """Return the refusal of the engine, if there is one; the session then hears nothing."""
        if device not in self.house.accounts:
            return "unknown_device"
        if user not in self.house.accounts:
            return "unknown_principal"
        return "forbidden" if user in DEVICES and user != device else None

    # What people do

    @rule(device=devices, user=users, wait=st.sampled_from([True, True, False]), lease_s=st.sampled_from(LEASES))
    def claims(self, device: str, user: str, wait: bool, lease_s: float | None) -> None:
        self.floors_pass()
        floor = self.floors[device]
        code = self.may_ask(device, user) or floor.claims(user, lease_s, self.house.now, wait=wait)
        self.asks(device, user, code, "claim", wait=wait, lease_s=lease_s)

    @rule(device=devices)
    def everybody_claims(self, device: str) -> None:
        for user in USERS:
            self.claims(device, user, wait=True, lease_s=None)

    @rule(device=devices, user=users)
    def updates(self, device: str, user: str) -> None:
        self.floors_pass()
        code = self.may_ask(device, user) or self.floors[device].updates(user, self.house.now)
        self.asks(device, user, code, "update", input={"n": len(self.requests)})

    @rule(device=devices, user=users)
    def releases(self, device: str, user: str) -> None:
        self.floors_pass()
        code = self.may_ask(device, user) or self.floors[device].releases(user, self.house.now)
        self.asks(device, user, code, "release")

    @rule(device=devices)
    def the_holder_releases(self, device: str) -> None:
        holder = self.floors[device].holder
        if holder is not None:
            self.releases(device, holder)

    @rule(device=devices, user=users)
    def leaves(self, device: str, user: str) -> None:
        self.floors_pass()
        self.asks(device, user, self.may_ask(device, user) or self.floors[device].leaves(user), "leave")

    @rule(device=devices, whom=st.sampled_from([None, "alice", "bob"]))
    def root_kicks(self, device: str, whom: str | None) -> None:
        self.floors_pass()
        code = self.may_ask(device, "root") or self.floors[device].is_kicked(True, whom, self.house.now)
        self.asks(device, "root", code, "kick", user=whom)

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def a_request_comes_twice(self, data: st.DataObject) -> None:
        """QoS 1. What was answered within ten minutes is answered the same, and nothing happens."""
        topic, payload = data.draw(st.sampled_from(self.requests))
        key = topic.replace("/request/", "/reply/"), json.loads(payload)["id"]
        answered, until = self.promised.get(key, (b"", 0.0))
        if until <= self.house.now:
            return
        before = self.house.everything()
        assert self.house.engine.receive(Arrived(topic, payload), self.house.now) == [Send(key[0], answered)]
        assert self.house.everything() == before

    # What boards do

    @rule(device=devices)
    def is_born(self, device: str) -> None:
        self.boots[device] += 1
        self.status(device, "online", self.boots[device])

    @rule(
        device=devices,
        state=st.sampled_from(["lost", "sleeping", "disconnected"]),
        older=st.integers(0, 1),
        soon_back=usually,
    )
    def is_said_to_be(self, device: str, state: str, older: int, soon_back: bool) -> None:
        self.status(device, state, max(0, self.boots[device] - older))
        if soon_back:
            self.is_born(device)

    @rule(device=devices, state=st.sampled_from(["online", "lost", "disconnected"]))
    def was_said_to_be(self, device: str, state: str) -> None:
        self.status(device, state, self.boots[device], retained=True)

    def status(self, device: str, state: str, boot: int, *, retained: bool = False) -> None:
        self.floors_pass()
        self.gets(f"devices/{device}/status", {"state": state, "boot": boot}, retained=retained)

    @rule(device=devices, topic=st.sampled_from(["heartbeat", "telemetry", "info"]))
    def gives_a_sign_of_life(self, device: str, topic: str) -> None:
        self.floors_pass()
        self.gets(f"devices/{device}/{topic}", {})

    @rule(device=devices, off=off_by, complete=st.booleans(), steps=later)
    def reports(self, device: str, off: int, complete: bool, steps: int) -> None:
        self.time_passes(steps)
        floor = self.floors[device]
        fence = max(0, floor.fence + off)
        if device in self.house.accounts:
            floor.results(fence, self.house.now, complete=complete)
        self.gets(f"devices/{device}/result", {"fence": fence, "output": {"n": 1}, "complete": complete})

    @rule(device=devices, off=off_by, steps=later)
    def is_commanded(self, device: str, off: int, steps: int) -> None:
        self.time_passes(steps)
        floor = self.floors[device]
        fence = max(0, floor.fence + off)
        floor.is_commanded(fence, self.house.now)
        self.gets(f"devices/{device}/command/go", {"fence": fence})

    @rule(
        topic=st.sampled_from(
            ["session/request/alice", "session/request/nobody", "result", "status", "command/x", "x"]
        ),
        payload=st.binary(max_size=30),
        retained=st.booleans(),
    )
    def garbage_arrives(self, topic: str, payload: bytes, retained: bool) -> None:
        self.looks_around()
        before = self.house.everything()
        self.gets(f"devices/scale-1/{topic}", payload, retained=retained)
        after = self.house.everything()
        assert (after["sessions"], after["presence"]) == (before["sessions"], before["presence"])

    # What happens to the house

    @rule(steps=moments)
    def time_passes(self, steps: int) -> None:
        self.house.now += steps * GRID_S
        self.looks_around()

    @rule(gone=st.sampled_from([{"alice"}, {"bob", "carol"}, {"printer-1"}, {"scale-1"}]), soon_back=usually)
    def the_directory_changes(self, gone: set[str], soon_back: bool) -> None:
        self.the_directory_lacks(gone)
        if soon_back:
            self.the_directory_lacks(set())
            for device in DEVICES:
                self.is_born(device)

    def the_directory_lacks(self, gone: set[str]) -> None:
        self.floors_pass()
        self.house.accounts = {name: who for name, who in EVERYBODY.items() if name not in gone}
        for device, floor in self.floors.items():
            floor.directory(known=device not in gone, users=frozenset(self.house.accounts), now=self.house.now)
        self.notes_answers(self.house.knows(self.house.accounts))
        self.looks_around()
        self.is_stored()  # accounts are stored by the command line, before the server hears of them

    @rule()
    def the_broker_comes_back(self) -> None:
        for floor in self.floors.values():
            floor.resumes(self.house.now)
        self.house.pending += self.house.engine.hear(Resumed(), self.house.now)
        self.looks_around()

    @rule()
    def is_stored(self) -> None:
        self.observer.sees(self.house.commit())
        self.stored = deepcopy(self.floors)
        self.given = dict(self.promised)

    @rule()
    def cannot_be_stored(self) -> None:
        self.house.fail()
        self.go_back()
        self.looks_around()

    @rule(steps=moments, stored=st.booleans())
    def dies_and_starts_again(self, steps: int, stored: bool) -> None:
        """With luck the last batch was stored, but nobody heard of it."""
        if stored:
            self.house.commit()
            self.stored, self.given = deepcopy(self.floors), dict(self.promised)
        self.go_back()
        self.house.now += steps * GRID_S
        for floor in self.floors.values():
            floor.resumes(self.house.now)
        self.floors_pass()
        self.notes_answers(self.house.restart())
        self.observer.missed_something(self.house.engine.projection(self.house.now))
        self.is_stored()

    def go_back(self) -> None:
        self.floors, self.promised = deepcopy(self.stored), dict(self.given)

    # What is always true

    @invariant()
    def the_model_predicts_it(self) -> None:
        for device, floor in self.floors.items():
            session = self.house.session(device)
            assert (session.holder, [waiter.user for waiter in session.queue]) == (floor.holder, floor.queue)
            assert (session.fence, session.reachable, session.provisioned) == (floor.fence, floor.there, floor.known)

    @invariant()
    def time_is_never_late_and_nobody_is_believed_to_be_there_forever(self) -> None:
        deadline = self.house.engine.deadline()
        for device in DEVICES:
            session, presence = self.house.session(device), self.house.presence(device)
            ends = [presence.silent_at] if session.reachable else []
            ends += [session.running.ends(POLICY)[0]] if session.running is not None else []
            for end in ends:
                assert end is not None, "nothing would ever end this"
                assert end > self.house.now
                assert deadline is not None
                assert deadline <= end

    @invariant()
    def who_is_online_can_be_claimed(self) -> None:
        for device in DEVICES:
            state = self.house.presence(device).state
            assert state in ("unknown", "sleeping") or self.house.session(device).reachable is (state == "online")

    @invariant()
    def what_was_published_is_how_it_is(self) -> None:
        if self.house.engine.changes() or self.house.pending:
            return
        for send in self.house.engine.projection(self.house.now):
            if send.topic != "backend/stats":
                seen = json.loads(self.observer.retained[send.topic])
                assert timeless(seen) == timeless(json.loads(send.payload))
        waiting = {(device, user) for device, floor in self.floors.items() for user in floor.queue}
        assert self.observer.waiting.keys() == waiting, "somebody waits who does not know, or believes so in vain"


def replies(sends: list[Send], topic: str) -> list[dict[str, Any]]:
    """Return the replies on a topic."""
    return [json.loads(send.payload) for send in sends if send.topic == topic]


TestHouse = House24.TestCase
TestHouse.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
