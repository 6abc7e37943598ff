"""When two JSON values are the same to people: most senders write numbers and truth as text at some time."""

import math
from typing import Any


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values say the same: ``"21.50"`` is 21.5 and ``"True"`` is true, but true is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if isinstance(one, str):
        return _reads(one, other)
    if isinstance(other, str):
        return _reads(other, one)
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def number(value: Any) -> float | None:
    """Return the number that a JSON value is, or that a text spells; None: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int):
        return value  # maybe too large for a float, and it compares with one all the same
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) and "_" not in str(value) else None


def _reads(text: str, value: Any) -> bool:
    """Tell whether *text* spells a value that is no text."""
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    spelt, meant = number(text), number(value)
    return spelt is not None and spelt == meant
