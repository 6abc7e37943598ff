"""The sessions of two devices and a channel under any history: the invariants hold, and a small model predicts them."""

from copy import deepcopy
from typing import Any, Literal, cast

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from pydantic import TypeAdapter

from backend.core.desk import Desk
from backend.core.effects import Answer, Asked, Record
from backend.core.facts import (
    DeviceDeclared,
    DeviceLost,
    DeviceOnline,
    DirectoryChanged,
    FenceTold,
    FloorOrdered,
    FloorUsed,
    Resumed,
    StorageBack,
    UserLost,
    UserOnline,
)
from backend.core.floors import id_of, is_channel
from backend.core.messages import Message
from backend.features.sessions.asks import SessionRequest
from backend.features.sessions.feature import desk
from backend.features.sessions.machine import Commanded, Resulted, until
from backend.features.sessions.messages import Result
from backend.features.sessions.requests import SessionAsked
from backend.features.sessions.state import Past, Session
from tests.crowd import CHANNELS, DEVICES, FLOORS, GONE, PEOPLE, RULES, Crowd, ahead, anywhere, losses, policies
from tests.histories import START
from tests.model import Floor
from tests.moves import GRID_S, POLICY
from tests.observer import Observer, sends, timeless
from tests.strategies import histories, later, moments, off_by, usually

REQUESTS: TypeAdapter[Message] = TypeAdapter(SessionRequest)


