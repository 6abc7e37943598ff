"""How a floor is shared: the policy, and the rules by which one device or channel differs from all others."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from backend.core.clock import DAY_S
from backend.core.floors import Rule, Rules, is_channel

MAX_PRIORITY = 9

Seconds = Annotated[float, Field(gt=0, le=30 * DAY_S)]
SecondsOrNone = Annotated[float, Field(ge=0, le=30 * DAY_S)]
Count = Annotated[int, Field(ge=0, le=500)]


@dataclass(frozen=True, slots=True)
class Limits:
    """What each principal may do."""

    requests_per_minute: int = 600
    claims_per_minute: int = 120
    waits: int = 20
    """In how many queues at once."""


class PolicyError(ValueError):
    """A rule is not one, or has a wrong value, or does not fit another; the message says which, and why."""


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))
@dataclass(frozen=True, slots=True)
class Policy:
    """How a floor is shared. All times in seconds; 0 switches off what may be 0."""

    lease_s: Seconds = 60.0
    """How long a session lasts without renewal, unless the claim asks otherwise; `idle_s` may end it sooner."""
    max_lease_s: Seconds = 3600.0
    """The longest lease one may ask for."""
    max_length_s: Seconds = 4 * 3600.0
    """How long a session lasts at most, whatever is renewed."""
    idle_s: Seconds = 600.0
    """How long nothing may happen (no command, no input, no result, no data) while the lease is renewed."""
    linger_s: Seconds = 10.0
    """How long a completed session still shows its result before the next one is granted."""
    grace_s: SecondsOrNone = 15.0
    """How long a holder whose last client is lost, or whose device is lost, has to come back."""
    place_grace_s: SecondsOrNone = 0.0
    """How long one who waits keeps the place after the last client is lost."""
    cooling_s: SecondsOrNone = 0.0
    """How long nobody gets it after a session that was lost or ran out (lock-delay)."""
    restart_grace_s: Seconds = 15.0
    """How long a holder has at least to renew after the server was down."""
    offer_s: Seconds = 30.0
    """How long an offer to hand the session over stands."""
    clean: Literal["declared", "always", "never"] = "declared"
    """Whether the device must confirm `reset` before the next grant: if its info `declared` it, `always`, `never`."""
    take_over: Literal["never", "admin", "priority"] = "admin"
    """Who may take it from its holder: `never` (nobody), `admin`, or `priority` (a claim of a higher one, too)."""
    max_priority: Annotated[int, Field(ge=0, le=MAX_PRIORITY)] = 5
    """The highest priority one may ask for; admins and integrations may ask for 9."""
    ageing_s: Seconds = 300.0
    """The head start in the queue that each step of priority is worth."""
    max_queue: Count = 32
    """How many may wait."""
    joins: bool = False
    """Whether a claim waits unasked, and who loses the floor but does not give it back waits on."""
    data_per_s: Annotated[float, Field(gt=0, le=10_000)] = 50.0
    """How many data messages a second the sender of a channel may send on."""
    max_data: Annotated[int, Field(ge=2, le=96 * 1024)] = 64 * 1024
    """The size of the merged input, and of the merged output, as JSON, in bytes."""


CHANNEL = Policy(
    lease_s=3600.0,
    max_lease_s=DAY_S,
    max_length_s=DAY_S,
    idle_s=30.0,
    grace_s=0.0,
    place_grace_s=60.0,
    max_queue=24,  # with the sender, 25 participants
    joins=True,
)

_RULES: TypeAdapter[Any] = TypeAdapter(Policy)


@lru_cache(4096)
def effective(policy: Policy, rules: Rules) -> Policy:
    """Return the policy of one floor. A rule that no version of today knows is passed over."""
    known = {field.name for field in fields(Policy)}
    return replace(policy, **{name: value for name, value in rules if name in known})  # type: ignore[arg-type]


def read_rule(text: str) -> tuple[str, Rule]:
    """Return the name and the value of ``lease_s=30``. Raises PolicyError."""
    name, equals, value = text.partition("=")
    if not equals:
        raise PolicyError(f"{text!r} is not of the form NAME=VALUE")
    try:
        made = _RULES.validate_python({name: value})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "unexpected_keyword_argument":
            raise PolicyError(f"there is no rule {name!r}") from error
        raise PolicyError(f"{name}: {first['msg']}") from error
    rule: Rule = getattr(made, name)
    return name, rule


def check(floor: str, policy: Policy) -> None:
    """Insist that the rules of a floor fit each other. Raises PolicyError."""
    if policy.lease_s > policy.max_lease_s:
        raise PolicyError(f"lease_s ({policy.lease_s:g}) is longer than max_lease_s ({policy.max_lease_s:g})")
    if policy.clean == "always" and is_channel(floor):
        raise PolicyError("clean: a channel has no hardware that could confirm anything")


def meanings() -> dict[str, str]:
    """Return what each rule is about, by name: the docstrings under the fields of the policy."""
    return {name: about["description"] for name, about in _RULES.json_schema()["properties"].items()}


def rules_of_policy(policy: Policy) -> Iterator[tuple[str, Rule]]:
    """Return each rule of a policy by name."""
    for field in fields(policy):
        yield field.name, getattr(policy, field.name)
