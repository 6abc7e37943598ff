"""People who share two devices and a channel, and what they may ask next: the rules that the stateful tests share."""

from abc import abstractmethod
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from backend.core.floors import id_of, is_channel, rules_of
from backend.core.principals import Principal, Role
from backend.features.sessions.policy import rules_of_policy
from tests.model import HIGHEST_TOLD, LEASES, TOO_LONG_S, Floor
from tests.moves import GRID_S, POLICIES
from tests.people import ALICE, BOB, CAROL, ROOT
from tests.strategies import later, usually

FLOORS = ("devices/scale-1", "devices/printer-1", "channels/stage")
DEVICES = frozenset(id_of(floor) for floor in FLOORS if not is_channel(floor))
CHANNELS = frozenset(id_of(floor) for floor in FLOORS if is_channel(floor))
RUTH = Principal("ruth", Role.ADMIN, "Another operator")
PEOPLE = {who.name: who for who in (ALICE, BOB, CAROL, ROOT, RUTH)}
RULES = {name: rules_of(dict(rules_of_policy(policy))) for name, policy in POLICIES.items()}
GONE = st.sampled_from(["alice", "bob carol", "root", "printer-1", "scale-1", "stage"]).map(str.split).map(frozenset)

anywhere = st.sampled_from([*FLOORS[:1] * 3, *FLOORS[1:2], *FLOORS[2:] * 3])  # a crowd meets more than loners
users = st.sampled_from(list(PEOPLE))
admins = st.sampled_from(["root", "root", "ruth"])
names = st.sampled_from([None, None, *PEOPLE])
leases = st.sampled_from([*LEASES, *LEASES, TOO_LONG_S])
priorities = st.sampled_from([0, 0, 0, 1, 2, 3])
fences = st.sampled_from([None, None, None, None, 0, 0, -1])
policies = st.sampled_from(list(POLICIES))
notices = st.sampled_from([0, 1, 2, 2, 4])
ahead = st.sampled_from([-1, 0, 1, 1, 2, 100, HIGHEST_TOLD, HIGHEST_TOLD + 1])
losses = st.sampled_from(["", "", "device", "device", "holder", "next", "heir", "admin"])
answers = st.sampled_from(["accept", "accept", "decline", "take back", ""])
returns = st.sampled_from(["comes", "comes", "claim", "leave", "uses", ""])


