"""The judge of the storm, against what a device wrote in which something was made wrong."""

import json
from collections.abc import Callable

import pytest

from tests.firmware.boards import Json
from tests.firmware.judge import Judge

TOPIC = "devices/besieged"


def session(fence: int, *, in_use: bool = True, name: str = "one") -> Json:
    document = {"fence": fence, "in_use": in_use, "session": name if in_use else None}
    return {"event": "got", "topic": f"{TOPIC}/session", "payload": json.dumps(document), "retained": True}


def told(name: str, fence: int, *, retained: bool = False) -> Json:
    payload = json.dumps({"fence": fence})
    return {"event": "got", "topic": f"{TOPIC}/command/{name}", "payload": payload, "retained": retained}


def obeyed(name: str, fence: int) -> Json:
    return {"did": "command", "name": name, "fence": fence}


def switched(fence: int, *, on: bool) -> Json:
    return {"did": "output", "name": "relay", "on": on, "safe": not on, "fence": fence}


def good() -> list[Json]:
    """Two sessions, a command in each, an old one that is refused, and a connection that was lost between them."""
    return [
        switched(0, on=False),
        {"event": "connected"},
        session(4),
        {"did": "work", "fence": 4},
        told("go", 4),
        obeyed("go", 4),
        told("switch", 4),
        switched(4, on=True),
        {"event": "lost"},
        {"event": "connected"},
        session(4),
        session(4, in_use=False),
        switched(4, on=False),
        session(5, name="two"),
        {"did": "work", "fence": 5},
        told("go", 4),
        told("go", 5),
        obeyed("go", 5),
        {"ended": -9},
    ]


def judged(*boots: list[Json]) -> Judge:
    judge = Judge("besieged")
    for lines in boots:
        judge.boot(lines)
    return judge


def test_what_is_right_is_right() -> None:
    judge = judged(good(), [{"event": "connected"}, session(6), told("go", 6), obeyed("go", 6)])
    assert judge.complaints == []
    assert (judge.acts, judge.refused, judge.connections, judge.highest) == (3, 1, 3, 6)


def at(lines: list[Json], wanted: Json) -> int:
    return lines.index(wanted)


def obeys_the_old_one(lines: list[Json]) -> None:
    lines.insert(at(lines, told("go", 5)), obeyed("go", 4))


def takes_the_old_one_for_new(lines: list[Json]) -> None:
    lines.insert(at(lines, told("go", 5)), obeyed("go", 5))


def obeys_nobody(lines: list[Json]) -> None:
    lines.remove(told("go", 5))


def obeys_what_was_kept(lines: list[Json]) -> None:
    lines[at(lines, told("go", 5))] = told("go", 5, retained=True)


def obeys_before_it_knows(lines: list[Json]) -> None:
    where = len(lines) - 1 - lines[::-1].index({"event": "connected"})
    lines[where + 1 : where + 1] = [told("go", 4), obeyed("go", 4)]


def obeys_while_nobody_uses_it(lines: list[Json]) -> None:
    lines.insert(at(lines, session(5, name="two")), told("go", 4))
    lines.insert(at(lines, session(5, name="two")), obeyed("go", 4))


def stays_on(lines: list[Json]) -> None:
    del lines[at(lines, session(4, in_use=False)) + 1]


def stays_on_for_the_next(lines: list[Json]) -> None:
    where = at(lines, session(4, in_use=False))
    del lines[where : where + 2]


def works_for_an_old_one(lines: list[Json]) -> None:
    lines[at(lines, {"did": "work", "fence": 5})] = {"did": "work", "fence": 4}


def is_switched_by_another_command(lines: list[Json]) -> None:
    lines[at(lines, told("switch", 4))] = told("go", 4)


def believes_a_fence_that_fell(lines: list[Json]) -> None:
    lines[-1:] = [{"event": "connected"}, session(4), {"did": "work", "fence": 4}]


@pytest.mark.parametrize(
    "spoil",
    [
        obeys_the_old_one,
        takes_the_old_one_for_new,
        obeys_nobody,
        obeys_what_was_kept,
        obeys_before_it_knows,
        obeys_while_nobody_uses_it,
        stays_on,
        stays_on_for_the_next,
        works_for_an_old_one,
        is_switched_by_another_command,
        believes_a_fence_that_fell,
    ],
)
def test_what_is_wrong_is_found(spoil: Callable[[list[Json]], None]) -> None:
    lines = good()
    spoil(lines)
    assert judged(lines).complaints != []


def test_a_fence_that_was_known_before_the_power_went_is_not_forgotten() -> None:
    assert judged(good(), [{"event": "connected"}, session(4), told("go", 4), obeyed("go", 4)]).complaints != []
