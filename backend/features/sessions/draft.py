"""A step of the session machine in the making: the session as it becomes, and what is to be told of it."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from backend.core.desk import Effect
from backend.core.effects import Asked
from backend.core.facts import FloorChanged
from backend.core.floors import id_of
from backend.core.messages import FreeJson, json_size
from backend.core.refusals import EXPLAINED, Code
from backend.features.sessions import views
from backend.features.sessions.messages import Ending, Happening
from backend.features.sessions.policy import Policy
from backend.features.sessions.state import Running, Session, Waiter


@dataclass
class Draft:
    """The session as it becomes, and what is to be told."""

    policy: Policy
    session: Session
    now: float
    effects: list[Effect] = field(default_factory=list)

    def result(self, before: Session) -> tuple[Session, list[Effect]]:
        """Return the new session; where it changed, its document is published anew.

        The document goes out before the replies: the broker reads in it who may command, so a holder that acts on its
        reply at once is let through.
        """
        after = self.session
        if (before.holder, len(before.queue)) != (after.holder, len(after.queue)):
            self.tell_who()
        if after == before or not after.provisioned:
            return after, self.effects
        after = replace(after, revision=before.revision + 1)
        return after, [views.document(after, self.policy, self.now), *self.effects]

    def change(self, **fields: Any) -> None:
        """Replace fields of the session."""
        self.session = replace(self.session, **fields)

    def run(self, running: Running) -> None:
        """Replace the session in progress."""
        self.change(running=running)

    def tell_who(self) -> None:
        """Tell other features who holds, and how many wait."""
        self.effects.append(FloorChanged(self.session.floor, self.session.holder, len(self.session.queue)))

    def tell_place(self, waiter: Waiter, reason: Ending | None = None) -> None:
        """Tell somebody, and everybody, that it waits."""
        place = self.session.queue.index(waiter) + 1
        self.effects.append(views.queued(self.session, self.policy, self.now, waiter, reason))
        told = views.event(self.session, self.now, "queued", waiter.user, waiter.name, position=place, reason=reason)
        self.effects.append(told)

    def refuse(self, asked: Asked, code: Code, **more: Any) -> None:
        """Say no; nothing changes."""
        text = f"{id_of(self.session.floor)}: {EXPLAINED[code]}"
        if code is Code.LEASE_TOO_LONG:
            text += f" ({self.policy.max_lease_s:g} s)"
        self.effects.append(views.no(asked, code, text, **more))

    def answer(self, asked: Asked, code: str, running: Running | None = None, **more: Any) -> None:
        """Say that it was done, to the session *running* if it is over by now."""
        fence = running.fence if running is not None else self.session.fence
        self.effects.append(views.yes(asked, code, fence=fence, **more))

    def answer_holder(self, asked: Asked, code: str) -> None:
        """Tell the holder that it has the floor, and for how long."""
        if self.session.running is not None:
            held = views.held(self.session, self.session.running, self.policy, self.now, asked, code)
            self.effects.append(held)

    def tell(self, running: Running, what: Happening, **more: Any) -> None:
        """Say what happened to the session *running*."""
        self.effects.append(views.of_running(self.session, running, self.now, what, **more))

    def tell_floor(self, what: Literal["resetting", "reset"]) -> None:
        """Say what the device has to do, or did."""
        device = id_of(self.session.floor)
        self.effects.append(views.event(self.session, self.now, what, device, device))

    def too_long(self, lease_s: float | None) -> bool:
        """Tell whether a lease that is asked for is longer than one may ask for."""
        return lease_s is not None and lease_s > self.policy.max_lease_s

    def too_large(self, data: FreeJson) -> bool:
        """Tell whether the document would carry too much."""
        return json_size(data) > self.policy.max_data
