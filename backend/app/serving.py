"""Serves: starts everything, and ends everything."""

import asyncio
import gc
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.exc import SQLAlchemyError

from backend.app.parts import CannotServeError, Parts, wired
from backend.app.sites import Site, embedded, mosquitto
from backend.app.table import TABLE, VERSION
from backend.core.access import Rulebook
from backend.core.clock import iso
from backend.core.engine import Send
from backend.core.facts import Resumed
from backend.core.floors import is_channel
from backend.core.measures import Measured
from backend.features.provisioning import feature as provisioning
from backend.features.stats import feature as stats
from backend.features.triggers import feature as triggers
from backend.features.voice import feature as voice
from backend.features.workers import feature as workers
from backend.shell import address
from backend.shell.automation.workshop import Workshop, workshop
from backend.shell.claims import Claims
from backend.shell.clock import SteadyClock
from backend.shell.counting import count
from backend.shell.database import WrongSchemaError
from backend.shell.deeds import Deeds
from backend.shell.door import Door
from backend.shell.inbox import Inbox, Stop
from backend.shell.link import first_of
from backend.shell.meter import Meter
from backend.shell.outbox import Overheard
from backend.shell.provisioning import Provisioning
from backend.shell.relaying import Relaying
from backend.shell.service import Greeting, Service
from backend.shell.settings import Settings
from backend.shell.sources import Sources
from backend.shell.surroundings import Surroundings
from backend.shell.voice.studio import Studio, studio
from backend.shell.watcher import Watcher

new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with suppress(ImportError):  # it is not made for every platform
    from uvloop import new_event_loop

log = logging.getLogger(__name__)

Ready = Callable[[], None]
"""Is called once all that is said is heard."""

Ends = Callable[[], Awaitable[None]]
"""Returns when the server shall end."""

_READY_WITHIN_S = 20.0
_CLOCK_IS_SET_S = 10.0  # less is not worth a restart: times that are told are wrong by as much
_CLOCK_IS_READ_EVERY_S = 1.0
_END_WITHIN_S = 2.0  # for those who talk; a broker that is away does not hear of it anyhow


def run(settings: Settings, ready: Ready, wall: Callable[[], float] = time.time) -> None:
    """Serve, on the fastest event loop there is; but aiomqtt loses connections on uvloop. Raises CannotServeError.

    When somebody sets the clock (a computer without one of its own, as soon as it has a network), or the machine was
    asleep, the server begins anew: what a restart does to all points in time is what has to be done then, too.
    """
    again = True
    while again:
        with asyncio.Runner(loop_factory=asyncio.new_event_loop if settings.broker else new_event_loop) as runner:
            again = runner.run(serve(settings, ready, SteadyClock(wall)))
        gc.unfreeze()


async def serve(settings: Settings, ready: Ready, now: SteadyClock) -> bool:
    """Run broker and backend until SIGTERM or SIGINT; call *ready* once connected. Raises CannotServeError.

    Return whether to begin anew, since the wall clock was set.
    """
    stopping = _signalled()
    with _only_server(settings.data):
        try:
            parts = wired(settings)
        except (SQLAlchemyError, WrongSchemaError) as error:
            raise CannotServeError(f"cannot open the database in {settings.data}: {error}") from error
        parts.journal.load(parts.engine, now())
        address.remember(settings.data, settings.broker or None)
        try:
            async with mosquitto(settings, parts) if settings.broker else embedded(settings, parts, now) as site:
                await _run(settings, parts, site, now, partial(_ends, stopping, now), ready)
        except ExceptionGroup as group:
            raise next((error for error in group.exceptions if isinstance(error, CannotServeError)), group) from None
        finally:
            await asyncio.get_running_loop().shutdown_default_executor()  # SQLite crashes whoever is at it then
            parts.journal.close()
            parts.database.dispose()
    return not stopping.is_set()


