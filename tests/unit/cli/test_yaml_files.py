"""YAML is read as people mean it, and written so that it is read again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cli.yaml_files import YamlError, read, written

# PyYAML folds the line ends that only Unicode knows.
TEXTS = st.text(st.characters(exclude_characters="\x85\u2028\u2029", exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(-1e12, 1e12) | TEXTS
WORDS = st.sampled_from(
    ["ON", "off", "yes", "22:00", "010", "0o7", "1e3", "1_000", "2024-01-01", "~", "=", "<<", "0x1"]
)
JSON = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS | WORDS, inner),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS | WORDS, JSON))
def test_what_is_written_is_read_again(data: dict[str, Any]) -> None:
    assert read(written(data)) == data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ON", "ON"),
        ("off", "off"),
        ("no", "no"),
        ("true", True),
        ("False", False),
        ("22:00", "22:00"),
        ("22:00:30", "22:00:30"),
        ("2024-01-01", "2024-01-01"),
        ("010", "010"),
        ("-12", -12),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("+.5", 0.5),
        ("", None),
        ("~", None),
        ("[a, 1]", ["a", 1]),
    ],
)
def test_words_are_words_and_times_are_no_numbers(text: str, value: Any) -> None:
    assert read(f"key: {text}") == {"key": value}


def test_a_file_that_says_nothing_is_an_empty_mapping() -> None:
    assert read("# nothing yet\n") == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "no YAML"),
        ("a: 1\nb: 2\na: 3", "'a' comes twice"),
        ("a: {b: 1, b: 2}", "'b' comes twice"),
        ("a: !!python/object:os.system {}", "no YAML"),
        ("- a", "no mapping of names"),
        ("1: a", "no mapping of names"),
        ("? [a]\n: b", "no YAML"),
        ("text", "no mapping of names"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(YamlError, match=why):
        read(text)


def test_a_merged_key_may_be_said_again() -> None:
    assert read("base: &base {a: 1, b: 2}\nmine: {<<: *base, b: 3}")["mine"] == {"a": 1, "b": 3}
