"""What is measured of a broker: the same lean clients do the same to each."""

import asyncio
import random
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.brokers import Target
from tools.lean import Hello, LeanClient
from tools.process import resident
from tools.streams import PAYLOAD, measure, stream

Results = dict[str, float]

_CONNECTING_AT_ONCE = 100
_FILTERS_EACH = 50
_FAN_OUT_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each: seconds per rate, round trips, clients of the fan-out, other subscriptions, connections."""

    seconds: float
    trips: int
    fans: int
    others: Sequence[int]
    connections: Sequence[int]


async def throughput(target: Target, size: Size) -> Results:
    """Measure one to one, QoS 0 and 1."""
    found: Results = {}
    for qos in (0, 1):
        found |= (await stream(target, size.seconds, qos)).figures(f"qos{qos}")
    return found


async def round_trip(target: Target, size: Size) -> Results:
    """Measure request and response between two clients, QoS 0 and 1."""
    found: Results = {}
    for qos in (0, 1):
        found |= _percentiles(f"trip{qos}", await _round_trips(target, size.trips, qos))
    return found


async def _round_trips(target: Target, times: int, qos: int) -> list[float]:
    answered = asyncio.Event()

    def hear(_topic: str, _data: bytes) -> None:
        answered.set()

    def answer(_topic: str, data: bytes) -> None:
        answering.publish("response", data, qos)

    asking = await LeanClient.connect(target.port, "asking", "-", hear)
    answering = await LeanClient.connect(target.port, "answering", "-", answer)
    await answering.subscribe("request", qos)
    await asking.subscribe("response", qos)
    waits = []
    for _ in range(times):
        answered.clear()
        start = time.perf_counter()
        asking.publish("request", PAYLOAD, qos)
        async with asyncio.timeout(10):
            await answered.wait()
        waits.append(time.perf_counter() - start)
    _close([asking, answering])
    return waits


def _percentiles(name: str, seconds: Sequence[float]) -> Results:
    ordered = sorted(seconds)
    return {
        f"{name} p50": statistics.median(ordered) * 1000,
        f"{name} p99": ordered[int(len(ordered) * 0.99)] * 1000,
    }


async def fan_out(target: Target, size: Size) -> Results:
    """Measure one to many, QoS 0: deliveries a second."""
    heard = 0
    sent = 0

    def hear(_topic: str, _data: bytes) -> None:
        nonlocal heard
        heard += 1
        top_up()

    def top_up() -> None:
        nonlocal sent
        while sent * size.fans - heard < _FAN_OUT_AT_ONCE * size.fans:
            sent += 1
            publisher.publish("fan/out", PAYLOAD, 0)

    publisher = await LeanClient.connect(target.port, "publisher", "-")
    fans = [await LeanClient.connect(target.port, f"fan{number}", "-", hear) for number in range(size.fans)]
    for fan in fans:
        await fan.subscribe("fan/out", 0)
    top_up()
    rate = await measure(target, size.seconds, lambda: heard)
    _close([publisher, *fans])
    return rate.figures("fan")


async def beside_others(target: Target, size: Size) -> Results:
    """Measure QoS 0 throughput while others hold subscriptions that do not match."""
    found: Results = {}
    others: list[LeanClient] = []
    for number in size.others:
        while len(others) * _FILTERS_EACH < number:
            other = await LeanClient.connect(target.port, f"other{len(others)}", "-")
            for each in range(_FILTERS_EACH):
                await other.subscribe(f"devices/d{len(others) * _FILTERS_EACH + each}/session", 0)
            others.append(other)
        found |= (await stream(target, size.seconds, 0)).figures(f"beside {number}")
    _close(others)
    return found


class Device:
    """A connection with a subscription of its own."""

    def __init__(self, number: int) -> None:
        self.topic = f"devices/d{number}/session"
        self.heard = asyncio.Event()
        self.client: LeanClient | None = None

    async def connect(self, port: int, name: str) -> None:
        """Connect and subscribe."""
        self.client = await LeanClient.connect(port, name, "-", lambda _topic, _data: self.heard.set(), Hello(name))
        await self.client.subscribe(self.topic, 0)


async def many(target: Target, size: Size, number: int) -> Results:
    """Measure connections with a subscription each: until all are in, memory, delivery with few and many, goodbye."""
    devices = [Device(each) for each in range(number)]
    publisher = await LeanClient.connect(target.port, "publisher", "-")
    before, start = resident(target.pid), time.perf_counter()
    await _connect(target, devices[:10])
    took = time.perf_counter() - start
    few = await _deliveries(publisher, devices[:10], size.trips)
    start = time.perf_counter()
    await _connect(target, devices[10:])
    took += time.perf_counter() - start
    memory = (resident(target.pid) - before) / number
    found = {f"in {number}": took, f"KiB {number}": memory}
    found |= _percentiles(f"few {number}", few)
    found |= _percentiles(f"deliver {number}", await _deliveries(publisher, devices, size.trips))
    clients = [device.client for device in devices if device.client is not None]
    found[f"out {number}"] = await _goodbye(clients) / number * 1e6
    publisher.close()
    return found


async def _connect(target: Target, devices: Iterable[Device]) -> None:
    waiting = iter(devices)

    async def work() -> None:
        for device in waiting:
            await device.connect(target.port, device.topic.replace("/", "-"))

    async with asyncio.TaskGroup() as group:
        for _ in range(_CONNECTING_AT_ONCE):
            group.create_task(work())


async def _deliveries(publisher: LeanClient, devices: Sequence[Device], times: int) -> list[float]:
    """Return the seconds from publish to receipt, one message at a time, each to another device."""
    dice, waits = random.Random(0), []
    for _ in range(times):
        device = dice.choice(devices)
        device.heard.clear()
        start = time.perf_counter()
        publisher.publish(device.topic, PAYLOAD, 0)
        async with asyncio.timeout(30):
            await device.heard.wait()
        waits.append(time.perf_counter() - start)
    return waits


async def _goodbye(clients: Sequence[LeanClient]) -> float:
    """Say goodbye to all; return the seconds until the broker has closed the last connection."""
    start = time.perf_counter()
    for client in clients:
        client.goodbye()
    for client in clients:
        await client.gone.wait()
    return time.perf_counter() - start


def _close(clients: Iterable[LeanClient]) -> None:
    for client in clients:
        client.close()


def medians(runs: Sequence[Mapping[str, float]]) -> Results:
    """Return the median of each figure."""
    return {name: statistics.median(run[name] for run in runs if name in run) for run in runs for name in run}
