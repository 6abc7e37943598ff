"""How one device converses: what the command line may set for it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Responder = Literal["intents", "chat", "both"]
"""Who answers; `both`: the intents, and the chat endpoint what they do not understand."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$")]


class VoiceSettings(BaseModel):
    """The voice settings of a device; those that nobody set have their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="Whether the device is heard, and speaks, at all.")
    language: Language = Field(default="en", description="In which language it hears and speaks.")
    responder: Responder = Field(
        default="intents",
        description="Who answers: `intents`, `chat`, or `both` (chat for what no intent understands).",
    )
    heard: Literal["anyone", "holder"] = Field(
        default="anyone",
        description="`holder`: only during a session, which the turns belong to; only the holder announces, "
        "and all who may watch the device may read along.",
    )
    voice: str | None = Field(default=None, max_length=40, description="A voice of espeak-ng, like `en-us+f3`.")
    speed: Annotated[int, Field(ge=80, le=450)] = Field(default=165, description="Words a minute.")
    grammar: Literal["off", "intents"] | tuple[str, ...] = Field(
        default="off",
        description="Hear nothing but these sentences: those of the intents, or a list. Quicker, and surer.",
    )
    prompt: str = Field(default="", max_length=2000, description="What the chat endpoint is told about its part.")
    keep_audio: bool = Field(default=False, description="Store what was said as WAV files, for debugging.")


_UNREADABLE = VoiceSettings(enabled=False)


def read(stored: Mapping[str, Any]) -> VoiceSettings:
    """Return stored settings; where they cannot be read, the device is off, lest it hears whom it must not."""
    try:
        return VoiceSettings.model_validate(stored)
    except ValidationError:
        return _UNREADABLE
