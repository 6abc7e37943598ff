"""Values are the same where people would say so."""

from typing import Any

import pytest
from hypothesis import given

from backend.features.triggers.values import number, same
from tests.strategies import json_values


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        ("1", 1),
        ("21.50", 21.5),
        (" 7 ", 7),
        ("True", True),
        ("false", False),
        ("ON", "ON"),
        ([1, "2"], ["1", 2]),
        ({"a": [True]}, {"a": ["true"]}),
        (None, None),
    ],
)
def test_the_same(one: Any, other: Any) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (False, 0),
        ("1", True),
        ("on", "ON"),
        ("1", "1.0"),
        (None, ""),
        (None, "null"),
        (None, False),
        (0, ""),
        ([1], 1),
        ([True], [1]),
        ({"a": 1}, {"b": 1}),
        ("nan", "NaN"),
        (10**400, 1.0),
        ("1_000", 1000),
        ([], {}),
    ],
)
def test_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert not same(other, one)


@given(json_values, json_values)
def test_it_matters_not_which_comes_first(one: Any, other: Any) -> None:
    assert same(one, one)
    assert same(one, other) == same(other, one)


@pytest.mark.parametrize("value", [True, None, "", "on", "nan", "inf", "1_0", "1e999", [1], {}, float("nan")])
def test_what_is_no_number(value: Any) -> None:
    assert number(value) is None
