"""Tells the features every few seconds what can only be counted out here."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from backend.core.facts import AccountsConnected, BrokerCounted, Fact
from backend.core.measures import Measured
from backend.core.principals import Principal, Role
from backend.shell.inbox import Inbox


def of_broker(
    figures: Mapping[str, int], connected: Collection[str], lookup: Callable[[str], Principal | None]
) -> tuple[BrokerCounted, AccountsConnected]:
    """Return what the embedded broker has to do, and for whom."""
    roles = Counter(who.role for name in connected if (who := lookup(name)) is not None)
    listeners, devices = roles[Role.LISTENER], roles[Role.DEVICE]
    users = roles.total() - listeners - devices - roles[Role.CLAIM]
    counted = BrokerCounted(**figures, users=users, listeners=listeners, devices=devices)
    return counted, AccountsConnected(frozenset(connected))


async def count(
    broker: Callable[[], Sequence[Fact]], measured: Callable[[], Measured], inbox: Inbox, every_s: float
) -> None:
    """Count until cancelled. *broker* tells what it can; one that is not embedded, nothing."""
    while True:
        for fact in broker():
            inbox.add(fact)
        inbox.add(measured())
        await asyncio.sleep(every_s)
