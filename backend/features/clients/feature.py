"""Clients: which apps of people are really there. Table of contents of the feature."""

from functools import partial

from backend.core.desk import Desk
from backend.core.liveness import Limits
from backend.features.clients import rows
from backend.features.clients.machine import EVENTS, User, document, durable, keys, step, until

__all__ = ["desk"]


def desk(limits: Limits) -> Desk[User]:
    """Return the desk that keeps the apps of each person."""
    return Desk(
        name="clients",
        events=EVENTS,
        fresh=User,
        keys=keys,
        step=partial(step, limits),
        until=until,
        project=lambda user, _now: document(user),
        rows=rows,
        durable=durable,
    )