class Crowd(RuleBasedStateMachine):
    """A floor that nobody holds is dull: many rules see to it first that somebody might."""

    floors: dict[str, Floor]

    @abstractmethod
    def asks(self, floor: str, user: str, action: str, /, *, fence: int | None = None, **keys: Any) -> None:
        """Ask; the first answer must be what the model says. *fence* is how far off the fence is, if one is named."""

    @abstractmethod
    def orders(self, user: str, floor: str, action: str, whom: str | None) -> None:
        """Ask the same on the topic for all that admins order."""

    @abstractmethod
    def time_passes(self, steps: int) -> None:
        """Let so many steps of the grid pass."""

    @abstractmethod
    def comes(self, floor: str) -> None:
        """Let a device come; of a channel, nothing happens."""

    @abstractmethod
    def goes(self, floor: str) -> None:
        """Let a device go."""

    @abstractmethod
    def user_comes(self, user: str) -> None:
        """Let an app of somebody come."""

    @abstractmethod
    def user_goes(self, user: str) -> None:
        """Let all apps of somebody go."""

    @abstractmethod
    def is_used(self, floor: str, off: int, steps: int) -> None:
        """After a while, let a command go to the device, or data through the channel; *off*: how far off the fence."""

    @abstractmethod
    def the_directory_changes(self, gone: frozenset[str], soon_back: bool) -> None:
        """Let accounts, devices or channels be removed."""

    def floors_pass(self, now: float) -> None:
        """Let time pass in the model."""
        for floor in self.floors.values():
            floor.passes(now)

    def holder(self, floor: str) -> str:
        """Return who holds; if nobody does, see to it that somebody might."""
        if self.floors[floor].holding is None:
            self.comes(floor)
            self.asks(floor, "root", "reset")
            self.everybody_claims(floor, priority=1)
        return self.floors[floor].holder or "alice"

    # People

    @rule(floor=anywhere, user=users, wait=usually, lease_s=leases, another_job=st.booleans(), priority=priorities)
    def claims(
        self, floor: str, user: str, wait: bool, lease_s: float | None, another_job: bool, priority: int
    ) -> None:
        """Somebody claims."""
        self.asks(floor, user, "claim", wait=wait, lease_s=lease_s, another_job=another_job or None, priority=priority)

    @rule(floor=anywhere, priority=st.sampled_from([0, 0, 2]))
    def everybody_claims(self, floor: str, priority: int) -> None:
        """All of them claim, with less and less priority."""
        for number, user in enumerate(PEOPLE):
            self.asks(floor, user, "claim", wait=True, priority=max(0, priority - number % 3))

    @rule(
        floor=anywhere, fence=fences, lease_s=leases, steps=later,
        action=st.sampled_from(["renew", "renew", "update", "release", "release"]),
    )  # fmt: skip
    def the_holder_goes_on(self, floor: str, fence: int | None, lease_s: float | None, steps: int, action: str) -> None:
        """After a while, its holder asks for something."""
        holder = self.holder(floor)
        self.time_passes(steps)
        self.asks(
            floor, holder, action, fence=fence,
            lease_s=lease_s if action == "renew" else None, input={"n": 1} if action == "update" else None,
        )  # fmt: skip

    @rule(floor=anywhere, to=names, fence=fences, lost=losses, steps=later, answer=answers)
    def the_holder_offers(
        self, *, floor: str, to: str | None, fence: int | None, lost: str, steps: int, answer: str
    ) -> None:
        """The holder offers it; something is lost, perhaps; and after a while it is answered."""
        self.asks(floor, self.holder(floor), "offer", to=to, fence=fence)
        self.loses(floor, lost)
        self.time_passes(steps)
        holding = self.floors[floor].holding
        if holding is not None and holding.offered is not None and answer:
            user = holding.place.user if answer == "take back" else holding.offered[0]
            self.asks(floor, user, "accept" if answer == "accept" else "decline")

    def loses(self, floor: str, what: str) -> None:
        """Let somebody be lost: the device, the holder, the next, to whom it is offered, or who will take over."""
        model = self.floors[floor]
        user = {
            "holder": model.holder,
            "next": model.next.user if model.next else None,
            "heir": model.holding.offered[0] if model.holding and model.holding.offered else None,
            "admin": model.coming[0] if model.coming else None,
        }.get(what)
        if what == "device":
            self.goes(floor)
        elif user is not None and what == "heir":
            self.the_directory_changes(gone=frozenset({user}), soon_back=True)
        elif user is not None:
            self.user_goes(user)

    @rule(
        floor=anywhere, user=users,
        action=st.sampled_from(["renew", "release", "leave", "leave", "leave", "accept", "decline", "reset"]),
    )  # fmt: skip
    def somebody_asks(self, floor: str, user: str, action: str) -> None:
        """Somebody asks for what is not for it, mostly."""
        self.asks(floor, user, action)

    @rule(floor=anywhere, user=users, lease_s=leases, steps=later, then=st.sampled_from(["", "unobserve", "goes"]))
    def observes(self, floor: str, user: str, lease_s: float | None, steps: int, then: str) -> None:
        """Somebody watches, for a while."""
        self.asks(floor, user, "observe", lease_s=lease_s)
        self.time_passes(steps)
        if then == "goes":
            self.user_goes(user)
        elif then:
            self.asks(floor, user, then)

    @rule(floor=anywhere, whose=st.sampled_from(["holder", "holder", "next"]), steps=later, then=returns)
    def loses_all_apps(self, floor: str, whose: str, steps: int, then: str) -> None:
        """Somebody who holds, or waits, is away for a while, or for longer."""
        holder = self.holder(floor)
        user = self.floors[floor].queue[0] if whose == "next" and self.floors[floor].queue else holder
        self.user_goes(user)
        self.time_passes(steps)
        match then:
            case "comes":
                self.user_comes(user)
            case "uses":
                self.is_used(floor, off=0, steps=0)
            case "leave" | "claim":
                self.asks(floor, user, then)

    @rule(user=users)
    def is_back(self, user: str) -> None:
        """Somebody comes, who may have been there."""
        self.user_comes(user)

    # Admins

    @rule(floor=anywhere, user=admins, action=st.sampled_from(["kick", "promote", "promote", "demote"]), whom=names)
    def an_admin_orders(self, floor: str, user: str, action: str, whom: str | None) -> None:
        """On the topic of the floor."""
        self.holder(floor)
        self.asks(floor, user, action, user=whom if action != "demote" else None)

    @rule(floor=anywhere, user=users, action=st.sampled_from(["kick", "promote", "demote"]), whom=names)
    def it_is_ordered_elsewhere(self, floor: str, user: str, action: str, whom: str | None) -> None:
        """On the topic for all that admins order."""
        self.orders(user, floor, action, whom if action != "demote" else None)

    @rule(floor=anywhere, user=admins, lease_s=leases, requeue=st.booleans(), notice=notices, lost=losses, steps=later)
    def an_admin_preempts(
        self, *, floor: str, user: str, lease_s: float | None, requeue: bool, notice: int, lost: str, steps: int
    ) -> None:
        """An admin takes over, now or later; something is lost, perhaps."""
        self.holder(floor)
        self.asks(floor, user, "preempt", lease_s=lease_s, requeue=requeue, in_s=notice * GRID_S)
        self.loses(floor, lost)
        self.time_passes(steps)

    # Devices

    @rule(floor=anywhere, held=usually, steps=later, soon_back=usually)
    def is_away(self, floor: str, held: bool, steps: int, soon_back: bool) -> None:
        """A device is away for a while, or for longer."""
        if held:
            self.holder(floor)
        self.goes(floor)
        self.time_passes(steps)
        if soon_back:
            self.comes(floor)

    @rule(floor=anywhere)
    def is_there(self, floor: str) -> None:
        """A device comes, that may have been there."""
        self.comes(floor)
