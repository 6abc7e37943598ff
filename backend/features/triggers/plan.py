"""How a subscription runs its profile: the mode, the conditions, the pace. It belongs to the subscription alone."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from backend.core.messages import FreeJson, Message, json_size
from backend.core.refusals import Code, Refused
from backend.core.validation import checked
from backend.features.triggers.paths import check_path

MAX_CONFIG = 8 * 1024  # bytes of JSON
MAX_AT_ONCE = 100

Mode = Literal["one_shot", "monitoring"]
RunMode = Literal["single", "restart", "queued", "parallel", "latest"]
Operator = Literal["==", "!=", ">", ">=", "<", "<=", "in", "contains", "exists"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Seconds = Annotated[float, Field(gt=0, le=30 * 86400.0)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]

_ORDERED = (">", ">=", "<", "<=")


class Condition(Message):
    """One thing that must be so. A field that is missing leaves it as it was: not every message tells everything."""

    field: str = Field(max_length=200, description="A JSON path into the trigger's data, like `$.temperature`.")
    op: Operator = Field(default="==", description="How the field is compared.")
    value: JsonValue = Field(default=True, description="What with; of `exists`: whether it has to be there.")
    until: float | None = Field(
        default=None,
        description="Of `>`, `>=`, `<` and `<=`: once so, it stays so until the field is beyond this (hysteresis).",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_path(self.field)
        if self.op in _ORDERED and (isinstance(self.value, bool) or not isinstance(self.value, int | float)):
            raise ValueError(f"{self.op} compares with a number")
        if self.op == "in" and not isinstance(self.value, list):
            raise ValueError("in compares with a list")
        if self.until is not None:
            if self.op not in _ORDERED:
                raise ValueError("until goes with >, >=, < and <= only")
            above = self.op.startswith(">")
            if (self.until > self.value) if above else (self.until < self.value):  # type: ignore[operator]
                raise ValueError("until lies on the other side of value")
        return self


class Window(Message):
    """A time of the day, on some days; one that ends before it begins goes on past midnight."""

    days: tuple[Day, ...] = Field(default=(), strict=False, description="On which it begins; none: on all of them.")
    begin: Clock = Field(default="00:00", description="Local time of the server, `HH:MM`.")
    end: Clock = Field(default="00:00", description="Likewise, not included; the same as `begin`: a whole day.")


class Plan(Message):
    """What a subscription says beyond trigger and profile."""

    mode: Mode = Field(description="`one_shot`: runs once for each activation; `monitoring`: for as long as it lasts.")
    enabled: bool = Field(default=True, description="Whether it runs at all.")
    run: RunMode = Field(
        default="single",
        description="Of `one_shot`, when activated while it runs: `single` passes over it, `restart` begins anew, "
        "`queued` lets it wait, `parallel` runs it besides, `latest` lets only the newest wait.",
    )
    most: int = Field(default=10, ge=1, le=MAX_AT_ONCE, description="Of `parallel`: how many run; of `queued`: wait.")
    every_s: Annotated[float, Field(ge=0.1, le=30 * 86400.0)] | None = Field(  # each repetition is a commit
        default=None,
        description="Of `monitoring`: how long after one repetition the next begins; null: none does.",
    )
    max_s: Seconds | None = Field(default=None, description="How long a run may last.")
    for_s: Annotated[float, Field(ge=0, le=86400.0)] = Field(
        default=0.0, description="How long trigger and conditions must hold before it is activated."
    )
    cooldown_s: Annotated[float, Field(ge=0, le=30 * 86400.0)] = Field(
        default=0.0, description="How long after the last action that was delivered nothing new begins."
    )
    when: tuple[Condition, ...] = Field(default=(), max_length=8, strict=False, description="All of these must be so.")
    windows: tuple[Window, ...] = Field(
        default=(), max_length=14, strict=False, description="Only within one of these; none: always."
    )
    config: FreeJson = Field(default={}, description="What the templates of the profile see as `config`.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if json_size(self.config) > MAX_CONFIG:
            raise ValueError(f"config has at most {MAX_CONFIG} bytes")
        if self.every_s is not None and self.mode != "monitoring":
            raise ValueError("every_s goes with monitoring only")
        return self


def changed(plan: Plan, given: dict[str, Any]) -> Plan:
    """Return a plan with some things changed. Raises Refused: ``bad_message``."""
    try:
        return checked(Plan, {**plan.model_dump(mode="json"), **given})
    except ValueError as error:
        raise Refused(Code.BAD_MESSAGE, str(error)) from error
