"""The composition root: the only module that knows every other one."""

import asyncio
import logging
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from amqtt.errors import BrokerError
from filelock import FileLock, Timeout

from backend.core.access import Rulebook
from backend.core.clock import iso
from backend.core.engine import Engine, Send
from backend.core.facts import Resumed
from backend.core.principals import Principal, Role
from backend.core.routing import RouteTable
from backend.features.directory import feature as directory
from backend.features.presence import feature as presence
from backend.features.sessions import feature as sessions
from backend.features.stats import feature as stats
from backend.shell.accounts import Accounts
from backend.shell.clock import SteadyClock
from backend.shell.database import open_database
from backend.shell.door import Door
from backend.shell.inbox import Inbox, Stop
from backend.shell.journal import Journal
from backend.shell.link import Broker, Link
from backend.shell.service import Greeting, Service
from backend.shell.settings import Settings
from backend.shell.watcher import watch
from broker.server import Listeners, running

log = logging.getLogger(__name__)

FEATURES = (sessions, presence, directory, stats)
TABLE = RouteTable([route for feature in FEATURES for route in feature.ROUTES])
VERSION = version("talkstick")


class CannotServeError(Exception):
    """The server cannot start; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is wired together once, before anything runs."""

    engine: Engine
    accounts: Accounts
    journal: Journal
    door: Door
    backend: Principal
    secret: str


async def serve(settings: Settings, ready: Callable[[], None]) -> None:
    """Run broker and backend until SIGTERM or SIGINT; call *ready* once connected. Raises CannotServeError."""
    now = SteadyClock()
    with _only_server(settings.data):
        parts = _wire(settings)
        parts.journal.load(parts.engine, now())
        listeners = Listeners(settings.host, settings.port, settings.ws_port)
        try:
            async with running(listeners, parts.door):
                await _run(settings, parts, now, ready)
        except BrokerError as error:
            raise CannotServeError(f"cannot listen on {settings.host}:{settings.port}: {error}") from error


def _wire(settings: Settings) -> _Parts:
    accounts_desk = directory.desk()
    engine = Engine(
        TABLE,
        [
            accounts_desk,
            presence.desk(presence.Limits(settings.debounce_s, settings.heartbeat_s)),
            sessions.desk(_policy(settings)),
            stats.desk(settings.stats_s),
        ],
        lambda name: directory.lookup(accounts_desk, name),
    )
    database = open_database(settings.data)
    accounts = Accounts(database)
    backend, secret = Principal("backend", Role.BACKEND, "Talkstick"), secrets.token_urlsafe()
    rules = Rulebook(TABLE, settings.prefix)
    door = Door(rules, accounts, (backend, secret), lambda name: directory.lookup(accounts_desk, name), settings.prefix)
    return _Parts(engine, accounts, Journal(database), door, backend, secret)


def _policy(settings: Settings) -> sessions.Policy:
    return sessions.Policy(
        lease_s=settings.lease_s,
        max_lease_s=settings.max_lease_s,
        max_length_s=settings.max_length_s,
        idle_s=settings.idle_s,
        linger_s=settings.linger_s,
        restart_grace_s=settings.restart_grace_s,
        max_queue=settings.max_queue,
    )


async def _run(settings: Settings, parts: _Parts, now: SteadyClock, ready: Callable[[], None]) -> None:
    inbox, since = Inbox(), now()
    seen = parts.accounts.revision()
    await inbox.put(Resumed())  # before anything else may end a lease that ran out while nobody could renew it
    await inbox.put(directory.DirectoryLoaded(parts.accounts.principals()))
    parts.door.report = inbox.offer
    where = Broker("127.0.0.1", settings.port, parts.backend.name, parts.secret, settings.prefix)
    link = Link(where, TABLE.subscriptions(), _status("lost", since), inbox)
    service = Service(parts.engine, parts.journal, link, inbox, now, Greeting(_status("online", since), ready))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, inbox.offer, Stop())
    async with asyncio.TaskGroup() as tasks:  # whichever of them fails, nothing goes on as if it had not
        others = [
            tasks.create_task(link.run(), name="link"),
            tasks.create_task(watch(parts.accounts, inbox, seen), name="watcher"),
        ]
        await service.run()
        await link.send([_status("disconnected", now())])
        for task in others:
            task.cancel()


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
