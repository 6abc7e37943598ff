"""Histories told in sentences: one machine, a clock that is told the time, and everything it said."""

import json
from dataclasses import replace
from itertools import count
from typing import Any

from pydantic import TypeAdapter

from backend.core.desk import Effect
from backend.core.effects import Answer, Asked, Publish
from backend.core.facts import (
    DeviceDeclared,
    DeviceLost,
    DeviceOnline,
    DirectoryChanged,
    Fact,
    FloorUsed,
    MessageRefused,
    Resumed,
    UserLost,
    UserOnline,
)
from backend.core.floors import Rule, Rules, channel_floor, device_floor, rules_of
from backend.core.liveness import Limits
from backend.core.messages import Message
from backend.core.principals import Principal
from backend.features.presence import machine as presence
from backend.features.presence.messages import PRESENCE, Status
from backend.features.sessions.asks import SessionRequest
from backend.features.sessions.machine import Commanded, Resulted, step, until
from backend.features.sessions.messages import Result, event_topic, reply_topic, session_topic
from backend.features.sessions.policy import Policy
from backend.features.sessions.requests import SessionAsked
from backend.features.sessions.state import Running, Session
from tests.people import EVERYBODY

START = 1_000_000.0
DEVICE = "scale-1"
CHANNEL = "stage"
SCALE_FLOOR = device_floor(DEVICE)
STAGE_FLOOR = channel_floor(CHANNEL)
DIRECTORY = DirectoryChanged(frozenset({DEVICE}), frozenset(EVERYBODY), frozenset({CHANNEL}))

_REQUEST: TypeAdapter[Message] = TypeAdapter(SessionRequest)


class SessionHistory:
    """The session of one floor, by default a device's, provisioned and there."""

    def __init__(
        self,
        policy: Policy = Policy(),  # noqa: B008 - it is frozen
        *,
        reachable: bool = True,
        floor: str = SCALE_FLOOR,
        rules: Rules = (),
    ) -> None:
        self.policy = policy
        self.now = START
        self.session = Session(floor)
        self.said: list[Effect] = []
        self.ever_said: list[Effect] = []
        self._ids = count(1)
        self.happens(replace(DIRECTORY, rules={floor: rules}))
        if reachable and floor == SCALE_FLOOR:
            self.happens(DeviceOnline(DEVICE))

    def happens(self, event: object) -> list[Effect]:
        """Let the machine hear of something; return what it says."""
        self.session, self.said = step(self.policy, self.session, event, self.now)
        self.ever_said += self.said
        return self.said

    def passes(self, seconds: float) -> list[Effect]:
        """Let time pass."""
        self.now += seconds
        return self.happens(None)

    def asks(self, who: Principal, action: str, **keys: Any) -> dict[str, Any]:
        """Ask something; return the answer as it goes out."""
        floor = self.session.floor
        asked = Asked(f"{floor}/session/request/{who.name}", reply_topic(floor, who.name), f"c{next(self._ids)}")
        body, other = _REQUEST.validate_python({"action": action, **keys}), EVERYBODY.get(keys.get("to", ""))
        self.happens(SessionAsked(floor, who, asked, body, other))
        answer, *_ = (said.body for said in self.said if isinstance(said, Answer) and said.asked == asked)
        return plain(answer)

    def claims(self, who: Principal, **keys: Any) -> dict[str, Any]:
        """Claim the device."""
        return self.asks(who, "claim", **keys)

    def commands(self, fence: int | None = None) -> list[Effect]:
        """Send a command to the hardware, with the running fence unless told otherwise."""
        used = fence if fence is not None else self.session.fence
        return self.happens(Commanded(SCALE_FLOOR, used, f"{SCALE_FLOOR}/command/tare"))

    def results(
        self,
        *,
        fence: int | None = None,
        complete: bool = False,
        job: int | None = None,
        reset: bool = False,
        **output: Any,
    ) -> list[Effect]:
        """Let the device report, with the running fence unless told otherwise."""
        used = fence if fence is not None else self.session.fence
        result = Result(fence=used, output=output, complete=complete, job=job, reset=reset)
        return self.happens(Resulted(SCALE_FLOOR, result, f"{SCALE_FLOOR}/result"))

    def sends_data(self, fence: int | None = None) -> list[Effect]:
        """Let the holder of a channel send something, with the running fence unless told otherwise."""
        return self.happens(FloorUsed(self.session.floor, fence if fence is not None else self.session.fence))

    def declares(self, *, cleans: bool) -> list[Effect]:
        """Let the device tell whether it confirms `reset`."""
        return self.happens(DeviceDeclared(DEVICE, cleans))

    def learns(self, **rules: Rule) -> list[Effect]:
        """Let the rules of the floor change."""
        return self.happens(replace(DIRECTORY, rules={self.session.floor: rules_of(rules)}))

    def removes(self, *accounts: Principal) -> list[Effect]:
        """Let accounts be removed."""
        left = frozenset(EVERYBODY) - {who.name for who in accounts}
        return self.happens(replace(DIRECTORY, principals=left))

    def restarts(self, after: float = 0.0) -> list[Effect]:
        """Let the server be away for a while."""
        self.now += after
        return self.happens(Resumed())

    def loses(self, who: Principal) -> list[Effect]:
        """Let the last app of somebody go away."""
        return self.happens(UserLost(who.name))

    def finds(self, who: Principal) -> list[Effect]:
        """Let an app of somebody come (back)."""
        return self.happens(UserOnline(who.name))

    def is_lost(self) -> list[Effect]:
        """Let the device go away."""
        return self.happens(DeviceLost(DEVICE))

    def is_back(self) -> list[Effect]:
        """Let the device come (back)."""
        return self.happens(DeviceOnline(DEVICE))

    @property
    def running(self) -> Running:
        """The session in progress."""
        assert self.session.running is not None
        return self.session.running

    @property
    def state(self) -> str:
        """The state that is shown."""
        return self.session.state

    @property
    def queue(self) -> list[str]:
        """Who waits, in order."""
        return [waiter.user for waiter in self.session.queue]

    @property
    def deadline(self) -> float | None:
        """In how many seconds time alone changes something."""
        when = until(self.policy, self.session)
        return None if when is None else round(when - self.now, 3)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The session documents said last."""
        return published(self.said, session_topic(self.session.floor))

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events said last."""
        return published(self.said, event_topic(self.session.floor))

    @property
    def endings(self) -> list[tuple[str, str]]:
        """Whose session ended last, and how."""
        return [(event["user"], event["reason"]) for event in self.events if event["event"] == "ended"]

    @property
    def place(self) -> dict[str, Any]:
        """The first place of the queue, as it was shown last."""
        return dict(self.documents[-1]["queue"][0])

    def happened(self, *keys: str) -> list[tuple[Any, ...]]:
        """Return what the events said last say of these keys."""
        return [tuple(event.get(key) for key in ("event", *keys)) for event in self.events]

    @property
    def told(self) -> list[tuple[str | None, str]]:
        """All answers said last: to which request, and the code."""
        return [(said.asked.id, said.body.code) for said in self.said if isinstance(said, Answer)]

    @property
    def answers(self) -> dict[str, dict[str, Any]]:
        """The last answer to each principal said last."""
        found = [said for said in self.said if isinstance(said, Answer)]
        return {said.asked.reply_topic.rsplit("/", 1)[1]: plain(said.body) for said in found}


