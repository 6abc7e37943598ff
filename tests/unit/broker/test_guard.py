"""Only the holder commands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.guard import refusal
from tests.strategies import json_objects

DOCUMENT = json.dumps({"holder": "alice", "fence": 42, "in_use": True}).encode()
FREE = json.dumps({"holder": None, "fence": 42, "in_use": False}).encode()


def test_the_holder_with_the_fence_of_the_session_passes() -> None:
    assert refusal(DOCUMENT, "alice", b'{"fence":42,"grams":5}') is None


@pytest.mark.parametrize("name", ["bob", "", "Alice", "None", "null"])
def test_nobody_else_passes(name: str) -> None:
    assert refusal(DOCUMENT, name, b'{"fence":42}') == "not_holder"


@pytest.mark.parametrize("document", [None, b"", FREE, b"{}", b"[]", b"null", b"nonsense", b"\xff", b"[" * 100_000])
def test_without_a_document_that_names_a_holder_nobody_passes(document: bytes | None) -> None:
    assert refusal(document, "alice", b'{"fence":42}') == "not_holder"


@pytest.mark.parametrize("fence", ["41", "43", "-42"])
def test_any_other_fence_is_stale(fence: str) -> None:
    assert refusal(DOCUMENT, "alice", f'{{"fence":{fence}}}'.encode()) == "stale_fence"


@pytest.mark.parametrize("fence", ["42.0", '"42"', "null", "true", "[42]", "{}", "4200e-2", "42.00000000000000001"])
def test_what_is_no_integer_is_no_fence(fence: str) -> None:
    assert refusal(DOCUMENT, "alice", f'{{"fence":{fence}}}'.encode()) == "bad_message"


def test_a_command_needs_a_fence_even_if_the_document_has_none() -> None:
    assert refusal(DOCUMENT, "alice", b"{}") == "bad_message"
    assert refusal(b'{"holder":"alice"}', "alice", b"{}") == "bad_message"
    assert refusal(b'{"holder":"alice","fence":null}', "alice", b'{"fence":null}') == "bad_message"
    assert refusal(b'{"holder":"alice","fence":true}', "alice", b'{"fence":true}') == "bad_message"


@pytest.mark.parametrize(
    "command",
    [
        b"",
        b"42",
        b"[]",
        b'{"fence":42',
        b'{"fence":42}x',
        b"\xff",
        b'{"a":' + b"[" * 100_000,
        b'{"fence":' + b"9" * 10_000 + b"}",
        b'{"fence":42,"a":NaN}',
        b'{"fence":42,"a":Infinity}',
        b'\xef\xbb\xbf{"fence":42}',
        '{"fence":42}'.encode("utf-16"),
        '{"fence":42}'.encode("utf-32-le"),
    ],
)
def test_what_is_no_utf8_json_object_does_not_pass(command: bytes) -> None:
    assert refusal(DOCUMENT, "alice", command) == "bad_json"


@given(st.binary() | json_objects().map(lambda body: json.dumps(body).encode()), st.binary())
def test_garbage_never_passes_and_never_raises(document: bytes, command: bytes) -> None:
    assert refusal(document, "alice", b'{"fence":42}') == "not_holder"
    assert refusal(DOCUMENT, "alice", command) in ("bad_json", "bad_message", "stale_fence")


@given(json_objects(), st.integers(0, 2**70), st.integers(0, 2**70))
def test_free_keys_pass_with_the_right_fence_only(body: dict[str, object], fence: int, other: int) -> None:
    document = json.dumps({"holder": "alice", "fence": fence}).encode()
    command = json.dumps({**body, "fence": other}).encode()
    assert refusal(document, "alice", command) == (None if fence == other else "stale_fence")
