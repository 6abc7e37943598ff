"""Triggers in the fewest words: what runs, why, until when. The stateful test asks it what must be true.

It knows nothing of workers but that somebody gets one in the end: who does is told to it, and it tells who waits.
"""

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from tests.histories import START

DAY_S = 86_400.0
Profiles = Mapping[str, frozenset[str]]
"""In which phases which profiles have something to do."""

OPENS, CLOSES = START + 20, START + 80  # of the window, if there is one: full minutes
WARM, COLD = 10, 5
PLAN = {
    "mode": "one_shot", "enabled": True, "run": "single", "most": 10, "every_s": None, "max_s": None, "for_s": 0.0,
    "cooldown_s": 0.0, "warm": False, "windowed": False,
}  # fmt: skip


def is_open(now: float) -> bool:
    """Tell whether it is within the window."""
    return OPENS <= START + (now - START) % DAY_S < CLOSES


def turns(now: float) -> float:
    """Return when the window opens or closes next."""
    return min(edge for day in (0, 1) for edge in (OPENS + day * DAY_S, CLOSES + day * DAY_S) if edge > now)


@dataclass
class Task:
    """One run. ``doing``: the phase it is in, with a worker or without (``at_work``); None: it has nothing to do."""

    began: float
    doing: str | None = "start"
    at_work: bool = False
    begun: bool = False
    ending: str | None = None
    next_at: float | None = None
    ends_at: float | None = None
    failed: str | None = None
    lined_up: int = 0


