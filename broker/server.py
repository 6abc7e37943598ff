"""The embedded broker: amqtt, asked to be strict.

Each override names what it changes. They are written against amqtt 0.12.1, which is pinned, since most are private.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import ApplicationMessage, Session

from broker import guard
from broker.ports import Door

log = logging.getLogger(__name__)

_CONNECT_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where the broker listens. A port of 0 switches a listener off."""

    host: str
    tcp_port: int
    ws_port: int


@asynccontextmanager
async def running(listeners: Listeners, door: Door) -> AsyncIterator["EmbeddedBroker"]:
    """Run the broker. Raises amqtt's BrokerError where it cannot listen."""
    broker = EmbeddedBroker(listeners, door)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.flush()
        await broker.shutdown()


class EmbeddedBroker(Broker):
    """amqtt with one door for everything that comes in and goes out."""

    def __init__(self, listeners: Listeners, door: Door) -> None:
        super().__init__(_config(listeners))
        self._door = door

    async def flush(self, within_s: float = 1.0) -> None:
        """Let what was published go out: amqtt's shutdown drops it, and with it the last words of the backend."""
        try:
            async with asyncio.timeout(within_s):
                while not (  # noqa: ASYNC110
                    self._broadcast_queue.empty() and all(task.done() for task in self._tasks_queue)
                ):
                    await asyncio.sleep(0.01)  # amqtt has nothing to wait on
        except TimeoutError:
            pass

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Let nobody near a session before the door let it in; and a client id is its account's own.

        amqtt looks the session up first, and copies name and last will of whoever knocks into it.
        """
        del remote_address, remote_port
        try:
            handler, session = await self._first_packet(reader, writer)
            if not await self._admitted(session):
                await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
                raise MQTTError("not authorized")
        except (AMQTTError, MQTTError, NoDataError):
            await writer.close()
            raise
        session.client_id = f"{session.username}/{session.client_id}"
        known, _ = self.sessions.get(session.client_id, (None, None))
        if session.clean_session or known is None:
            await self._delete_session(session.client_id)
            return handler, session
        for name in ("will_flag", "will_message", "will_topic", "will_qos", "will_retain", "keep_alive"):
            setattr(known, name, getattr(session, name))
        known.parent = 1
        return handler, known

    async def _first_packet(
        self, reader: ReaderAdapter, writer: WriterAdapter
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Read the CONNECT. Raises MQTTError where it does not come in time, or is none."""
        try:
            async with asyncio.timeout(_CONNECT_WITHIN_S):
                return await BrokerProtocolHandler.init_from_connect(reader, writer, self.plugins_manager)
        except TimeoutError as error:
            raise MQTTError("no CONNECT") from error

    async def _authenticate(self, _session: Session, _listener: ListenerConfig) -> bool:
        """Say yes: the door was asked before there was a session."""
        return True

    async def _admitted(self, session: Session) -> bool:
        """Ask the door; and judge the last will now, since it will be published unasked."""
        if not session.username or not await self._door.authenticate(session.username, session.password or ""):
            return False
        if not session.will_flag:
            return True
        will = session.will_message or b""
        judged = self._door.judge(
            session.username, session.will_topic or "", retain=bool(session.will_retain), size=len(will)
        )
        if judged.code is None and judged.guard is None:
            return True
        self._door.refused(session.username, session.will_topic or "", judged.code or "forbidden")
        return False

    async def drop(self, names: Collection[str]) -> None:
        """End the connections and sessions of these accounts: their rights are gone, or their secret is another."""
        for client_id, (session, handler) in list(self.sessions.items()):
            if session.username in names:
                session.will_flag = False
                await handler.handle_connection_closed()
                await self._cleanup_session(client_id)

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        """Ask the door, not plugins. Publishing was judged before, with the whole message in hand."""
        name = session.username or ""
        match action:
            case Action.SUBSCRIBE:
                return self._door.may_subscribe(name, topic)
            case Action.RECEIVE:
                return self._door.may_receive(name, topic)
            case _:
                return True

    async def _handle_message_delivery(
        self, session: Session, handler: BrokerProtocolHandler, delivery: asyncio.Future[Any]
    ) -> bool:
        """Judge each publish; what is refused is counted and goes no further."""
        message = delivery.result()
        code = self._refusal(session.username or "", message) if message is not None else None
        if code is None:
            return await super()._handle_message_delivery(session, handler, delivery)
        self._door.refused(session.username or "", message.topic or "", code)
        return True

    def _refusal(self, name: str, message: ApplicationMessage) -> str | None:
        packet = message.publish_packet
        retain = packet is not None and bool(packet.retain_flag)
        payload = bytes(message.data or b"")
        judged = self._door.judge(name, message.topic or "", retain=retain, size=len(payload))
        if judged.code is not None or judged.guard is None:
            return judged.code
        document = self.retained_messages.get(judged.guard)
        return guard.refusal(bytes(document.data) if document is not None else None, name, payload)

    async def _client_message_loop(self, session: Session, handler: BrokerProtocolHandler) -> None:
        """Serve one client until it is gone, and let nothing come between that and its last will.

        What came before a DISCONNECT is handled before it (amqtt loses some of it), and an error that escapes a handler
        ends the connection (in amqtt it ends this loop, and leaves a client that is heard no more).
        """
        disconnect = asyncio.ensure_future(handler.wait_disconnect())
        try:
            await self._serve_until(disconnect, session, handler)
        except Exception:
            log.exception("closing the connection of %s", session.client_id)
            await handler.handle_connection_closed()
        await disconnect
        await self._handle_disconnect(session, handler, disconnect)

    async def _serve_until(
        self, disconnect: asyncio.Future[Any], session: Session, handler: BrokerProtocolHandler
    ) -> None:
        waiting: dict[asyncio.Future[Any], tuple[Callable[[], Awaitable[Any]], Callable[..., Awaitable[Any]]]] = {}

        def await_next(get: Callable[[], Awaitable[Any]], handle: Callable[..., Awaitable[Any]]) -> None:
            waiting[asyncio.ensure_future(get())] = (get, handle)

        await_next(handler.get_next_pending_subscription, self._handle_subscription)
        await_next(handler.get_next_pending_unsubscription, self._handle_unsubscription)
        await_next(session.delivered_message_queue.get, self._handle_message_delivery)
        try:
            while not disconnect.done():
                done, _ = await asyncio.wait([disconnect, *waiting], return_when=asyncio.FIRST_COMPLETED)
                for future in done - {disconnect}:
                    get, handle = waiting.pop(future)
                    await handle(session, handler, future)
                    await_next(get, handle)
        finally:
            for future in waiting:
                future.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        await self._drain(session, handler)

    async def _drain(self, session: Session, handler: BrokerProtocolHandler) -> None:
        while not session.delivered_message_queue.empty():
            delivery: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            delivery.set_result(session.delivered_message_queue.get_nowait())
            await self._handle_message_delivery(session, handler, delivery)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Give a client the retained messages of its own filters only, and only those it may receive.

        amqtt gives every client that connects what matches anybody's filters, and serves the client no further until it
        has acknowledged all of it.
        """
        topic_filter, qos = subscription
        handler = self._get_handler(session)
        if handler is None or all(owner is not session for owner, _ in self.subscriptions.get(topic_filter, ())):
            return
        for topic, retained in self.retained_messages.items():
            if self._matches(topic, topic_filter) and self._door.may_receive(session.username or "", topic):
                sending = handler.mqtt_publish(topic, retained.data, min(qos, retained.qos or 0), retain=True)
                # amqtt's own broadcast loop looks after these tasks: it logs what fails, and ends them with the broker.
                self._tasks_queue.append(asyncio.ensure_future(sending))


def _config(listeners: Listeners) -> BrokerConfig:
    config = BrokerConfig(plugins={})
    # Set afterwards: where a value is amqtt's default, its constructor would take another listener's instead.
    config.listeners = {
        kind.value: ListenerConfig(type=kind, bind=f"{listeners.host}:{port}")
        for kind, port in ((ListenerType.TCP, listeners.tcp_port), (ListenerType.WS, listeners.ws_port))
        if port
    }
    return config
