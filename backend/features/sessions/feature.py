"""Sessions: the exclusive, leased right to use a device. Table of contents of the feature."""

from functools import partial

from backend.core.desk import Desk
from backend.core.effects import Publish
from backend.features.sessions import rows
from backend.features.sessions.machine import EVENTS, keys, step, until
from backend.features.sessions.routes import ROUTES
from backend.features.sessions.state import Policy, Session
from backend.features.sessions.views import document

__all__ = ["ROUTES", "Policy", "desk"]


def desk(policy: Policy) -> Desk[Session]:
    """Return the desk that keeps one session per device."""

    def project(session: Session, now: float) -> list[Publish]:
        return [document(session, policy, now)] if session.provisioned else []

    return Desk(
        name="sessions",
        events=EVENTS,
        fresh=Session,
        keys=keys,
        step=partial(step, policy),
        until=partial(until, policy),
        project=project,
        rows=rows,
    )
