"""The composition root: the only module that knows every other one."""

import asyncio
import gc
import logging
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from aiomqtt import MqttError
from amqtt.errors import BrokerError
from filelock import FileLock, Timeout
from sqlalchemy import Engine as Database
from sqlalchemy.exc import SQLAlchemyError

from backend.core.access import Rulebook
from backend.core.clock import iso
from backend.core.engine import Engine, Send
from backend.core.facts import Fact, MessageRefused, Resumed
from backend.core.floors import is_channel
from backend.core.routing import RouteTable
from backend.features.channels import feature as channels
from backend.features.clients import feature as clients
from backend.features.directory import feature as directory
from backend.features.presence import feature as presence
from backend.features.sessions import feature as sessions
from backend.features.stats import feature as stats
from backend.features.voice import feature as voice
from backend.shell import address, certificates
from backend.shell.accounts import Accounts
from backend.shell.address import AddressError
from backend.shell.certificates import CertificateError
from backend.shell.clock import SteadyClock
from backend.shell.complaints import Complaints
from backend.shell.counting import count, of_broker
from backend.shell.database import WrongSchemaError, open_database
from backend.shell.door import Door
from backend.shell.inbox import Inbox, Stop
from backend.shell.journal import Journal
from backend.shell.link import Broker, Link
from backend.shell.local_link import LocalLink
from backend.shell.meter import Meter
from backend.shell.mosquitto import Steward
from backend.shell.mosquitto_link import MosquittoLink
from backend.shell.mosquitto_rights import Rights
from backend.shell.open_files import make_room_for
from backend.shell.relaying import Relaying
from backend.shell.service import Greeting, Service
from backend.shell.settings import Settings
from backend.shell.watcher import Know, Watcher, marks
from broker.limits import Limits
from broker.server import Listener, running

new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with suppress(ImportError):  # it is not made for every platform
    from uvloop import new_event_loop

log = logging.getLogger(__name__)

FEATURES = (sessions, channels, presence, clients, directory, stats, voice)
TABLE = RouteTable([route for feature in FEATURES for route in feature.ROUTES])
VERSION = version("talkstick")

_READY_WITHIN_S = 20.0


class CannotServeError(Exception):
    """The server cannot start; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is wired together once, before anything runs."""

    engine: Engine
    database: Database
    accounts: Accounts
    journal: Journal
    door: Door
    directory: directory.Listing
    relay: channels.Relay


@dataclass(frozen=True, slots=True)
class _Site:
    """What differs with the broker: how it is reached, and how it hears of accounts that changed."""

    link: Callable[[Send, Inbox], Link | LocalLink]
    know: Know
    figures: Callable[[], Sequence[Fact]] = tuple


