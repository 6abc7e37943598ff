"""Keep-alive (section 3.1.2.10). All that has to wait waits together, once for each broker."""

from collections.abc import Mapping
from time import monotonic

import pytest

from tests.conformance import packets
from tests.conformance.brokers import Broker
from tests.conformance.case import Case, corner, defect, proves
from tests.conformance.packets import Will
from tests.rig import WITHIN_S

KEEP_ALIVE_S = 4  # half as much again is what the test may be held up between two signs of life
BREATH_S = 0.2
SILENT = ("silent", "listening", "unfinished")

Ends = Mapping[str, float]


@pytest.fixture(scope="module")
def ends(broker: Broker) -> Ends:
    """Let some clients talk, and some be silent; return after how many seconds the broker ended which."""
    with corner(broker, WITHIN_S) as case:
        return _observe(case)


def _observe(case: Case) -> Ends:
    noise = case.topic("noise")
    watcher = case.watch(case.topic("will/+"))
    kept = dict.fromkeys((*SILENT, "pinging", "publishing"), KEEP_ALIVE_S) | {"unbound": 0}
    started = monotonic()
    clients = {
        who: case.connect(who, keep_alive=keep_alive, will=Will(case.topic(f"will/{who}"), who.encode()))
        for who, keep_alive in kept.items()
    }
    clients["listening"].subscribe((noise, 0))
    long_packet = packets.publish(noise, bytes(1000))
    over: dict[str, float] = {}
    while not over.keys() >= set(SILENT) and monotonic() < started + case.broker.closes_after_s:
        clients["pinging"].send(packets.PINGREQ)
        clients["publishing"].send(packets.publish(noise, b"1"))
        clients["unfinished"].send(long_packet[:10])
        long_packet = long_packet[10:]
        if (will := watcher.message_within(BREATH_S)) is not None:
            over[will.payload.decode()] = monotonic() - started
    return over


@defect(8)
@proves("3.1.2-24", "3.1.2-8")
def test_a_silent_client_is_closed_and_its_will_published(ends: Ends) -> None:
    assert "silent" in ends


@proves("3.1.2-24")
def test_a_client_has_half_as_much_time_again(ends: Ends) -> None:
    assert ends["silent"] > 1.4 * KEEP_ALIVE_S  # the broker's clock starts a moment later


@proves("3.1.2-24")
@pytest.mark.parametrize("who", ["listening", "unfinished"])
def test_neither_hearing_nor_half_a_packet_is_a_sign_of_life(ends: Ends, who: str) -> None:
    assert who in ends


@proves("3.1.2-23", "3.1.2-24", "3.12.4-1")
@pytest.mark.parametrize("who", ["pinging", "publishing"])
def test_any_packet_is_a_sign_of_life(ends: Ends, who: str) -> None:
    assert who not in ends


def test_a_client_without_keep_alive_may_be_silent(ends: Ends) -> None:
    assert "unbound" not in ends


@proves("3.12.4-1")
def test_each_ping_is_answered(case: Case) -> None:
    client = case.connect()
    client.send(*[packets.PINGREQ] * 5)
    for _ in range(5):
        client.answer(packets.Kind.PINGRESP)
    client.quiet()
