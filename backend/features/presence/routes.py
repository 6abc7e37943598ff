"""Topics of presence. Whatever a device publishes, it lives."""

from collections.abc import Iterable

from backend.core.audio import AudioAbility
from backend.core.facts import DeviceDeclared, DeviceHeard
from backend.core.routing import Incoming, Party, Retain, Route
from backend.features.presence.machine import StatusSaid
from backend.features.presence.messages import (
    HEARTBEAT,
    INFO,
    PRESENCE,
    STATUS,
    TELEMETRY,
    Heartbeat,
    Info,
    PresenceDocument,
    Status,
    Telemetry,
)

_READERS = (Party.PEOPLE, Party.THE_DEVICE)


def _status(incoming: Incoming) -> Iterable[StatusSaid]:
    yield StatusSaid(incoming.levels["device"], incoming.body, incoming.retained)


def _alive(incoming: Incoming) -> Iterable[DeviceHeard]:
    if not incoming.retained:
        yield DeviceHeard(incoming.levels["device"])


def _info(incoming: Incoming) -> Iterable[DeviceHeard | DeviceDeclared]:
    yield from _alive(incoming)
    audio = AudioAbility(**incoming.body.audio.model_dump())
    yield DeviceDeclared(incoming.levels["device"], incoming.body.clean_step, audio)


ROUTES = (
    Route(
        STATUS,
        Status,
        Party.THE_DEVICE,
        _READERS,
        "What the device says of itself at birth and at its goodbye, and its last will.",
        Retain.ALWAYS,
        handler=_status,
    ),
    Route(
        PRESENCE,
        PresenceDocument,
        Party.BACKEND,
        _READERS,
        "The debounced truth: is the device there?",
        Retain.ALWAYS,
    ),
    Route(
        INFO,
        Info,
        Party.THE_DEVICE,
        _READERS,
        "Model, firmware, capabilities and limits of the board.",
        Retain.ALWAYS,
        handler=_info,
    ),
    Route(
        TELEMETRY,
        Telemetry,
        Party.THE_DEVICE,
        _READERS,
        "Free readings.",
        Retain.EITHER,
        handler=_alive,
        qos=0,
    ),
    Route(
        HEARTBEAT,
        Heartbeat,
        Party.THE_DEVICE,
        _READERS,
        "Proves life between publishes; silence makes the device lost.",
        handler=_alive,
        qos=0,
    ),
)
