"""The apps of one person under any history: who is there must follow from what was heard last of each."""

from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend.core.desk import Desk
from backend.core.effects import Publish
from backend.core.facts import DirectoryChanged, MessageRefused, Resumed, UserHeard, UserLost, UserOnline
from backend.core.liveness import Limits
from backend.features.clients import machine, rows
from backend.features.clients.feature import desk
from backend.features.clients.machine import ClientSaid, User, document
from backend.features.clients.messages import ClientStatus
from tests.histories import START, plain
from tests.strategies import histories

LIMITS = Limits(debounce_s=2, heartbeat_s=10)
AWAY = ("lost", "disconnected")
MOST_CLIENTS = 3
PRESENCE = "users/alice/presence"

apps = st.sampled_from(["phone", "phone", "phone", "laptop", "laptop", "watch", "fridge"])
states = st.sampled_from(["online", "online", *AWAY])
boots = st.none() | st.integers(0, 3)


@dataclass
class App:
    """What somebody would believe of one app who only counts."""

    since: float
    state: str = "unknown"
    boot: int | None = None
    doubt: float | None = None

    def is_(self, state: str, now: float) -> None:
        self.since = now if state != self.state else self.since
        self.state, self.doubt = state, None


@dataclass
class Seen:
    """What somebody would believe of all of them. ``patience``: until when silence proves nothing."""

    apps: dict[str, App] = field(default_factory=dict)
    patience: float | None = None

    @property
    def state(self) -> str:
        there = {app.state for app in self.apps.values()}
        if "online" in there or "unknown" in there or not there:
            return "online" if "online" in there else "unknown"
        return max((app.since, app.state) for app in self.apps.values())[1]

    @property
    def patience_left(self) -> float | None:
        return self.patience if any(app.state == "unknown" for app in self.apps.values()) else None

    def passes(self, now: float) -> None:
        silent = self.patience is not None and self.patience <= now
        for app in self.apps.values():
            if (silent and app.state == "unknown") or (app.doubt is not None and app.doubt <= now):
                app.is_("lost", now)
        self.patience = self.patience_left

    def is_refused(self, name: str, state: str, boot: int | None, *, retained: bool) -> str | None:
        app = self.apps.get(name)
        if app is None:
            there = [each for each in self.apps.values() if each.state not in AWAY]
            return "too_many" if len(there) == MOST_CLIENTS else None
        older = boot is not None and app.boot is not None and boot < app.boot
        return "stale_boot" if older and (retained or state in AWAY) else None

    def says(self, name: str, state: str, boot: int | None, now: float, *, retained: bool) -> None:
        if name not in self.apps and len(self.apps) == MOST_CLIENTS:
            del self.apps[min((app.since, gone) for gone, app in self.apps.items() if app.state in AWAY)[1]]
        app = self.apps.setdefault(name, App(now))
        another = boot not in (None, app.boot)
        app.boot = boot if boot is not None else app.boot
        if state == "disconnected" or (state == "online" and not retained):
            app.is_(state, now)
        elif state == "online" and app.state in AWAY and another:
            app.is_("unknown", now)
        elif state == "lost" and app.state not in AWAY:
            app.doubt = app.doubt or now + LIMITS.debounce_s
        self.patience = self.patience or now + LIMITS.heartbeat_s
        self.patience = self.patience_left

    def is_back(self, now: float) -> None:
        """The server or the broker was away."""
        for app in self.apps.values():
            if app.state not in AWAY:
                app.state, app.doubt, app.since = "unknown", None, now
        self.patience = now + LIMITS.heartbeat_s
        self.patience = self.patience_left


