"""What a trigger is: who tells whether it is active. The command line writes it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, JsonValue, model_validator

from backend.core.messages import Message
from backend.core.validation import checked
from backend.features.triggers.actions import ProfileDefinition
from backend.features.triggers.paths import MAX_PATH, check_path
from backend.features.triggers.values import same

M = TypeVar("M", bound=Message)
Kind = Literal["level", "pulse"]


class DefinitionError(ValueError):
    """A trigger or a profile is not well defined; the message says where, and why."""


class Source(Message):
    """An MQTT topic that is no trigger of its own accord: how its messages are read."""

    topic: str = Field(max_length=256, description="A topic filter.")
    path: str | None = Field(
        default=None,
        max_length=MAX_PATH,
        description="A JSON path to the value; none: a payload that is no JSON object is the value, and one that is "
        "means: active, with these data.",
    )
    active: Annotated[tuple[JsonValue, ...], Field(max_length=50)] | None = Field(
        default=None, strict=False, description="The values that mean active; by default all usual words for it."
    )
    inactive: Annotated[tuple[JsonValue, ...], Field(max_length=50)] | None = Field(
        default=None, strict=False, description="The values that mean inactive; by default all others."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.path is not None:
            check_path(self.path)
        if any(same(one, other) for one in self.active or () for other in self.inactive or ()):
            raise ValueError("a value means active or inactive, not both")
        return self


class TriggerDefinition(Message):
    """A trigger. Its owner publishes whether it is active, or a source tells."""

    name: str = Field(default="", max_length=100, description="How people call it.")
    kind: Kind = Field(
        default="level", description="`level`: active until it is not; `pulse`: each message is an activation."
    )
    owner: str | None = Field(default=None, description="Who publishes `triggers/<id>`: a device, or an account.")
    source: Source | None = None
    off_after_s: Annotated[float, Field(gt=0, le=30 * 86400.0)] | None = Field(
        default=None, description="Of a level: inactive once nothing said for so long that it is active."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.owner is not None and self.source is not None:
            raise ValueError("a trigger has an owner or a source, not both")
        return self


def trigger_definition(given: Mapping[str, Any]) -> TriggerDefinition:
    """Return the definition of a trigger. Raises DefinitionError."""
    return _checked(TriggerDefinition, given)


def profile_definition(given: Mapping[str, Any]) -> ProfileDefinition:
    """Return the definition of a profile. Raises DefinitionError."""
    return _checked(ProfileDefinition, given)


def understood_trigger(stored: Mapping[str, Any]) -> TriggerDefinition:
    """Return a definition that was taken when it was made. One that this version does not take is as good as none."""
    try:
        return trigger_definition(stored)
    except DefinitionError:
        return TriggerDefinition()


def understood_profile(stored: Mapping[str, Any]) -> ProfileDefinition:
    """Return a definition that was taken when it was made. One that this version does not take does nothing."""
    try:
        return profile_definition(stored)
    except DefinitionError:
        return ProfileDefinition()


def _checked(model: type[M], given: Mapping[str, Any]) -> M:
    try:
        return checked(model, given)
    except ValueError as error:
        raise DefinitionError(str(error)) from error
