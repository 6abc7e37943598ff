"""Whether the conditions of a subscription are met, as the data of its trigger come in."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, repeat
from operator import ge, gt, le, lt
from typing import Any

from backend.features.triggers.paths import found
from backend.features.triggers.plan import Condition
from backend.features.triggers.values import number, same

_ORDERS: Mapping[str, Callable[[float, float], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}


def met(conditions: Sequence[Condition], before: tuple[bool, ...], data: Mapping[str, Any]) -> tuple[bool, ...]:
    """Return for each condition whether it is met now; *before*: whether it was, if that is known yet.

    Of several values that a path finds, one that fits is enough; of ``!=`` all must differ.
    """
    were = chain(before, repeat(object=False))
    return tuple(_is_met(condition, was, data) for condition, was in zip(conditions, were, strict=False))


def _is_met(condition: Condition, was: bool, data: Mapping[str, Any]) -> bool:  # noqa: FBT001 - one of a pair
    values = found(condition.field, data)
    if condition.op == "exists":
        return bool(values) == bool(condition.value)
    if not values:
        return was
    if condition.op == "!=":
        return not any(same(value, condition.value) for value in values)
    return any(_fits(condition, value, was) for value in values)


def _fits(condition: Condition, value: Any, was: bool) -> bool:  # noqa: FBT001
    wanted: Any = condition.value
    match condition.op:
        case "in":
            return any(same(value, each) for each in wanted)
        case "contains":
            return _contains(value, wanted)
        case ">" | ">=" | "<" | "<=":
            return _is_beyond(condition, value, was)
        case _:
            return same(value, wanted)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return any(same(each, wanted) for each in value)
    return isinstance(value, str) and isinstance(wanted, str) and wanted in value


def _is_beyond(condition: Condition, value: Any, was: bool) -> bool:  # noqa: FBT001
    """Compare numbers; what was met stays so until the value is beyond ``until``."""
    reading, limit = number(value), number(condition.value)
    if reading is None or limit is None:
        return False
    if _ORDERS[condition.op](reading, limit):
        return True
    if not was or condition.until is None:
        return False
    return reading >= condition.until if condition.op.startswith(">") else reading <= condition.until
