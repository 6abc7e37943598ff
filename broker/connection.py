"""One client on the wire: read a packet, do what it asks, write what comes of it."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from amqtt.adapters import ReaderAdapter
from amqtt.mqtt.connack import (
    CONNECTION_ACCEPTED,
    UNACCEPTABLE_PROTOCOL_VERSION,
    ConnackPacket,
)
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.pingreq import PingReqPacket
from amqtt.mqtt.pingresp import PingRespPacket
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.pubcomp import PubcompPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.pubrec import PubrecPacket
from amqtt.mqtt.pubrel import PubrelPacket
from amqtt.mqtt.suback import SubackPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsuback import UnsubackPacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket

from broker.admission import House, Peer, refusal, will_of
from broker.messages import Message
from broker.session import Session
from broker.streams import Sender, Writer
from broker.wire import (
    ConnectionEndedError,
    Packet,
    ProtocolError,
    WrongVersionError,
    check_connect,
    packet_id_of,
    read_packet,
)

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

    def __init__(self, reader: ReaderAdapter, writer: Writer, house: House, peer: Peer) -> None:
        self._reader = reader
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
        self._heard = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Serve until the connection is gone."""
        reason = _GONE
        try:
            if await self._is_admitted():
                await self._listen()
        except WrongVersionError:
            self._connack(UNACCEPTABLE_PROTOCOL_VERSION)
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
                connect = check_connect(await read_packet(self._reader, _CONNECT_BYTES))
        name = connect.username or self._peer.certified or ""
        code = await refusal(self._house, self._peer, name, connect)
        if code == CONNECTION_ACCEPTED:
            self._open(connect, name)
        else:
            self._connack(code)
        return code == CONNECTION_ACCEPTED

    def _open(self, connect: ConnectPacket, name: str) -> None:
        session, present = self._house.router.open(
            name, connect.client_id or "", clean=bool(connect.clean_session_flag)
        )
        self._session = session
        self._house.gate.inside += 1
        self._will = will_of(connect, name)
        self._connack(CONNECTION_ACCEPTED, present=present)
        session.resume(self)
        self._heard = self._loop.time()
        if connect.keep_alive:
            self._watch(connect.keep_alive * _KEEP_ALIVE)

    def _connack(self, code: int, *, present: bool = False) -> None:
        self.send(ConnackPacket.build(int(present), code).to_bytes())

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
            packet = await read_packet(self._reader, limit)
            if self._has_ended:
                return
            self._heard = self._loop.time()
            if isinstance(packet, DisconnectPacket):
                self._will = None  # [MQTT-3.14.4-3]
                return
            self._take(packet)
            if isinstance(packet, PublishPacket):
                await self._take_turn()
            if number % _AT_ONCE == 0 or isinstance(packet, SubscribePacket | UnsubscribePacket):
                await asyncio.sleep(0)

    async def _take_turn(self) -> None:
        """Read on only where that does not pile up what cannot be handled. Who must wait is not silent."""
        self._is_waiting = True
        while self._unanswered > _UNANSWERED:  # noqa: ASYNC110 - the disk is full, nothing else happens either
            await asyncio.sleep(_PAUSE_S)
        await self._house.turns.turn()
        self._is_waiting = False
        self._heard = self._loop.time()

    def _take(self, packet: Packet) -> None:
        take = _TAKES.get(type(packet))
        if take is None:
            raise ProtocolError(f"[MQTT-3.1.0-2] unexpected {type(packet).__name__}")
        take(self, self._session, packet)

    def _take_publish(self, session: Session, packet: PublishPacket) -> None:
        qos, packet_id = packet.qos or 0, packet.packet_id or 0
        message = Message(packet.topic_name or "", packet.data or b"", qos, bool(packet.retain_flag), session.name)
        if qos < 2 or session.is_new(packet_id):
            self._house.router.publish(message)
        if qos == 1:
            self._acknowledge(PubackPacket.build(packet_id))
        elif qos == 2:
            self._acknowledge(PubrecPacket.build(packet_id))

    def _take_pubrel(self, session: Session, packet: PubrelPacket) -> None:
        session.released(packet.packet_id)
        self._acknowledge(PubcompPacket.build(packet.packet_id))

    def _take_puback(self, session: Session, packet: PubackPacket) -> None:
        session.acknowledged(packet_id_of(packet), 1)

    def _take_pubcomp(self, session: Session, packet: PubcompPacket) -> None:
        session.acknowledged(packet_id_of(packet), 2)

    def _take_pubrec(self, session: Session, packet: PubrecPacket) -> None:
        session.received(packet.packet_id)

    def _take_subscribe(self, session: Session, packet: SubscribePacket) -> None:
        asked = packet.payload.topics if packet.payload is not None else []
        codes = self._house.router.subscribe(session, asked)
        self._acknowledge(SubackPacket.build(packet_id_of(packet), codes))
        for (topic_filter, _), code in zip(asked, codes, strict=True):
            if code <= 2:
                self._house.router.replay(session, topic_filter)
        session.pump()

    def _take_unsubscribe(self, session: Session, packet: UnsubscribePacket) -> None:
        self._house.router.unsubscribe(session, packet.payload.topics if packet.payload is not None else [])
        self._acknowledge(UnsubackPacket.build(packet_id_of(packet)))

    def _take_ping(self, _session: Session, _packet: PingReqPacket) -> None:
        self.send(PingRespPacket.build().to_bytes())

    def _acknowledge(self, packet: Packet) -> None:
        """Answer once what was asked is kept."""

        def answer() -> None:
            self._unanswered -= 1
            self.send(packet.to_bytes())

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


_TAKES: dict[type, Callable[[Any, Any, Any], None]] = {
    PublishPacket: Connection._take_publish,  # noqa: SLF001
    PubackPacket: Connection._take_puback,  # noqa: SLF001
    PubrecPacket: Connection._take_pubrec,  # noqa: SLF001
    PubrelPacket: Connection._take_pubrel,  # noqa: SLF001
    PubcompPacket: Connection._take_pubcomp,  # noqa: SLF001
    SubscribePacket: Connection._take_subscribe,  # noqa: SLF001
    UnsubscribePacket: Connection._take_unsubscribe,  # noqa: SLF001
    PingReqPacket: Connection._take_ping,  # noqa: SLF001
}