def run(settings: Settings, ready: Callable[[], None]) -> None:
    """Serve, on the fastest event loop there is; but aiomqtt loses connections on uvloop. Raises CannotServeError."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop if settings.broker else new_event_loop) as runner:
        runner.run(serve(settings, ready))


async def serve(settings: Settings, ready: Callable[[], None]) -> None:
    """Run broker and backend until SIGTERM or SIGINT; call *ready* once connected. Raises CannotServeError."""
    now = SteadyClock()
    with _only_server(settings.data):
        try:
            parts = _wire(settings)
        except (SQLAlchemyError, WrongSchemaError) as error:
            raise CannotServeError(f"cannot open the database in {settings.data}: {error}") from error
        parts.journal.load(parts.engine, now())
        address.remember(settings.data, settings.broker or None)
        try:
            async with _mosquitto(settings, parts) if settings.broker else _embedded(settings, parts, now) as site:
                await _run(parts, site, now, settings.stats_s, ready)
        except ExceptionGroup as group:
            raise next((error for error in group.exceptions if isinstance(error, CannotServeError)), group) from None
        finally:
            parts.journal.close()
            parts.database.dispose()


@asynccontextmanager
async def _embedded(settings: Settings, parts: _Parts, now: SteadyClock) -> AsyncIterator[_Site]:
    """Run a broker in this process. Raises CannotServeError."""
    make_room_for(settings.max_connections)
    store = settings.data / "broker.db"
    try:
        listeners = _listeners(settings, now())
        accounts = marks(parts.accounts.verifiers())
        async with running(listeners, parts.door, _limits(settings), store, accounts) as broker:
            yield _Site(
                lambda _will, inbox: LocalLink(broker, settings.prefix, TABLE.subscriptions(), inbox),
                broker.know,
                lambda: of_broker(broker.figures(), broker.connected(), parts.directory.principal),
            )
    except CertificateError as error:
        raise CannotServeError(str(error)) from error
    except (sqlite3.Error, OSError) as error:
        raise CannotServeError(f"cannot open {store}: {error}") from error
    except BrokerError as error:
        ports = f"{settings.port} and {settings.ws_port}" if settings.ws_port else str(settings.port)
        hosts = " and ".join(sorted({settings.host, settings.plain_host or settings.host}))
        raise CannotServeError(f"cannot listen on {hosts}, ports {ports}: {error}") from error


@asynccontextmanager
async def _mosquitto(settings: Settings, parts: _Parts) -> AsyncIterator[_Site]:
    """Use a Mosquitto that runs elsewhere. Raises CannotServeError."""
    try:
        where, login = address.parsed(settings.broker, settings.broker_file)
        tls = where.context()
        steward = Steward(where, login, rights(settings), parts.accounts.principals)
        await steward.start()
    except (AddressError, MqttError) as error:
        raise CannotServeError(str(error)) from error
    broker = Broker(where.host, where.port, login.user, login.password, settings.prefix, tls)
    never = Rulebook(TABLE, settings.prefix).never_retained()
    try:
        yield _Site(
            lambda will, inbox: MosquittoLink(broker, TABLE.subscriptions(), will, inbox, steward, never),
            steward.follow,
        )
    finally:
        await steward.close()


def rights(settings: Settings) -> Rights:
    """Return the access rules as Mosquitto wants them."""
    return Rights(Rulebook(TABLE, settings.prefix), settings.prefix)


def _wire(settings: Settings) -> _Parts:
    accounts_desk, channels_desk = directory.desk(), channels.desk()
    times = presence.Limits(settings.debounce_s, settings.heartbeat_s)
    listing = directory.Listing(accounts_desk)
    floors = sessions.desk(settings.policy)
    engine = Engine(
        TABLE,
        [
            accounts_desk,
            presence.desk(times),
            clients.desk(times),
            floors,
            channels_desk,
            stats.desk(),
            voice.desk(),
        ],
        listing,
        _complain(Complaints(log)),
        sessions.Quotas(settings.quotas, floors).admit,
    )
    database = open_database(settings.data)
    accounts = Accounts(database)
    rules = Rulebook(TABLE, settings.prefix)
    door = Door(rules, accounts, settings.prefix)
    journal = Journal(database, [sessions.archive(settings.history_days), *voice.archives(settings.bounds)])
    relay = channels.relay(channels_desk, sessions.CHANNEL.data_per_s)
    return _Parts(engine, database, accounts, journal, door, listing, relay)


def _complain(complaints: Complaints) -> Callable[[MessageRefused], None]:
    return lambda refused: complaints.say(
        refused.code, "refused: %s on %r: %s", refused.code, refused.topic[:200], refused.detail
    )


def _listeners(settings: Settings, now: float) -> list[Listener]:
    plain, tls = settings.plain_host or settings.host, certificates.checked(certificates.tls(settings), now)
    wanted = [
        Listener("tcp", plain, settings.port),
        Listener("ws", plain, settings.ws_port),
        *([Listener("tcp", settings.host, settings.tls_port, tls)] if tls else []),
        *([Listener("ws", settings.host, settings.wss_port, tls)] if tls else []),
    ]
    return [listener for listener in wanted if listener.port]


def _limits(settings: Settings) -> Limits:
    return Limits(
        packet_bytes=settings.max_packet,
        inflight=settings.max_inflight,
        queued_messages=settings.max_queued,
        backlog_bytes=settings.max_backlog,
        connections=settings.max_connections,
        connects_per_s=settings.connects_per_s,
        failed_logins=settings.failed_logins,
        flapping=settings.flapping,
        session_expiry_s=settings.session_expiry_s,
    )


async def _run(parts: _Parts, site: _Site, now: SteadyClock, every_s: float, ready: Callable[[], None]) -> None:
    inbox, since, is_ready = Inbox(), now(), asyncio.Event()
    watcher = Watcher(parts.database, inbox, parts.door)
    await inbox.put(Resumed())  # before anything else may end a lease that ran out while nobody could renew it
    await watcher.tell()
    parts.door.report = inbox.add
    relaying, meter = Relaying(parts.relay, inbox, now), Meter(TABLE)
    parts.relay.learn(parts.engine.projection(since, is_channel))  # who had the floor has it, whenever data come
    link = site.link(_status("lost", since), inbox)
    link.direct = relaying.take
    greeting = Greeting(_status("online", since), is_ready.set)
    service = Service(parts.engine, parts.journal, relaying.outbox(link), inbox, now, greeting)
    service.answered = meter.done
    async with asyncio.TaskGroup() as tasks:  # whichever of them fails, nothing goes on as if it had not
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        others = [
            tasks.create_task(link.run(), name="link"),
            tasks.create_task(watcher.run(site.know), name="watcher"),
            tasks.create_task(_announce(is_ready, ready), name="announcer"),
            tasks.create_task(relaying.run(), name="relay"),
            tasks.create_task(count(site.figures, meter, parts.relay, inbox, now, every_s), name="counter"),
            tasks.create_task(_stop(stopping, inbox), name="stopper"),
        ]
        await service.run()
        await link.send([_farewell(now()), _status("disconnected", now())])
        for task in others:
            task.cancel()


async def _stop(stopping: asyncio.Event, inbox: Inbox) -> None:
    await stopping.wait()
    await inbox.put(Stop())


async def _announce(is_ready: asyncio.Event, ready: Callable[[], None]) -> None:
    """Say once that everything is served. Raises CannotServeError where that takes too long."""
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            await is_ready.wait()
    except TimeoutError as error:
        raise CannotServeError("the server cannot reach its broker") from error
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
