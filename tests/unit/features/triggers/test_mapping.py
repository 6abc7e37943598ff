"""What other systems really send becomes active, inactive, or neither."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.messages import json_size
from backend.core.refusals import Code, Refused
from backend.features.triggers.definitions import Source
from backend.features.triggers.mapping import MAX_DATA, sensed
from tests.strategies import json_values


def source(**given_: Any) -> Source:
    return Source.model_validate({"topic": "any/topic", **given_})


def active(payload: object, **given_: Any) -> bool | None:
    said = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return sensed(source(**given_), said)[0]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"ON", True),
        (b"OFF", False),
        (b'"on"', True),
        (b"true", True),
        (b"False", False),
        (b"1", True),
        (b"0", False),
        (b"0.0", False),
        (b"2", True),
        (b"Online", True),
        (b"offline", False),
        (b"lost", False),
        (b"disconnected", False),
        (b"open", True),
        (b"CLOSED", False),
        (b"not_home", False),
        (b"home", True),
        (b" Not detected\n", False),
        (b"[]", False),
        (b'["porch"]', True),
        (b"null", None),
        (b"None", None),
        (b"unavailable", None),
        (b"", None),
        (b"04A3B2C1", None),
        (b"NaN", None),
        (b"1e999", None),
        (b"{}", True),
        (b'{"anything": false}', True),
    ],
)
def test_what_is_usual_without_any_configuration(payload: bytes, expected: bool | None) -> None:
    assert sensed(source(), payload)[0] is expected


def test_the_data_are_the_object_or_the_value() -> None:
    assert sensed(source(), b"motion")[1] == {"value": "motion"}
    assert sensed(source(), b"21.5")[1] == {"value": 21.5}
    assert sensed(source(), b"[1]")[1] == {"value": [1]}
    assert sensed(source(path="$.occupancy"), b'{"occupancy": false, "battery": 97}') == (
        False,
        {"occupancy": False, "battery": 97},
    )


def test_zigbee2mqtt() -> None:
    pir = {"path": "$.occupancy"}
    assert active({"occupancy": True, "linkquality": 72}, **pir) is True
    assert active({"occupancy": False, "linkquality": 72}, **pir) is False
    assert active({"battery": 97}, **pir) is None
    assert active({"occupancy": None}, **pir) is None  # not known since it started
    door = {"path": "$.contact", "active": [False]}
    assert active({"contact": False}, **door) is True
    assert active({"contact": True}, **door) is False
    button = {"path": "$.action", "active": ["single", "double"]}
    assert active({"action": "single"}, **button) is True
    assert active({"action": ""}, **button) is False


def test_frigate() -> None:
    event = {"path": "$.type", "active": ["new", "update"], "inactive": ["end"]}
    assert [active({"type": kind, "before": {}, "after": {}}, **event) for kind in ("new", "update", "end")] == [
        True,
        True,
        False,
    ]
    zones = {"path": "$.after.current_zones[*]", "active": ["porch"]}
    assert active({"after": {"current_zones": ["yard", "porch"]}}, **zones) is True
    assert active({"after": {"current_zones": ["yard"]}}, **zones) is False
    assert active({"after": {"current_zones": []}}, path="$.after.current_zones") is False
    assert active(b"3") is True  # frigate/porch/person counts


def test_both_lists_leave_other_values_alone() -> None:
    cover = {"active": ["open"], "inactive": ["closed"]}
    assert [active(state, **cover) for state in ("open", "opening", "closed")] == [True, None, False]
    assert active("opening", active=["open"]) is False
    assert active("opening", inactive=["closed"]) is None
    assert active("on", inactive=["closed"]) is True


def test_values_compare_as_people_mean_them() -> None:
    assert active({"state": "1"}, path="$.state", active=[1]) is True
    assert active({"state": 1}, path="$.state", active=["1"]) is True
    assert active({"state": True}, path="$.state", active=[1]) is False
    assert active({"state": None}, path="$.state", active=["on"], inactive=[None]) is False


def test_any_word_activates_a_pulse_but_those_that_say_no() -> None:
    tag = source(path="$.uid")
    assert sensed(tag, b'{"uid": "04A3B2C1"}', "pulse")[0] is True
    assert sensed(tag, b'{"uid": ""}', "pulse")[0] is None
    assert sensed(tag, b'{"battery": 9}', "pulse")[0] is None
    assert sensed(source(), b"released", "pulse")[0] is False
    assert sensed(source(), b"single", "pulse")[0] is True


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\xff\xfe", Code.BAD_MESSAGE),
        (b'{"a": ', Code.BAD_JSON),
        (b" [1,", Code.BAD_JSON),
        (b'{"a": NaN}', Code.BAD_JSON),
        (b"[" * 40 + b"]" * 40, Code.BAD_JSON),
        (b"x" * (MAX_DATA + 1), Code.TOO_LARGE),
        (b"\x01" * (MAX_DATA // 2), Code.TOO_LARGE),  # as JSON each is six bytes
    ],
)
def test_what_cannot_be_read_is_refused(payload: bytes, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        sensed(source(), payload)
    assert refused.value.code is code


@given(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()), st.booleans())
def test_whatever_comes_is_read_or_refused(payload: bytes, has_path: bool) -> None:
    code = None
    try:
        state, data = sensed(source(path="$..a" if has_path else None), payload)
    except Refused as refused:
        code = refused.code
    if code is None:
        assert state in (True, False, None)
        assert json_size(data) <= MAX_DATA
    assert code in (None, Code.BAD_JSON, Code.BAD_MESSAGE)
