"""The embedded broker: amqtt's listeners and codec, with routing, sessions and a client loop of our own.

Written against amqtt 0.12.1, which is pinned: what is overridden is partly private. README.md names each defect of
amqtt that is mended here, and when the mending can go.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import websockets.asyncio.server
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from amqtt.errors import BrokerError
from websockets.asyncio.server import ServerConnection
from websockets.typing import Subprotocol

from broker.admission import House, Peer
from broker.backpressure import Turns
from broker.connection import Connection
from broker.keeper import Keeper
from broker.limits import Gate, Limits
from broker.ports import Door, Tls
from broker.router import Router, Take
from broker.streams import TcpReader, TcpWriter, WebSocketReader, WebSocketWriter, certified_name
from broker.wire import Source

log = logging.getLogger(__name__)

_handshakes = logging.getLogger(f"{__name__}.handshakes")
_handshakes.setLevel(logging.CRITICAL)  # a stranger who speaks no WebSocket is no error of ours, and no traceback

_EXPIRE_EVERY_S = 60.0
_CLOSE_WITHIN_S = 1.0
_STRANGERS = 200  # connections besides those that were let in
_BACKLOG = 128  # connections that wait to be accepted; asyncio takes so many in one turn


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens."""

    transport: Literal["tcp", "ws"]
    host: str
    port: int
    tls: Tls | None = None


@asynccontextmanager
async def running(
    listeners: Sequence[Listener],
    door: Door,
    limits: Limits | None = None,
    store: Path | None = None,
    accounts: Mapping[str, str] | None = None,
) -> AsyncIterator["EmbeddedBroker"]:
    """Run the broker. *store* keeps what survives a restart; None keeps nothing. *accounts*: see `Router.know`.

    Raises amqtt's BrokerError where it cannot listen, sqlite3.Error where it cannot open the store.
    """
    limits = limits or Limits()
    keeper = Keeper(store)
    router = Router(door, limits, keeper)
    router.restore(time.time())
    if accounts is not None:
        router.know(accounts)
    broker = EmbeddedBroker(listeners, House(router, door, keeper, Gate(limits), Turns(), limits, time.time))
    try:
        try:
            await broker.start()
        except BrokerError:
            await broker.stop_listening()  # the listeners before the one that failed
            raise
        chores = [asyncio.create_task(keeper.run()), asyncio.create_task(_expire(router))]
        try:
            yield broker
        finally:
            await broker.shutdown()
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
    finally:
        keeper.close()


async def _expire(router: Router) -> None:
    while True:
        await asyncio.sleep(_EXPIRE_EVERY_S)
        router.expire(time.time())


