"""A message on its way to one client, until that has acknowledged it."""

from typing import Self

from amqtt.mqtt.packet import PUBREL

from broker.messages import Message
from broker.packets import ack_bytes, publish_bytes


class Outgoing:
    """One QoS 1 or 2 message on its way to one client. ``number`` orders it, ``packet_id`` is 0 until it was sent."""

    __slots__ = ("message", "number", "packet_id", "qos", "released", "retain")

    def __init__(self, number: int, message: Message, qos: int, *, retain: bool) -> None:
        self.number = number
        self.message = message
        self.qos = qos
        self.retain = retain
        self.packet_id = 0
        self.released = False

    @classmethod
    def forgotten(cls, packet_id: int) -> Self:
        """Return what a client still has under way, though this side knows nothing of it any more."""
        outgoing = cls(0, Message("", b""), 2, retain=False)
        outgoing.packet_id, outgoing.released = packet_id, True
        return outgoing

    @classmethod
    def kept(cls, number: int, topic: str, payload: bytes, qos: int, retain: int, *state: int) -> Self:
        """Return what was kept over a restart, from its row."""
        outgoing = cls(number, Message(topic, payload, qos), qos, retain=bool(retain))
        packet_id, released = state
        outgoing.packet_id, outgoing.released = packet_id, bool(released)
        return outgoing

    def encoded(self, *, dup: bool = False) -> bytes:
        """Return the PUBLISH, or the PUBREL once it was received."""
        if self.released:
            return ack_bytes(PUBREL, self.packet_id)
        return publish_bytes(self.message, self.qos, retain=self.retain, packet_id=self.packet_id, dup=dup)
