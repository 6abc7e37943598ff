"""Voice: each device has its own conversation. Table of contents of the feature."""

from dataclasses import dataclass

from backend.core.conversations import Bounds
from backend.core.desk import Desk
from backend.features.voice import talkers
from backend.features.voice.history import archives, begun, clean_up, erase, exchanges, forget, phrase
from backend.features.voice.machine import EVENTS, keys, step
from backend.features.voice.state import Announce, ConversationErased, HushOrdered, Talker

__all__ = [
    "Announce",
    "Bounds",
    "ConversationErased",
    "HushOrdered",
    "Talker",
    "Talkers",
    "archives",
    "begun",
    "clean_up",
    "desk",
    "erase",
    "exchanges",
    "forget",
    "phrase",
]


def desk() -> Desk[Talker]:
    """Return the desk that knows all devices that may converse."""
    return Desk(
        name="voice",
        events=EVENTS,
        fresh=Talker,
        keys=keys,
        step=step,
        until=lambda _talker: None,
        project=lambda _talker, _now: [],
        rows=talkers,
        durable=lambda talker: talker.last,
    )


@dataclass(frozen=True, slots=True)
class Talkers:
    """What is known of devices at the moment: the shell looks it up when a turn begins."""

    voice: Desk[Talker]

    def talker(self, device: str) -> Talker | None:
        """Return a device, or None where none of this name is provisioned."""
        found = self.voice.states.get(device)
        return found if found is not None and found.provisioned else None
