"""Conditions and windows are read as people write them, and are shown so that they can be read again."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.features.triggers.plan import Condition, Day, Operator, Window
from backend.features.triggers.plan_text import (
    condition_text,
    read_condition,
    read_window,
    value_of,
    value_text,
    window_text,
)

ORDERED = (">", ">=", "<", "<=")
FIELDS = ("$.temperature", "temperature", "$['a > b'].c", "$.list[3].y", "$.a[0]['in it\\'s']", "$")
NUMBERS = st.integers(-1000, 1000) | st.floats(-1e9, 1e9)
PLAIN = st.none() | st.booleans() | NUMBERS | st.text()
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """Return any condition there may be."""
    operator: Operator = draw(st.sampled_from(get_args(Operator)))
    given: dict[str, Any] = {"field": draw(st.sampled_from(FIELDS)), "op": operator}
    if operator in ORDERED:
        given["value"] = draw(NUMBERS)
        far = draw(st.none() | st.floats(0, 100))
        if far is not None:
            given["until"] = float(given["value"]) - far if operator in (">", ">=") else float(given["value"]) + far
    else:
        given["value"] = draw(st.lists(JSON) if operator == "in" else JSON)
    return Condition.model_validate(given)


@given(conditions())
def test_what_is_shown_of_a_condition_is_read_again(condition: Condition) -> None:
    assert read_condition(condition_text(condition)) == condition


@given(st.builds(Window, days=st.lists(st.sampled_from(get_args(Day))).map(tuple), begin=CLOCKS, end=CLOCKS))
def test_what_is_shown_of_a_window_is_read_again(window: Window) -> None:
    again = read_window(window_text(window))
    assert (set(again.days), again.begin, again.end) == (set(window.days), window.begin, window.end)


@given(JSON)
def test_what_is_shown_of_a_value_is_read_again(value: Any) -> None:
    assert value_of(value_text(value)) == value


@pytest.mark.parametrize(
    ("text", "field", "operator", "value", "until"),
    [
        ("$.temperature > 30 until 28", "$.temperature", ">", 30, 28),
        ("$.temperature<=-1.5", "$.temperature", "<=", -1.5, None),
        ("  state = on ", "state", "==", "on", None),
        ("$.state == on until 5", "$.state", "==", "on until 5", None),
        ('$.state != "1"', "$.state", "!=", "1", None),
        ("$.state == two words", "$.state", "==", "two words", None),
        ("$.occupied", "$.occupied", "==", True, None),
        ("$.zones contains yard", "$.zones", "contains", "yard", None),
        ("$.zone in yard, street,7", "$.zone", "in", ["yard", "street", 7], None),
        ("$.zone in yard", "$.zone", "in", ["yard"], None),
        ('$.zone in ["a, b"]', "$.zone", "in", ["a, b"], None),
        ("$.code exists", "$.code", "exists", True, None),
        ("$.code exists false", "$.code", "exists", False, None),
        ("$['x == y'] > 1", "$['x == y']", ">", 1, None),
    ],
)
def test_a_condition_is_read(text: str, field: str, operator: Operator, value: Any, until: float | None) -> None:
    assert read_condition(text) == Condition(field=field, op=operator, value=value, until=until)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no JSON path"),
        ("> 3", "is no JSON path"),
        ("$.t >", "there is nothing after >"),
        ("$.t in", "there is nothing after in"),
        ("$.t > warm", "> compares with a number"),
        ("$.t > 30 until", "> compares with a number"),
        ("$.t > 30 until cool", "Input should be a valid number"),
        ("$.t > 30 until 31", "until lies on the other side"),
        ("$.t > NaN", "> compares with a number"),
        ("$.t < 1e999", "< compares with a number"),
        ("$.t => 3", "is no JSON path"),
        ("$.t[ > 3", "is no JSON path"),
    ],
)
def test_what_is_wrong_with_a_condition_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="FIELD OP VALUE") as error:
        read_condition(text)
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("text", "days", "begin", "end", "shown"),
    [
        ("mon-fri 08:00-18:00", "mon tue wed thu fri", "08:00", "18:00", "mon-fri 08:00-18:00"),
        ("Sat, Sun", "sat sun", "00:00", "00:00", "sat,sun"),
        ("22:00-6:00", "", "22:00", "06:00", "22:00-06:00"),
        ("fri-mon 8:00-24:00", "mon fri sat sun", "08:00", "00:00", "mon,fri-sun 08:00-00:00"),
        ("wed,mon-tue,tue 00:00-12:00", "mon tue wed", "00:00", "12:00", "mon-wed 00:00-12:00"),
        ("08:00-18:00 tue", "tue", "08:00", "18:00", "tue 08:00-18:00"),
        ("00:00-00:00", "", "00:00", "00:00", "00:00-00:00"),
        ("mon-sun", "mon tue wed thu fri sat sun", "00:00", "00:00", "mon-sun"),
    ],
)
def test_a_window_is_read(text: str, days: str, begin: str, end: str, shown: str) -> None:
    window = read_window(text)
    assert (" ".join(window.days), window.begin, window.end) == (days, begin, end)
    assert window_text(window) == shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no window"),
        ("mon tue", "is no window"),
        ("08:00-09:00 10:00-11:00", "is no window"),
        ("monday", "'monday' is no day"),
        ("mon-", "'mon-' is no day"),
        ("8-18", "'8-18' is no time"),
        ("08:00", "'08:00' is no time"),
        ("08:00-25:00", "String should match pattern"),
        ("mon,,tue", "'' is no day"),
    ],
)
def test_what_is_wrong_with_a_window_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"HH:MM|no day") as error:
        read_window(text)
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("on", "on"), ("1", 1), ('"1"', "1"), ("true", True), ("[1, 2]", [1, 2]), ("", ""), ("Infinity", "Infinity")],
)
def test_a_value_is_json_or_text(text: str, value: Any) -> None:
    assert value_of(text) == value