class PresenceHistory:
    """The presence of one provisioned device."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008 - it is frozen
        self.limits = limits
        self.now = START
        self.presence = presence.Presence(DEVICE)
        self.said: list[Effect] = []
        self.happens(DIRECTORY)

    def happens(self, event: object) -> list[Effect]:
        """Let the machine hear of something; return what it says."""
        self.presence, self.said = presence.step(self.limits, self.presence, event, self.now)
        return self.said

    def passes(self, seconds: float) -> list[Effect]:
        """Let time pass."""
        self.now += seconds
        return self.happens(None)

    def says(
        self, state: Any, boot: int, *, retained: bool = False, wake_in_s: float | None = None, fence: int | None = None
    ) -> list[Effect]:
        """Let the device (or the broker in its name) say how it is."""
        status = Status(state=state, boot=boot, wake_in_s=wake_in_s, fence=fence)
        return self.happens(presence.StatusSaid(DEVICE, status, retained=retained))

    @property
    def state(self) -> str:
        """What is believed now."""
        return self.presence.state

    @property
    def facts(self) -> list[Fact]:
        """What other features heard last."""
        return [said for said in self.said if isinstance(said, Fact)]

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The presence documents said last."""
        return published(self.said, PRESENCE.at(device=DEVICE))


def plain(body: Message) -> dict[str, Any]:
    """Return a message as its receiver reads it."""
    return dict(json.loads(body.payload()))


def published(said: list[Effect], topic: str) -> list[dict[str, Any]]:
    """Return what was published on a topic, as its readers see it; a cleared topic reads as ``{}``."""
    found = [each for each in said if isinstance(each, Publish) and each.topic == topic]
    return [plain(each.body) if each.body is not None else {} for each in found]


def refusals(said: list[Effect]) -> list[str]:
    """Return the codes of what was refused without an answer."""
    return [each.code.value for each in said if isinstance(each, MessageRefused)]
