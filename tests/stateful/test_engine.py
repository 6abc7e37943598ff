"""The whole engine under any history: bytes come in, a journal stores, servers die, disks fail."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from backend.core.engine import Arrived, Send
from backend.core.facts import (
    DeviceLost,
    DeviceOnline,
    FenceTold,
    FloorUsed,
    Resumed,
    StorageBack,
    UserLost,
    UserOnline,
)
from backend.core.floors import device_floor, id_of, is_channel
from backend.core.liveness import Limits
from tests.crowd import CHANNELS, DEVICES, FLOORS, GONE, PEOPLE, RULES, Crowd, ahead, anywhere, losses, policies, users
from tests.house import House, memory_database
from tests.model import Floor
from tests.moves import GRID_S, POLICY
from tests.observer import Observer, timeless
from tests.people import EVERYBODY
from tests.strategies import histories, later, moments, off_by, usually

ACCOUNTS = EVERYBODY | PEOPLE
LIMITS = Limits(debounce_s=4, heartbeat_s=100)
REMEMBERED_S = 600
UNREAD = ("unknown_device", "unknown_channel", "unknown_principal", "forbidden")  # the engine's own are not remembered
HISTORY = 100  # sessions at most, in one reply

apps = st.sampled_from(["phone", "phone", "laptop"])


class House24(Crowd):
    """A house that is open around the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.database = memory_database()
        self.house = House(self.database, POLICY, LIMITS)
        self.house.accounts = ACCOUNTS
        self.floors = {floor: Floor(is_channel(floor)) for floor in FLOORS}
        self.stored = deepcopy(self.floors)
        self.boots = 0
        self.observer = Observer()
        self.observer.sees(self.house.greeting)
        self.requests: list[tuple[str, bytes]] = []
        self.promised: dict[tuple[str, str], tuple[bytes, float]] = {}
        self.given: dict[tuple[str, str], tuple[bytes, float]] = {}
        self.listens()

    def teardown(self) -> None:
        self.database.dispose()

    @initialize(there=usually, first=policies, second=policies, third=policies)
    def opens(self, there: bool, first: str, second: str, third: str) -> None:
        self.the_directory_is(frozenset(), dict(zip(FLOORS, (first, second, third), strict=True)))
        for floor in FLOORS if there else ():
            self.comes(floor)
        self.is_stored()

    # How messages get in, and what the model makes of it

    def listens(self) -> None:
        """Believe what the sessions hear of devices and people: presence has its own tests."""
        (desk,) = (desk for desk in self.house.engine.desks if desk.name == "sessions")
        handle = desk.handle

        def heard(event: object, now: float) -> list[Any]:
            for floor in self.floors.values():
                match event:
                    case UserOnline(user=user):
                        floor.user_comes(user, now)
                    case UserLost(user=user):
                        floor.user_goes(user, now)
            match event:
                case DeviceOnline(device=device):
                    self.floors[device_floor(device)].device_comes(now)
                case FenceTold(device=device, fence=fence):
                    self.floors[device_floor(device)].tells_fence(fence, now)
                case DeviceLost(device=device):
                    self.floors[device_floor(device)].device_goes(now)
            return handle(event, now)

        patch.object(desk, "handle", heard).start()

    def gets(self, topic: str, body: bytes | Mapping[str, Any], *, retained: bool = False) -> list[Send]:
        """Let a message arrive, and time pass a little, as the service does."""
        self.floors_pass(self.house.now)
        sends = self.house.receive(topic, body, retained=retained)
        self.notes_answers(sends)
        self.looks_around()
        return sends

    def hears(self, fact: object) -> None:
        """Let something happen outside of MQTT."""
        sends = self.house.engine.hear(fact, self.house.now)
        self.house.pending += sends
        self.notes_answers(sends)
        self.looks_around()

    def looks_around(self) -> None:
        self.floors_pass(self.house.now)
        self.notes_answers(self.house.passes(0))

    def notes_answers(self, sends: list[Send]) -> None:
        for send in sends:
            if "/session/reply/" in send.topic and "id" in (body := json.loads(send.payload)):
                key = send.topic, body["id"]
                if body["code"] not in UNREAD or key in self.promised:
                    self.promised[key] = (send.payload, self.house.now + REMEMBERED_S)

    def asks(self, floor: str, user: str, action: str, /, *, fence: int | None = None, **keys: Any) -> None:
        model = self.floors[floor]
        given = {key: value for key, value in keys.items() if value is not None}
        if fence is not None:
            given["fence"] = max(0, model.fence + fence)
        to = given.get("to", user)
        code = self.refused(floor, user) or ("unknown_principal" if to not in self.house.accounts else None)
        self.floors_pass(self.house.now)
        code = code or model.asked(PEOPLE[user], action, self.house.now, **given)
        if given.pop("another_job", False):
            given["input"] = {"n": len(self.requests)}
        assert self.answer_to(f"{floor}/session", user, {"action": action, **given}) == code

    def orders(self, user: str, floor: str, action: str, whom: str | None) -> None:
        model, body = self.floors[floor], {"user": whom} if whom is not None else {}
        self.floors_pass(self.house.now)
        code = self.refused(floor, user)
        if model.may_not(PEOPLE[user], "") and code != "unknown_principal":
            code = "forbidden"
        code = code or model.asked(PEOPLE[user], action, self.house.now, here=False, **body)
        assert self.answer_to("backend", user, {"action": action, "floor": floor, **body}) == code

    def refused(self, floor: str, user: str) -> str | None:
        """Return the refusal of the engine, if there is one; the session then hears nothing."""
        if not self.floors[floor].known:
            return "unknown_channel" if self.floors[floor].channel else "unknown_device"
        return "unknown_principal" if user not in self.house.accounts else None

    def answer_to(self, where: str, user: str, body: Mapping[str, Any]) -> str:
        """Ask; return the code of the first answer."""
        request = f"c{len(self.requests)}"
        topic, payload = f"{where}/request/{user}", json.dumps({"id": request, **body}).encode()
        self.requests.append((topic, payload))
        sends = self.gets(topic, payload)
        replies = [json.loads(send.payload) for send in sends if send.topic == f"{where}/reply/{user}"]
        return str(next(reply["code"] for reply in replies if reply.get("id") == request))

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

    # What apps do

    def user_comes(self, user: str) -> None:
        self.says(user, "phone", "online")

    def user_goes(self, user: str) -> None:
        for app in ("laptop", "phone"):
            self.says(user, app, "disconnected")

    @rule(
        user=users, app=apps, state=st.sampled_from(["online", "lost", "lost", "disconnected"]), retained=st.booleans()
    )
    def says(self, user: str, app: str, state: str, retained: bool = False) -> None:
        """Birth, last will or goodbye of an app; or what the broker had kept of it."""
        self.boots += 1
        self.gets(f"users/{user}/clients/{app}/status", {"state": state, "boot": self.boots}, retained=retained)

    @rule(floor=anywhere, user=users)
    def asks_for_the_history(self, floor: str, user: str) -> None:
        """It is answered from what is stored; and it shows that somebody is there."""
        self.is_stored()
        if self.refused(floor, user) is not None:
            return
        model = self.floors[floor]
        model.user_comes(user, self.house.now)
        self.house.receive(f"{floor}/session/request/{user}", {"action": "history", "limit": HISTORY})
        sent = self.house.commit()
        (reply,) = (json.loads(send.payload) for send in sent if b'"code":"history"' in send.payload)
        told = [(past["fence"], past["user"], past["reason"]) for past in reply["sessions"]]
        assert told == model.past[: -HISTORY - 1 : -1]
        self.observer.sees(sent)
        self.is_stored()

    # What boards do, and what goes through the channel

    def comes(self, floor: str) -> None:
        if not self.floors[floor].channel:
            self.boots += 1
            self.is_said_to_be(floor, "online", older=0, retained=False)

    def goes(self, floor: str) -> None:
        if not self.floors[floor].channel:
            self.is_said_to_be(floor, "disconnected", older=0, retained=False)

    @rule(
        floor=anywhere,
        state=st.sampled_from(["online", "lost", "lost", "sleeping", "disconnected"]),
        older=st.integers(0, 1),
        retained=st.sampled_from([False, False, True]),
    )
    def is_said_to_be(self, floor: str, state: str, older: int, retained: bool) -> None:
        """A birth, a last will, a nap, a goodbye: of this boot, or late; or what the broker had kept of it."""
        if not self.floors[floor].channel:
            body = {"state": state, "boot": max(0, self.boots - older)}
            self.gets(f"{floor}/status", body, retained=retained)

    @rule(floor=anywhere, held=usually, off=ahead, retained=st.booleans())
    def tells_its_fence(self, floor: str, held: bool, off: int, retained: bool) -> None:
        """It says once more that it is there, and which fence it has seen."""
        if held:
            self.holder(floor)
        if self.has_hardware(floor):
            fence = min(max(0, self.floors[floor].fence + off), 2**32 - 1)
            self.gets(f"{floor}/status", {"state": "online", "boot": self.boots, "fence": fence}, retained=retained)
            assert self.floors[floor].fence > fence or fence in (self.floors[floor].fence, 0) or off > 100

    @rule(floor=anywhere, topic=st.sampled_from(["heartbeat", "telemetry"]))
    def gives_a_sign_of_life(self, floor: str, topic: str) -> None:
        self.gets(f"{floor}/{topic}", {})

    @rule(floor=anywhere, cleans=st.booleans())
    def declares(self, floor: str, cleans: bool) -> None:
        if self.has_hardware(floor):
            self.floors[floor].declares(cleans, self.house.now)
        self.gets(f"{floor}/info", {"clean_step": cleans})

    @rule(floor=anywhere, held=usually, off=off_by, complete=usually, reset=usually, lost=losses)
    def reports(self, floor: str, held: bool, off: int, complete: bool, reset: bool, lost: str) -> None:
        if held:
            self.holder(floor)
        model = self.floors[floor]
        fence = max(0, model.fence + off)
        if self.has_hardware(floor):
            model.reports(fence, self.house.now, complete=complete, reset=reset)
        body = {"fence": fence, "output": {"n": 1}, "complete": complete, "reset": reset}
        self.gets(f"{floor}/result", body)
        self.loses(floor, lost)

    @rule(floor=anywhere, off=off_by, steps=later)
    def is_used(self, floor: str, off: int, steps: int) -> None:
        self.holder(floor)
        self.time_passes(steps)
        model = self.floors[floor]
        fence = max(0, model.fence + off)
        if model.known:
            model.is_used(fence, self.house.now)
        if model.known and model.channel:
            self.hears(FloorUsed(floor, fence))
        elif model.known:
            self.gets(f"{floor}/command/go", {"fence": fence})

    def has_hardware(self, floor: str) -> bool:
        return self.floors[floor].known and not self.floors[floor].channel

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
        if steps:
            self.is_stored()  # what happens at once is stored at once, or not at all
        self.house.now += steps * GRID_S
        self.looks_around()

    @rule(gone=GONE, soon_back=usually)
    def the_directory_changes(self, gone: frozenset[str], soon_back: bool) -> None:
        rules = {name: floor.rules for name, floor in self.floors.items()}
        self.the_directory_is(gone, rules)
        if soon_back:
            self.the_directory_is(frozenset(), rules)

    @rule(floor=anywhere, policy=policies)
    def the_rules_change(self, floor: str, policy: str) -> None:
        rules = {name: floor.rules for name, floor in self.floors.items()}
        lacking = (ACCOUNTS.keys() - self.house.accounts.keys()) | (CHANNELS - self.house.channels)
        self.the_directory_is(frozenset(lacking), rules | {floor: policy})

    def the_directory_is(self, lacking: frozenset[str], rules: dict[str, str]) -> None:
        self.house.accounts = {name: who for name, who in ACCOUNTS.items() if name not in lacking}
        people = frozenset(self.house.accounts)
        for name, floor in self.floors.items():
            floor.directory(known=id_of(name) not in lacking, users=people, rules=rules[name], now=self.house.now)
        self.notes_answers(self.house.has(CHANNELS - lacking, {floor: RULES[name] for floor, name in rules.items()}))
        self.looks_around()
        self.is_stored()  # it is stored by the command line, before the server hears of it

    @rule()
    def the_broker_comes_back(self) -> None:
        for floor in self.floors.values():
            floor.resumes(self.house.now)
        self.hears(Resumed())

    @rule()
    def is_stored(self) -> None:
        self.observer.sees(self.house.commit())
        self.stored = deepcopy(self.floors)
        self.given = dict(self.promised)

    @rule(steps=later)
    def cannot_be_stored(self, steps: int) -> None:
        """Nothing happened, and nobody could do anything, until the disk takes it again."""
        self.house.fail()
        self.go_back()
        self.house.now += steps * GRID_S
        for floor in self.floors.values():
            floor.resumes(self.house.now)
        self.hears(StorageBack())

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
        self.notes_answers(self.house.restart())
        self.listens()
        self.observer.missed_something(self.house.engine.projection(self.house.now))
        self.is_stored()

    def go_back(self) -> None:
        self.floors, self.promised = deepcopy(self.stored), dict(self.given)

    # What is always true

    @invariant()
    def the_model_predicts_it(self) -> None:
        for name, floor in self.floors.items():
            session = self.house.floor(name)
            assert (session.holder, [waiter.user for waiter in session.queue]) == (floor.holder, floor.queue)
            assert (session.state, session.fence, session.reachable) == (floor.state, floor.fence, floor.there)
            assert (session.provisioned, session.dirty) == (floor.known, floor.dirty)
            assert session.ends(session.policy(POLICY)) == floor.over

    @invariant()
    def time_is_never_late_and_nobody_is_believed_to_be_there_forever(self) -> None:
        deadline = self.house.engine.deadline()
        ends = [floor.until for floor in self.floors.values() if floor.until is not None]
        for device in DEVICES:
            if self.floors[device_floor(device)].there:
                silent_at = self.house.presence(device).silent_at
                assert silent_at is not None, "nothing would ever end this"
                ends.append(silent_at)
        assert not ends or (self.house.now < min(ends) and deadline is not None and deadline <= min(ends))

    @invariant()
    def who_is_online_can_be_claimed(self) -> None:
        for device in DEVICES:
            state = self.house.presence(device).state
            there = self.floors[device_floor(device)].there
            assert state in ("unknown", "sleeping") or there is (state == "online")

    @invariant()
    def what_was_published_is_how_it_is(self) -> None:
        if self.house.engine.changes() or self.house.pending:
            return
        projected = {send.topic: send.payload for send in self.house.engine.projection(self.house.now)}
        for topic, payload in projected.items():
            if topic != "backend/stats":
                assert timeless(json.loads(self.observer.retained[topic])) == timeless(json.loads(payload))
        assert {topic for topic, payload in self.observer.retained.items() if payload} <= projected.keys()
        waiting = {(name, user) for name, floor in self.floors.items() for user in floor.queue}
        assert self.observer.waiting.keys() == waiting, "somebody waits who does not know, or believes so in vain"
        offers = {name: floor.holding for name, floor in self.floors.items() if floor.holding and floor.holding.offered}
        assert self.observer.offering.keys() == {(name, holding.place.user) for name, holding in offers.items()}


TestHouse = House24.TestCase
TestHouse.settings = histories(120)
