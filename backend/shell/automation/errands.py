"""Runs errands: each is a task, and however it ends, the engine is told so, once."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from backend.core.automation import ErrandDone
from backend.core.facts import Fact
from backend.core.principals import PARTICIPANTS, Principal
from backend.core.refusals import EXPLAINED, Code, Refused
from backend.features.triggers.actions import AnyAction, ProfileDefinition
from backend.features.triggers.state import CallOff, Errand, RunOver
from backend.shell.automation.acting import Acting, Actor, Belongings

log = logging.getLogger(__name__)

_MOST_SAID = 300  # characters of what went wrong
_NO_DELIVERY = ("wait",)


@dataclass(slots=True)
class _Job:
    """An errand under way, and what is to be told of it. ``is_told``: it was."""

    errand: Errand
    task: asyncio.Task[None] | None = None
    is_told: bool = False
    delivered: int = 0
    delivered_at: float | None = None
    failed: int = 0
    first: Refused | None = None

    def deliver(self, now: float) -> None:
        """Note that an action is done."""
        self.delivered += 1
        self.delivered_at = now

    def fail(self, refused: Refused) -> None:
        """Note that an action failed; of several, the first is told."""
        self.failed += 1
        self.first = self.first or refused

    def done(self) -> ErrandDone:
        """Return what is told."""
        context, first = self.errand.context, self.first
        return ErrandDone(
            context.trigger,
            context.profile,
            context.session,
            self.errand.phase,
            self.delivered,
            self.delivered_at,
            self.failed,
            first.code.value if first is not None else None,
            first.message[:_MOST_SAID] if first is not None else None,
        )


@dataclass(slots=True)
class _Run:
    """What the shell knows of a run, until it is over. Whatever is done for it comes one after the other (``turn``).

    ``is_resumed``: it began before the server did, and what it held has to be had again.
    """

    is_resumed: bool = False
    is_over: bool = False
    belongings: Belongings = field(default_factory=Belongings)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    job: _Job | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Errands:
    """All errands. *find* knows the accounts; *tell* takes what came of an errand."""

    def __init__(
        self,
        acting: Acting,
        find: Callable[[str], Principal | None],
        tell: Callable[[Fact], None],
        now: Callable[[], float],
    ) -> None:
        self._acting = acting
        self._find = find
        self._tell = tell
        self._now = now
        self._runs: dict[str, _Run] = {}
        self._is_over = False

    def perform(self, what: Errand | CallOff | RunOver) -> None:
        """Begin, or end, what the engine asks for."""
        if self._is_over:
            return  # that it was asked for is stored, and that nothing came of it, too
        match what:
            case Errand():
                self._begin(what)
            case CallOff(session=session) if session in self._runs:
                self._call_off(session, self._runs[session])
            case RunOver(session=session) if session in self._runs:
                run = self._runs[session]
                self._call_off(session, run)
                self._start(session, run, self._leave(run))

    async def end(self) -> None:
        """End all errands, without a word, and give back all that is held; begin no more."""
        self._is_over = True
        runs = list(self._runs.values())
        for run in runs:
            for task in run.tasks:
                task.cancel()
        leaving = (run.belongings.give_back() for run in runs)
        await asyncio.gather(*(task for run in runs for task in run.tasks), *leaving, return_exceptions=True)

    def _begin(self, errand: Errand) -> None:
        session = errand.context.session
        run = self._runs.setdefault(session, _Run(is_resumed=errand.phase == "repeat"))
        run.job = job = _Job(errand)
        job.task = self._start(session, run, self._do(run, job))

    def _call_off(self, session: str, run: _Run) -> None:
        """Tell at once that an errand is over; what it was about to do is undone behind its back."""
        job = run.job
        if job is None or job.task is None or job.is_told:
            return
        self._say(job)
        job.task.cancel()
        if job.errand.phase == "end":
            self._start(session, run, self._leave(run))

    def _start(self, session: str, run: _Run, doing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(doing)
        run.tasks.add(task)
        task.add_done_callback(partial(self._ended, session, run))
        return task

    def _ended(self, session: str, run: _Run, task: asyncio.Task[None]) -> None:
        run.tasks.discard(task)
        if run.is_over and not run.tasks and self._runs.get(session) is run:
            del self._runs[session]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("this is a bug in Talkstick", exc_info=error)

    async def _leave(self, run: _Run) -> None:
        run.is_over = True
        async with run.turn:
            await run.belongings.give_back()

    async def _do(self, run: _Run, job: _Job) -> None:
        async with run.turn:
            await self._phase(run, job)
        if job.errand.phase == "end":
            await self._leave(run)
        self._say(job)

    def _say(self, job: _Job) -> None:
        if not job.is_told:
            job.is_told = True
            self._tell(job.done())
            if job.first is not None:
                context, first = job.errand.context, job.first
                log.info("failed: %s with %s: %s: %s", context.profile, context.trigger, first.code, first.message)

    async def _phase(self, run: _Run, job: _Job) -> None:
        """Do what the profile says of a phase."""
        context = job.errand.context
        who = self._find(context.owner)
        if who is None or who.role not in PARTICIPANTS:
            code = Code.UNKNOWN_PRINCIPAL if who is None else Code.FORBIDDEN
            job.fail(Refused(code, f"{context.owner}: {EXPLAINED[code]}"))
            return
        actor, definition = Actor(who, context, run.belongings), job.errand.definition
        if run.is_resumed:
            holds = [(place, each) for place, each in _placed(definition, "start") if each.do == "session"]
            run.is_resumed = not await self._all(holds, actor, job)
        if not run.is_resumed:
            await self._all(_placed(definition, job.errand.phase), actor, job)

    async def _all(self, actions: Iterable[tuple[str, AnyAction]], actor: Actor, job: _Job) -> bool:
        """Do one action after the other; tell whether none of them failed that must not."""
        for place, action in actions:
            refused = await self._refusal(action, actor)
            if refused is not None:
                job.fail(Refused(refused.code, f"{place}: {refused.message}"))
                if not action.optional:
                    return False
            elif action.do not in _NO_DELIVERY:
                job.deliver(self._now())
        return True

    async def _refusal(self, action: AnyAction, actor: Actor) -> Refused | None:
        """Do an action; return why it could not be done, if so."""
        try:
            await self._acting.act(action, actor)
        except Refused as refused:
            return refused
        except Exception:
            log.exception("this is a bug in Talkstick; not done: %s of %s", action.do, actor.context.profile)
            return Refused(Code.ACTION_FAILED, EXPLAINED[Code.ACTION_FAILED])
        return None


def _placed(definition: ProfileDefinition, phase: str) -> list[tuple[str, AnyAction]]:
    """Return the actions of a phase, each with its place, as people find it in the file of the profile."""
    return [(f"{phase}.{at}.{each.do}", each) for at, each in enumerate(getattr(definition, phase))]
