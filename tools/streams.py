"""A stream of messages from one client to another, as fast as the broker passes them on.

The client must not be what is measured. So a stream is checked and counted as bytes, not as packets: all its messages
are alike but for the packet id.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from tools.brokers import Target
from tools.lean import LeanClient, publish_packet
from tools.process import cpu_s

PAYLOAD = b"x" * 100
WARM_UP_S = 0.3

_TOPIC = "measured/topic"
_IDS = bytes(number >> 8 for number in range(1, 0x10000)) * 2, bytes(number & 0xFF for number in range(1, 0x10000)) * 2
_UNDER_WAY = 500  # messages between sender and receiver: less than what brokers queue for a client
_UNACKNOWLEDGED = 100
_ALL_WITHIN_S = 10.0


class Receiver(LeanClient):
    """Takes copies of one message, by the thousand."""

    _packet = b""  # until there is one to expect, an ordinary client

    def expect(self, packet: bytes, taken: Callable[[], None]) -> None:
        """Count copies of *packet*, whose id (at QoS 1) is zero, from now on; call *taken* after each piece."""
        self.count = 0
        self._packet, self._taken = packet, taken
        self._qos1 = bool(packet[0] & 0x02)
        self._id_at = 4 + len(_TOPIC)
        self._bulk = bytearray()

    def data_received(self, data: bytes) -> None:
        """Take, acknowledge and count whole messages. Raises ValueError where they are not as expected."""
        if not self._packet:
            super().data_received(data)
            return
        self._bulk += data
        size = len(self._packet)
        whole = len(self._bulk) // size
        if not whole:
            return
        taken = self._bulk[: whole * size]
        del self._bulk[: whole * size]
        if self._qos1:
            acknowledgements = bytearray(b"\x40\x02\x00\x00" * whole)
            for place in (0, 1):
                acknowledgements[2 + place :: 4] = taken[self._id_at + place :: size]
                taken[self._id_at + place :: size] = bytes(whole)
            self._write(acknowledgements)
        if taken != self._packet * whole:
            raise ValueError("this is not what was sent")
        self.count += whole
        self._taken()


class Sender(LeanClient):
    """Sends copies of one message as fast as they are taken."""

    _packet = b""

    def begin(self, packet: bytes, acknowledged: Callable[[], None]) -> None:
        """Get ready to send copies of *packet*; call *acknowledged* after each piece of acknowledgements."""
        self.count = self.acknowledged = 0
        self._packet = packet
        self._qos1 = bool(packet[0] & 0x02)
        self._id_at = 4 + len(_TOPIC)
        self._acks = 0
        self._then = acknowledged

    def send(self, number: int) -> None:
        """Send so many."""
        data = bytearray(self._packet * number)
        if self._qos1:
            start = self.count % 0xFFFF
            for place in (0, 1):
                data[self._id_at + place :: len(self._packet)] = _IDS[place][start : start + number]
        self.count += number
        self._write(data)

    def room(self, received: int) -> int:
        """Return how many more may be under way."""
        room = _UNDER_WAY - (self.count - received)
        return min(room, _UNACKNOWLEDGED - (self.count - self.acknowledged)) if self._qos1 else room

    def data_received(self, data: bytes) -> None:
        """Count acknowledgements."""
        if not self._packet:
            super().data_received(data)
            return
        self._acks += len(data)
        self.acknowledged = self._acks // 4
        self._then()


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages a second; CPU time of the broker for each, in µs; CPU time of this process for each second of that."""

    each_s: float
    cpu_us: float
    client: float

    def figures(self, name: str) -> dict[str, float]:
        """Return them under a name."""
        return {name: self.each_s, f"{name} cpu": self.cpu_us, f"{name} client": self.client}


async def measure(target: Target, seconds: float, counted: Callable[[], int]) -> Rate:
    """Watch a count rise for so long, once it is warm."""
    await asyncio.sleep(WARM_UP_S)
    start, before, broker, client = time.perf_counter(), counted(), cpu_s(target.pid), cpu_s(os.getpid())
    await asyncio.sleep(seconds)
    passed, number = time.perf_counter() - start, counted() - before
    broker, client = cpu_s(target.pid) - broker, cpu_s(os.getpid()) - client
    return Rate(number / passed, broker / max(1, number) * 1e6, client / max(1e-3, broker))


async def stream(target: Target, seconds: float, qos: int) -> Rate:
    """Measure the messages from one client to another.

    Raises ValueError where what arrives is not what was sent, TimeoutError where some of it does not arrive.
    """
    receiver = await Receiver.connect(target.port, "receiver", "-")
    sender = await Sender.connect(target.port, "sender", "-")
    await receiver.subscribe(_TOPIC, qos)
    all_in, over = asyncio.Event(), False

    def top_up() -> None:
        room = 0 if over else sender.room(receiver.count)
        if room >= _UNACKNOWLEDGED // 2:
            sender.send(room)
        if over and receiver.count == sender.count:
            all_in.set()

    packet = publish_packet(_TOPIC, PAYLOAD, b"\0\0" if qos else b"")
    sender.begin(packet, top_up)
    receiver.expect(packet, top_up)
    top_up()
    rate = await measure(target, seconds, lambda: receiver.count)
    over = True
    top_up()
    async with asyncio.timeout(_ALL_WITHIN_S):
        await all_in.wait()
    sender.close()
    receiver.close()
    return rate
