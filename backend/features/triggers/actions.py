"""What a profile does. Texts are templates (see `templates`), and so is each text inside of a body."""

import re
from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator
from pydantic_core import to_json

from backend.core.ids import check_name
from backend.core.messages import FreeJson, Message
from backend.features.triggers.templates import MAX_TEMPLATE, check, check_json

MAX_ACTIONS = 20  # in one phase
MAX_BODY = 32 * 1024  # bytes of JSON
_WRITTEN_OUT = re.compile(r"https?://[^/?#{}\s]+([/?#]|$)")


def _template(text: str) -> str:
    check(text)
    return text


def _unless_template(check_plain: Callable[[str], None]) -> AfterValidator:
    """Return what checks a text that is none; what a template makes is not known before it is filled in."""

    def checked(text: str) -> str:
        if "{{" not in text and "{%" not in text:
            check_plain(text)
        return text

    return AfterValidator(checked)


def _check_topic(text: str) -> None:
    if "+" in text or "#" in text:
        raise ValueError("a message goes to one topic, without + and #")


def _check_url(text: str) -> None:
    if not text.lower().startswith(("http://", "https://")):
        raise ValueError("it begins with http:// or https://")


def _templates(body: JsonValue) -> JsonValue:
    check_json(body)
    if len(to_json(body)) > MAX_BODY:
        raise ValueError(f"it has at most {MAX_BODY} bytes")
    return body


Template = Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE), AfterValidator(_template)]
Body = Annotated[JsonValue, AfterValidator(_templates)]
Keys = Annotated[FreeJson, AfterValidator(_templates)]
Name = Annotated[Template, _unless_template(check_name)]
Patience = Annotated[float, Field(gt=0, le=3600)]


class Action(Message):
    """One thing to do. ``optional``: where it fails, those after it are done all the same."""

    optional: bool = False


class PublishAction(Action):
    """Publish a message, where the owner of the subscription might itself."""

    do: Literal["publish"]
    topic: Annotated[Template, _unless_template(_check_topic)] = Field(
        description="Where: outside of Talkstick's tree, or a topic that the owner may write."
    )
    body: Body = Field(default="", description="A text goes as it is, anything else as JSON.")
    retain: bool = False


class CommandAction(Action):
    """Send a command to a device: claim it first, wait while it is in use, and give it back in the end."""

    do: Literal["command"]
    device: Name
    name: Name = Field(description="The command: the last level of its topic.")
    body: Keys = Field(default={}, description="Its `fence` is added.")
    wait_s: Patience = Field(default=60.0, description="How long to wait for the device.")
    result_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=0.0, description="How long to wait for the device to report the work as complete; 0: not at all."
    )


class SessionAction(Action):
    """Hold a device until the run ends: commands to it go without claiming it anew."""

    do: Literal["session"]
    device: Name
    type: str | None = Field(default=None, max_length=64, description="What kind of work it is, for people to see.")
    input: Keys = Field(default={}, description="What the session begins with.")
    wait_s: Patience = Field(default=60.0, description="How long to wait for the device.")


class SpeakAction(Action):
    """Let a device say something; it is done once it begins to."""

    do: Literal["speak"]
    device: Name
    text: Template
    language: str | None = Field(default=None, max_length=20, description="Else that of the device.")
    wait_s: Patience = Field(default=30.0, description="How long to wait until it speaks.")


class WebhookAction(Action):
    """Call a URL. What cannot be reached, or has trouble of its own (5xx, 429), is called again."""

    do: Literal["webhook"]
    url: Annotated[Template, _unless_template(_check_url)]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: dict[str, Template] = Field(default={}, max_length=20, description="Never shown anywhere.")
    body: Body = Field(default=None, description="A text goes as it is, anything else as JSON; null: none.")
    timeout_s: Patience = Field(default=10.0, description="How long each call may take.")
    retries: int = Field(default=2, ge=0, le=10, description="How often it is called again, after 0.5, 1, 2, … s.")

    @model_validator(mode="after")
    def _tells_its_own(self) -> Self:
        """Whoever subscribes fills in templates: `https://api.example{{ config.x }}` might lead to another host."""
        if self.headers and not _WRITTEN_OUT.match(self.url):
            raise ValueError("the url of a call with headers has its host written out, and a / behind it")
        return self


class WaitAction(Action):
    """Wait a moment before what comes next."""

    do: Literal["wait"]
    seconds: Annotated[float, Field(gt=0, le=600)]


AnyAction = Annotated[
    PublishAction | CommandAction | SessionAction | SpeakAction | WebhookAction | WaitAction, Field(discriminator="do")
]
Actions = Annotated[tuple[AnyAction, ...], Field(max_length=MAX_ACTIONS, strict=False)]


class ProfileDefinition(Message):
    """A profile: what is done when a run begins, again and again while it is monitoring, and when it ends."""

    name: str = Field(default="", max_length=100, description="How people call it.")
    start: Actions = Field(default=(), description="When a run begins.")
    repeat: Actions = Field(default=(), description="Of monitoring runs: every so often, as the subscription says.")
    end: Actions = Field(default=(), description="When a run ends that had begun, whatever became of it.")
