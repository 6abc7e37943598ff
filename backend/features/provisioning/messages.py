"""Wire messages of provisioning: what a board asks that knows nothing but a claim code, and what it is answered."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.messages import MAX_REQUEST_ID, Reply, Request
from backend.core.topics import Topic

REQUEST = Topic("provision/request/{principal}")
REPLY = Topic("provision/reply/{principal}")

SUCCESS = {"claimed": "the board is `device` from now on; both sides make its secret of the code and the nonces"}

NONCE_BYTES = 16
Nonce = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{2 * NONCE_BYTES}}}$")]


class ProvisionRequest(Request):
    """Ask, with a claim code as the login, which device one is. The code is good for one board."""

    id: Annotated[str, Field(min_length=1, max_length=MAX_REQUEST_ID)] | None = Field(
        default=None, description="Comes back with the answer. What makes a repetition harmless is the nonce."
    )
    action: Literal["claim"]
    mac: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] = Field(description="Of the board: 12 hexadecimal digits.")
    nonce: Nonce = Field(
        description="128 random bits, of this code only, as 32 hexadecimal digits. While the code lasts, the same nonce"
        " gets the same answer, in case it was lost; any other is refused once the code is used."
    )


class ProvisionReply(Reply):
    """The answer to a board that claims. No secret is in it, nor in the request."""

    device: str | None = Field(
        default=None,
        description="Of `claimed`: who the board is from now on, and logs in as. Its secret is the HMAC-SHA256, as 64"
        " hexadecimal digits, of `talkstick:<device>:<nonce of the board>:<nonce of the server>`; the key are the 20"
        " characters of the code in lower case, without dashes.",
    )
    nonce: str | None = Field(default=None, description="Of `claimed`: the server's nonce, 32 hexadecimal digits.")
    retry_in_s: float | None = Field(default=None, description="Of a refusal: after about how many seconds.")
