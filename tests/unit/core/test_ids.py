"""One rule for every name that may stand in a topic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.ids import MAX_ID, device_id, is_id

FIRST = set("abcdefghijklmnopqrstuvwxyz0123456789")


@pytest.mark.parametrize("text", ["a", "0", "a-b_c", "esp32-a4cf128b3f9e", "a" * MAX_ID, "1--", "9_"])
def test_ids(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-a",
        "_a",
        "A",
        "a b",
        "a/b",
        "a+",
        "#",
        "$a",
        "ä",
        "a\n",
        "\na",
        "a\0",
        "a.b",
        "a" * (MAX_ID + 1),
        "\u0663",
        "\u017f",
    ],
)
def test_what_is_no_id(text: str) -> None:
    assert not is_id(text)


@given(st.text(st.sampled_from("ab09-_A/+#$.\n\0é"), max_size=70))
def test_is_id_agrees_with_a_naive_reading_of_the_rule(text: str) -> None:
    naive = 1 <= len(text) <= 63 and text[0] in FIRST and set(text) <= FIRST | set("-_")
    assert is_id(text) is naive


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A4:CF:12:8B:3F:9E", "esp32-a4cf128b3f9e"),
        ("a4-cf-12-8b-3f-9e", "esp32-a4cf128b3f9e"),
        ("A4CF128B3F9E", "esp32-a4cf128b3f9e"),
        ("  A4:CF:12:8B:3F:9E\n", "esp32-a4cf128b3f9e"),
        ("3F2504E0-4F89-11D3-9A0C-0305E82C3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("Lab scale 1", "lab-scale-1"),
        ("Küche", "kuche"),
        ("3D printer (left)", "3d-printer-left"),
        ("esp32-a4cf128b3f9e", "esp32-a4cf128b3f9e"),
        ("a__b", "a__b"),
        ("3d-01", "3d-01"),
        ("be-ad-12", "be-ad-12"),
        ("2026-11-22", "2026-11-22"),
        ("Shed: left", "shed-left"),
    ],
)
def test_device_ids(text: str, expected: str) -> None:
    assert device_id(text) == expected


@pytest.mark.parametrize("text", ["", "   ", "---", "日本", "a" * 64, "/#+$"])
def test_what_makes_no_device_id(text: str) -> None:
    with pytest.raises(ValueError, match="makes no id"):
        device_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "A4:CF:12:8B:3F",
        "A4:CF:12:8B:3F:9E:11",
        "A4:CF:12:8B:3F:9",
        "A4:CF:12:8B:3F:9EE",
        "A4:CF:12:8B:3F:9G",
        "A4:CF:12:8B:3F:O1",
        "A4:CF:12:8B:3F:",
        " a4:cf:12 ",
        "A4-CF-12-8B-3F",
        "A4 CF 12 8B 3F",
        "a4:cf:12:8b:3f:9e:00:01",
    ],
)
def test_a_mistyped_mac_does_not_become_a_name(text: str) -> None:
    with pytest.raises(ValueError, match="seems to be a MAC, but a MAC has six pairs"):
        device_id(text)


@given(st.text(max_size=80))
def test_whatever_is_typed_makes_an_id_or_is_refused(text: str) -> None:
    try:
        made = device_id(text)
    except ValueError:
        return
    assert is_id(made)


@pytest.mark.parametrize(
    "text", ["A4:CF:12:8B:3F:9E", "A4 CF 12 8B 3F 9E", "a4:cf-12:8b-3f:9e", "-a4cf128b3f9e-", "x y"]
)
def test_the_id_of_an_id_is_itself(text: str) -> None:
    made = device_id(text)
    assert device_id(made) == made
