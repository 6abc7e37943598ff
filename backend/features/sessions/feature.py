"""Sessions: the exclusive, leased right to use a device, or to hold the floor of a channel. Table of contents."""

from functools import partial

from backend.core.desk import Desk
from backend.core.effects import Publish
from backend.features.sessions import rows
from backend.features.sessions.history import archive
from backend.features.sessions.machine import EVENTS, keys, step, until
from backend.features.sessions.messages import COMMAND, REPLY, REQUEST, SessionDocument
from backend.features.sessions.policy import CHANNEL, Policy
from backend.features.sessions.quotas import Quotas
from backend.features.sessions.state import Session
from backend.features.sessions.views import document

__all__ = [
    "CHANNEL",
    "COMMAND",
    "REPLY",
    "REQUEST",
    "Policy",
    "Quotas",
    "SessionDocument",
    "archive",
    "desk",
]


def desk(policy: Policy) -> Desk[Session]:
    """Return the desk that keeps one session per floor; *policy* is that of devices without rules of their own."""

    def project(session: Session, now: float) -> list[Publish]:
        return [document(session, session.policy(policy), now)] if session.provisioned else []

    return Desk(
        name="sessions",
        events=EVENTS,
        fresh=Session,
        keys=keys,
        step=partial(step, policy),
        until=partial(until, policy),
        project=project,
        rows=rows,
        mentions=Session.mentions,
    )
