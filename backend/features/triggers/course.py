"""The course of one subscription within a step: its runs begin, go on and end, and what is to be told of it.

The only place where a run changes. A run that ends does so in one of two ways: it had not begun, and is over at once;
or it had, and then what is to be done in the end is done first, whatever became of the rest.
"""

import uuid
from collections.abc import Container
from dataclasses import dataclass, field, replace
from typing import Any

from backend.core.automation import ErrandDone, Job
from backend.core.desk import Effect
from backend.core.effects import Perform, Record
from backend.core.refusals import EXPLAINED, Code
from backend.features.triggers import views
from backend.features.triggers.messages import DropReason, Ending, Happening, RunState
from backend.features.triggers.state import (
    CallOff,
    Context,
    Counts,
    Data,
    Errand,
    Failure,
    Last,
    PastRun,
    Phase,
    Run,
    RunOver,
    Subscription,
    Trigger,
)

_RUN_IDS = uuid.UUID("7f8f0c1e-4a35-4b0e-9d55-9a3c6a1b1d5e")


@dataclass
class Course:
    """A subscription as it becomes. ``wanted`` and ``ended`` are its jobs; see the workers."""

    trigger: Trigger
    subscription: Subscription
    now: float
    effects: list[Effect] = field(default_factory=list)
    wanted: list[Job] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    _is_ours: bool = False

    def change(self, **fields: Any) -> None:
        """Replace fields of the subscription, if these are others. It is copied once: a copy takes long."""
        if all(getattr(self.subscription, name) is value for name, value in fields.items()):
            return
        if not self._is_ours:
            self.subscription, self._is_ours = replace(self.subscription), True
        for name, value in fields.items():
            object.__setattr__(self.subscription, name, value)  # nobody else has seen the copy yet

    def count(self, **more: int) -> None:
        """Count something."""
        counts = self.subscription.counts
        self.change(counts=replace(counts, **{name: getattr(counts, name) + number for name, number in more.items()}))

    def drop(self, reason: DropReason, number: int = 1) -> None:
        """Count activations that lead to nothing."""
        dropped = dict(self.subscription.counts.dropped)
        dropped[reason] = dropped.get(reason, 0) + number
        counts: Counts = replace(self.subscription.counts, dropped=tuple(sorted(dropped.items())))
        self.change(counts=counts)

    def tell(self, what: Happening, run: Run | None = None, **more: Any) -> None:
        """Say what happened to the subscription, or to one of its runs."""
        session = run.id if run is not None else None
        subscription = self.subscription
        told = views.event(
            self.trigger,
            what,
            self.now,
            profile=subscription.profile,
            session=session,
            mode=subscription.plan.mode,
            **more,
        )
        self.effects.append(told)

    def still_wanted(self) -> list[Job]:
        """Return the jobs that want a worker: a run that wanted something may be over by now."""
        wanting = {run.job for run in self.subscription.runs if run.wants_worker}
        return [job for job in self.wanted if job.id in wanting]

    # A run

    def begin(self, data: Data) -> None:
        """Let a run begin."""
        subscription = self.subscription
        number, plan = subscription.number + 1, subscription.plan
        key = f"{self.trigger.id}/{subscription.profile}/{subscription.since}/{number}"
        run = Run(
            id=str(uuid.uuid5(_RUN_IDS, key)),
            state="starting",
            since=self.now,
            started_at=self.now,
            data=data,
            ends_at=self.now + plan.max_s if plan.max_s is not None else None,
        )
        self.change(number=number, runs=(*subscription.runs, run))
        self.count(started=1)
        self.tell("started", run)
        self._want(run, "start")

    def forget_waiting(self, reason: DropReason) -> None:
        """Let the activations that wait lead to nothing."""
        if self.subscription.waiting:
            self.drop(reason, len(self.subscription.waiting))
            self.change(waiting=())

    def admit(self, jobs: Container[str]) -> None:
        """Let the runs do for which they got these workers, those that want it still."""
        for run in self.subscription.runs:
            if run.job in jobs and run.phase is not None and not run.admitted:
                is_new = run.phase == "start"
                state: RunState = "running" if is_new else run.state
                self._put(replace(run, admitted=True, begun=True, state=state, since=self.now if is_new else run.since))
                self.effects.append(Perform(Errand(run.phase, self.subscription.definition, self._context(run))))

    def take(self, done: ErrandDone) -> None:
        """Go on after an errand, unless nobody waits for it any more."""
        for run in self.subscription.runs:
            if run.id == done.session and run.admitted and run.phase == done.phase:
                self._done(run, done)

    def _done(self, run: Run, done: ErrandDone) -> None:
        """Take note of what was done in the phase of a run, and go on."""
        self.ended.append(run.job)
        self._after(self._tallied(run, done), done.phase)

    def end(self, run: Run, reason: Ending) -> None:
        """Let a run end, if it does not already."""
        if run.ending is not None:
            return
        if not run.begun:
            self.ended.append(run.job)
            self._over(replace(run, ending=reason))
            return
        run = replace(run, ending=reason, state="completing", since=self.now, next_at=None, ends_at=None)
        if run.phase is None:
            self._want(run, "end")
        elif run.admitted:
            self._put(run)
            self.effects.append(Perform(CallOff(run.id)))
        else:
            self.ended.append(run.job)
            self._want(run, "end")

    def end_all(self, reason: Ending) -> None:
        """Let all runs end."""
        for run in self.subscription.runs:
            self.end(run, reason)

    def repeat(self, run: Run) -> None:
        """Do again what is done every so often."""
        run = replace(run, next_at=None, repetition=run.repetition + 1)
        self.count(repeated=1)
        self._want(run, "repeat")

    def believe_no_future(self) -> None:
        """Let nothing have happened later than now: what rests, or must last, after it would do so for too long."""
        holds_since, delivered_at = self.subscription.holds_since, self.subscription.delivered_at
        if holds_since is not None and holds_since > self.now:
            self.change(holds_since=self.now)
        if delivered_at is not None and delivered_at > self.now:
            self.change(delivered_at=self.now)
        for run in self.subscription.runs:
            if run.started_at > self.now:
                self._put(replace(run, started_at=self.now))

    def follow(self) -> None:
        """Let what runs go on as plan and profile have it now: it ends, and repeats, at other times."""
        most, due = self.subscription.plan.max_s, self._repeats_at()
        for run in self.subscription.runs:
            if run.ending is None:
                ends_at = run.started_at + most if most is not None else None
                next_at = None if run.phase is not None or due is None else min(due, run.next_at or due)
                self._put(replace(run, ends_at=ends_at, next_at=next_at))

    def resume(self, run: Run) -> None:
        """Go on with a run after the server was away.

        What waited for a worker, waits again. What was at work may have been done, or not: it is not done twice; but
        for what is to be done in the end, which must be done.
        """
        if run.phase is None:
            return
        if run.admitted and run.phase != "end":
            code = Code.INTERRUPTED
            interrupted = ErrandDone(
                self.trigger.id, self.subscription.profile, run.id, run.phase, 0, None, 1, code.value, EXPLAINED[code]
            )
            self._done(run, interrupted)
        else:
            self._want(replace(run, admitted=False, interrupted=False), run.phase)

    def _after(self, run: Run, phase: Phase) -> None:
        """Go on after a phase is over."""
        if phase == "end":
            self._over(run)
        elif run.ending is not None:
            self._want(run, "end")
        elif self.subscription.plan.mode == "monitoring":
            self._monitor(run)
        else:
            interrupted = run.failure is not None and run.failure.code == Code.INTERRUPTED.value
            reason: Ending = "interrupted" if interrupted else "failed" if run.failure is not None else "completed"
            self._want(replace(run, ending=reason, state="completing", since=self.now, ends_at=None), "end")

    def _monitor(self, run: Run) -> None:
        """Wait for the next repetition, if there is to be one."""
        since = run.since if run.state == "running" else self.now
        self._put(replace(run, phase=None, state="running", since=since, next_at=self._repeats_at()))

    def _repeats_at(self) -> float | None:
        """Return when what is done now is done again."""
        every = self.subscription.plan.every_s
        return self.now + every if every is not None and self.subscription.definition.repeat else None

    def _want(self, run: Run, phase: Phase) -> None:
        """Want a worker for the next phase; where nothing is to be done in it, it is over."""
        if getattr(self.subscription.definition, phase):
            run = replace(run, phase=phase, admitted=False)
            self._put(run)
            share = f"{self.trigger.id}/{self.subscription.profile}"
            self.wanted.append(Job(self.trigger.id, run.job, share, urgent=phase == "end"))
        else:
            self._after(replace(run, phase=phase, admitted=False, begun=True), phase)

    def _over(self, run: Run) -> None:
        """Forget a run that is over, but for the history."""
        subscription, reason = self.subscription, run.ending or "completed"
        self.change(
            runs=tuple(each for each in subscription.runs if each.id != run.id),
            last=Last(run.id, reason, self.now, run.started_at),
        )
        self.count(ended=1)
        self.tell("ended", run, reason=reason)
        past = PastRun(
            self.trigger.id, subscription.profile, subscription.owner, subscription.plan.mode, run, reason, self.now
        )
        self.effects.append(Record(past))
        if run.begun:
            self.effects.append(Perform(RunOver(run.id)))

    def _tallied(self, run: Run, done: ErrandDone) -> Run:
        """Note what was delivered, and what failed, and that its worker is given back."""
        self.count(delivered=done.delivered, failed=done.failed)
        if done.delivered_at is not None:
            self.change(delivered_at=max(done.delivered_at, self.subscription.delivered_at or done.delivered_at))
        failure = run.failure
        if done.code is not None:
            failure = Failure(done.code, done.message or "", self.now)
            self.change(failure=failure)
            self.tell("failed", run, code=done.code, message=done.message)
        delivered = run.delivered + done.delivered
        return replace(run, admitted=False, interrupted=False, delivered=delivered, failure=failure)

    def _put(self, run: Run) -> None:
        self.change(runs=tuple(run if each.id == run.id else each for each in self.subscription.runs))

    def _context(self, run: Run) -> Context:
        trigger, subscription = self.trigger, self.subscription
        return Context(
            trigger=trigger.id,
            trigger_name=trigger.name,
            profile=subscription.profile,
            profile_name=subscription.definition.name or subscription.profile,
            session=run.id,
            mode=subscription.plan.mode,
            owner=subscription.owner,
            active=trigger.active,
            data=run.data if run.phase == "start" or subscription.plan.mode == "one_shot" else trigger.data,
            config=subscription.plan.config,
            started_at=run.started_at,
            reason=run.ending,
            repetition=run.repetition,
        )
