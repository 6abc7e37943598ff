"""The sessions of two devices under any history: the invariants hold, and a tiny model predicts who holds."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pydantic import TypeAdapter

from backend.core.desk import Desk
from backend.core.effects import Answer, Asked
from backend.core.facts import DeviceLost, DeviceOnline, DirectoryChanged, Resumed
from backend.core.messages import Message
from backend.core.principals import Principal, Role
from backend.features.sessions.asks import SessionRequest
from backend.features.sessions.feature import desk
from backend.features.sessions.machine import Commanded, Resulted
from backend.features.sessions.messages import REPLY, REQUEST, Result
from backend.features.sessions.requests import SessionAsked
from backend.features.sessions.state import Session
from tests.histories import START
from tests.model import GRID_S, LEASES, POLICY, Floor
from tests.observer import Observer, sends, timeless
from tests.people import ALICE, BOB, CAROL, ROOT
from tests.strategies import devices, later, moments, off_by, usually

DEVICES = ("scale-1", "printer-1")
DAVE = Principal("dave", Role.USER, "Dave")
PEOPLE = {who.name: who for who in (ALICE, BOB, CAROL, DAVE, ROOT)}
REQUESTS: TypeAdapter[Message] = TypeAdapter(SessionRequest)

people = st.sampled_from(list(PEOPLE.values()))
leases = st.sampled_from(LEASES)


class Sessions(RuleBasedStateMachine):
    """Two devices, five people, one clock, and a disk that fails at times."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.desk: Desk[Session] = desk(POLICY)
        self.floors = {device: Floor() for device in DEVICES}
        self.stored: tuple[dict[str, Session], dict[str, Floor]] = ({}, {})
        self.staged: list[object] = []
        self.observer = Observer()
        self.asked = 0

    @initialize(there=usually)
    def opens(self, there: bool) -> None:
        self.told(DirectoryChanged(frozenset(DEVICES), frozenset(PEOPLE)))
        if there:
            for device in DEVICES:
                self.is_there(device)
        self.is_stored()

    # What happens

    def told(self, event: object) -> list[object]:
        said = [*self.desk.handle(event, self.now), *self.desk.tick(self.now)]
        self.staged += said
        return list(said)

    def asks(self, device: str, who: Principal, expected: Callable[[Floor], str], action: str, **keys: Any) -> None:
        """Ask; the answer must be what the model says."""
        self.asked += 1
        topics = {"device": device, "principal": who.name}
        asked = Asked(REQUEST.at(**topics), REPLY.at(**topics), f"c{self.asked}")
        floor = self.floors[device]
        if not floor.known:
            return  # the engine refuses it before
        body = REQUESTS.validate_python({"action": action} | {k: v for k, v in keys.items() if v is not None})
        self.floors_pass()
        code = expected(floor)
        said = self.told(SessionAsked(device, who, asked, body))
        answers = [each.body.code for each in said if isinstance(each, Answer) and each.asked == asked]
        assert answers == [code]

    def floors_pass(self) -> None:
        for floor in self.floors.values():
            floor.passes(self.now)

    @rule(device=devices, who=people, wait=st.sampled_from([True, True, False]), lease_s=leases, job=st.booleans())
    def claims(self, device: str, who: Principal, wait: bool, lease_s: float | None, job: bool) -> None:
        def expected(floor: Floor) -> str:
            return floor.claims(who.name, lease_s, self.now, wait=wait, another_job=job)

        data = {"n": self.asked} if job else None
        self.asks(device, who, expected, "claim", wait=wait, lease_s=lease_s, input=data)

    @rule(device=devices)
    def everybody_claims(self, device: str) -> None:
        for who in PEOPLE.values():
            self.claims(device, who, wait=True, lease_s=None, job=False)

    @rule(device=devices, lease_s=leases, steps=later)
    def the_holder_renews(self, device: str, lease_s: float | None, steps: int) -> None:
        self.time_passes(steps)
        holder = self.floors[device].holder
        if holder is not None:
            self.renews(device, PEOPLE[holder], lease_s)

    @rule(device=devices, who=people, lease_s=leases)
    def renews(self, device: str, who: Principal, lease_s: float | None) -> None:
        self.asks(device, who, lambda floor: floor.renews(who.name, lease_s, self.now), "renew", lease_s=lease_s)

    @rule(device=devices, steps=later)
    def the_holder_updates(self, device: str, steps: int) -> None:
        self.time_passes(steps)
        holder = self.floors[device].holder
        if holder is not None:
            self.updates(device, PEOPLE[holder])

    @rule(device=devices, who=people)
    def updates(self, device: str, who: Principal) -> None:
        self.asks(device, who, lambda floor: floor.updates(who.name, self.now), "update", input={"n": self.asked})

    @rule(device=devices, who=people)
    def releases(self, device: str, who: Principal) -> None:
        self.asks(device, who, lambda floor: floor.releases(who.name, self.now), "release")

    @rule(device=devices)
    def the_holder_releases(self, device: str) -> None:
        holder = self.floors[device].holder
        if holder is not None:
            self.releases(device, PEOPLE[holder])

    @rule(device=devices, who=people)
    def leaves(self, device: str, who: Principal) -> None:
        self.asks(device, who, lambda floor: floor.leaves(who.name), "leave")

    @rule(device=devices, who=st.sampled_from([ROOT, ROOT, BOB]), user=st.sampled_from([None, *PEOPLE]))
    def kicks(self, device: str, who: Principal, user: str | None) -> None:
        self.asks(device, who, lambda floor: floor.is_kicked(who is ROOT, user, self.now), "kick", user=user)

    @rule(device=devices, off=off_by, steps=later)
    def commands(self, device: str, off: int, steps: int) -> None:
        self.time_passes(steps)
        floor = self.floors[device]
        if floor.known:
            self.floors_pass()
            fence = max(0, floor.fence + off)
            floor.is_commanded(fence, self.now)
            self.told(Commanded(device, fence, f"devices/{device}/command/go"))

    @rule(device=devices, off=off_by, complete=st.booleans(), steps=later)
    def results(self, device: str, off: int, complete: bool, steps: int) -> None:
        self.time_passes(steps)
        floor = self.floors[device]
        if floor.known:
            self.floors_pass()
            fence = max(0, floor.fence + off)
            floor.results(fence, self.now, complete=complete)
            self.told(Resulted(device, Result(fence=fence, output={"n": self.asked}, complete=complete)))

    @rule(device=devices)
    def is_there(self, device: str) -> None:
        if self.floors[device].known:
            self.floors_pass()
            self.floors[device].comes(self.now)
            self.told(DeviceOnline(device))

    @rule(device=devices, soon_back=usually)
    def is_gone(self, device: str, soon_back: bool) -> None:
        if self.floors[device].known:
            self.floors_pass()
            self.floors[device].goes()
            self.told(DeviceLost(device))
        if soon_back:
            self.is_there(device)

    @rule(steps=moments)
    def time_passes(self, steps: int) -> None:
        self.now += steps * GRID_S
        self.floors_pass()
        self.staged += self.desk.tick(self.now)

    @rule(gone=st.sampled_from([{"alice"}, {"bob", "carol"}, {"printer-1"}, {"scale-1"}]), soon_back=usually)
    def the_directory_changes(self, gone: set[str], soon_back: bool) -> None:
        self.the_directory_lacks(gone)
        if soon_back:
            self.the_directory_lacks(set())
            for device in DEVICES:
                self.is_there(device)

    def the_directory_lacks(self, gone: set[str]) -> None:
        self.floors_pass()
        users = frozenset(PEOPLE) - gone
        for device, floor in self.floors.items():
            floor.directory(known=device not in gone, users=users, now=self.now)
        self.told(DirectoryChanged(frozenset(DEVICES) - gone, users))

    # What the disk does

    @rule()
    def is_stored(self) -> None:
        assert {key: state for key, state in self.desk.states.items() if state != self.stored[0].get(key)} == (
            self.desk.changed()
        )
        self.desk.committed()
        self.stored = dict(self.desk.states), deepcopy(self.floors)
        self.observer.sees(sends(self.staged))
        self.staged = []

    @rule()
    def cannot_be_stored(self) -> None:
        self.desk.roll_back()
        self.go_back()
        self.time_passes(0)

    @rule(steps=moments)
    def dies_and_starts_again(self, steps: int) -> None:
        self.desk = desk(POLICY)
        self.desk.load(self.stored[0])
        self.go_back()
        self.now += steps * GRID_S
        for floor in self.floors.values():
            floor.resumes(self.now)
        self.staged += self.desk.handle(Resumed(), self.now)
        self.time_passes(0)

    def go_back(self) -> None:
        assert self.desk.states == self.stored[0]
        self.floors = deepcopy(self.stored[1])
        self.staged = []

    # What is always true

    @invariant()
    def the_model_predicts_it(self) -> None:
        for device, session in self.desk.states.items():
            floor = self.floors[device]
            assert (session.holder, [waiter.user for waiter in session.queue]) == (floor.holder, floor.queue)
            assert (session.fence, session.provisioned) == (floor.fence, floor.known)
            assert session.reachable == floor.there
            if session.running is not None:
                assert floor.holding is not None
                assert session.running.ends(POLICY)[0] == floor.holding.over_at

    @invariant()
    def what_may_never_be_is_not(self) -> None:
        for session in self.desk.states.values():
            waiting = [waiter.user for waiter in session.queue]
            assert session.holder not in waiting
            assert len(waiting) == len(set(waiting)) <= POLICY.max_queue
            assert not (waiting and session.reachable and session.running is None), "waits for a free device"
            assert session.running is None or (session.reachable and session.provisioned)
            assert session.running is None or session.running.fence == session.fence

    @invariant()
    def who_holds_does_not_hold_forever(self) -> None:
        for session in self.desk.states.values():
            if session.running is not None:
                ends = session.running.ends(POLICY)[0]
                assert ends > self.now
                deadline = self.desk.deadline()
                assert deadline is not None
                assert deadline <= ends

    @invariant()
    def what_was_published_is_how_it_is(self) -> None:
        if self.staged or self.desk.states != self.stored[0]:
            return
        projected = {publish.topic.split("/")[1]: publish for publish in self.desk.projection(self.now)}
        assert self.observer.documents.keys() == projected.keys()
        for device, publish in projected.items():
            assert publish.body is not None
            assert timeless(self.observer.documents[device]) == timeless(publish.body.model_dump(mode="json"))
            waiting = {user for where, user in self.observer.waiting if where == device}
            assert waiting == set(self.floors[device].queue), "somebody waits who does not know, or believes so in vain"


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=400, stateful_step_count=40, deadline=None)
