"""What the benchmark of triggers calls a broken promise."""

from typing import Any

import pytest

from tools.trigger_bench import add_up
from tools.trigger_load import Onlooker, PromiseError

MONITORING, ONCE = ("flap-0", "telling-0"), ("flap-0", "nothing-0")


def _seen(monitoring: dict[str, Any], once: dict[str, Any]) -> Onlooker:
    """Return who saw these counts of two subscriptions, of which one monitors, and both are over."""
    seen = Onlooker()
    counts = {"activations": 25, "started": 20, "ended": 20, "coalesced": 0, "dropped": {}}
    for pair, mode, more in ((MONITORING, "monitoring", monitoring), (ONCE, "one_shot", once)):
        seen.documents[pair] = {"mode": mode, "state": "terminated", "counts": {**counts, **more}}
    return seen


BEFORE = {MONITORING: 5, ONCE: 5}


def test_every_message_counted_and_everything_that_began_is_over() -> None:
    add_up(_seen({}, {"coalesced": 3, "dropped": {"running": 2}}), BEFORE, 20)


@pytest.mark.parametrize(
    ("monitoring", "once", "what"),
    [
        ({"activations": 24}, {"coalesced": 5}, "flap-0/telling-0: activations: 19, not 20"),
        ({"ended": 19}, {"coalesced": 5}, "flap-0/telling-0: started and not ended: 1, not 0"),
        ({}, {"coalesced": 4}, "flap-0/nothing-0: activations that led to something: 24, not 25"),
    ],
)
def test_what_was_lost_or_left_over_is_a_broken_promise(
    monitoring: dict[str, Any], once: dict[str, Any], what: str
) -> None:
    with pytest.raises(PromiseError, match=what):
        add_up(_seen(monitoring, once), BEFORE, 20)
