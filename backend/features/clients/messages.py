"""Wire messages of clients: what an app says of itself, and who of a person is really there."""

from typing import Literal

from pydantic import Field

from backend.core.messages import Boot, Document, Message, Moment
from backend.core.topics import Topic

STATUS = Topic("users/{principal}/clients/{client}/status")
PRESENCE = Topic("users/{principal}/presence")

ClientState = Literal["online", "lost", "disconnected", "unknown"]


class ClientStatus(Message):
    """Birth, last will, or a clean goodbye of an app."""

    state: Literal["online", "lost", "disconnected"] = Field(
        description="`online` at birth, `lost` in the last will, `disconnected` as a goodbye."
    )
    boot: Boot | None = Field(
        default=None, description="Rises with every connection; then a late last will cannot overwrite a newer birth."
    )


class ClientPresence(Document):
    """One app."""

    client: str = Field(description="Its name.")
    state: ClientState = Field(description="`unknown` after a restart, until the app says how it is.")
    since: Moment = Field(description="When this state began.")
    boot: Boot | None = Field(description="The last boot that was seen; null: none was told.")


class UserPresence(Document):
    """Whether somebody is there under this name."""

    state: ClientState = Field(
        description="`online` while at least one app is, else `unknown` while one may be, else as the last one went."
    )
    since: Moment = Field(description="When this state began.")
    clients: list[ClientPresence] = Field(description="The apps that said something of themselves, by name.")
