"""How one device converses: what the command line may set for it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.features.voice.messages import Language

Responder = Literal["intents", "chat", "both"]
"""Who answers; `both`: the intents, and the chat endpoint what they do not understand."""

_FORMS: Mapping[int | str, str] = {
    "language": "must be a tag like `en` or `es-419`",
    "grammar": "must be `off`, `intents`, or sentences with commas between them (and one after a single one)",
}
"""What to say where the library's words help nobody."""


class SettingError(ValueError):
    """A voice setting is not one, or has a wrong value; the message says which, and why."""


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
    silence_s: Annotated[float, Field(ge=0.3, le=30)] = Field(
        default=1.0, description="After how much silence an utterance is over that the board does not end itself."
    )
    voice: str | None = Field(default=None, max_length=40, description="A voice of espeak-ng, like `en-us+f3`.")
    speed: Annotated[int, Field(ge=80, le=450)] = Field(default=165, description="Words a minute.")
    grammar: Literal["off", "intents"] | tuple[str, ...] = Field(
        default="off",
        description="Hear nothing but these sentences: those of the intents, or a list. Quicker, and surer. A model "
        "that knows no word of them, or takes no grammar, hears everything.",
    )
    prompt: str = Field(
        default="",
        max_length=2000,
        description="What the chat endpoint is told about its part, in place of the default.",
    )
    keep_audio: bool = Field(default=False, description="Store what was said as WAV files, for debugging.")


def settings_of(own: Mapping[str, Any]) -> VoiceSettings:
    """Return the settings of a device with some of its *own*. What this version does not know, or take, is passed over.

    It was taken when it was set.
    """
    try:
        return VoiceSettings.model_validate(own)
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors(include_url=False)}
        return VoiceSettings.model_validate({name: value for name, value in own.items() if name not in wrong})


def checked(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as they are stored: as JSON has it. Raises SettingError for the first that is wrong."""
    try:
        made = VoiceSettings.model_validate(own)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = first["loc"][0]
        if first["type"] == "extra_forbidden":
            raise SettingError(f"there is no setting {name!r}") from error
        raise SettingError(f"{name}: {_FORMS.get(name) or first['msg']}") from error
    return made.model_dump(mode="json", include=set(own))


def read_setting(text: str) -> tuple[str, Any]:
    """Return the name and the value of ``language=es``; commas make a list of sentences. Raises SettingError."""
    name, equals, value = text.partition("=")
    if not equals:
        raise SettingError(f"{text!r} is not of the form NAME=VALUE")
    given: Any = (
        [part.strip() for part in value.split(",") if part.strip()] if name == "grammar" and "," in value else value
    )
    return name, checked({name: given})[name]


def meanings() -> dict[str, str]:
    """Return what each setting is about, by name."""
    return {name: field.description or "" for name, field in VoiceSettings.model_fields.items()}
