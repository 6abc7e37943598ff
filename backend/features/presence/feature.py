"""Presence: which devices are really there. Table of contents of the feature."""

from functools import partial

from backend.core.desk import Desk
from backend.core.liveness import Limits
from backend.features.presence import rows
from backend.features.presence.machine import EVENTS, Presence, document, durable, keys, step, until

__all__ = ["Limits", "desk"]


def desk(limits: Limits) -> Desk[Presence]:
    """Return the desk that keeps one presence per device."""
    return Desk(
        name="presence",
        events=EVENTS,
        fresh=Presence,
        keys=keys,
        step=partial(step, limits),
        until=until,
        project=lambda presence, _now: document(presence),
        rows=rows,
        durable=durable,
    )
