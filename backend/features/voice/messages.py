"""Wire messages of a conversation: what happens in a turn, and what may be asked."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.messages import UINT32, FreeJson, Message, Moment, Reply, Request
from backend.core.refusals import Code, Refused
from backend.core.topics import Topic

UTTERANCE = Topic("devices/{device}/audio")
AUDIO = Topic("devices/{device}/audio/{turn}")
SPEECH = Topic("devices/{device}/speech/{turn}")
CONVERSATION = Topic("devices/{device}/conversation")
REQUEST = Topic("devices/{device}/conversation/request/{principal}")
REPLY = Topic("devices/{device}/conversation/reply/{principal}")

SUCCESS = {
    "said": "the device says it, in the turn `turn`",
    "stopped": "the device says no more, and hears no more of the turn that it was in",
    "history": "of a conversation: the last turns, in `turns`",
    "forgotten": "nothing is remembered any more; `turns_deleted` and `phrases_deleted` tell how much it was",
    "stats": "of a conversation: how much was said, in `stats`",
}

MAX_TEXT = 2000  # characters of what is said aloud in one go
MAX_HISTORY = 100  # turns in one reply

Turn = Annotated[
    int, Field(ge=0, le=UINT32, description="Rises from 1 with every turn since the device booted; 0: before them.")
]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
By = Literal["intents", "chat", "announcement"]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$", max_length=20)]
"""A language, or one of a region: `es`, `en-us`."""


def turn_number(level: str) -> int:
    """Return the turn that a level of a topic names. Raises Refused: ``bad_frame``."""
    if not (level.isascii() and level.isdecimal() and 1 <= int(level[:11]) <= UINT32):
        raise Refused(Code.BAD_FRAME, f"a turn is a number from 1 to {UINT32}, not {level[:20]!r}")
    return int(level)


class TurnEvent(Message):
    """Something happened in a turn."""

    turn: Turn
    at: Moment = Field(description="When.")


class Waiting(TurnEvent):
    """The server has its hands full; the turn is kept, and waits."""

    event: Literal["busy"] = "busy"
    position: int = Field(description="1 is next.")


class Partial(TurnEvent):
    """What was understood so far; it may still change."""

    event: Literal["partial"] = "partial"
    text: str = Field(description="The words.")


class Final(TurnEvent):
    """What was understood in the end."""

    event: Literal["final"] = "final"
    text: str = Field(description="The words.")
    language: str = Field(description="Of the model that heard them.")
    confidence: float | None = Field(default=None, description="0 to 1: how sure the model is, over all words.")
    user: str | None = Field(default=None, description="Who held the device meanwhile.")
    audio_ms: int = Field(description="How much audio came.")
    speech_ms: int = Field(description="How much of it was speech.")
    lost: int = Field(default=0, description="How many frames never came; silence stands for them.")
    after_ms: float = Field(description="How long after the end of the audio this was known.")


class Answered(TurnEvent):
    """What the device will say, before it can be heard."""

    event: Literal["answer"] = "answer"
    text: str = Field(description="The words.")
    by: By = Field(description="Who found the answer; `announcement`: somebody asked for it with `say`.")
    intent: str | None = Field(default=None, description="Which intent it was, where it was one.")
    fallback: str | None = Field(default=None, description="Why the chat endpoint did not answer, though it should.")
    user: str | None = Field(default=None, description="Of an announcement: who asked for it.")
    after_ms: float = Field(description="How long after the final text, or the request, this was known.")


class Spoken(TurnEvent):
    """All of the answer was sent."""

    event: Literal["spoken"] = "spoken"
    frames: int = Field(description="How many there were.")
    audio_ms: int = Field(description="How long it sounds.")
    cached: bool = Field(description="All of it was known from earlier.")
    first_audio_ms: float = Field(description="From the end of the audio, or the request, to the first frame.")


class TurnFailed(TurnEvent):
    """The turn ends, without an answer or in the middle of one."""

    event: Literal["error"] = "error"
    code: str = Field(description="A reason code.")
    message: str = Field(description="The same for people.")


ConversationEvent = Annotated[Waiting | Partial | Final | Answered | Spoken | TurnFailed, Field(discriminator="event")]


class Say(Request):
    """Announce something on the device."""

    action: Literal["say"]
    text: Text = Field(description="What it says.")
    language: Language | None = Field(default=None, description="Of the text; else the device's own.")


class Hush(Request):
    """End what the device says or hears at the moment."""

    action: Literal["stop"]
    turn: Turn | None = Field(default=None, description="Only if it is this turn; else whichever it is.")


class Recall(Request):
    """Ask for the last turns, the newest first."""

    action: Literal["history"]
    limit: Annotated[int, Field(ge=1, le=MAX_HISTORY)] = Field(default=20, description="At most how many.")
    before: int | None = Field(default=None, description="Only turns before this one: the `key` of the last one.")


class Forget(Request):
    """Forget all turns and cached phrases of the device."""

    action: Literal["forget"]


class Figures(Request):
    """Ask how much was said on the device."""

    action: Literal["stats"]


ConversationRequest = Annotated[Say | Hush | Recall | Forget | Figures, Field(discriminator="action")]


class PastTurn(Message):
    """One turn that is over."""

    key: int = Field(description="Names the turn, and rises; see `before`.")
    turn: Turn
    at: Moment = Field(description="When it ended.")
    user: str | None = Field(default=None, description="Who held the device, or asked for the announcement.")
    heard: str | None = Field(default=None, description="What was understood, if anything; none of an announcement.")
    answer: str | None = Field(default=None, description="What was answered, if anything.")
    by: By | None = Field(default=None, description="Who found the answer.")
    code: str | None = Field(default=None, description="Why it failed, where it did.")


class ConversationReply(Reply):
    """The answer to a request about a conversation."""

    turn: Turn | None = Field(
        default=None,
        description="Of `said`: on whose topic it is spoken; of `history`: the last since the device booted, also if "
        "it is forgotten.",
    )
    turns: tuple[PastTurn, ...] | None = Field(default=None, description="Of `history`: the newest first.")
    turns_deleted: int | None = Field(default=None, description="Of `forgotten`.")
    phrases_deleted: int | None = Field(default=None, description="Of `forgotten`: of the cache.")
    stats: FreeJson | None = Field(default=None, description="Of `stats`.")
