"""One client on the wire: read a packet, do what it asks, write what comes of it."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from amqtt.mqtt.connack import CONNECTION_ACCEPTED, UNACCEPTABLE_PROTOCOL_VERSION
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.packet import (
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    UNSUBSCRIBE,
)

from broker.admission import House, Peer, refusal, will_of
from broker.messages import Message
from broker.packets import (
    Filters,
    ProtocolError,
    Publish,
    ack_bytes,
    connack_bytes,
    pingresp_bytes,
    suback_bytes,
    unsuback_bytes,
)
from broker.session import Session
from broker.streams import Sender, Writer
from broker.wire import ConnectionEndedError, Packets, Source, WrongVersionError, check_connect

log = logging.getLogger(__name__)

_CONNECT_BYTES = 128 * 1024  # room for a last will of 64 KiB; who sends it is a stranger yet
_AT_ONCE = 32  # packets of one client, before others have their turn
_UNANSWERED = 1000  # acknowledgements that wait for the disk, before this client waits, too
_PAUSE_S = 0.1
_LOOK_AGAIN_S = 0.1
_GONE = "gone"  # the end that most connections have; the log tells the others
_KEEP_ALIVE = 1.5  # [MQTT-3.1.2-24]


class Connection:
    """Serves one client."""

    def __init__(self, source: Source, writer: Writer, house: House, peer: Peer) -> None:
        self._packets = Packets(source)
        self._sender = Sender(writer, house.limits.stalled_s, self._pump, self.end)
        self._house = house
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._session: Session | None = None
        self._will: Message | None = None
        self._has_ended = False
        self._is_waiting = False
        self._unanswered = 0
        self._noted = 0  # by the keeper, before the packet at hand
        self._heard = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Serve until the connection is gone."""
        reason = _GONE
        try:
            if await self._is_admitted():
                await self._listen()
        except WrongVersionError:
            self.send(connack_bytes(UNACCEPTABLE_PROTOCOL_VERSION))
        except (ProtocolError, ConnectionEndedError, TimeoutError) as error:
            reason = str(error) or reason
        except asyncio.CancelledError:
            if not self._has_ended:  # then it was not `end` that cancelled
                raise
        except Exception:
            log.exception("closing the connection of %r", self._who()[:160])
            reason = "our fault"
        finally:
            try:
                self.end(reason)
            finally:
                await self._sender.close()

    def end(self, reason: str, *, will: bool = True) -> None:
        """Close the connection, for whatever reason, once; the last will is published before anything else happens."""
        if self._has_ended:
            return
        self._has_ended = True
        log.log(
            logging.DEBUG if reason == _GONE else logging.INFO, "connection of %r ended: %s", self._who()[:160], reason
        )
        if self._alarm is not None:
            self._alarm.cancel()
        if self._session is not None:
            self._house.gate.inside -= 1
            self._house.router.leave(self._session, self._house.now())
        if self._will is not None and will:
            self._house.router.publish(self._will)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def _who(self) -> str:
        return self._session.client if self._session is not None else self._peer.address

    # Coming in

    async def _is_admitted(self) -> bool:
        with self._house.gate.stranger(self._peer.address):
            async with asyncio.timeout(self._house.limits.connect_s):
                _, packet = await self._packets.next(_CONNECT_BYTES)
        connect = check_connect(packet)
        name = connect.username or self._peer.certified or ""
        code = await refusal(self._house, self._peer, name, connect)
        if code == CONNECTION_ACCEPTED:
            self._open(connect, name)
        else:
            self.send(connack_bytes(code))
        return code == CONNECTION_ACCEPTED

    def _open(self, connect: ConnectPacket, name: str) -> None:
        session, present = self._house.router.open(
            name, connect.client_id or "", clean=bool(connect.clean_session_flag)
        )
        self._session = session
        self._house.gate.inside += 1
        self._will = will_of(connect, name)
        self.send(connack_bytes(CONNECTION_ACCEPTED, present=present))
        session.resume(self)
        self._heard = self._loop.time()
        if connect.keep_alive:
            self._watch(connect.keep_alive * _KEEP_ALIVE)

    def _watch(self, patience_s: float, *, is_sure: bool = False) -> None:
        """Close the connection after so much silence; looked at when it may be over, not with every packet."""
        silent_until = (self._loop.time() if self._is_waiting else self._heard) + patience_s
        if self._loop.time() < silent_until:
            self._alarm = self._loop.call_at(silent_until, self._watch, patience_s)
        elif is_sure:
            self.end("keep-alive")
        else:  # what came while the loop was busy elsewhere is yet to be read
            self._alarm = self._loop.call_later(_LOOK_AGAIN_S, partial(self._watch, patience_s, is_sure=True))

    # From the client

    async def _listen(self) -> None:
        limit = self._house.limits.packet_bytes
        for number in count(1):
            kind, packet = await self._packets.next(limit)
            if self._has_ended:
                return
            self._heard = self._loop.time()
            if kind == DISCONNECT:
                self._will = None  # [MQTT-3.14.4-3]
                return
            self._take(kind, packet)
            if kind == PUBLISH:
                await self._take_turn()
            if number % _AT_ONCE == 0 or kind in (SUBSCRIBE, UNSUBSCRIBE):
                await asyncio.sleep(0)

    async def _take_turn(self) -> None:
        """Read on only where that does not pile up what cannot be handled. Who must wait is not silent."""
        self._is_waiting = True
        while self._unanswered > _UNANSWERED:  # noqa: ASYNC110 - the disk is full, it waits with the others
            await asyncio.sleep(_PAUSE_S)
        await self._house.turns.turn()
        self._is_waiting = False
        self._heard = self._loop.time()

    def _take(self, kind: int, packet: Any) -> None:
        take = _TAKES.get(kind)
        if take is None:
            raise ProtocolError(f"[MQTT-3.1.0-2] unexpected packet of type {kind}")
        self._noted = self._house.keeper.noted
        take(self, self._session, packet)

    def _take_publish(self, session: Session, packet: Publish) -> None:
        topic, payload, qos, retain, packet_id = packet
        if qos < 2 or session.is_new(packet_id):
            self._house.router.publish(Message(topic, payload, qos, retain, session.name))
        if qos:
            self._acknowledge(ack_bytes(PUBACK if qos == 1 else PUBREC, packet_id))

    def _take_pubrel(self, session: Session, packet_id: int) -> None:
        session.released(packet_id)
        self._acknowledge(ack_bytes(PUBCOMP, packet_id))

    def _take_puback(self, session: Session, packet_id: int) -> None:
        session.acknowledged(packet_id, 1)

    def _take_pubcomp(self, session: Session, packet_id: int) -> None:
        session.acknowledged(packet_id, 2)

    def _take_pubrec(self, session: Session, packet_id: int) -> None:
        session.received(packet_id)

    def _take_subscribe(self, session: Session, packet: Filters) -> None:
        codes = self._house.router.subscribe(session, packet.asked)
        self._acknowledge(suback_bytes(packet.packet_id, codes))
        for (topic_filter, _), code in zip(packet.asked, codes, strict=True):
            if code <= 2:
                self._house.router.replay(session, topic_filter)
        session.pump()

    def _take_unsubscribe(self, session: Session, packet: Filters) -> None:
        self._house.router.unsubscribe(session, [topic_filter for topic_filter, _ in packet.asked])
        self._acknowledge(unsuback_bytes(packet.packet_id))

    def _take_ping(self, _session: Session, _packet: None) -> None:
        self.send(pingresp_bytes())

    def _acknowledge(self, packet: bytes) -> None:
        """Answer once what was asked is kept, in order; at once, where nothing of it must be."""
        if not self._unanswered and self._noted == self._house.keeper.noted:
            self.send(packet)
            return

        def answer() -> None:
            self._unanswered -= 1
            self.send(packet)

        self._unanswered += 1
        self._house.keeper.when_kept(answer)

    # To the client

    @property
    def is_congested(self) -> bool:
        """Tell whether the client takes less than it is sent."""
        return self._sender.backlog > self._house.limits.backlog_bytes

    def send(self, packet: bytes) -> None:
        """Send a packet; what is sent in one turn of the loop goes out together."""
        self._sender.send(packet)

    def soon(self, act: Callable[[], None]) -> None:
        """Call *act* when others had their turn, if the connection is there yet."""
        self._loop.call_soon(lambda: None if self._has_ended else act())

    def _pump(self) -> None:
        if self._session is not None and not self._has_ended:
            self._session.pump()


_TAKES: dict[int, Callable[[Any, Any, Any], None]] = {
    PUBLISH: Connection._take_publish,  # noqa: SLF001
    PUBACK: Connection._take_puback,  # noqa: SLF001
    PUBREC: Connection._take_pubrec,  # noqa: SLF001
    PUBREL: Connection._take_pubrel,  # noqa: SLF001
    PUBCOMP: Connection._take_pubcomp,  # noqa: SLF001
    SUBSCRIBE: Connection._take_subscribe,  # noqa: SLF001
    UNSUBSCRIBE: Connection._take_unsubscribe,  # noqa: SLF001
    PINGREQ: Connection._take_ping,  # noqa: SLF001
}
