"""How devices are named by people, who never say ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.shell.voice.naming import Names
from backend.shell.voice.wording import fold, split
from tests.unit.shell.voice.world import LIBRARY, NAMES

KNOWN = Names(NAMES, LIBRARY.words, LIBRARY.fillers)


def meant(said: str, known: Names = KNOWN) -> set[str]:
    return set(known.meant(split(fold(said))))


@pytest.mark.parametrize(
    ("said", "devices"),
    [
        ("label printer", {"printer-1"}),
        ("printer", {"printer-1"}),
        ("printer 1", {"printer-1"}),
        ("printer one", {"printer-1"}),
        ("impresora uno", {"printer-1"}),
        ("lamp", {"kitchen-lamp", "lab-lamp"}),
        ("lights", set()),
        ("kitchen lamp", {"kitchen-lamp"}),
        ("lamp of the kitchen", {"kitchen-lamp"}),
        ("lámpara de la cocina", {"kitchen-lamp"}),
        ("lampara cocina", {"kitchen-lamp"}),
        ("scale", {"scale-1", "scale-2"}),
        ("scale 02", {"scale-2"}),
        ("balanza dos", {"scale-2"}),
        ("kitchen printer", set()),
        ("the", set()),
        ("toaster", set()),
        ("", set()),
    ],
)
def test_any_words_of_a_name_will_do_in_any_order_and_language(said: str, devices: set[str]) -> None:
    assert meant(said) == devices


def test_a_device_that_is_called_just_so_goes_before_those_that_have_more_words() -> None:
    known = Names({"lamp": "Lamp", "lamp-2": "Lamp 2"}, {}, ())
    assert meant("lamp", known) == {"lamp"}
    assert meant("lamp 2", known) == {"lamp-2"}


def test_names_are_found_within_a_text_without_the_articles_around_them() -> None:
    assert KNOWN.in_text("who has the kitchen lamp") == {
        "kitchen": {"kitchen-lamp"},
        "kitchen lamp": {"kitchen-lamp"},
        "lamp": {"kitchen-lamp", "lab-lamp"},
    }


@given(st.dictionaries(st.from_regex("[a-z][a-z0-9-]{0,8}", fullmatch=True), st.text(max_size=20), max_size=5))
def test_every_device_is_meant_by_its_id(devices: dict[str, str]) -> None:
    known = Names(devices, {}, ())
    for device in devices:
        assert device in meant(device, known)
