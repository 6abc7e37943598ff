"""What may be asked of a trigger, by whom, and with which answer."""

import json
from typing import Any

import pytest

from backend.core.principals import Principal
from backend.features.triggers.requests import MAX_SUBSCRIPTIONS
from tests.automation import Automation, profile
from tests.people import ALICE, BOB, BOT, CAROL, EARS, ROOT, SCALE
from tests.unit.features.triggers.conftest import PROFILES, TRIGGERS


def code(house: Automation, who: Principal, action: str, /, trigger: str = "cam1", **keys: Any) -> str:
    return str(house.asks(who, trigger, action, **keys)["code"])


def subscribe(house: Automation, who: Principal = ALICE, /, **keys: Any) -> str:
    return code(house, who, "subscribe", **{"profile": "guard", "mode": "monitoring", **keys})


@pytest.mark.parametrize("who", [ALICE, ROOT, BOT])
def test_participants_subscribe_in_their_own_name(house: Automation, who: Principal) -> None:
    assert subscribe(house, who) == "subscribed"
    assert house.document("cam1", "guard")["owner"] == who.name
    house.says("cam1")
    assert house.shell.taken[0].context.owner == who.name


@pytest.mark.parametrize("who", [EARS, SCALE])
def test_others_do_not(house: Automation, who: Principal) -> None:
    assert subscribe(house, who) == "forbidden"
    assert not house.trigger("cam1").subscriptions


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"trigger": "nowhere"}, "unknown_trigger"),
        ({"profile": "nothing"}, "unknown_profile"),
        ({"profile": ""}, "bad_message"),
        ({"mode": "often"}, "bad_message"),
        ({"mode": "one_shot", "every_s": 5}, "bad_message"),
        ({"every_s": 0}, "bad_message"),
        ({"every_s": 0.05}, "bad_message"),
        ({"most": 0}, "bad_message"),
        ({"when": [{"field": "$.t", "op": ">", "value": "warm"}]}, "bad_message"),
        ({"when": [{"field": "$.t", "op": ">", "value": 5, "until": 6}]}, "bad_message"),
        ({"windows": [{"begin": "25:00"}]}, "bad_message"),
        ({"config": {"text": "x" * 9_000}}, "bad_message"),
        ({"trigger": "bell"}, "bad_message"),
        ({"trigger": "bell", "mode": "one_shot", "for_s": 5}, "bad_message"),
        ({"trigger": "bell", "mode": "one_shot"}, "subscribed"),
    ],
)
def test_what_cannot_be_subscribed(house: Automation, keys: dict[str, Any], expected: str) -> None:
    before = house.house.everything()["triggers"]
    assert subscribe(house, **keys) == expected
    assert (house.house.everything()["triggers"] == before) is (expected != "subscribed")


def test_who_misspells_a_key_is_told(house: Automation) -> None:
    when = [{"field": "$.t", "opp": ">", "value": 30}]
    reply = house.asks(ALICE, "cam1", "subscribe", profile="guard", mode="monitoring", id="1", cooldwon_s=60, when=when)
    assert (reply["code"], sorted(reply["ignored"])) == (
        "subscribed",
        ["cooldwon_s: did you mean cooldown_s?", "when.0.opp: did you mean op?"],
    )
    for given, why in (
        ({"cooldwon_s": 60}, "there is no 'cooldwon_s' in it: did you mean cooldown_s?"),
        ({"when": when}, "there is no 'when.0.opp' in it: did you mean op?"),
    ):
        refused = house.asks(ALICE, "cam1", "change", profile="guard", set=given)
        assert (refused["code"], refused["message"]) == ("bad_message", why)


def test_a_trigger_has_so_many_subscriptions_at_most(house: Automation) -> None:
    names = [f"p{number}" for number in range(MAX_SUBSCRIPTIONS + 1)]
    house.defines(TRIGGERS, dict.fromkeys(names, profile("start")))
    assert [subscribe(house, profile=name) for name in names] == ["subscribed"] * MAX_SUBSCRIPTIONS + ["too_many"]
    assert subscribe(house, profile=names[-1], trigger="cam10") == "subscribed"


ASKED = [
    ("change", {"set": {"max_s": 5.0}}, "changed"),
    ("stop", {}, "run_stopped"),
    ("unsubscribe", {}, "unsubscribed"),
]


@pytest.mark.parametrize(("action", "keys", "yes"), ASKED)
def test_owners_and_admins_decide_on_a_subscription(
    house: Automation, action: str, keys: dict[str, Any], yes: str
) -> None:
    assert code(house, ALICE, action, profile="guard", **keys) == "not_subscribed"
    for who in (ALICE, ROOT):
        subscribe(house)
        for other in (BOB, CAROL, BOT):
            assert code(house, other, action, profile="guard", **keys) == "forbidden"
        assert code(house, who, action, profile="guard", **keys) == yes


@pytest.mark.parametrize(("action", "keys", "_yes"), ASKED)
def test_one_that_leaves_is_not_to_be_changed(house: Automation, action: str, keys: dict[str, Any], _yes: str) -> None:
    subscribe(house)
    house.says("cam1")
    assert code(house, ALICE, "unsubscribe", profile="guard") == "unsubscribed"
    assert code(house, ALICE, action, profile="guard", **keys) == "not_subscribed"


