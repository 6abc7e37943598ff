"""Rules: how one device or channel differs from all others."""

from dataclasses import fields, replace

import pytest

from backend.core.floors import Rule, rules_of
from backend.features.sessions.policy import (
    CHANNEL,
    Policy,
    PolicyError,
    check,
    effective,
    meanings,
    read_rule,
    rules_of_policy,
)

DEVICE, STAGE = "devices/scale-1", "channels/stage"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("lease_s=30", ("lease_s", 30.0)),
        ("lease_s=1e3", ("lease_s", 1000.0)),
        ("grace_s=0", ("grace_s", 0.0)),
        ("max_queue=5", ("max_queue", 5)),
        ("joins=true", ("joins", True)),
        ("joins=no", ("joins", False)),
        ("clean=always", ("clean", "always")),
    ],
)
def test_a_rule_is_read_with_the_type_of_its_field(text: str, rule: tuple[str, Rule]) -> None:
    assert read_rule(text) == rule
    assert type(read_rule(text)[1]) is type(rule[1])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lease_s", "not of the form"),
        ("=1", "no rule ''"),
        ("colour=red", "no rule 'colour'"),
        ("lease_s=", "lease_s: "),
        ("lease_s=0", "greater than 0"),
        ("lease_s=nan", "lease_s: "),
        ("lease_s=inf", "less than or equal"),
        ("max_queue=5.5", "valid integer"),
        ("joins=perhaps", "valid boolean"),
        ("take_over=anybody", "'never', 'admin' or 'priority'"),
    ],
)
def test_what_is_wrong_is_named(text: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        read_rule(text)


def test_rules_overrule_the_policy_and_unknown_ones_do_nothing() -> None:
    assert effective(Policy(), ()) == Policy()
    assert effective(Policy(), rules_of({"lease_s": 5.0, "of_tomorrow": 1})) == replace(Policy(), lease_s=5.0)
    assert dict(rules_of_policy(CHANNEL))["idle_s"] == 30.0


def test_rules_must_fit_each_other_and_the_floor() -> None:
    for floor, policy in ((DEVICE, Policy()), (STAGE, CHANNEL), (DEVICE, replace(Policy(), clean="always"))):
        check(floor, policy)
    with pytest.raises(PolicyError, match=r"lease_s \(90\) is longer than max_lease_s \(60.5\)"):
        check(DEVICE, replace(Policy(), lease_s=90.0, max_lease_s=60.5))
    with pytest.raises(PolicyError, match="no hardware"):
        check(STAGE, replace(CHANNEL, clean="always"))


def test_every_rule_says_what_it_is_about() -> None:
    assert list(meanings()) == [field.name for field in fields(Policy)]
    assert all(meanings().values())
