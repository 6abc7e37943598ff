"""How much one principal may ask, and in how many queues it may wait: so that one script cannot take it all.

What is refused here is not remembered: the same request, sent again later, is another try.
"""

from backend.core.desk import Desk
from backend.core.floors import floor_of
from backend.core.rates import PerMinute
from backend.core.refusals import EXPLAINED, Code, Refused
from backend.core.routing import Incoming
from backend.features.sessions.asks import Claim
from backend.features.sessions.policy import Limits
from backend.features.sessions.state import Session


class Quotas:
    """Counts requests, of whatever topic, and claims; looks at the *floors* for who waits where."""

    def __init__(self, limits: Limits, floors: Desk[Session]) -> None:
        self._limits = limits
        self._floors = floors
        self._requests = PerMinute(limits.requests_per_minute)
        self._claims = PerMinute(limits.claims_per_minute)

    def admit(self, incoming: Incoming, now: float) -> None:
        """Let a request pass. Raises Refused: ``rate_limited`` or ``too_many``."""
        if incoming.asked is None or incoming.who is None:
            return
        who = incoming.who.name
        wait_s = self._requests.take(who, now)
        if isinstance(incoming.body, Claim) and not wait_s:
            wait_s = self._claims.take(who, now)
        if wait_s:
            raise Refused(Code.RATE_LIMITED, EXPLAINED[Code.RATE_LIMITED], {"retry_in_s": round(wait_s + 0.05, 1)})
        if isinstance(incoming.body, Claim):
            self._check_waits(incoming, incoming.body, incoming.body.for_ or who)

    def _check_waits(self, incoming: Incoming, claim: Claim, user: str) -> None:
        """Who waits in many places may still claim what is free, and ask again where it waits."""
        here = self._floors.states.get(floor_of(incoming.levels))
        if (
            here is None
            or not (claim.wait or here.is_channel)
            or here.is_ready
            or here.holder == user
            or here.waiter(user) is not None
        ):
            return
        floors = (self._floors.states[key] for key in self._floors.mentioning(user))
        if sum(floor.waiter(user) is not None for floor in floors) >= self._limits.waits:
            raise Refused(Code.TOO_MANY, f"{user} waits in {self._limits.waits} queues already")