def test_who_asks_for_what_cannot_be_is_told_where_it_is(house: Automation) -> None:
    wrong = {"profile": "guard", "mode": "one_shot", "every_s": 5}
    assert house.asks(ALICE, "cam1", "subscribe", **wrong)["message"] == "subscribe: every_s goes with monitoring only"
    subscribe(house)
    given = {"windows": [{"begin": "25:00"}]}
    assert house.asks(ALICE, "cam1", "change", profile="guard", set=given)["message"].startswith("windows.0.begin: ")


@pytest.mark.parametrize(
    "given",
    [
        {"often": True},
        {"profile": "lamp"},
        {"mode": "one_shot"},
        {"every_s": -1},
        {"when": [{"field": "$[?@.a]"}]},
        {"enabled": "maybe"},
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(house: Automation, given: dict[str, Any]) -> None:
    subscribe(house, every_s=5.0)
    before = house.subscription("cam1", "guard")
    assert code(house, ALICE, "change", profile="guard", set=given) == "bad_message"
    assert house.subscription("cam1", "guard") == before


def test_a_pulse_cannot_be_made_to_be_monitored(house: Automation) -> None:
    assert subscribe(house, trigger="bell", mode="one_shot") == "subscribed"
    for given in ({"mode": "monitoring"}, {"for_s": 3.0}):
        assert code(house, ALICE, "change", trigger="bell", profile="guard", set=given) == "bad_message"


def test_the_configuration_is_told_to_the_owner_and_admins_only(house: Automation) -> None:
    subscribe(house, config={"token": "secret"}, every_s=5.0)
    subscribe(house, BOB, profile="greeter", mode="one_shot")
    for who, knows in ((ALICE, True), (ROOT, True), (BOB, False), (CAROL, False)):
        told = house.asks(who, "cam1", "list")
        assert (told["ok"], told["code"]) == (True, "subscriptions")
        assert [(each["profile"], each["owner"]) for each in told["subscriptions"]] == [
            ("greeter", "bob"),
            ("guard", "alice"),
        ]
        assert told["subscriptions"][1]["plan"]["every_s"] == 5.0
        assert ("secret" in json.dumps(told)) is knows
    assert told["profiles"] == {"greeter": "greeter", "guard": "guard", "lamp": "The lamp", "siren": "siren"}
    assert "secret" not in json.dumps(house.retained)


def test_an_answer_that_was_lost_is_given_again_and_nothing_happens(house: Automation) -> None:
    answers = [
        house.asks(ALICE, "cam1", "subscribe", profile="guard", mode="monitoring", id="once")["code"] for _ in range(2)
    ]
    assert answers == ["subscribed", "subscribed"]
    assert len([each for each in house.events if each["event"] == "subscribed"]) == 1


def test_stopped_begins_again_with_the_next_activation(house: Automation) -> None:
    subscribe(house)
    house.says("cam1")
    house.does()
    assert code(house, ALICE, "stop", profile="guard") == "run_stopped"
    house.does_everything()
    assert (house.document("cam1", "guard")["state"], house.document("cam1", "guard")["reason"]) == (
        "terminated",
        "stopped",
    )
    house.says("cam1")
    house.passes(60)
    assert house.phases("cam1", "guard") == ["start", "end"], "it is the same activation"
    house.says("cam1", active=False)
    house.says("cam1")
    assert house.phases("cam1", "guard") == ["start", "end", "start"]


def test_stopped_forgets_what_waits_and_says_so(house: Automation) -> None:
    subscribe(house, trigger="bell", profile="lamp", mode="one_shot", run="queued")
    for _ in range(4):
        house.says("bell")
    assert house.document("bell", "lamp")["waiting"] == 3
    assert code(house, ALICE, "stop", trigger="bell", profile="lamp") == "run_stopped"
    house.does_everything()
    assert house.counts("bell", "lamp")["dropped"] == {"stopped": 3}
    assert house.document("bell", "lamp")["waiting"] == 0
    house.says("bell")
    assert house.phases("bell", "lamp") == ["start", "end", "start"]


def test_a_subscription_to_what_is_active_already_begins_at_once(house: Automation) -> None:
    house.says("cam1")
    subscribe(house)
    assert house.phases("cam1", "guard") == ["start"]


def test_what_is_refused_is_told_with_the_name_of_who_has_it(house: Automation) -> None:
    subscribe(house)
    assert "alice" in house.asks(BOB, "cam1", "subscribe", profile="guard", mode="one_shot")["message"]
    assert "alice" in house.asks(BOB, "cam1", "stop", profile="guard")["message"]
    assert house.asks(BOB, "cam1", "unsubscribe", profile="lamp")["message"] == "lamp is not subscribed to cam1"


def test_profiles_are_those_of_the_operator(house: Automation) -> None:
    house.defines(TRIGGERS, {**PROFILES, "new": {**profile("start"), "name": "A new one"}})
    assert house.asks(ALICE, "cam1", "list")["profiles"]["new"] == "A new one"
    assert subscribe(house, profile="new") == "subscribed"
