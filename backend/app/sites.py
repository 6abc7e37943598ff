"""The broker: in this process, or elsewhere."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiomqtt import MqttError
from amqtt.errors import BrokerError

from backend.app.parts import CannotServeError, Parts
from backend.app.rights import rights
from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.engine import Send
from backend.core.facts import Fact
from backend.shell import address, certificates
from backend.shell.accounts import Mirror
from backend.shell.address import AddressError
from backend.shell.certificates import CertificateError
from backend.shell.clock import SteadyClock
from backend.shell.counting import of_broker
from backend.shell.inbox import Inbox
from backend.shell.link import Broker, Link
from backend.shell.local_link import LocalLink
from backend.shell.mosquitto import Steward
from backend.shell.mosquitto_accounts import Mosquitto
from backend.shell.mosquitto_link import MosquittoLink
from backend.shell.open_files import make_room_for
from backend.shell.settings import Settings
from backend.shell.watcher import Know, marks
from broker.limits import Limits
from broker.server import Listener, running


@dataclass(frozen=True, slots=True)
class Site:
    """What differs with the broker: how it is reached, and how it hears of accounts that changed."""

    link: Callable[[Send, Inbox], Link | LocalLink]
    know: Know
    figures: Callable[[], Sequence[Fact]] = tuple
    mirror: Mirror | None = None


@asynccontextmanager
async def embedded(settings: Settings, parts: Parts, now: SteadyClock) -> AsyncIterator[Site]:
    """Run a broker in this process. Raises CannotServeError."""
    make_room_for(settings.max_connections)
    store = settings.data / "broker.db"
    try:
        own = listeners(settings, now())
        accounts = marks(parts.accounts.verifiers())
        async with running(own, parts.door, _limits(settings), store, accounts) as broker:
            yield Site(
                lambda _will, inbox: LocalLink(broker, TABLE.tree(settings.prefix), TABLE.subscriptions(), inbox),
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
async def mosquitto(settings: Settings, parts: Parts) -> AsyncIterator[Site]:
    """Use a Mosquitto that runs elsewhere. Raises CannotServeError."""
    try:
        where, login = address.parsed(settings.broker, settings.broker_file)
        tls = where.context()
        allowed = rights(settings)
        steward = Steward(where, login, allowed, parts.accounts.principals)
        await steward.start()
    except (AddressError, MqttError) as error:
        raise CannotServeError(str(error)) from error
    broker = Broker(where.host, where.port, login.user, login.password, TABLE.tree(settings.prefix), tls)
    never = Rulebook(TABLE, settings.prefix).never_retained()
    try:
        yield Site(
            lambda will, inbox: MosquittoLink(broker, TABLE.subscriptions(), will, inbox, steward, never),
            steward.follow,
            mirror=Mosquitto(where, login, allowed),
        )
    finally:
        await steward.close()


def listeners(settings: Settings, now: float) -> list[Listener]:
    """Return where the embedded broker listens. Raises CertificateError."""
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
