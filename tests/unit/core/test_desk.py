"""A desk keeps machines, alarms and what changed, and can make everything not have happened."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.desk import Desk, Effect
from backend.core.effects import Publish


@dataclass(frozen=True)
class Egg:
    """Boils until its alarm rings."""

    key: str
    rings_at: float | None = None
    rung: int = 0
    notes: int = 0


@dataclass(frozen=True)
class Boil:
    key: str
    until: float | None


@dataclass(frozen=True)
class Note:
    """Something that need not survive a restart."""

    key: str


def step(egg: Egg, event: object, now: float) -> tuple[Egg, list[Effect]]:
    effects: list[Effect] = []
    if egg.rings_at is not None and egg.rings_at <= now:
        egg = replace(egg, rings_at=None, rung=egg.rung + 1)
        effects.append(Publish(egg.key, None))
    match event:
        case Boil(until=until):
            egg = replace(egg, rings_at=until)
        case Note():
            egg = replace(egg, notes=egg.notes + 1)
    return egg, effects


def keys(event: object, _known: Iterable[str]) -> list[str]:
    assert isinstance(event, Boil | Note)
    return [event.key]


def kitchen() -> Desk[Egg]:
    return Desk(
        name="kitchen",
        events=(Boil, Note),
        fresh=Egg,
        keys=keys,
        step=step,
        until=lambda egg: egg.rings_at,
        project=lambda egg, _now: [Publish(egg.key, None, retain=True)],
        durable=lambda egg: (egg.rings_at, egg.rung),
    )


def test_an_alarm_rings_once_and_not_early() -> None:
    desk = kitchen()
    desk.handle(Boil("a", 10.0), 0.0)
    assert desk.deadline() == 10.0
    assert desk.tick(9.9) == []
    assert desk.tick(10.0) == [Publish("a", None)]
    assert desk.tick(11.0) == []
    assert desk.deadline() is None


@pytest.mark.parametrize(("first", "then", "rings"), [(10.0, 20.0, 20.0), (20.0, 10.0, 10.0), (10.0, None, None)])
def test_an_alarm_that_was_set_anew_rings_at_the_newer_time_only(
    first: float, then: float | None, rings: float | None
) -> None:
    desk = kitchen()
    desk.handle(Boil("a", first), 0.0)
    desk.handle(Boil("a", then), 1.0)
    rang = [now for now in range(30) if desk.tick(float(now))]
    assert rang == ([] if rings is None else [rings])


def test_an_alarm_of_the_past_rings_at_the_next_tick() -> None:
    desk = kitchen()
    desk.handle(Boil("a", 3.0), 5.0)
    assert desk.tick(5.0) == [Publish("a", None)]


def test_what_was_loaded_rings_and_is_projected() -> None:
    desk = kitchen()
    desk.load({"a": Egg("a", 10.0), "b": Egg("b")})
    assert desk.deadline() == 10.0
    assert desk.changed() == {}
    assert list(desk.projection(0.0)) == [Publish("a", None, retain=True), Publish("b", None, retain=True)]


def test_what_changed_since_the_last_commit_is_told_and_what_only_looks_so_is_not() -> None:
    desk = kitchen()
    desk.handle(Boil("a", 10.0), 0.0)
    assert desk.changed() == {"a": Egg("a", 10.0)}
    desk.committed()
    assert desk.changed() == {}
    desk.handle(Note("a"), 1.0)
    assert desk.changed() == {}, "a note need not be stored"
    desk.handle(Boil("a", 20.0), 1.0)
    desk.handle(Boil("a", 10.0), 1.0)
    assert desk.changed() == {}, "it is as it was"
    desk.handle(Note("b"), 1.0)
    assert desk.changed() == {"b": Egg("b", notes=1)}, "a new machine is always stored"


def test_what_was_rolled_back_did_not_happen() -> None:
    desk = kitchen()
    desk.handle(Boil("a", 10.0), 0.0)
    desk.committed()
    desk.handle(Boil("a", 50.0), 1.0)
    desk.handle(Boil("b", 5.0), 1.0)
    desk.tick(60.0)
    desk.roll_back()
    assert desk.states == {"a": Egg("a", 10.0)}
    assert desk.changed() == {}
    assert desk.deadline() in (5.0, 10.0), "early at worst"
    assert desk.tick(9.0) == []
    assert desk.tick(10.0) == [Publish("a", None)]


def test_rolling_back_twice_or_after_a_commit_changes_nothing() -> None:
    desk = kitchen()
    desk.handle(Boil("a", 10.0), 0.0)
    desk.committed()
    desk.roll_back()
    desk.roll_back()
    assert desk.states == {"a": Egg("a", 10.0)}


eggs = st.sampled_from("abc")
moments = st.none() | st.integers(0, 30).map(float)
moves = st.lists(
    st.one_of(
        st.builds(Boil, eggs, moments),
        st.builds(Note, eggs),
        st.integers(0, 5).map(float),  # so much time passes
        st.sampled_from(["commit", "roll back"]),
    ),
    max_size=30,
)


@given(moves)
def test_alarms_are_never_late_and_ring_as_in_a_naive_kitchen(history: list[Boil | Note | float | str]) -> None:
    """The naive kitchen looks at every egg at every moment."""
    desk, now = kitchen(), 0.0
    naive: dict[str, Egg] = {}
    stored: dict[str, Egg] = {}
    for move in history:
        match move:
            case float():
                now += move
                rang = [key for key, egg in naive.items() if egg.rings_at is not None and egg.rings_at <= now]
                assert sorted(publish.topic for publish in desk.tick(now) if isinstance(publish, Publish)) == sorted(
                    rang
                )
                naive = {key: step(egg, None, now)[0] for key, egg in naive.items()}
            case "commit":
                desk.committed()
                stored = dict(naive)
            case "roll back":
                desk.roll_back()
                naive = dict(stored)
            case Boil() | Note():
                desk.handle(move, now)
                naive[move.key] = step(naive.get(move.key, Egg(move.key)), move, now)[0]
        assert desk.states == naive
        due = [egg.rings_at for egg in naive.values() if egg.rings_at is not None]
        deadline = desk.deadline()
        assert not due or (deadline is not None and deadline <= min(due))
        assert desk.changed() == {
            key: egg
            for key, egg in naive.items()
            if key not in stored or desk.durable(egg) != desk.durable(stored[key])
        }


def test_what_looks_otherwise_is_told_once_however_much_happened() -> None:
    desk = kitchen()
    desk.renew = lambda before, after: [Publish(f"{after.key}/{before.notes}-{after.notes}", None)]
    for key in ("a", "a", "b", "a"):
        desk.handle(Note(key), 0.0)
    assert [publish.topic for publish in desk.documents()] == ["a/0-3", "b/0-1"]
    desk.committed()
    assert list(desk.documents()) == []
    desk.handle(Note("a"), 0.0)
    assert [publish.topic for publish in desk.documents()] == ["a/3-4"]
    desk.roll_back()
    assert list(desk.documents()) == []


def test_what_is_over_is_forgotten_once_that_is_stored() -> None:
    desk = replace(kitchen(), is_over=lambda egg: egg.rung == 1, mentions=lambda egg: (egg.key.upper(),))
    desk.handle(Boil("a", 10.0), 0.0)
    desk.handle(Boil("b", 20.0), 0.0)
    assert desk.over() == []
    desk.committed()
    desk.tick(10.0)
    assert desk.over() == ["a"]
    desk.roll_back()
    assert desk.over() == []
    assert desk.states["a"] == Egg("a", 10.0), "it could not be stored"
    desk.tick(10.0)
    desk.committed()
    assert desk.states == {"b": Egg("b", 20.0)}
    assert (desk.mentioning("A"), desk.mentioning("B"), desk.over()) == ([], ["b"], [])
    desk.handle(Boil("a", 30.0), 11.0)
    assert desk.changed() == {"a": Egg("a", 30.0)}, "another one of that name"
    assert desk.tick(30.0) == [Publish("b", None), Publish("a", None)]
