"""What the topics tell, for people to look at: a live table, lines of events, and a summary."""

import json
import queue
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from backend.features.presence.messages import PRESENCE
from backend.features.sessions.messages import EVENT, SESSION
from backend.features.triggers.messages import EVENT as TRIGGERED
from backend.features.triggers.messages import PROFILE
from tools.actor import Actor, Login

Json = Mapping[str, Any]

_EVENTS_SHOWN = 8
_COLOURS = {"online": "green", "sleeping": "blue", "lost": "red", "disconnected": "yellow", "unknown": "dim"}


class Watcher(Actor):
    """Listens to all devices and triggers, and puts what it hears into ``heard``: topic, body."""

    def __init__(self, login: Login) -> None:
        super().__init__(login, [PRESENCE.filter, SESSION.filter, EVENT.filter, TRIGGERED.filter, PROFILE.filter])
        self.heard: queue.SimpleQueue[tuple[str, Json]] = queue.SimpleQueue()

    def receive(self, topic: str, body: Json) -> None:
        """Pass it on."""
        self.heard.put((topic, body))


@dataclass
class Seen:
    """The last documents of one device; ``at``: when the session document came, by the monotonic clock."""

    presence: Json = field(default_factory=dict)
    session: Json = field(default_factory=dict)
    at: float = 0.0


class Wall:
    """Knows only what it heard."""

    def __init__(self) -> None:
        self.granted: Counter[str] = Counter()
        """How many sessions each person was granted."""
        self.completed: Counter[str] = Counter()
        """How many sessions each device completed."""
        self.profiles: dict[tuple[str, str], Json] = {}
        """The last document of each subscription, by trigger and profile."""
        self._devices: dict[str, Seen] = {}
        self._lines: deque[str] = deque(maxlen=_EVENTS_SHOWN)

    def hear(self, topic: str, body: Json, now: float) -> str | None:
        """Take a message; return a line about it if it tells something that happened."""
        line = None
        if (event := EVENT.match(topic)) is not None:
            line = self._event(event["device"], body)
        elif (presence := PRESENCE.match(topic)) is not None:
            line = self._presence(presence["device"], body)
        elif (session := SESSION.match(topic)) is not None:
            seen = self._device(session["device"])
            seen.session, seen.at = body, now
        elif (happened := TRIGGERED.match(topic)) is not None:
            line = _triggered(happened["trigger"], body)
        elif (profile := PROFILE.match(topic)) is not None:
            self.profiles[profile["trigger"], profile["profile"]] = body
        if line is not None:
            self._lines.append(line)
        return line

    def draw(self, now: float) -> RenderableType:
        """Return the table of devices and the last events."""
        table = Table(expand=True)
        for head in ("device", "presence", "holder", "type", "progress", "lease", "waiting", "fence"):
            table.add_column(head, justify="right" if head in ("lease", "fence") else "left")
        for device, seen in sorted(self._devices.items()):
            table.add_row(device, *_row(seen, now))
        return Group(table, *(Text(line, no_wrap=True, overflow="ellipsis") for line in self._lines))

    def summary(self) -> str:
        """Return who was granted how many sessions, which device completed how many, and which profiles ran."""
        granted = (f"  {person}: {count}" for person, count in sorted(self.granted.items()))
        completed = (f"  {device}: {self.completed[device]}" for device in sorted(self._devices))
        ran = (f"  {trigger}, {profile}: {_ran(body)}" for (trigger, profile), body in sorted(self.profiles.items()))
        return "\n".join(["Sessions granted", *granted, "Sessions completed", *completed, "Profiles run", *ran])

    def _event(self, device: str, body: Json) -> str:
        what = body.get("event", "?")
        if what == "granted":
            self.granted[body.get("user", "?")] += 1
        elif what == "completed":
            self.completed[device] += 1
        facts = [f"fence {body.get('fence')}", body.get("type"), body.get("reason")]
        if what in ("completed", "ended"):
            facts.append(_short(body.get("output")))
        elif what == "queued":
            facts.append(f"place {body.get('position')}")
        return _line(device, what, body.get("name", "?"), *facts)

    def _presence(self, device: str, body: Json) -> str | None:
        seen = self._device(device)
        before, seen.presence = seen.presence.get("state"), body
        state = body.get("state", "gone")
        return _line(device, state, "", f"boot {body.get('boot')}", body.get("reason")) if state != before else None

    def _device(self, device: str) -> Seen:
        return self._devices.setdefault(device, Seen())


def _row(seen: Seen, now: float) -> list[RenderableType]:
    session, elapsed = seen.session, now - seen.at
    state = seen.presence.get("state", "unknown")
    left = session.get("expires_in_s")
    waiting = (f"{place['name']} {_about(place['eta_s'], elapsed)}" for place in session.get("queue", ()))
    done = "done: " if session.get("complete") else ""
    return [
        Text(state, style=_COLOURS.get(state, "")),
        Text(session.get("holder_name") or "", style="bold"),
        session.get("type") or "",
        Text(done + _short(session.get("output"))),
        f"{max(0.0, left - elapsed):.0f} s" if left is not None else "",
        Text(", ".join(waiting)),
        str(session.get("fence", "")),
    ]


def _about(eta_s: float | None, elapsed: float) -> str:
    return f"~{max(0.0, eta_s - elapsed):.0f} s" if eta_s is not None else "?"


def _triggered(trigger: str, body: Json) -> str:
    who, mode = body.get("profile") or "", body.get("mode")
    return _line(trigger, body.get("event", "?"), who, mode, body.get("reason"), body.get("message"))


def _ran(body: Json) -> str:
    """Return how often a profile ran, and what did not lead to that."""
    counts = body.get("counts", {})
    told = {key: counts.get(key, 0) for key in ("activations", "started", "ended", "delivered", "repeated", "failed")}
    return _short({**{key: number for key, number in told.items() if number}, **counts.get("dropped", {})})


def _short(output: Json | None) -> str:
    return " ".join(
        f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in (output or {}).items()
    )


def _line(device: str, what: str, who: str, *facts: str | None) -> str:
    told = "  ".join(fact for fact in facts if fact)
    return f"{time.strftime('%H:%M:%S')}  {device:10} {what:12} {who:8} {told}".rstrip()