@dataclass
class Watch:
    """One subscription. ``does``: the phases in which its profile has something to do."""

    owner: str
    plan: dict[str, Any]
    does: frozenset[str]
    warm: bool = False
    since: float | None = None
    active: bool = False
    stopped: bool = False
    leaving: bool = False
    delivered_at: float = -inf
    tasks: list[Task] = field(default_factory=list)
    waiting: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    remodelled: bool = False
    is_interrupted: bool = False

    @property
    def monitors(self) -> bool:
        """Whether it runs for as long as it is active."""
        return bool(self.plan["mode"] == "monitoring")

    def cools(self, now: float) -> bool:
        """Tell whether nothing new may begin."""
        return bool(now < self.delivered_at + self.plan["cooldown_s"])

    @property
    def wants(self) -> bool:
        """Whether something would begin, if nothing ran."""
        return not self.leaving and (self.active and not self.stopped if self.monitors else self.waiting > 0)

    # When it is active

    def judges(self, alarm: "Alarm", now: float, *, pulse: bool = False) -> None:
        """Find out whether it is active; a pulse is over at once."""
        level = alarm.data.get("t")
        self.warm = self.warm if level is None else level > WARM or (self.warm and level >= COLD)
        met = not self.leaving and self.plan["enabled"] and (self.warm or not self.plan["warm"])
        met = met and (is_open(now) or not self.plan["windowed"])
        if pulse:
            if met:
                self.is_activated(now)
        elif not (met and alarm.active):
            self.active, self.since, self.stopped = False, None, False
            if self.monitors:
                self.end("inactive" if self.plan["enabled"] else "disabled", now)
        else:
            self.since = now if self.since is None else self.since
            if not self.active and now >= self.since + self.plan["for_s"]:
                self.active = True
                self.is_activated(now)

    def is_activated(self, now: float) -> None:
        """Begin, wait, or come to nothing."""
        self.counts["activations"] += 1
        busy, run = bool(self.tasks), self.plan["run"]
        if self.monitors:
            return
        if run == "latest" or (run == "restart" and busy and not self.cools(now)):
            self.counts["coalesced"] += self.waiting
            self.waiting = 1
            if run == "restart":
                self.end("restarted", now)
        elif run == "queued" and (busy or self.cools(now)):
            room = self.waiting < self.plan["most"]
            self.waiting += room
            self.counts["dropped queue_full"] += not room
        elif self.cools(now):
            self.counts["dropped cooldown"] += 1
        elif busy and not (run == "parallel" and len(self.tasks) < self.plan["most"]):
            self.counts["dropped running"] += 1
        else:
            self.begins(now)

    def passes(self, alarm: "Alarm", now: float) -> None:
        """Let time pass."""
        self.judges(alarm, now)
        for task in list(self.tasks):
            if task.ending is None and (task.ends_at or inf) <= now:
                self.stopped = self.monitors
                self.ends(task, "max_duration", now)
            elif task.ending is None and (task.next_at or inf) <= now:
                task.next_at = None
                self.counts["repeated"] += 1
                self.goes_into(task, "repeat", now)
        self.settles(now)

    def settles(self, now: float) -> None:
        """Let begin what waits to."""
        while self.wants and not self.tasks and not self.cools(now):
            self.waiting -= not self.monitors
            self.begins(now)

    def until(self) -> Iterator[float]:
        """Tell when time alone changes something."""
        if self.since is not None and not self.active:
            yield self.since + self.plan["for_s"]
        for task in self.tasks:
            if task.ending is None:
                yield from (when for when in (task.next_at, task.ends_at) if when is not None)
        if self.wants and not self.tasks:
            yield self.delivered_at + self.plan["cooldown_s"]

    # What becomes of a run

    def begins(self, now: float) -> None:
        """Begin a run."""
        self.counts["started"] += 1
        longest = self.plan["max_s"]
        task = Task(now, ends_at=now + longest if longest else None)
        self.tasks.append(task)
        self.goes_into(task, "start", now)

    def goes_into(self, task: Task, phase: str, now: float) -> None:
        """Want to do something; what has nothing to do has done it."""
        task.doing, task.at_work, task.lined_up = phase, False, 0
        if phase not in self.does:
            task.begun = True
            self.is_through(task, now)

    def is_through(self, task: Task, now: float) -> None:
        """Go on after a phase."""
        phase, task.doing, task.at_work = task.doing, None, False
        if phase == "end":
            self.tasks.remove(task)
            self.counts["ended"] += 1
        elif task.ending or not self.monitors:
            task.ending, task.ends_at = task.ending or task.failed or "completed", None
            self.goes_into(task, "end", now)
        else:
            task.next_at = self.repeats_at(now)

    def repeats_at(self, now: float) -> float | None:
        """Return when what is done now is done again."""
        return now + self.plan["every_s"] if self.plan["every_s"] and "repeat" in self.does else None

    def ends(self, task: Task, reason: str, now: float) -> None:
        """End a run: at once, or once it has done what is to be done in the end."""
        if task.ending is not None:
            return
        task.ending, task.next_at, task.ends_at = reason, None, None
        if not task.begun:
            self.tasks.remove(task)
            self.counts["ended"] += 1
        elif not task.at_work:
            self.goes_into(task, "end", now)

    def end(self, reason: str, now: float) -> None:
        """End all runs."""
        for task in list(self.tasks):
            self.ends(task, reason, now)

    def is_done(
        self, task: Task, now: float, delivered: int, failed: str | None, delivered_at: float | None = None
    ) -> None:
        """Take note that a phase was done, or was not."""
        self.counts["delivered"] += delivered
        self.counts["failed"] += failed is not None
        self.delivered_at = max(self.delivered_at, -inf if delivered_at is None else delivered_at)
        task.failed = failed or task.failed
        self.is_through(task, now)

    def resumes(self, now: float) -> None:
        """Go on after the server was killed."""
        self.is_interrupted = False
        for task in list(self.tasks):
            if task.at_work and task.doing != "end":
                self.is_done(task, now, 0, "interrupted")
            elif task.doing is not None:
                self.goes_into(task, task.doing, now)

    # What people do with it

    def stops(self, reason: str, now: float) -> None:
        """Let nothing of it run."""
        self.forgets("stopped")
        self.stopped = self.monitors and self.active
        self.end(reason, now)

    def forgets(self, why: str) -> None:
        """Let what waits come to nothing."""
        self.counts[f"dropped {why}"] += self.waiting
        self.waiting = 0

    def leaves(self, reason: str, now: float) -> None:
        """Be there no longer than what runs."""
        if not self.leaving:
            self.forgets("stopped")
            self.leaving, self.active, self.stopped, self.since = True, False, False, None
            self.end(reason, now)

    def follows(self, now: float) -> None:
        """Let what runs repeat and end as it is planned now."""
        for task in self.tasks:
            if task.ending is None:
                task.ends_at = task.began + self.plan["max_s"] if self.plan["max_s"] else None
                due = self.repeats_at(now) if task.doing is None else None
                task.next_at = due and min(due, task.next_at or due)

    def changes(self, plan: dict[str, Any], alarm: "Alarm", now: float) -> None:
        """Be planned otherwise."""
        self.remodelled |= any(plan[key] != self.plan[key] for key in ("mode", "run", "most"))
        if plan["mode"] != self.plan["mode"]:
            self.stops("stopped", now)
            self.stopped = False
        self.plan = plan
        self.follows(now)
        if not plan["enabled"]:
            self.forgets("disabled")
        self.warm, self.since = False, now if self.active else None
        self.judges(alarm, now)


