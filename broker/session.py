"""What the broker keeps for one client: what it subscribed to, what waits for it, and what is under way. No I/O."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from broker.keeper import Keeper
from broker.limits import Limits
from broker.messages import Message
from broker.outgoing import Outgoing
from broker.packets import publish_bytes

log = logging.getLogger(__name__)

_MAX_ID = 0xFFFF
_NO_MORE = ""
_LOOKED_UP_AT_ONCE = 256


class Wire(Protocol):
    """The connection of a client, as its session sees it."""

    @property
    def is_congested(self) -> bool:
        """Tell whether the client takes less than it is sent."""

    def send(self, packet: bytes) -> None:
        """Send a packet."""

    def soon(self, act: Callable[[], None]) -> None:
        """Call *act* when others had their turn."""

    def end(self, reason: str, *, will: bool = True) -> None:
        """Close the connection; publish its last will before, or not."""


class Session:
    """The session of one client id, of one account. A clean one ends with its connection [MQTT-3.1.2-6].

    *retained* returns the retained message of a topic, where there is one and the account may receive it. *keeper*
    keeps what must survive a restart: nothing, for a clean session.
    """

    def __init__(
        self,
        client: str,
        name: str,
        limits: Limits,
        retained: Callable[[str], Message | None],
        keeper: Keeper,
        *,
        clean: bool = False,
    ) -> None:
        self.client = client
        self.name = name
        self.is_clean = clean
        self.wire: Wire | None = None
        self.subscriptions: dict[str, int] = {}
        self.left_at: float | None = None
        self.dropped = 0
        self._limits = limits
        self._retained = retained
        self._keeper = keeper
        self._waiting: deque[Outgoing] = deque()
        self._waiting_bytes = 0
        self._inflight: dict[int, Outgoing] = {}
        self._incoming: set[int] = set()
        self._replays: dict[str, Iterator[str | None]] = {}  # by topic filter
        self._is_full = False
        self._will_pump = False
        self._number = 0
        self._last_id = 0

    @property
    def waiting(self) -> int:
        """Return how many QoS 1 and 2 messages were not sent yet."""
        return len(self._waiting)

    # To the client

    def deliver(self, message: Message, qos: int, encoded: bytes | None = None) -> None:
        """Send a message, or let it wait. QoS 0 is dropped where the client is away, or slow."""
        if qos:
            self._enqueue(message, qos)
        elif self.wire is not None and not self.wire.is_congested:
            self.wire.send(encoded or publish_bytes(message, 0, retain=False))
        else:
            self.dropped += 1

    def replay(self, topic_filter: str, topics: Iterator[str | None]) -> None:
        """Send the retained messages of these topics, as fast as they are taken, while the filter is subscribed to.

        Each is looked up when its turn comes, which begins with the next `pump`: there may be many thousands, and they
        do not count against the queue. What changes meanwhile may come twice. None is a step that found no topic.
        """
        self._replays[topic_filter] = topics

    def _enqueue(self, message: Message, qos: int) -> None:
        room = len(self._waiting) < self._limits.queued_messages
        if not room or self._waiting_bytes + len(message.payload) > self._limits.queued_bytes:
            if not self._is_full:
                log.warning("%d messages wait for %r; it loses what comes now", len(self._waiting), self.client[:160])
            self._is_full = True
            self.dropped += 1
            self._keeper.touch()
            return
        self._is_full = False
        outgoing = self._numbered(message, qos, retain=False)
        self._waiting.append(outgoing)
        self._waiting_bytes += len(message.payload)
        self._keep(outgoing)
        self.pump()

    def _numbered(self, message: Message, qos: int, *, retain: bool) -> Outgoing:
        self._number += 1
        return Outgoing(self._number, message, qos, retain=retain)

    def pump(self) -> None:
        """Send what waits, as far as the client has room; of retained messages, few before others have a turn."""
        wire, looked_up = self.wire, 0
        while wire is not None and not wire.is_congested:
            has_room = len(self._inflight) < self._limits.inflight
            if self._waiting and has_room:
                outgoing = self._waiting.popleft()
                self._waiting_bytes -= len(outgoing.message.payload)
                self._send(wire, outgoing)
                continue
            replayed = next((each for each in self._replays if has_room or self.subscriptions.get(each) == 0), None)
            if replayed is None:
                return
            if looked_up == _LOOKED_UP_AT_ONCE:
                self._pump_soon(wire)
                return
            looked_up += 1
            self._send_retained(wire, replayed)

    def _pump_soon(self, wire: Wire) -> None:
        def pump() -> None:
            self._will_pump = False
            self.pump()

        if not self._will_pump:
            self._will_pump = True
            wire.soon(pump)

    def _send(self, wire: Wire, outgoing: Outgoing) -> None:
        outgoing.packet_id = self._free_id()
        self._inflight[outgoing.packet_id] = outgoing
        self._keep(outgoing)
        self._tell(wire, outgoing)

    def _tell(self, wire: Wire, outgoing: Outgoing, *, dup: bool = False) -> None:
        """Send it once its state is kept: after a restart, the client must not meet it under another packet id."""
        packet = outgoing.encoded(dup=dup)
        self._keeper.when_kept(lambda: wire.send(packet) if wire is self.wire else None)

    def _send_retained(self, wire: Wire, topic_filter: str) -> None:
        wanted, topic = self.subscriptions.get(topic_filter), next(self._replays[topic_filter], _NO_MORE)
        if wanted is None or topic == _NO_MORE:
            del self._replays[topic_filter]
            if wanted is not None:
                self._keep_subscription(topic_filter, wanted, replayed=True)
            return
        message = self._retained(topic) if topic is not None else None
        if message is None:
            return
        qos = min(wanted, message.qos)
        if qos == 0:
            wire.send(publish_bytes(message, 0, retain=True))
            return
        self._send(wire, self._numbered(message, qos, retain=True))

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % _MAX_ID + 1
            if self._last_id not in self._inflight:
                return self._last_id

    def acknowledged(self, packet_id: int, qos: int) -> None:
        """Take a PUBACK (QoS 1) or a PUBCOMP (QoS 2); one for nothing that is under way, or not so far, is ignored."""
        outgoing = self._inflight.get(packet_id)
        if outgoing is None or outgoing.qos != qos or (qos == 2 and not outgoing.released):
            return
        del self._inflight[packet_id]
        self._keeper.remove("outgoing", self.client, outgoing.number)
        self.pump()

    def received(self, packet_id: int) -> None:
        """Take a PUBREC; answer with the PUBREL."""
        outgoing = self._inflight.get(packet_id)
        if outgoing is not None and outgoing.qos == 2:
            outgoing.released = True
            self._keep(outgoing)
        else:
            outgoing = Outgoing.forgotten(packet_id)
        if self.wire is not None:
            self._tell(self.wire, outgoing)

    # From the client

    def subscribe(self, topic_filter: str, qos: int) -> None:
        """Note a subscription; another QoS for the same filter replaces the first."""
        self.subscriptions[topic_filter] = qos
        self._keep_subscription(topic_filter, qos, replayed=False)

    def unsubscribe(self, topic_filter: str) -> bool:
        """End a subscription; False where there is none."""
        if self.subscriptions.pop(topic_filter, None) is None:
            self._keeper.touch()
            return False
        self._keeper.remove("subscription", self.client, topic_filter)
        return True

    def is_new(self, packet_id: int) -> bool:
        """Remember the packet id of a QoS 2 PUBLISH; False where it came before [MQTT-4.3.3-2]."""
        if packet_id in self._incoming:
            self._keeper.touch()
            return False
        self._incoming.add(packet_id)
        self._keeper.put("incoming", (self.client, packet_id))
        return True

    def released(self, packet_id: int) -> None:
        """Take a PUBREL: the packet id is free again."""
        self._incoming.discard(packet_id)
        self._keeper.remove("incoming", self.client, packet_id)

    # Coming, going, staying

    def resume(self, wire: Wire) -> None:
        """Serve a new connection: first again what the last one left unacknowledged, in order [MQTT-4.4.0-1]."""
        self.wire = wire
        for outgoing in self._inflight.values():
            self._tell(wire, outgoing, dup=True)
        self.pump()

    def suspend(self) -> None:
        """Note that the connection is gone."""
        self._will_pump = False
        self.wire = None

    def restore(self, outgoing: Outgoing) -> None:
        """Take back what was kept over a restart; in the order of the numbers."""
        self._number = max(self._number, outgoing.number)
        if outgoing.packet_id:
            self._inflight[outgoing.packet_id] = outgoing
        else:
            self._waiting.append(outgoing)
            self._waiting_bytes += len(outgoing.message.payload)

    def restore_incoming(self, packet_id: int) -> None:
        """Take back the packet id of a QoS 2 PUBLISH."""
        self._incoming.add(packet_id)

    def forget(self) -> None:
        """Keep nothing of it any longer."""
        for outgoing in (*self._inflight.values(), *self._waiting):
            self._keeper.remove("outgoing", self.client, outgoing.number)
        for packet_id in self._incoming:
            self._keeper.remove("incoming", self.client, packet_id)
        for topic_filter in self.subscriptions:
            self._keeper.remove("subscription", self.client, topic_filter)
        self._keeper.remove("session", self.client)

    def _keep_subscription(self, topic_filter: str, qos: int, *, replayed: bool) -> None:
        self._keeper.put("subscription", (self.client, topic_filter), qos, replayed)

    def _keep(self, outgoing: Outgoing) -> None:
        message = outgoing.message
        self._keeper.put(
            "outgoing",
            (self.client, outgoing.number),
            message.topic,
            message.payload,
            outgoing.qos,
            outgoing.retain,
            outgoing.packet_id,
            outgoing.released,
        )
