"""The hand-over: the holder offers, the other one accepts, and the session moves with all it has, in one step.

Until then nothing changes for the holder; a refusal, or silence, leaves it as it was.
"""

from dataclasses import replace

from backend.core.effects import Asked
from backend.core.principals import Principal
from backend.core.refusals import Code
from backend.features.sessions.asks import Accept, Decline
from backend.features.sessions.state import Offer, Running
from backend.features.sessions.turn import Turn


def offer(turn: Turn, running: Running, asked: Asked, other: Principal | None) -> None:
    """Offer the session to somebody, by default to the next in the queue. An earlier offer is off."""
    following = turn.session.next
    to = other.name if other is not None else following.user if following is not None else None
    if to is None:
        turn.refuse(asked, Code.NOBODY_WAITS)
        return
    if to == running.holder:
        turn.refuse(asked, Code.ALREADY_YOURS)
        return
    if running.offer is not None:
        _withdraw(turn, running, running.offer, Code.SUPERSEDED)
    after = replace(turn.active(running), offer=Offer(to, turn.now + turn.policy.offer_s, asked))
    turn.run(after)
    turn.answer(asked, "offered", expires_in_s=turn.policy.offer_s)
    turn.tell(after, "offered", to=to, in_s=turn.policy.offer_s)


def answer(turn: Turn, who: Principal, asked: Asked, body: Accept | Decline) -> None:
    """Take the session that was offered, or do not; or, as its holder, take the offer back."""
    if isinstance(body, Accept):
        _accept(turn, who, asked, body)
    else:
        _decline(turn, who, asked)


def _accept(turn: Turn, who: Principal, asked: Asked, body: Accept) -> None:
    running = turn.session.running
    if running is None or running.offer is None or running.offer.to != who.name:
        turn.refuse(asked, Code.NOT_OFFERED)
        return
    if turn.too_long(body.lease_s):
        turn.refuse(asked, Code.LEASE_TOO_LONG)
        return
    heir = replace(
        running.claim,
        user=who.name,
        name=who.display_name,
        client=body.client,
        lease_s=body.lease_s if body.lease_s is not None else turn.policy.lease_s,
        asked=asked,
        since=turn.now,
        missed=0,  # the turns that its giver let pass are not the heir's
    )
    turn.hand_over(running, heir)


def _decline(turn: Turn, who: Principal, asked: Asked) -> None:
    running = turn.session.running
    if running is None or running.offer is None or who.name not in (running.offer.to, running.holder):
        turn.refuse(asked, Code.NOT_OFFERED)
        return
    _withdraw(turn, running, running.offer, Code.DECLINED)
    turn.tell(running, "declined", to=running.offer.to)
    turn.answer(asked, "declined")


def expire(turn: Turn, running: Running, offered: Offer) -> None:
    """Let an offer end that nobody answered."""
    _withdraw(turn, running, offered, Code.OFFER_EXPIRED)
    turn.tell(running, "offer_expired", to=offered.to)


def _withdraw(turn: Turn, running: Running, offered: Offer, code: Code) -> None:
    turn.run(replace(running, offer=None))
    turn.refuse(offered.asked, code)
