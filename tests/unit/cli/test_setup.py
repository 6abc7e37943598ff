"""A file of triggers, profiles and subscriptions: what it tells, and what it takes to make that so."""

from collections.abc import Mapping
from typing import Any

import pytest

from backend.cli.setup import (
    Setup,
    Subscribed,
    Subscriptions,
    as_written,
    definition_steps,
    read_setup,
    subscription_steps,
)
from backend.features.triggers.plan import Condition, Plan, Window
from backend.shell.triggers import Put, TriggerError

ONCE, FIRST = Plan(mode="one_shot"), ("hall", "greeter")
PLANNED = Plan(
    mode="monitoring",
    every_s=5.0,
    when=(Condition(field="$.lux", op="<", value=20, until=30),),
    windows=(Window(days=("mon", "tue"), begin="08:00", end="18:00"),),
    config={"room": "hall"},
)
TOLD = {
    "profiles": {"greeter": {"name": "Greeter"}, "watcher": None},
    "triggers": {
        "hall": {
            "owner": "pir-1",
            "profiles": {
                "greeter": {"mode": "one_shot"},
                "watcher": {
                    "owner": "alice",
                    "mode": "monitoring",
                    "every_s": 5,
                    "when": "$.lux < 20 until 30",
                    "windows": [{"days": ["mon", "tue"], "begin": "08:00", "end": "18:00"}],
                    "config": {"room": "hall"},
                },
            },
        },
        "door": None,
    },
}
SETUP = Setup(
    {"greeter": {"name": "Greeter"}, "watcher": {}},
    {"hall": {"owner": "pir-1"}, "door": {}},
    {FIRST: Subscribed(ONCE), ("hall", "watcher"): Subscribed(PLANNED, "alice")},
)


def asked(known: Subscriptions, me: str = "admin", *, prune: bool = False) -> list[tuple[str, str]]:
    """Return what would be done to subscriptions."""
    steps = subscription_steps(SETUP, known, me, prune=prune)
    return [(step.verb, f"{step.trigger}/{step.name}") for step in steps]


def test_what_is_told_is_read() -> None:
    assert read_setup(TOLD) == SETUP
    assert read_setup({}) == Setup({}, {}, {})


