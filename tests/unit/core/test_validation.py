"""What is wrong with what somebody wrote is told with its place, and with the key that may have been meant."""

import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from backend.core.messages import Message
from backend.core.validation import checked, unknown_keys


class Point(Message):
    at: float
    height: float | None = None


class Walk(Message):
    do: Literal["walk"]
    along: tuple[Point, ...] = Field(default=(), strict=False)


class Wait(Message):
    do: Literal["wait"]
    seconds: float = 1.0


class Journey(Message):
    steps: tuple[Annotated[Walk | Wait, Field(discriminator="do")], ...] = Field(default=(), strict=False)
    aim: Point | None = None
    person: str = Field(default="", alias="for")
    notes: dict[str, Any] = Field(default={})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"stepps": []}, "there is no 'stepps' in it: did you mean steps?"),
        ({"something": 1}, "there is no 'something' in it"),
        ({"person": "alice"}, "there is no 'person' in it"),
        ({"fro": "alice"}, "there is no 'fro' in it: did you mean for?"),
        ({"aim": {"at": 1.0, "heigth": 2.0}}, "there is no 'aim.heigth' in it: did you mean height?"),
        ({"aim": {"att": 1.0}}, "there is no 'aim.att' in it: did you mean at?"),
        ({"steps": [{"do": "wait", "second": 2.0}]}, "there is no 'steps.0.wait.second' in it: did you mean seconds?"),
        ({"steps": [{"do": "walk", "second": 2.0}]}, "there is no 'steps.0.walk.second' in it"),
        (
            {"steps": [{"do": "walk", "along": [{"at": 1.0, "hight": 2.0}]}]},
            "there is no 'steps.0.walk.along.0.hight' in it: did you mean height?",
        ),
        ({"steps": [{"do": "run"}]}, "steps.0: there is no 'run', only 'walk', 'wait'"),
        ({"steps": [{}]}, "steps.0: `do` is missing"),
        ({"steps": {}}, "steps: a list, please"),
        ({"aim": {}}, "aim.at: Field required"),
    ],
)
def test_what_is_wrong_is_told(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        checked(Journey, given)


def test_what_is_right_is_taken() -> None:
    given = {"steps": [{"do": "wait", "seconds": 2.0}], "for": "alice", "notes": {"any": {"key": 1}}}
    assert checked(Journey, given) == Journey.model_validate(given)


def test_keys_that_there_are_not_are_found_in_what_is_valid() -> None:
    given = {
        "stepps": [],
        "steps": [{"do": "wait"}, {"do": "walk", "along": [{"at": 1.0, "heigth": 2.0}]}],
        "aim": {"at": 1.0, "x": 1},
        "for": "alice",
        "notes": {"any": 1},
    }
    assert unknown_keys(Journey.model_validate(given), given) == (
        "stepps: did you mean steps?",
        "steps.1.along.0.heigth: did you mean height?",
        "aim.x",
    )
    assert unknown_keys(Journey(), {}) == ()


def test_of_many_and_long_ones_only_some_are_told() -> None:
    given = {f"{number}{'x' * 1000}": 1 for number in range(1000)}
    told = unknown_keys(Journey(), given)
    assert [each[0] for each in told] == ["0", "1", "2", "3", "4"]
    assert {len(each) for each in told} == {40}