class Watching(RuleBasedStateMachine):
    """The apps of Alice, the broker with what it retains, a server that dies at times, and a feature that listens."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.desk: Desk[User] = desk(LIMITS)
        self.seen = Seen()
        self.believed_there = False
        self.retained: dict[str, Any] = {}
        self.stored: dict[str, Any] | None = None
        self.few = patch.object(machine, "MOST_CLIENTS", MOST_CLIENTS)
        self.few.start()

    def teardown(self) -> None:
        self.few.stop()

    def told(self, event: object | None) -> list[object]:
        said = [*(self.desk.handle(event, self.now) if event is not None else []), *self.desk.tick(self.now)]
        for each in said:
            match each:
                case UserOnline():
                    self.believed_there = True
                case UserLost():
                    self.believed_there = False
                case Publish(topic=topic, body=None):
                    self.retained.pop(topic, None)
                case Publish(topic=topic, body=body) if body is not None:
                    self.retained[topic] = plain(body)
        for row in rows.dump(self.desk.changed().values()):
            self.stored = row
        self.desk.committed()
        return list(said)

    @rule(app=apps, state=states, boot=boots, retained=st.booleans())
    def says(self, app: str, state: Any, boot: int | None, retained: bool) -> None:
        self.seen.passes(self.now)
        code = self.seen.is_refused(app, state, boot, retained=retained)
        if code is None:
            self.seen.says(app, state, boot, self.now, retained=retained)
        self.retained[f"users/alice/clients/{app}/status"] = state
        said = self.told(ClientSaid("alice", app, ClientStatus(state=state, boot=boot), retained))
        assert [each.code.value for each in said if isinstance(each, MessageRefused)] == ([code] if code else [])

    @rule()
    def asks_for_something(self) -> None:
        self.seen.passes(self.now)
        self.seen.patience = self.now + LIMITS.heartbeat_s
        self.seen.patience = self.seen.patience_left
        assert all(isinstance(each, UserLost | Publish) for each in self.told(UserHeard("alice")))

    @rule(seconds=st.sampled_from([1, 1, 1, 2, 4, 9, 10, 25]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.seen.passes(self.now)
        self.told(None)

    @rule(seconds=st.integers(0, 20), dies=st.booleans())
    def the_server_or_the_broker_is_back(self, seconds: int, dies: bool) -> None:
        self.now += seconds
        if dies:
            self.desk = desk(LIMITS)
            self.desk.load({"alice": rows._state(rows.TABLE(**self.stored))} if self.stored is not None else {})
        else:
            self.seen.passes(self.now)
        self.seen.is_back(self.now)
        self.told(Resumed())
        assert self.user.state != "unknown" or not self.user.clients or self.user.since == self.now

    @rule()
    def the_account_is_removed(self) -> None:
        self.seen = Seen()
        self.believed_there = False
        self.told(DirectoryChanged(frozenset(), frozenset({"bob"})))
        assert self.retained == {}

    @rule(app=apps, boot=boots)
    def nothing_was_stored(self, app: str, boot: int | None) -> None:
        """A birth that could not be stored was none."""
        before, projected = dict(self.desk.states), list(self.desk.projection(self.now))
        self.desk.handle(ClientSaid("alice", app, ClientStatus(state="online", boot=boot)), self.now)
        self.desk.roll_back()
        assert (self.desk.states, list(self.desk.projection(self.now))) == (before, projected)

    @property
    def user(self) -> User:
        return self.desk.states.get("alice", User("alice"))

    @invariant()
    def it_is_what_follows_from_what_was_seen(self) -> None:
        believed = {name: (app.state, app.boot, app.since) for name, app in self.seen.apps.items()}
        assert {
            name: (client.state, client.boot, client.since) for name, client in self.user.clients.items()
        } == believed
        assert (self.user.state, self.user.silent_at) == (self.seen.state, self.seen.patience)

    @invariant()
    def what_was_published_is_how_it_is(self) -> None:
        published = [plain(publish.body) for publish in document(self.user) if publish.body is not None]
        assert published == ([self.retained[PRESENCE]] if self.user.clients else [])

    @invariant()
    def the_broker_retains_nothing_of_unknown_apps(self) -> None:
        known = {f"users/alice/clients/{name}/status" for name in self.user.clients}
        assert self.retained.keys() - {PRESENCE} <= known
        assert len(known) <= MOST_CLIENTS

    @invariant()
    def who_listens_knows_who_is_there(self) -> None:
        assert self.user.state != "online" or self.believed_there
        assert self.user.state not in AWAY or not self.believed_there

    @invariant()
    def nobody_is_unknown_or_doubted_forever(self) -> None:
        moments = [self.user.silent_at, *(client.doubt_until for client in self.user.clients.values())]
        ends = [when for when in moments if when is not None]
        deadline = self.desk.deadline()
        assert not ends or (min(ends) > self.now and deadline is not None and deadline <= min(ends))
        assert self.user.silent_at is not None or all(each.state != "unknown" for each in self.user.clients.values())

    @invariant()
    def times_make_sense(self) -> None:
        assert all(START <= client.since <= self.now for client in self.user.clients.values())
        assert not self.user.clients or START <= self.user.since <= self.now


TestClients = Watching.TestCase
TestClients.settings = histories(300)
