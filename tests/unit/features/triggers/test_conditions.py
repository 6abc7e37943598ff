"""Conditions hold as their field says, and stay as they were where it is missing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.features.triggers.conditions import met
from backend.features.triggers.plan import Condition
from tests.strategies import json_values

_OPERATORS = ["==", "!=", ">", ">=", "<", "<=", "in", "contains", "exists"]


def one(op: str, value: Any, data: dict[str, Any], *, field: str = "$.x", before: bool = False, **more: Any) -> bool:
    condition = Condition.model_validate({"field": field, "op": op, "value": value, **more})
    (result,) = met([condition], (before,), data)
    return result


@pytest.mark.parametrize(
    ("op", "value", "x", "expected"),
    [
        ("==", "on", "on", True),
        ("==", True, "true", True),
        ("==", True, 1, False),
        ("!=", 5, "5.0", False),
        ("!=", 5, 6, True),
        (">", 20, 20, False),
        (">", 20, "20.5", True),
        (">=", 20, 20, True),
        ("<", 20, 19, True),
        ("<=", 20, 20.0, True),
        (">", 5, "warm", False),
        ("<", 5, True, False),
        ("<", 5, None, False),
        ("<", 5, [1], False),
        ("in", ["a", 2], "2", True),
        ("in", ["a", 2], "b", False),
        ("contains", "por", "front porch", True),
        ("contains", "porch", ["porch", "yard"], True),
        ("contains", 2, ["1", "2"], True),
        ("contains", 2, "2", False),
        ("contains", "a", {"a": 1}, False),
        ("exists", True, None, True),
        ("exists", False, 0, False),
    ],
)
def test_a_field_is_compared(op: str, value: Any, x: Any, expected: bool) -> None:
    assert one(op, value, {"x": x}) is expected
    assert one(op, value, {"x": x}, before=not expected) is expected


@pytest.mark.parametrize("before", [True, False])
def test_a_missing_field_leaves_it_as_it_was(before: bool) -> None:
    assert all(one(op, [1] if op == "in" else 1, {"y": 1}, before=before) is before for op in _OPERATORS[:-1])
    assert one("exists", True, {"y": 1}, before=before) is False
    assert one("exists", False, {"y": 1}, before=before) is True


def test_of_several_values_one_that_fits_is_enough_and_all_must_differ() -> None:
    data = {"x": [{"n": 1}, {"n": 9}]}
    assert one(">", 5, data, field="$.x[*].n")
    assert one("==", 1, data, field="$.x[*].n")
    assert not one("!=", 1, data, field="$.x[*].n")
    assert one("!=", 2, data, field="$.x[*].n")


@pytest.mark.parametrize(
    ("op", "value", "until", "readings"),
    [
        (">", 30, 28, [(29, False), (30, False), (31, True), (29, True), (28, True), (27.9, False), (29, False)]),
        (">=", 30, 28, [(30, True), ("28", True), (27, False), (29.9, False)]),
        ("<", 5, 7, [(6, False), (4, True), (7, True), (7.1, False), (6, False)]),
        ("<=", 5, 7, [(5, True), (6, True), ("broken", False), (6, False)]),
    ],
)
def test_once_so_it_stays_so_until_it_is_beyond(
    op: str, value: float, until: float, readings: list[tuple[Any, bool]]
) -> None:
    is_so = False
    for reading, expected in readings:
        is_so = one(op, value, {"x": reading}, before=is_so, until=until)
        assert is_so is expected, reading


def test_what_is_not_known_yet_is_not_met() -> None:
    conditions = [Condition(field="a"), Condition(field="b"), Condition(field="c")]
    assert met(conditions, (), {"a": True}) == (True, False, False)
    assert met(conditions, (False, True), {"a": True}) == (True, True, False)
    assert met(conditions[:1], (False, True, True), {}) == (False,)
    assert met([], (True,), {"a": True}) == ()


@given(st.sampled_from(_OPERATORS), json_values, json_values, st.booleans())
def test_whatever_comes_is_judged(op: str, value: Any, x: Any, before: bool) -> None:
    if op in (">", ">=", "<", "<="):
        value = 5
    if op == "in":
        value = [value]
    assert one(op, value, {"x": x}, before=before) in (True, False)
    if op == "!=":
        assert one("!=", value, {"x": x}) is not one("==", value, {"x": x})