class Sessions(Crowd):
    """Two devices, a channel, five people, one clock, and a disk that fails at times."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.desk: Desk[Session] = desk(POLICY)
        self.floors = {floor: Floor(is_channel(floor)) for floor in FLOORS}
        self.lacking: frozenset[str] = frozenset()
        self.stored: tuple[dict[str, Session], dict[str, Floor], frozenset[str]] = {}, {}, frozenset()
        self.staged: list[object] = []
        self.archived: dict[str, list[tuple[int, str, str]]] = {floor: [] for floor in FLOORS}
        self.observer = Observer()
        self.asked = 0

    @initialize(there=usually, first=policies, second=policies, third=policies)
    def opens(self, there: bool, first: str, second: str, third: str) -> None:
        self.the_directory_is(frozenset(), dict(zip(FLOORS, (first, second, third), strict=True)))
        for floor in FLOORS if there else ():
            self.comes(floor)
        self.is_stored()

    # How it is told, and what the model makes of it

    def told(self, event: object) -> list[object]:
        said = [*self.desk.handle(event, self.now), *self.desk.tick(self.now)]
        self.staged += said
        return list(said)

    def asks(self, floor: str, user: str, action: str, /, *, fence: int | None = None, **keys: Any) -> None:
        model = self.floors[floor]
        if not model.known:
            return  # the engine refuses it before
        given = {key: value for key, value in keys.items() if value is not None}
        if fence is not None:
            given["fence"] = max(0, model.fence + fence)
        self.floors_pass(self.now)
        code = model.asked(PEOPLE[user], action, self.now, **given)
        asked = self.new_request(floor, user)
        if given.pop("another_job", False):
            given["input"] = {"n": self.asked}
        body = REQUESTS.validate_python({"action": action, **given})
        said = self.told(SessionAsked(floor, PEOPLE[user], asked, body, PEOPLE.get(given.get("to", ""))))
        assert self.answers_to(asked, said)[0] == code

    def orders(self, user: str, floor: str, action: str, whom: str | None) -> None:
        self.floors_pass(self.now)
        if self.floors[floor].known:
            keys = {"user": whom} if whom is not None else {}
            code = self.floors[floor].asked(PEOPLE[user], action, self.now, here=False, **keys)
            asked, what = self.new_request("backend", user), cast("Literal['kick', 'promote', 'demote']", action)
            said = self.told(FloorOrdered(floor, PEOPLE[user], asked, what, whom))
            assert self.answers_to(asked, said) == [code]

    def new_request(self, where: str, user: str) -> Asked:
        self.asked += 1
        where = f"{where}/session" if where in FLOORS else where
        return Asked(f"{where}/request/{user}", f"{where}/reply/{user}", f"c{self.asked}")

    def answers_to(self, asked: Asked, said: list[object]) -> list[str]:
        return [each.body.code for each in said if isinstance(each, Answer) and each.asked == asked]

    # What happens

    def user_comes(self, user: str) -> None:
        for floor in self.floors.values():
            floor.user_comes(user, self.now)
        self.told(UserOnline(user))

    def user_goes(self, user: str) -> None:
        for floor in self.floors.values():
            floor.user_goes(user, self.now)
        self.told(UserLost(user))

    def comes(self, floor: str) -> None:
        if self.has_hardware(floor):
            self.floors[floor].device_comes(self.now)
            self.told(DeviceOnline(id_of(floor)))

    def goes(self, floor: str) -> None:
        if self.has_hardware(floor):
            self.floors[floor].device_goes(self.now)
            self.told(DeviceLost(id_of(floor)))

    def has_hardware(self, floor: str) -> bool:
        return self.floors[floor].known and not self.floors[floor].channel

    @rule(floor=anywhere, off=off_by, steps=later)
    def is_used(self, floor: str, off: int, steps: int) -> None:
        self.holder(floor)
        self.time_passes(steps)
        model = self.floors[floor]
        if model.known:
            fence = max(0, model.fence + off)
            model.is_used(fence, self.now)
            used = FloorUsed(floor, fence) if model.channel else Commanded(floor, fence, f"{floor}/command/go")
            self.told(used)

    @rule(floor=anywhere, held=usually, off=off_by, complete=usually, reset=usually, lost=losses)
    def reports(self, floor: str, held: bool, off: int, complete: bool, reset: bool, lost: str) -> None:
        if held:
            self.holder(floor)
        if self.has_hardware(floor):
            fence = max(0, self.floors[floor].fence + off)
            self.floors[floor].reports(fence, self.now, complete=complete, reset=reset)
            result = Result(fence=fence, output={"n": self.asked}, complete=complete, reset=reset)
            self.told(Resulted(floor, result, f"{floor}/result"))
        self.loses(floor, lost)

    @rule(floor=anywhere, cleans=st.booleans())
    def declares(self, floor: str, cleans: bool) -> None:
        if self.has_hardware(floor):
            self.floors[floor].declares(cleans, self.now)
            self.told(DeviceDeclared(id_of(floor), cleans))

    @rule(floor=anywhere, held=usually, off=ahead)
    def tells_its_fence(self, floor: str, held: bool, off: int) -> None:
        if held:
            self.holder(floor)
        if self.has_hardware(floor):
            fence = max(0, self.floors[floor].fence + off)
            self.floors[floor].tells_fence(fence, self.now)
            self.told(FenceTold(id_of(floor), fence, f"{floor}/status"))

    @rule(steps=moments)
    def time_passes(self, steps: int) -> None:
        if steps:
            self.is_stored()  # what happens at once is stored at once, or not at all
        self.now += steps * GRID_S
        self.floors_pass(self.now)
        self.staged += self.desk.tick(self.now)

    # What the command line does

    @rule(gone=GONE, soon_back=usually)
    def the_directory_changes(self, gone: frozenset[str], soon_back: bool) -> None:
        rules = {name: floor.rules for name, floor in self.floors.items()}
        self.the_directory_is(gone, rules)
        if soon_back:
            self.the_directory_is(frozenset(), rules)

    @rule(floor=anywhere, policy=policies)
    def the_rules_change(self, floor: str, policy: str) -> None:
        rules = {name: floor.rules for name, floor in self.floors.items()}
        self.the_directory_is(self.lacking, rules | {floor: policy})

    def the_directory_is(self, lacking: frozenset[str], rules: dict[str, str]) -> None:
        self.lacking = lacking
        users = frozenset(PEOPLE) - lacking
        for name, floor in self.floors.items():
            floor.directory(known=id_of(name) not in lacking, users=users, rules=rules[name], now=self.now)
        overruled = {floor: RULES[name] for floor, name in rules.items()}
        self.told(DirectoryChanged(DEVICES - lacking, users, CHANNELS - lacking, overruled))

    # What the disk does

    @rule()
    def is_stored(self) -> None:
        assert {key: state for key, state in self.desk.states.items() if state != self.stored[0].get(key)} == (
            self.desk.changed()
        )
        self.desk.committed()
        self.stored = dict(self.desk.states), deepcopy(self.floors), self.lacking
        self.observer.sees(sends(self.staged))
        for each in self.staged:
            if isinstance(each, Record) and isinstance(past := each.what, Past):
                self.archived[past.floor].append((past.running.fence, past.running.holder, past.reason))
        self.staged = []

    @rule(steps=later)
    def cannot_be_stored(self, steps: int) -> None:
        """Nothing happened, and nobody could do anything, until the disk takes it again."""
        self.desk.roll_back()
        self.go_back()
        self.now += steps * GRID_S
        for floor in self.floors.values():
            floor.resumes(self.now)
        self.told(StorageBack())

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
        self.floors, self.lacking = deepcopy(self.stored[1]), self.stored[2]
        self.staged = []

    # What is always true

    @invariant()
    def the_model_predicts_it(self) -> None:
        for name, session in self.desk.states.items():
            floor = self.floors[name]
            assert (session.holder, [waiter.user for waiter in session.queue]) == (floor.holder, floor.queue)
            assert (session.state, session.fence, session.provisioned) == (floor.state, floor.fence, floor.known)
            assert (session.reachable, session.dirty) == (floor.there, floor.dirty)
            assert {each.user: each.until for each in session.observers} == floor.watching
            assert session.ends(session.policy(POLICY)) == floor.over
            assert until(POLICY, session) == floor.until

    @invariant()
    def what_may_never_be_is_not(self) -> None:
        for session in self.desk.states.values():
            waiting = [waiter.user for waiter in session.queue]
            assert session.holder not in waiting
            assert len(waiting) == len(set(waiting))
            assert not (session.is_ready and session.next), "waits for a free floor"
            running = session.running
            assert running is None or session.provisioned
            assert running is None or running.fence == session.fence
            assert running is None or session.reachable is not running.device_lost
            assert running is None or (running.lost_since is not None) == (running.device_lost or running.client_lost)
            assert running is None or not (session.dirty or session.cooling_until)
            assert session.preemption is None or session.waiter(session.preemption.by) is not None

    @invariant()
    def nothing_lasts_forever(self) -> None:
        for session in self.desk.states.values():
            when = until(POLICY, session)
            assert when is None or self.now < when
            assert when is None or (self.desk.deadline() or when + 1) <= when
            policy = session.policy(POLICY)
            assert session.running is None or when is not None or (policy.joins and session.next is None)

    @invariant()
    def who_is_concerned_is_found(self) -> None:
        for user in PEOPLE:
            found = {key for key, session in self.desk.states.items() if user in set(session.mentions())}
            assert set(self.desk.mentioning(user)) == found

    @invariant()
    def what_was_published_is_how_it_is(self) -> None:
        if self.staged or self.desk.states != self.stored[0]:
            return
        projected = {publish.topic.removesuffix("/session"): publish for publish in self.desk.projection(self.now)}
        assert self.observer.documents.keys() == projected.keys()
        for floor, publish in projected.items():
            assert publish.body is not None
            assert timeless(self.observer.documents[floor]) == timeless(publish.body.model_dump(mode="json"))
        waiting = {(name, user) for name, floor in self.floors.items() for user in floor.queue}
        assert self.observer.waiting.keys() == waiting, "somebody waits who does not know, or believes so in vain"
        offering = {
            (name, floor.holder) for name, floor in self.floors.items() if floor.holding and floor.holding.offered
        }
        assert self.observer.offering.keys() == offering
        assert self.archived == {name: floor.past for name, floor in self.floors.items()}


TestSessions = Sessions.TestCase
TestSessions.settings = histories(300)