@dataclass
class Alarm:
    """One trigger, and who watches it.

    ``teller`` says whether it is active; ``lost``: it was, and its device was lost; ``silent``: it
    was, and nobody said so any more. ``over``: runs of who watched it.
    """

    teller: str | None = None
    has_source: bool = False
    lost: bool = False
    silent: bool = False
    pulse: bool = False
    patience: float | None = None
    known: bool = False
    active: bool = False
    heard_at: float = -inf
    data: dict[str, Any] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    over: int = 0

    def each(self) -> list[tuple[str, Watch]]:
        """Return all that watch it."""
        return list(self.watches.items())

    def tidies(self, now: float) -> None:
        """Let begin what can, and be gone what is through."""
        for profile, watch in self.each():
            watch.settles(now)
            if watch.leaving and not watch.tasks:
                self.over += watch.counts["ended"]
                del self.watches[profile]

    def until(self, now: float) -> float:
        """Return when time alone changes something."""
        found = [when for watch in self.watches.values() for when in watch.until()]
        if self.active and self.patience:
            found.append(self.heard_at + self.patience)
        windowed = any(watch.plan["windowed"] and watch.plan["enabled"] for watch in self.watches.values())
        return min([*found, turns(now)] if self.active and windowed else found, default=inf)

    def passes(self, now: float) -> None:
        """Let time pass."""
        if self.active and self.patience and self.heard_at + self.patience <= now:
            self.active, self.silent = False, True
        for _, watch in self.each():
            watch.passes(self, now)
        self.tidies(now)

    def dies(self, profiles: Profiles, now: float) -> None:
        """Be killed: nobody knows any more what a profile does that is not there, nor how far the others came."""
        self.heard_at = now
        for profile, watch in self.each():
            watch.is_interrupted, watch.does = True, profiles.get(profile, frozenset())

    def loses(self, device: str, now: float) -> None:
        """Hear that a device is lost."""
        if device == self.teller:
            self.lost |= self.active
            self.active = False
            self.is_judged(now)

    def is_judged(self, now: float, *, pulse: bool = False) -> None:
        """Let all who watch it find out whether they are active."""
        for _, watch in self.each():
            watch.judges(self, now, pulse=pulse)
        self.tidies(now)

    def senses(self, active: bool | None, data: dict[str, Any], now: float) -> None:
        """Hear whether it is active (None: as before)."""
        self.data = data
        if self.pulse:
            if active:
                self.is_judged(now, pulse=True)
            return
        self.lost &= not active or self.active
        self.silent &= not active or self.active
        self.active = self.active if active is None else active
        self.heard_at = now if active else self.heard_at
        self.is_judged(now)

    def is_defined(
        self, given: Mapping[str, Any] | None, profiles: Profiles, people: Container[str], now: float
    ) -> None:
        """Be another trigger, or none; and so may be the profiles, and who is there."""
        given = given or {}
        teller = given.get("owner") or (given["source"]["topic"] if "source" in given else None)
        pulse = given.get("kind") == "pulse"
        if given and not self.known:
            self.data, self.lost, self.silent = {}, False, False
        if not given or (teller, pulse) != (self.teller, self.pulse):
            self.active = False
        self.has_source = "source" in given
        self.known, self.teller, self.pulse, self.patience = bool(given), teller, pulse, given.get("off_after_s")
        for profile, watch in self.each():
            watch.does = profiles.get(profile, watch.does)
            if watch.is_interrupted:
                watch.resumes(now)
            if self.known and profile in profiles and watch.owner in people:
                watch.follows(now)
                watch.judges(self, now)
            else:
                watch.leaves("removed", now)
        self.tidies(now)
