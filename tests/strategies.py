"""What Hypothesis makes up for the tests."""

import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

# Of the histories of devices and people.
devices = st.sampled_from(["scale-1", "scale-1", "scale-1", "printer-1"])  # a crowd meets more than two loners
moments = st.sampled_from([1, 1, 2, 3, 4, 6, 20])
usually = st.sampled_from([True, True, True, False])
later = st.sampled_from([0, 0, 0, 1, 2, 3])
off_by = st.sampled_from([0, 0, 0, -1, 1])


def histories(number: int) -> settings:
    """Return how to look at that *number* of histories of 40 steps; `make search` looks at many times as many."""
    times = int(os.environ.get("TALKSTICK_SEARCH", "1"))
    return settings(max_examples=number * times, stateful_step_count=40, deadline=None)


_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
)

json_values = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=6
)


def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects such as people and boards may send."""
    return st.dictionaries(_TEXT, json_values, max_size=4)
