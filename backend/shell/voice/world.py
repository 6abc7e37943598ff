"""What an intent may look at and do: what its speaker could, by the same requests, with the same answers."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from backend.core.desk import Desk
from backend.core.engine import Send
from backend.core.floors import device_floor
from backend.core.ids import is_id
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from backend.features.sessions.feature import COMMAND, REPLY, REQUEST, SessionDocument
from backend.shell.deeds import Requests
from backend.shell.surroundings import Surroundings
from backend.shell.voice.asking import Outcome, Thing

_SESSION = Requests(REQUEST, REPLY)


class House:
    """The world of the intents: the devices, as everybody sees them. *send* publishes, and returns once that is done.

    What is asked then, such as to give a device back, comes after it in the eyes of everybody.
    """

    def __init__(self, house: Surroundings, send: Callable[[Send], Awaitable[None]]) -> None:
        self._house = house
        self._deeds = house.deeds
        self._send = send
        self._names: tuple[Mapping[str, Principal], Mapping[str, str]] = ({}, {})

    def now(self) -> datetime:
        """Return the local time, with its zone."""
        return datetime.fromtimestamp(self._house.now()).astimezone()

    def names(self) -> Mapping[str, str]:
        """Return how people call each device, by id: the same object for as long as it says the same."""
        principals, names = self._house.accounts.principals(), self._names
        if principals is not names[0]:
            devices = {name: who.display_name for name, who in principals.items() if who.role is Role.DEVICE}
            self._names = principals, devices
        return self._names[1]

    def thing(self, device: str) -> Thing | None:
        """Return a device as it is now. None: there is none of this id."""
        session = self._session(device)
        name = self.names().get(device)
        if session is None or name is None:
            return None
        shown = self._shown(self._house.presence, device)
        first = session.queue[0] if session.queue else None
        return Thing(
            device,
            name,
            online=shown is not None and shown.state == "online",
            holder=session.holder,
            holder_name=session.holder_name,
            waiting=len(session.queue),
            ends_s=session.expires_in_s,
            next_name=first.name if first is not None else None,
            eta_s=session.queue[-1].eta_s if session.queue else session.expires_in_s,
        )

    async def claim(self, device: str, speaker: str) -> Outcome:
        """Claim a device, without waiting for it where it is in use; for long, since nobody renews it."""
        state = self._house.sessions.states.get(device_floor(device))
        longest = {"lease_s": state.policy(self._house.settings.policy).max_lease_s} if state is not None else {}
        return await self._ask(device, speaker, {"action": "claim", "type": "voice", **longest})

    async def release(self, device: str, speaker: str) -> Outcome:
        """Give a device back."""
        return await self._ask(device, speaker, {"action": "release"})

    async def command(self, device: str, speaker: str, name: str, body: Mapping[str, object]) -> Outcome:
        """Send a command to a device that the speaker holds; its fence is added."""
        if not is_id(name):
            return Outcome(ok=False, code=Code.BAD_ID)
        session = self._session(device)
        if session is None or session.holder != speaker:
            return Outcome(ok=False, code=Code.NOT_HOLDER)
        payload = json.dumps({**body, "fence": session.fence}).encode()
        await self._send(Send(COMMAND.at(device=device, name=name), payload))
        return Outcome(ok=True)

    async def _ask(self, device: str, speaker: str, body: Mapping[str, object]) -> Outcome:
        reply = await self._deeds.ask(_SESSION, body, device=device, principal=speaker)
        return Outcome(ok=reply["ok"], code=reply["code"])

    def _session(self, device: str) -> SessionDocument | None:
        document: SessionDocument | None = self._shown(self._house.sessions, device_floor(device))
        return document

    def _shown(self, desk: Desk[Any], key: str) -> Any:
        """Return the document of one key as it is published."""
        state = desk.states.get(key)
        published = desk.project(state, self._house.now()) if state is not None else []
        return published[0].body if published else None
