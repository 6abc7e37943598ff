"""What every JSON message of the contract is built on."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import to_json

UINT32 = 2**32 - 1  # what firmware counts with
Fence = Annotated[int, Field(ge=0, le=UINT32, description="Rises with every grant of the device and never falls.")]
Boot = Annotated[int, Field(ge=0, le=UINT32, description="Rises with every boot, or better with every connection.")]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
MAX_REQUEST_ID = 64  # characters
FreeJson = dict[str, JsonValue]


class Message(BaseModel):
    """Anything that travels over MQTT as JSON. Unknown keys are ignored: old firmware talks to a new backend."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, serialize_by_alias=True)
    omits_nulls: ClassVar[bool] = True

    def payload(self) -> bytes:
        """Return the wire form: UTF-8 JSON."""
        return self.model_dump_json(exclude_none=self.omits_nulls).encode()


class Document(Message):
    """A retained truth. It always shows all of its keys, so that firmware need not ask whether one is there."""

    omits_nulls: ClassVar[bool] = False


class Request(Message):
    """What all requests share: an id that makes a repeated delivery harmless."""

    id: Annotated[str, Field(min_length=1, max_length=MAX_REQUEST_ID)] | None = Field(
        default=None,
        description="The same id within ten minutes gets the same reply and has no second effect.",
    )


class Reply(Message):
    """The answer to one request, on the topic of the principal that asked."""

    model_config = ConfigDict(extra="allow")

    id: str | None = Field(default=None, description="The id of the request.")
    ok: bool
    code: str = Field(description="What happened (granted, queued, ...), or the reason of the refusal.")
    message: str | None = Field(default=None, description="The same for people.")
    ignored: tuple[str, ...] | None = Field(
        default=None, description="Keys of the request that there are not, with the one that may have been meant."
    )


def refusal(request_id: str | None, code: str, message: str, **more: Any) -> Reply:
    """Return the reply that says no."""
    return Reply(id=request_id, ok=False, code=code, message=message, **more)


def usable_id(body: Mapping[str, Any]) -> str | None:
    """Return the id of a request that may be invalid besides, if it has one that can be repeated in the answer."""
    found = body.get("id")
    return found if isinstance(found, str) and 0 < len(found) <= MAX_REQUEST_ID else None


def merged(old: FreeJson, new: FreeJson) -> FreeJson:
    """Return *old* with the keys of *new* in it; a null removes a key (RFC 7396, one level deep)."""
    return {key: value for key, value in {**old, **new}.items() if value is not None}


def json_size(data: Mapping[str, Any]) -> int:
    """Return the size of *data* as JSON, in bytes."""
    return len(to_json(data))
