"""Channels: what the holder of a floor says goes to all who listen. Table of contents of the feature."""

from backend.core.desk import Desk
from backend.features.channels.machine import EVENTS, Paces, keys, step
from backend.features.channels.relay import Relay

__all__ = ["Relay", "desk", "relay"]

_KEY = ""


def desk() -> Desk[Paces]:
    """Return the desk that knows how fast each channel may be."""
    return Desk(
        name="channels",
        events=EVENTS,
        fresh=lambda _key: Paces(),
        keys=keys,
        step=step,
        until=lambda _paces: None,
        project=lambda _paces, _now: [],
        states={_KEY: Paces()},
    )


def relay(channels: Desk[Paces], per_s: float) -> Relay:
    """Return the relay; a channel without a rule of its own may carry *per_s* messages a second of its sender."""
    return Relay(lambda channel: channels.states[_KEY].per_s.get(channel, per_s))
