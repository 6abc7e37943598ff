"""The presence of one device under any history: what it must be follows from what was heard last."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend.core.desk import Desk
from backend.core.effects import Publish
from backend.core.facts import (
    DeviceHeard,
    DeviceLost,
    DeviceOnline,
    DirectoryChanged,
    FenceTold,
    MessageRefused,
    Resumed,
    SecretsChanged,
)
from backend.core.liveness import Limits
from backend.features.presence import rows
from backend.features.presence.feature import desk
from backend.features.presence.machine import Presence, StatusSaid, document
from backend.features.presence.messages import Status
from tests.histories import DEVICE, START, plain
from tests.strategies import histories

LIMITS = Limits(debounce_s=2, heartbeat_s=10)
HERE, AWAY = ("online", "sleeping"), ("lost", "disconnected")

boots = st.integers(0, 3)
fences = st.sampled_from([None, 0, 7])
naps = st.sampled_from([None, 5.0, 20.0])


@dataclass
class Seen:
    """What somebody would believe who only counts: the newest boot, the last sign of life, the oldest doubt."""

    state: str = "unknown"
    boot: int | None = None
    patience: float | None = None
    """Until when silence proves nothing."""
    doubt: float | None = None
    ever: bool = False
    born_at: float | None = None
    asleep_until: float | None = None

    def is_(self, state: str, *, patience: float | None = None) -> None:
        self.state, self.patience, self.doubt = state, patience, None

    def passes(self, now: float) -> None:
        if min(self.doubt or now + 1, self.patience or now + 1) <= now:
            self.is_("lost")

    def is_heard(self, now: float) -> None:
        self.ever, self.asleep_until = True, None
        self.is_("online", patience=now + LIMITS.heartbeat_s)

    def is_back(self, now: float) -> None:
        """The server or the broker was away: who was ever there may be silent for a while; a nap goes on."""
        awake_at = max(now, self.asleep_until or now)
        self.is_("unknown", patience=awake_at + LIMITS.heartbeat_s if self.ever else None)

    def is_locked_out(self, since: float) -> None:
        came_later = self.born_at is not None and self.born_at >= since
        if self.ever and not came_later and self.state not in AWAY:
            self.is_("lost")

    def is_late(self, state: str, boot: int, *, retained: bool) -> bool:
        return self.boot is not None and boot < self.boot and (state in AWAY or retained)

    def says(self, state: str, boot: int, nap_s: float | None, now: float, *, retained: bool) -> None:
        if self.is_late(state, boot, retained=retained):
            return
        self.ever, self.boot, awake_at = True, boot, now + (nap_s or 0.0)
        if retained and state in HERE:
            if nap_s is not None and self.asleep_until is None:
                self.asleep_until, self.patience = awake_at, awake_at + LIMITS.heartbeat_s
            self.patience = self.patience or now + LIMITS.heartbeat_s
        elif state in HERE:
            self.born_at = now if state == "online" else self.born_at
            self.asleep_until = awake_at if state == "sleeping" else None
            self.is_(state, patience=awake_at + LIMITS.heartbeat_s)
        elif state == "disconnected":
            self.is_(state)
        elif self.state not in AWAY:
            self.doubt = self.doubt or now + LIMITS.debounce_s


class Watching(RuleBasedStateMachine):
    """One device, its broker, a server that dies at times, and another feature that listens."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.desk: Desk[Presence] = desk(LIMITS)
        self.seen = Seen()
        self.believed_there = False
        self.retained: dict[str, Any] = {}
        self.known = True
        self.told(DirectoryChanged(frozenset({DEVICE}), frozenset()))

    def told(self, event: object | None) -> list[object]:
        said = [*(self.desk.handle(event, self.now) if event is not None else []), *self.desk.tick(self.now)]
        for each in said:
            match each:
                case DeviceOnline():
                    self.believed_there = True
                case DeviceLost():
                    self.believed_there = False
                case Publish(topic=topic, body=body):
                    self.retained[topic.rsplit("/", 1)[1]] = plain(body) if body is not None else None
        return list(said)

    @rule(boot=boots, state=st.sampled_from([*HERE, *AWAY]), nap_s=naps, retained=st.booleans(), fence=fences)
    def says(self, boot: int, state: Any, nap_s: float | None, retained: bool, fence: int | None) -> None:
        if self.known:
            nap_s = nap_s if state == "sleeping" else None
            status = Status(state=state, boot=boot, wake_in_s=nap_s, fence=fence)
            self.seen.passes(self.now)
            late = self.seen.is_late(state, boot, retained=retained)
            self.seen.says(state, boot, nap_s, self.now, retained=retained)
            said = self.told(StatusSaid(DEVICE, status, retained=retained))
            assert any(isinstance(each, MessageRefused) for each in said) is late
            told = [FenceTold(DEVICE, fence, f"devices/{DEVICE}/status")] if fence and state == "online" else []
            assert [each for each in said if isinstance(each, FenceTold)] == (told if not late else [])

    @rule()
    def is_heard(self) -> None:
        if self.known:
            self.seen.is_heard(self.now)
            self.told(DeviceHeard(DEVICE))

    @rule(seconds=st.sampled_from([1, 1, 1, 2, 4, 9, 10, 25]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.seen.passes(self.now)
        self.told(None)

    @rule(ago=st.integers(0, 5))
    def it_gets_another_secret(self, ago: int) -> None:
        since = self.now - ago
        self.seen.is_locked_out(since)
        self.told(SecretsChanged(frozenset({DEVICE}), since))

    @rule(seconds=st.integers(0, 50), dies=st.booleans())
    def the_server_or_the_broker_is_back(self, seconds: int, dies: bool) -> None:
        self.now += seconds
        if dies:
            (stored,) = rows.dump([self.state])
            self.desk = desk(LIMITS)
            self.desk.load({DEVICE: Presence(**stored)})
            self.seen.born_at = None
        else:
            self.seen.passes(self.now)
        self.seen.is_back(self.now)
        self.told(Resumed())
        assert self.state.since == self.now or not dies or not self.known

    @rule()
    def is_removed_or_added_again(self) -> None:
        self.known = not self.known
        self.seen = Seen()
        self.believed_there = False
        self.told(DirectoryChanged(frozenset({DEVICE} if self.known else ()), frozenset()))

    @rule(boot=boots)
    def nothing_was_stored(self, boot: int) -> None:
        """A birth that could not be stored was none."""
        if self.known:
            self.desk.committed()
            before, projected = dict(self.desk.states), list(self.desk.projection(self.now))
            self.desk.handle(StatusSaid(DEVICE, Status(state="online", boot=boot)), self.now)
            self.desk.roll_back()
            assert (self.desk.states, list(self.desk.projection(self.now))) == (before, projected)

    @property
    def state(self) -> Presence:
        return self.desk.states[DEVICE]

    @invariant()
    def it_is_what_follows_from_what_was_seen(self) -> None:
        assert (self.state.state, self.state.boot, self.state.provisioned) == (
            self.seen.state,
            self.seen.boot,
            self.known,
        )

    @invariant()
    def what_was_published_is_how_it_is(self) -> None:
        published = [plain(publish.body) for publish in document(self.state) if publish.body is not None]
        assert published == ([self.retained["presence"]] if self.known else [])
        assert self.known or set(self.retained.values()) <= {None}

    @invariant()
    def who_listens_knows_who_is_there(self) -> None:
        assert self.state.state != "online" or self.believed_there
        assert self.state.state not in AWAY or not self.believed_there

    @invariant()
    def nobody_is_believed_to_be_there_forever(self) -> None:
        deadline = self.desk.deadline()
        if self.believed_there:
            ends = [when for when in (self.state.silent_at, self.state.doubt_until) if when is not None]
            assert self.state.silent_at is not None
            assert min(ends) > self.now
            assert deadline is not None
            assert deadline <= min(ends)

    @invariant()
    def times_make_sense(self) -> None:
        assert self.state.since <= self.now
        assert self.state.wake_in_s is None or self.state.state == "sleeping"
        assert not self.known or self.state.since >= START, "since before it all began"


TestPresence = Watching.TestCase
TestPresence.settings = histories(300)
