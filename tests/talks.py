"""Conversations in the house: turns as the shell tells them, and what is asked about them."""

import json
from typing import Any

from backend.core.engine import Send
from backend.core.facts import PhraseMade, TurnEnded
from backend.core.principals import Principal, Role
from tests.house import House
from tests.people import EVERYBODY, ROOT

KITCHEN = Principal("kitchen-1", Role.DEVICE, "Kitchen", owner="alice")
LAB = Principal("lab-1", Role.DEVICE, "Lab", owner="bob")
LISTENING = {**EVERYBODY, KITCHEN.name: KITCHEN, LAB.name: LAB}


class Talks:
    """A house with two devices that converse."""

    def __init__(self, house: House) -> None:
        self.house = house
        house.knows(LISTENING)
        house.commit()

    def ends(self, device: str, heard: str | None, answer: str | None = None, **more: Any) -> None:
        """Let a turn end."""
        self.house.engine.hear(TurnEnded(device, 1, self.house.now, heard=heard, answer=answer, **more), self.house.now)

    def makes(self, device: str, key: str, audio: bytes = b"\0\0") -> None:
        """Let a phrase be put into speech."""
        made = PhraseMade(device, key, f"text of {key}", audio, len(audio) / 32_000, self.house.now)
        self.house.engine.hear(made, self.house.now)

    def asks(self, who: Principal, device: str, action: str, **keys: Any) -> dict[str, Any]:
        """Ask something of a conversation; return the answer, once all is stored."""
        self.house.receive(f"devices/{device}/conversation/request/{who.name}", {"action": action, **keys})
        return _reply(self.house.commit(), f"devices/{device}/conversation/reply/{who.name}")

    def orders(self, action: str, **keys: Any) -> dict[str, Any]:
        """Ask something of the backend, as an admin."""
        self.house.receive(f"backend/request/{ROOT.name}", {"action": action, **keys})
        return _reply(self.house.commit(), f"backend/reply/{ROOT.name}")

    def told(self, device: str, **keys: Any) -> list[str | None]:
        """Return what was heard on a device, the newest first."""
        return [turn.get("heard") for turn in self.asks(ROOT, device, "history", **keys)["turns"]]


def _reply(sends: list[Send], topic: str) -> dict[str, Any]:
    *_, last = (send.payload for send in sends if send.topic == topic)
    return dict(json.loads(last))