async def _run(settings: Settings, parts: Parts, site: Site, now: SteadyClock, ends: Ends, ready: Ready) -> None:
    inbox, since, is_ready = Inbox(), now(), asyncio.Event()
    link = site.link(_status("lost", since), inbox)
    sources = Sources(inbox.add, TABLE, settings.prefix, now, asyncio.get_running_loop().call_later)
    sources.listen = link.watch
    watcher = Watcher(parts.database, inbox, parts.door, sources.know, now)
    await inbox.put(Resumed())  # before anything else may end a lease that ran out while nobody could renew it
    await watcher.tell()
    parts.door.report = inbox.add
    relaying, meter = Relaying(parts.relay, inbox, now), Meter(TABLE)
    parts.relay.learn(parts.engine.projection(since, is_channel))  # who had the floor has it, whenever data come
    greeting = Greeting(_status("online", since), partial(_open, parts.door, is_ready))
    house = _surroundings(settings, parts, inbox, now)
    async with (
        studio(house) as talk,
        workshop(house, Rulebook(TABLE, settings.prefix), TABLE.tree(settings.prefix), link) as work,
        asyncio.TaskGroup() as tasks,  # whichever of them fails, all end
    ):
        link.direct = first_of(sources.take, relaying.take, talk.take)
        outbox = Overheard(link, parts.relay.learn, house.deeds.learn, work.learn)
        service = Service(parts.engine, parts.journal, outbox, inbox, now, greeting)
        codes = Claims(parts.database, site.mirror)
        claims = Provisioning(codes, inbox.add, partial(watcher.look, site.know), now)
        service.answered, service.perform = meter.done, _performed_by(talk, work, claims)
        measured = partial(_measured, parts, meter, talk, now)
        others = [
            tasks.create_task(link.run(), name="link"),
            tasks.create_task(watcher.run(site.know), name="watcher"),
            tasks.create_task(_announce(is_ready, talk.is_ready, ready), name="announcer"),
            tasks.create_task(relaying.run(), name="relay"),
            tasks.create_task(claims.run(), name="claims"),
            tasks.create_task(talk.run(link), name="voice"),
            tasks.create_task(count(site.figures, measured, inbox, settings.stats_s), name="counter"),
            tasks.create_task(_stop(ends, talk, work, inbox), name="stopper"),
        ]
        await service.run()
        await link.send([_farewell(now()), _status("disconnected", now())])
        for task in others:
            task.cancel()


def _open(door: Door, is_ready: asyncio.Event) -> None:
    """Let people in: all that they send is heard."""
    door.open()
    is_ready.set()


def _surroundings(settings: Settings, parts: Parts, inbox: Inbox, now: SteadyClock) -> Surroundings:
    return Surroundings(
        settings,
        parts.database,
        parts.directory,
        voice.Talkers(parts.talkers),
        parts.sessions,
        parts.presence,
        inbox,
        Deeds(inbox),
        now,
    )


def _performed_by(talk: Studio, work: Workshop, claims: Provisioning) -> Callable[[object], None]:
    def perform(what: object) -> None:
        if isinstance(what, triggers.Errand | triggers.CallOff | triggers.RunOver):
            work.perform(what)
        elif isinstance(what, provisioning.JudgeClaim):
            claims.perform(what)
        else:
            talk.perform(what)

    return perform


def _measured(parts: Parts, meter: Meter, talk: Studio, now: SteadyClock) -> Measured:
    relay = parts.relay
    return Measured(
        requests=meter.counts(),
        channels=relay.counts(now()),
        rejected=dict(relay.rejected),
        voice=talk.counts(),
        triggers=triggers.count(parts.triggers),
        workers=workers.count(parts.workers, now()),
    )


def _signalled() -> asyncio.Event:
    """Return what is set when the server is asked to stop."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _ends(stopping: asyncio.Event, now: SteadyClock) -> None:
    """Wait until the server is asked to stop, or the wall clock is another."""
    while not stopping.is_set():
        if abs(now.off_by()) > _CLOCK_IS_SET_S:
            log.warning("the clock of this machine was set by %+.0f s; the server begins anew", now.off_by())
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _CLOCK_IS_READ_EVERY_S)


async def _stop(ends: Ends, talk: Studio, work: Workshop, inbox: Inbox) -> None:
    await ends()
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_WITHIN_S):
            await asyncio.gather(talk.end(), work.end())
    await inbox.put(Stop())


async def _announce(is_ready: asyncio.Event, hears: asyncio.Event, ready: Ready) -> None:
    """Say once that everything is served, voice too. Raises CannotServeError where the broker takes too long."""
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            await is_ready.wait()
    except TimeoutError as error:
        raise CannotServeError("the server cannot reach its broker") from error
    await hears.wait()
    gc.collect()
    gc.freeze()  # what is there by now stays: to look through 10,000 devices for garbage would hold everybody up
    ready()


def _farewell(now: float) -> Send:
    return Send(stats.BROADCAST.at(), stats.announcement("shutdown", "The server stops.", "backend", now).payload())


def _status(state: str, since: float) -> Send:
    body = stats.BackendStatus.model_validate({"state": state, "version": VERSION, "since": iso(since)})
    return Send(stats.STATUS.at(), body.payload(), retain=True)


@contextmanager
def _only_server(data: Path) -> Iterator[None]:
    """Hold the data directory; the lock goes with the process, kill -9 included. Raises CannotServeError."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(data / "server.lock", timeout=0):
            yield
    except Timeout as error:
        raise CannotServeError(f"another server runs on {data}") from error