def test_what_is_written_is_read_again_and_nothing_is_left_to_do() -> None:
    written = as_written(SETUP)
    assert written["triggers"]["hall"]["profiles"]["watcher"]["when"] == ["$.lux < 20 until 30"]
    assert written["triggers"]["hall"]["profiles"]["watcher"]["windows"] == ["mon,tue 08:00-18:00"]
    again = read_setup(written)
    assert again == SETUP
    stored = {"profile": again.profiles, "trigger": again.triggers}
    assert list(definition_steps(again, stored, prune=True)) == []  # type: ignore[arg-type]
    known = {key: Subscribed(each.plan, each.owner or "admin") for key, each in again.subscriptions.items()}
    assert list(subscription_steps(again, known, "admin", prune=True)) == []


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"trigger": {}}, "there is no 'trigger' in such a file, but profiles and triggers"),
        ({"triggers": ["hall"]}, "triggers: names, please"),
        ({"triggers": {"hall": "pir-1"}}, "triggers: hall: no mapping"),
        ({"triggers": {"hall": {"profiles": {1: {}}}}}, "trigger hall: profiles: 1: no mapping"),
        ({"triggers": {"hall": {"profiles": {"a": {}}}}}, "trigger hall: profile a: mode: Field required"),
        ({"triggers": {"hall": {"profiles": {"a": {"mode": "twice"}}}}}, "profile a: mode: Input should be"),
        (
            {"triggers": {"hall": {"profiles": {"a": {"mode": "one_shot", "evry_s": 1}}}}},
            "no 'evry_s' in it: did you mean every_s",
        ),
        ({"triggers": {"hall": {"profiles": {"a": {"mode": "one_shot", "every_s": 1}}}}}, "profile a: every_s goes"),
        ({"triggers": {"hall": {"profiles": {"a": {"mode": "one_shot", "when": ["$.t >"]}}}}}, "FIELD OP VALUE"),
        ({"triggers": {"hall": {"profiles": {"a": {"mode": "one_shot", "when": 5}}}}}, "profile a: when: a list"),
        ({"triggers": {"hall": {"profiles": {"a": {"mode": "one_shot", "windows": "noon"}}}}}, "'noon' is no day"),
        ({"triggers": {"hall": {"profiles": {"a": {"mode": "one_shot", "owner": 5}}}}}, "owner: a name, please"),
        ({"triggers": {"hall": {"kind": "pulse", "profiles": {"a": {"mode": "monitoring"}}}}}, "a pulse has no end"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(told: Mapping[str, Any], why: str) -> None:
    with pytest.raises(TriggerError, match=why):
        read_setup(told)


def test_only_what_differs_is_put() -> None:
    stored: Any = {"profile": {"greeter": {"name": "Old"}, "other": {}}, "trigger": {"hall": {"owner": "pir-1"}}}
    steps = list(definition_steps(SETUP, stored, prune=True))
    assert [step.put for step in steps] == [
        Put("profile", "greeter", {"name": "Greeter"}),
        Put("profile", "watcher", {}),
        Put("profile", "other", None),
        Put("trigger", "door", {}),
    ]
    assert [step.text(dry=False) for step in steps] == [
        "changed profile greeter",
        "added profile watcher",
        "removed profile other",
        "added trigger door",
    ]
    assert steps[0].record() == {"did": "changed", "profile": "greeter"}
    assert [step.name for step in definition_steps(SETUP, stored, prune=False)] == ["greeter", "watcher", "door"]


def test_a_subscription_is_made_changed_and_ended() -> None:
    assert asked({}, "alice") == [("subscribe", "hall/greeter"), ("subscribe", "hall/watcher")]
    same = Subscribed(PLANNED, "alice")
    known = {FIRST: Subscribed(PLANNED, "bob"), ("hall", "watcher"): same, ("door", "greeter"): same}
    assert asked(known) == [("change", "hall/greeter")], "whoever subscribed: an admin may"
    assert asked(known, prune=True) == [("change", "hall/greeter"), ("unsubscribe", "door/greeter")]
    (step,) = subscription_steps(SETUP, {**known, FIRST: Subscribed(ONCE, "bob")}, "admin", prune=True)
    assert step.body == {"action": "unsubscribe", "profile": "greeter"}
    assert step.text(dry=True) == "would unsubscribe greeter from door"


def test_what_a_changed_one_says_no_more_is_back_at_its_default() -> None:
    (step, _) = subscription_steps(SETUP, {FIRST: Subscribed(PLANNED, "admin")}, "alice", prune=False)
    assert step.body is not None
    assert Plan.model_validate({**PLANNED.model_dump(mode="json"), **step.body["set"]}) == ONCE


def test_with_a_profile_that_is_removed_its_subscriptions_go_by_themselves() -> None:
    known = {**SETUP.subscriptions, ("hall", "old"): Subscribed(ONCE, "admin")}
    assert asked({**known, FIRST: Subscribed(ONCE, "admin")}, prune=True) == []


def test_nobody_subscribes_in_the_name_of_somebody_else() -> None:
    steps = list(subscription_steps(SETUP, {}, "admin", prune=False))
    assert [step.verb for step in steps] == ["subscribe", "leave"]
    assert steps[1].body is None
    assert steps[1].text(dry=False) == "left watcher of hall: alice has to subscribe; or use --as"
    known = {FIRST: Subscribed(ONCE, "bob"), ("hall", "watcher"): Subscribed(ONCE, "bob")}
    (step,) = subscription_steps(SETUP, known, "admin", prune=False)
    assert step.record() == {"did": "left", "profile": "watcher", "trigger": "hall", "note": "it is bob's"}
