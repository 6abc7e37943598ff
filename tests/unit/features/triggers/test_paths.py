"""Paths lead where RFC 9535 says, and nobody can write one that takes long."""

import json
import timeit
from typing import Any

import jsonpath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.routing import parse_json
from backend.features.triggers.paths import MAX_FOUND, MAX_STEPS, check_path, found


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("$", {"a": 1}, [{"a": 1}]),
        ("a.b", {"a": {"b": 0}}, [0]),
        ("$.a[*]", {"a": [1, None]}, [1, None]),
        ("$.a[-1]", {"a": [1, 2]}, [2]),
        ("$['x y']", {"x y": True}, [True]),
        ("$..id", {"id": 1, "in": [{"id": 2}]}, [1, 2]),
        ("$.a", [1], []),
        ("$.a[0]", {"a": "text is no list"}, []),
        ("$", "text", ["text"]),
        ("$", '{"a": 1}', ['{"a": 1}']),
        ("$.a", '{"a": 1}', []),
        ("$.a", None, []),
        ("$.a[0:1]", {"a": "text is no list"}, []),
        ("$.a[::0]", {"a": [1, 2]}, []),
        ("$.a[::-1]", {"a": [1, 2]}, [2, 1]),
        ("$..*", {"a": [1, {"b": 2}]}, [[1, {"b": 2}], 1, {"b": 2}, 2]),
    ],
)
def test_a_path_finds(path: str, data: object, expected: list[object]) -> None:
    check_path(path)
    assert found(path, data) == expected


@pytest.mark.parametrize(
    "path",
    ["", "[", "$.a & $.b", "$[?@.a]", "$[?match(@, '(a+)+b')]", "$['a','b']", "$..a..b", "$.~", "$" + ".a" * 13],
)
def test_what_is_no_path_or_may_take_long_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"is no JSON path|has "):
        check_path(path)


def test_as_many_steps_as_promised() -> None:
    check_path("$" + "[*]" * MAX_STEPS)


def test_a_path_through_everything_takes_no_longer_than_to_read_the_message() -> None:
    data = {"a": [[0] for _ in range(4000)]}
    text = json.dumps(data)
    reading = min(timeit.repeat(lambda: parse_json(text.encode()), number=5, repeat=3))
    following = min(timeit.repeat(lambda: found("$..*", data), number=5, repeat=3))
    assert len(found("$..*", data)) == MAX_FOUND
    assert following < 10 * reading, "anybody may subscribe with eight of these, and they hold up everybody"


_NAMES = ("a", "b", "")
_NESTED = st.recursive(
    st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_NAMES), inner),
)


@given(
    st.lists(st.sampled_from([".a", "['b']", "['']", "[0]", "[*]", ".*", "[-1]", "[0:1]", "..a"]), max_size=4),
    st.dictionaries(st.sampled_from(_NAMES), _NESTED) | st.lists(_NESTED, max_size=2),
)
def test_every_path_finds_what_the_library_finds(steps: list[str], data: Any) -> None:
    path = "$" + "".join(steps)
    assert found(path, data) == jsonpath.findall(path, data)
