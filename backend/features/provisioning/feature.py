"""Provisioning: boards that come with a one-time claim code. Table of contents of the feature."""

from backend.core.desk import Desk
from backend.features.provisioning.codes import ALPHABET, CHARACTERS, account, group, password, secret, shown
from backend.features.provisioning.machine import EVENTS, JudgeClaim, step
from backend.features.provisioning.messages import NONCE_BYTES
from backend.features.provisioning.rows import ClaimRow, claim_code
from backend.features.provisioning.state import ClaimCode, Office

__all__ = [
    "ALPHABET",
    "CHARACTERS",
    "NONCE_BYTES",
    "ClaimCode",
    "ClaimRow",
    "JudgeClaim",
    "account",
    "claim_code",
    "desk",
    "group",
    "password",
    "secret",
    "shown",
]

_KEY = ""  # there is one office


def desk() -> Desk[Office]:
    """Return the desk that takes claims. Nothing of it is stored: who got no answer asks again."""
    return Desk(
        name="provisioning",
        events=EVENTS,
        fresh=lambda _key: Office(),
        keys=lambda _event, _known: (_KEY,),
        step=step,
        until=lambda _office: None,
        project=lambda _office, _now: [],
        states={_KEY: Office()},
    )
