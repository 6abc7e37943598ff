"""What is measured of requests, and what is counted for the features."""

import asyncio
from collections.abc import Sequence

import pytest

from backend.app.table import TABLE
from backend.core.engine import Arrived, Send
from backend.core.facts import AccountsConnected, BrokerCounted, Fact, FloorUsed, Resumed
from backend.core.measures import Measured
from backend.features.channels.feature import Relay
from backend.shell.clock import ticks
from backend.shell.counting import count, of_broker
from backend.shell.inbox import Inbox, Item
from backend.shell.meter import Meter
from backend.shell.outbox import Overheard
from backend.shell.relaying import Relaying
from tests.people import EVERYBODY
from tests.rig import WITHIN_S

REQUEST = "devices/scale-1/session/request/alice"
DOCUMENT = Send("channels/stage/session", b'{"holder":"alice","holder_name":"Alice","fence":3}', retain=True)
DATA = Arrived("channels/stage/data/alice", b"{}")


def test_requests_are_measured_by_action_from_their_arrival() -> None:
    meter, now = Meter(TABLE), ticks()
    meter.done([Arrived(REQUEST, b'{"action":"claim"}', at=now - late) for late in (1, 10, 60)])
    meter.done([Arrived("backend/request/root", b'{"action":"stats"}', at=now)])
    counts = meter.counts()
    assert set(counts) == {"claim", "stats"}
    claim = counts["claim"]
    assert (claim.count, claim.per_minute) == (3, 3)
    assert claim.p50_s is not None
    assert claim.p99_s is not None
    assert 10 <= claim.p50_s < 30
    assert claim.p99_s >= 60


@pytest.mark.parametrize(
    "item",
    [
        Arrived(REQUEST, b'{"action":"claim"}'),
        Arrived(REQUEST, b'{"action":"dance"}', at=0.0),
        Arrived(REQUEST, b'{"action":["claim"]}', at=0.0),
        Arrived(REQUEST, b"nonsense", at=0.0),
        Arrived("devices/scale-1/result", b'{"action":"claim"}', at=0.0),
        Arrived("nowhere", b'{"action":"claim"}', at=0.0),
        Resumed(),
    ],
)
def test_nothing_else_is_measured(item: Item) -> None:
    meter = Meter(TABLE)
    meter.done([item])
    assert meter.counts() == {}


def test_accounts_are_counted_by_what_they_are() -> None:
    figures = {"connections": 9, "sessions": 8, "retained": 7, "dropped": 6}
    connected = {"alice", "bob", "root", "bot", "ears", "scale-1", "printer-1", "removed"}
    counted = BrokerCounted(9, 8, 7, 6, users=4, listeners=1, devices=2)
    assert of_broker(figures, connected, EVERYBODY.get) == (counted, AccountsConnected(frozenset(connected)))


@pytest.mark.parametrize("told_by_broker", [(), (BrokerCounted(1, 1, 1, 1), AccountsConnected(frozenset()))])
def test_everything_is_told_again_and_again(told_by_broker: tuple[Fact, ...]) -> None:
    async def story() -> list[Item]:
        inbox = Inbox()
        counting = asyncio.create_task(count(lambda: told_by_broker, lambda: Measured({}, {}, {}), inbox, 0.001))
        told: list[Item] = []
        while len([fact for fact in told if isinstance(fact, Measured)]) < 2:
            told += await inbox.batch(10)
        counting.cancel()
        return told

    told = asyncio.run(asyncio.wait_for(story(), WITHIN_S))
    assert [fact for fact in told if not isinstance(fact, Measured)][: len(told_by_broker)] == list(told_by_broker)
    assert Measured({}, {}, {}) in told


def test_the_relay_hears_what_goes_out_and_the_inbox_what_was_used() -> None:
    class Outbox:
        async def send(self, sends: Sequence[Send]) -> bool:
            relayed = relaying.take(DATA)
            assert relayed is not None
            assert len(relayed) == 2, "the relay knows before the world does"
            sent.extend(sends)
            return True

    async def story() -> list[Item]:
        telling = asyncio.create_task(relaying.run())
        await Overheard(Outbox(), relay.learn).send([DOCUMENT])
        told = await inbox.batch(10)
        relaying.take(DATA)
        told += await inbox.batch(10)
        telling.cancel()
        return told

    inbox, sent = Inbox(), list[Send]()
    relay = Relay(lambda _channel: 10.0)
    relaying = Relaying(relay, inbox, ticks)
    begun = ticks()
    assert asyncio.run(asyncio.wait_for(story(), WITHIN_S)) == [FloorUsed("channels/stage", 3)] * 2
    assert ticks() - begun >= 0.9, "the second was told a second after the first"
    assert sent == [DOCUMENT]
