"""Tells the features every few seconds what can only be counted out here."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from backend.core.facts import BrokerCounted, Measured
from backend.core.principals import Principal, Role
from backend.features.channels.feature import Relay
from backend.shell.inbox import Inbox
from backend.shell.meter import Meter


def broker_counted(
    figures: Mapping[str, int], connected: Iterable[str], lookup: Callable[[str], Principal | None]
) -> BrokerCounted:
    """Return what the embedded broker has to do, and for whom."""
    roles = Counter(who.role for name in connected if (who := lookup(name)) is not None)
    listeners, devices = roles[Role.LISTENER], roles[Role.DEVICE]
    return BrokerCounted(**figures, users=roles.total() - listeners - devices, listeners=listeners, devices=devices)


async def count(
    broker: Callable[[], BrokerCounted | None],
    meter: Meter,
    relay: Relay,
    inbox: Inbox,
    now: Callable[[], float],
    every_s: float,
) -> None:
    """Count until cancelled. *broker* returns None where it is not embedded."""
    while True:
        counted = broker()
        if counted is not None:
            inbox.add(counted)
        inbox.add(Measured(meter.counts(), relay.counts(now()), dict(relay.rejected)))
        await asyncio.sleep(every_s)
