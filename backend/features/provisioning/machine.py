"""Claims, one at a time for each code. They are judged by the shell, which alone knows codes and secrets.

An answer is not remembered by the id of its request: the nonce tells a repetition from another board with the code.
"""

from dataclasses import dataclass, replace

from backend.core.desk import Effect
from backend.core.effects import Answer, Asked, Perform
from backend.core.facts import ClaimJudged
from backend.core.messages import refusal
from backend.core.refusals import EXPLAINED, Code
from backend.features.provisioning.messages import ProvisionReply, ProvisionRequest
from backend.features.provisioning.state import Office

_RETRY_IN_S = 1.0


@dataclass(frozen=True, slots=True)
class ClaimAsked:
    """A board that logged in with a claim code asks who it is."""

    account: str
    asked: Asked
    body: ProvisionRequest


@dataclass(frozen=True, slots=True)
class JudgeClaim:
    """Ask the shell to judge a claim. It tells by `ClaimJudged` what came of it."""

    account: str
    asked: Asked
    mac: str
    nonce: str


EVENTS = (ClaimAsked, ClaimJudged)


def step(office: Office, event: object, _now: float) -> tuple[Office, list[Effect]]:
    """Let a claim be judged, and answer it."""
    match event:
        case ClaimAsked(account=account) if account in office.judging:
            return office, [_refused(event.asked, Code.RATE_LIMITED, retry_in_s=_RETRY_IN_S)]
        case ClaimAsked(account=account, asked=asked, body=body):
            judge = JudgeClaim(account, asked, body.mac, body.nonce)
            return Office(office.judging | {account}), [Perform(judge)]
        case ClaimJudged(account=account):
            return Office(office.judging - {account}), [_answer(event)]
        case _:
            return office, []


def _answer(judged: ClaimJudged) -> Answer:
    if judged.code is not None:
        return _refused(judged.asked, judged.code)
    body = ProvisionReply(id=judged.asked.id, ok=True, code="claimed", device=judged.device, nonce=judged.nonce)
    return Answer(replace(judged.asked, id=None), body)


def _refused(asked: Asked, code: Code, **more: object) -> Answer:
    return Answer(replace(asked, id=None), refusal(asked.id, code, EXPLAINED[code], **more))
