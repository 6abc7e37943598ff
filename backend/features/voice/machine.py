"""What is known of each device that converses, and who may ask for what. How a turn goes is up to the shell."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from backend.core.desk import Effect
from backend.core.effects import Perform, Record
from backend.core.facts import (
    Announced,
    DeviceBooted,
    DeviceDeclared,
    DirectoryChanged,
    FloorChanged,
    PhraseMade,
    TurnEnded,
)
from backend.core.floors import id_of, is_channel
from backend.features.voice.requests import ConversationAsked, announced, answer
from backend.features.voice.settings import settings_of
from backend.features.voice.state import DEFAULTS, ConversationErased, LastTurn, Talker

_LEARNED: Mapping[type, Callable[[Talker, Any], Talker]] = {
    FloorChanged: lambda talker, fact: replace(talker, holder=fact.holder),
    DeviceDeclared: lambda talker, fact: replace(talker, ability=fact.audio),
    DeviceBooted: lambda talker, fact: replace(talker, boot=fact.boot),
}

EVENTS = (ConversationAsked, Announced, TurnEnded, PhraseMade, DirectoryChanged, *_LEARNED)


def keys(event: object, known: Iterable[str]) -> list[str]:
    """Return the devices that an event concerns."""
    match event:
        case DirectoryChanged(devices=devices):
            return sorted(devices.union(known))
        case FloorChanged(floor=floor):
            return [] if is_channel(floor) else [id_of(floor)]
        case _:
            return [event.device]  # type: ignore[attr-defined]


def step(talker: Talker, event: object, _now: float) -> tuple[Talker, list[Effect]]:
    """Apply *event*."""
    if type(event) in _LEARNED:
        return _LEARNED[type(event)](talker, event), []
    match event:
        case ConversationAsked():
            return answer(talker, event)
        case Announced():
            return announced(talker, event)
        case TurnEnded() | PhraseMade():
            return _kept(talker, event)
        case DirectoryChanged():
            return _directory_changed(talker, event)
        case _:
            return talker, []


def _kept(talker: Talker, event: TurnEnded | PhraseMade) -> tuple[Talker, list[Effect]]:
    """Remember what was said; of a device that was removed meanwhile, nothing."""
    if not talker.provisioned:
        return talker, []
    if isinstance(event, TurnEnded):
        talker = replace(talker, last=LastTurn(talker.boot, max(event.turn, talker.turn)))
    return talker, [Record(event)]


def _directory_changed(talker: Talker, directory: DirectoryChanged) -> tuple[Talker, list[Effect]]:
    """Learn the settings. A device that is gone leaves nothing to one that gets its name."""
    device = talker.device
    if device in directory.devices:
        own = directory.voices.get(device)
        settings = DEFAULTS if own is None else settings_of(own)
        return replace(talker, provisioned=True, settings=settings), []
    if not talker.provisioned:
        return talker, []
    gone = ConversationErased(device)
    return Talker(device), [Record(gone), Perform(gone)]
