"""The backend's connection to the broker: reads into the inbox, sends what was decided, comes back after a loss."""

import asyncio
import logging
import random
import secrets
import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

import aiomqtt

from backend.core.engine import Arrived, Send
from backend.core.topics import Tree
from backend.shell.client import refused
from backend.shell.clock import ticks
from backend.shell.inbox import Connected, Inbox
from backend.shell.watching import Watching

log = logging.getLogger(__name__)

_BACKOFF_S = (0.2, 30.0)  # the first and the longest pause
_SEND_WITHIN_S = 10.0
_AT_ONCE = 100  # filters in one request
_UNDER_WAY = 1000  # answers sent at once that the broker has not acknowledged; beyond, nothing is read

Direct = Callable[[Arrived], Sequence[Send] | None]
"""Is asked first about each message. What it returns is sent at once, and the message never enters the inbox; None: it
does."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and who the backend is there."""

    host: str
    port: int
    name: str
    secret: str
    tree: Tree = field(default_factory=Tree)
    tls: ssl.SSLContext | None = None


class Link:
    """One MQTT connection, made again whenever it breaks. ``direct`` is asked before the inbox is."""

    protocol = aiomqtt.ProtocolVersion.V311

    def __init__(self, broker: Broker, subscriptions: Sequence[tuple[str, int]], will: Send, inbox: Inbox) -> None:
        self._broker = broker
        self._subscriptions = [(broker.tree.on_wire(topic), qos) for topic, qos in subscriptions]
        self._watching = Watching([topic for topic, _ in self._subscriptions])
        self._changing = asyncio.Lock()
        self._will = will
        self._inbox = inbox
        self.direct: Direct = lambda _arrived: None
        self._under_way: set[asyncio.Task[bool]] = set()
        self._client: aiomqtt.Client | None = None
        self._reading: asyncio.Task[None] | None = None
        self._is_deaf = False

    async def run(self) -> None:
        """Stay connected until cancelled."""
        first, longest = _BACKOFF_S
        pause = first
        while True:
            try:
                await self._prepare()
                async with self._connection() as client:
                    await self._insist(client)
                    log.log(logging.INFO if pause == first else logging.WARNING, "connected to the broker")
                    pause = first
                    await self._read(client)
            except aiomqtt.MqttError as error:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise asyncio.CancelledError from error  # the library makes another error of it
                log.warning("no connection to the broker (%s); trying again in about %.1f s", error, pause)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter is no secret
            pause = min(longest, pause * 2)

    async def send(self, sends: Sequence[Send]) -> bool:
        """Publish in order; wait until the broker has everything, and tell whether it does.

        Without a connection the messages are dropped: retained topics are projected again at the next connection, and a
        request that got no reply may be sent again with its id.
        """
        client = self._client
        if client is None:
            log.debug("%d messages not sent: no connection", len(sends))
            return False
        return await self._send(client, sends)

    async def watch(self, filters: Iterable[str], fresh: Collection[str]) -> None:
        """Hear these besides, in place of those before; what is retained under *fresh* ones comes, though it came."""
        on_wire = self._broker.tree.on_wire
        async with self._changing:
            self._watching.want(map(on_wire, filters), [on_wire(each) for each in fresh])
        try:
            await self._listen()
        except aiomqtt.MqttError as error:
            log.warning("cannot tell the broker what to listen to: %s", error)
            self._break()

    async def _send(self, client: aiomqtt.Client, sends: Sequence[Send]) -> bool:
        results = await asyncio.gather(*(self._publish(client, send) for send in sends), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed:
            log.warning("%d of %d messages not sent: %r", len(failed), len(sends), failed[0])
            self._break()
        return not failed

    def _break(self) -> None:
        """Give up a connection on which nothing is answered: the library does not notice each end of one."""
        if self._reading is not None:
            self._is_deaf = True
            self._reading.cancel()

    async def _prepare(self) -> None:
        """Do what must be done before each connection. Raises MqttError."""

    async def _insist(self, client: aiomqtt.Client) -> None:
        """Subscribe to what the server cannot do without. Raises MqttError, also where some of it is refused."""
        missing = await self._subscribe(client, self._subscriptions)
        if missing:
            raise aiomqtt.MqttError(f"it refuses to send {', '.join(missing)}")

    async def _subscribe(self, client: aiomqtt.Client, wanted: Sequence[tuple[str, int]]) -> list[str]:
        """Return the filters that the broker refuses. Raises MqttError."""
        return refused([topic for topic, _ in wanted], await client.subscribe(list(wanted)))

    async def _listen(self) -> None:
        """Make the broker send what is wanted now, if it is there. Raises MqttError."""
        async with self._changing:
            client = self._client
            if client is None:
                return
            new, gone = self._watching.changes()
            for some in _pieces(new):
                missing = await self._subscribe(client, [(topic, 1) for topic in some])
                if missing:  # no reason to do without the rest
                    log.error("the broker refuses to send %s; asked again at the next connection", ", ".join(missing))
            for some in _pieces(gone):  # last: rather twice than not at all
                await client.unsubscribe(some)
            self._watching.settled()

    async def _takes(self, _client: aiomqtt.Client, _message: aiomqtt.Message) -> bool:
        """Tell whether a message is to be read at all. Raises MqttError."""
        return True

    def _connection(self) -> aiomqtt.Client:
        will = aiomqtt.Will(
            self._broker.tree.on_wire(self._will.topic), self._will.payload, qos=1, retain=self._will.retain
        )
        return aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self._broker.name,
            password=self._broker.secret,
            identifier=f"{self._broker.name}-{secrets.token_hex(8)}",  # elsewhere, who guesses it could cut us off
            will=will,
            protocol=self.protocol,
            tls_context=self._broker.tls,
            max_inflight_messages=1000,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # else each batch waits 40 ms for an ACK
        )

    async def _read(self, client: aiomqtt.Client) -> None:
        """Read until the connection breaks, or nothing is answered on it. Raises MqttError."""
        self._client, self._is_deaf = client, False
        self._watching.anew()
        self._reading = reading = asyncio.create_task(self._receive(client))
        try:
            await self._listen()
            await reading
        except asyncio.CancelledError:
            if self._is_deaf:
                raise aiomqtt.MqttError("what was sent got no answer") from None
            raise
        finally:
            self._client = self._reading = None
            reading.cancel()
            for task in self._under_way:
                task.cancel()

    async def _receive(self, client: aiomqtt.Client) -> None:
        await self._inbox.put(Connected())
        async for message in client.messages:
            if await self._takes(client, message):
                topic = self._broker.tree.off_wire(str(message.topic))
                await self._take(client, Arrived(topic, _bytes(message.payload), message.retain, ticks()))

    async def _take(self, client: aiomqtt.Client, arrived: Arrived) -> None:
        sends = at_once(self.direct, arrived)
        if sends is None:
            await self._inbox.put(arrived)
        if not sends:
            await self._inbox.room.wait()  # it may have become facts
            return
        if len(self._under_way) >= _UNDER_WAY:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        sending = asyncio.create_task(self._send(client, sends))
        self._under_way.add(sending)
        sending.add_done_callback(self._under_way.discard)

    async def _publish(self, client: aiomqtt.Client, send: Send) -> None:
        topic = self._broker.tree.on_wire(send.topic)
        await client.publish(topic, send.payload, qos=1, retain=send.retain, timeout=_SEND_WITHIN_S)


def first_of(*directs: Direct) -> Direct:
    """Return what asks each of them in turn, until one takes the message."""

    def ask(arrived: Arrived) -> Sequence[Send] | None:
        return next((sends for direct in directs if (sends := direct(arrived)) is not None), None)

    return ask


def at_once(direct: Direct, arrived: Arrived) -> Sequence[Send] | None:
    """Return what is to be sent at once in answer to a message; None: the message is the inbox's."""
    try:
        return direct(arrived)
    except Exception:  # it costs the message that shows the bug, and no other
        log.exception("this is a bug in Talkstick; dropped %r", arrived)
        return []


def _pieces(filters: list[str]) -> Iterable[list[str]]:
    return (filters[first : first + _AT_ONCE] for first in range(0, len(filters), _AT_ONCE))


def _bytes(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else b""