class EmbeddedBroker(Broker):
    """amqtt's listeners; what connects there is served by `Connection`."""

    def __init__(self, listeners: Sequence[Listener], house: House) -> None:
        super().__init__(_config(listeners))
        self._places = dict(zip(self.listeners_config, listeners, strict=True))
        self._house = house
        self._connections: set[Connection] = set()
        self._is_stopping = False

    async def know(self, accounts: Mapping[str, str]) -> set[str]:
        """Learn which accounts there are, end what is void, and return whose it was; see `Router.know`."""
        return self._house.router.know(accounts)

    def figures(self) -> dict[str, int]:
        """Return how many ``connections``, ``sessions``, ``retained`` and ``dropped`` messages there are."""
        return {"connections": self._house.gate.inside, **self._house.router.figures()}

    def attach(self, filters: Iterable[str], take: Take, room: asyncio.Event) -> Iterator[tuple[str, bytes]]:
        """Hand topic and payload of every message on these topics to *take*, and return those that are retained there.

        It happens before the message is acknowledged. While *room* is not set, publishers wait; each may have sent one
        message more.
        """
        self._house.turns.room = room
        return ((message.topic, message.payload) for message in self._house.router.attach(filters, take))

    def detach(self, filters: Iterable[str], take: Take) -> None:
        """Hand no more to *take* of what only these filters cover."""
        self._house.router.detach(filters, take)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1, unjudged. What is retained so is not kept over a restart of the broker."""
        self._house.router.announce(topic, payload, retain=retain)

    def connected(self) -> set[str]:
        """Return the accounts that have a connection."""
        return self._house.router.connected()

    async def shutdown(self) -> None:
        """Stop listening, then end the connections: without their last wills, since it is the broker that goes."""
        await self.stop_listening()
        await super().shutdown()

    async def stop_listening(self) -> None:
        """Close the listeners and all connections."""
        self._is_stopping = True
        for server in self._servers.values():
            server.instance.close()
        for connection in list(self._connections):
            connection.end("shutdown", will=False)
        while self._connections:  # noqa: ASYNC110 - each closes in bounded time
            await asyncio.sleep(0.01)

    async def _tcp_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(TcpReader(reader), TcpWriter(writer))

    async def _ws_connected(self, websocket: ServerConnection) -> None:
        await self._serve(WebSocketReader(websocket), WebSocketWriter(websocket))

    async def _serve(self, source: Source, writer: TcpWriter | WebSocketWriter) -> None:
        """Serve a client: here our own loop takes the place of amqtt's."""
        info = writer.get_peer_info()
        address = info[0] if info is not None else ""
        if not self._has_room_for(address):
            await writer.close()
            return
        connection = Connection(source, writer, self._house, Peer(address, certified_name(writer)))
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)

    def _has_room_for(self, address: str) -> bool:
        limits, gate = self._house.limits, self._house.gate
        return (
            not self._is_stopping
            and gate.connects.passes(address, asyncio.get_running_loop().time())
            and gate.strangers[address] < limits.strangers
            and len(self._connections) < limits.connections + _STRANGERS
        )

    async def _create_server_instance(
        self,
        listener_name: str,
        listener_type: ListenerType,
        _address: str | None,
        _port: int,
        _ssl_context: ssl.SSLContext | None,
    ) -> Any:
        """Listen, with our own TLS and limits: amqtt cannot demand a client certificate."""
        place = self._places[listener_name]
        tls = place.tls
        # Who says nothing is not waited for, nor counted, before the handshake is done.
        patience_s = self._house.limits.connect_s if tls is not None else None
        context = _tls_context(tls) if tls is not None else None
        if listener_type is ListenerType.TCP:
            return await asyncio.start_server(
                self._tcp_connected,
                place.host,
                place.port,
                ssl=context,
                ssl_handshake_timeout=patience_s,
                backlog=_BACKLOG,
            )
        return await websockets.asyncio.server.serve(
            self._ws_connected,
            place.host,
            place.port,
            subprotocols=[Subprotocol("mqtt")],  # [MQTT-6.0.0-3]
            max_size=2 * self._house.limits.packet_bytes,  # a frame may hold several packets
            max_queue=1,
            compression=None,
            open_timeout=self._house.limits.connect_s,
            ping_interval=None,  # MQTT has its own
            close_timeout=_CLOSE_WITHIN_S,  # its last will waits so long
            ssl=context,
            ssl_handshake_timeout=patience_s,
            backlog=_BACKLOG,
            logger=_handshakes,
        )

    async def _broadcast_loop(self) -> None:
        """Do nothing: the router passes messages on."""

    async def _session_monitor(self) -> None:
        """Do nothing: sessions are the router's."""


def _tls_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls.client_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.key)
    context.verify_mode = ssl.CERT_REQUIRED if tls.client_ca is not None else ssl.CERT_NONE
    return context


def _config(listeners: Sequence[Listener]) -> BrokerConfig:
    config = BrokerConfig(plugins={})
    # Set afterwards: where a value is amqtt's default, its constructor would take another listener's instead.
    config.listeners = {
        str(number): ListenerConfig(type=ListenerType(listener.transport), bind=f":{listener.port}")
        for number, listener in enumerate(listeners)
    }
    return config
