"""What may be asked of a conversation, by whom, and the answers."""

from dataclasses import dataclass, replace
from typing import Any

from backend.core.desk import Effect
from backend.core.effects import Answer, Asked, Consult, Perform
from backend.core.facts import Announced
from backend.core.messages import Message, refusal
from backend.core.principals import PARTICIPANTS, Principal, Role
from backend.core.refusals import EXPLAINED, Code
from backend.features.voice.messages import ConversationReply, Figures, Forget, Hush, Recall, Say
from backend.features.voice.state import (
    Announce,
    ConversationErased,
    FiguresAsked,
    ForgetAsked,
    HistoryAsked,
    HushOrdered,
    Talker,
)

_MOST_WAITING = 8  # announcements of one device that have not begun


@dataclass(frozen=True, slots=True)
class ConversationAsked:
    """A principal asks something of a device's conversation; ``owner`` is that of the device."""

    device: str
    who: Principal
    asked: Asked
    body: Message
    owner: str | None


def answer(talker: Talker, said: ConversationAsked) -> tuple[Talker, list[Effect]]:
    """Return what is done, and said, to a request."""
    match said.body:
        case Say():
            return _say(talker, said, said.body)
        case Hush():
            return talker, _hush(talker, said, said.body)
        case _ if not is_private_to(said.who, said.device, said.owner):
            message = f"what is said on {said.device} is for itself, its owner and admins only"
            return talker, [_no(said.asked, Code.FORBIDDEN, message)]
        case _:
            return talker, _remembered(talker, said, said.body)


def announced(talker: Talker, fact: Announced) -> tuple[Talker, list[Effect]]:
    """Return the answer to who asked for an announcement."""
    waiting = tuple(asked for asked in talker.announcing if asked != fact.asked)
    if fact.code is not None:
        said = _no(fact.asked, fact.code, EXPLAINED[fact.code])
    else:
        said = _yes(fact.asked, "said", turn=fact.turn)
    return replace(talker, announcing=waiting), [said]


def is_private_to(who: Principal, device: str, owner: str | None) -> bool:
    """Tell whether *who* may know what was said on a device, and have it forgotten."""
    return who.role is Role.ADMIN or who.name in (device, owner)


def _may_speak(talker: Talker, said: ConversationAsked) -> bool:
    """Tell whether somebody may let the device speak, and hush it."""
    if said.who.role is Role.ADMIN:
        return True
    return _has_a_say(talker, said.who) and (talker.settings.heard == "anyone" or said.who.name == talker.holder)


def _has_a_say(talker: Talker, who: Principal) -> bool:
    return who.role in PARTICIPANTS or who.name == talker.device


def _say(talker: Talker, said: ConversationAsked, body: Say) -> tuple[Talker, list[Effect]]:
    if said.asked.id is not None and said.asked in talker.announcing:
        return talker, []  # it comes a second time, before it is answered
    if not _may_speak(talker, said):
        return talker, [_not_yours(talker, said)]
    if not talker.settings.enabled:
        return talker, [_no(said.asked, Code.VOICE_OFF, f"the voice of {talker.device} is switched off")]
    if talker.is_gone:
        return talker, [_no(said.asked, Code.DEVICE_OFFLINE, f"{talker.device} is not connected")]
    if len(talker.announcing) >= _MOST_WAITING:
        return talker, [_no(said.asked, Code.TOO_MANY, f"{_MOST_WAITING} announcements wait already")]
    announce = Announce(talker.device, body.text, body.language, said.who.name, said.asked)
    return replace(talker, announcing=(*talker.announcing, said.asked)), [Perform(announce)]


def _hush(talker: Talker, said: ConversationAsked, body: Hush) -> list[Effect]:
    if not _may_speak(talker, said) and said.who.name != talker.device:
        return [_not_yours(talker, said)]
    return [Perform(HushOrdered(talker.device, body.turn)), _yes(said.asked, "stopped")]


def _remembered(talker: Talker, said: ConversationAsked, body: Message) -> list[Effect]:
    device, asked = talker.device, said.asked
    match body:
        case Recall(limit=limit, before=before):
            return [Consult(asked, HistoryAsked(device, limit, before, talker.turn))]
        case Figures():
            return [Consult(asked, FiguresAsked(device))]
        case Forget():
            return [Consult(asked, ForgetAsked(device), once=True), Perform(ConversationErased(device))]
        case _:
            raise LookupError(f"nobody answers {body!r}")


def _not_yours(talker: Talker, said: ConversationAsked) -> Answer:
    if _has_a_say(talker, said.who):
        return _no(said.asked, Code.NOT_HOLDER, f"only who holds {talker.device} may do that")
    return _no(said.asked, Code.FORBIDDEN, EXPLAINED[Code.FORBIDDEN])


def _yes(asked: Asked, code: str, **more: Any) -> Answer:
    return Answer(asked, ConversationReply(id=asked.id, ok=True, code=code, **more))


def _no(asked: Asked, code: Code, message: str) -> Answer:
    return Answer(asked, refusal(asked.id, code, message))
