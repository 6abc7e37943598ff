"""What an intent may look at and do: what its speaker could, by the same requests, with the same answers."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from backend.core.desk import Desk
from backend.core.engine import Arrived, Send
from backend.core.floors import device_floor
from backend.core.ids import is_id
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from backend.features.sessions.feature import COMMAND, REPLY, REQUEST, SessionDocument
from backend.shell.inbox import Inbox
from backend.shell.voice.asking import Outcome, Thing
from backend.shell.voice.surroundings import Surroundings

_WITHIN_S = 3.0  # longer than any commit takes; then the disk is full, or the server stops


class Deeds:
    """Asks the engine for somebody, and waits for the answer. It hears what goes out, to find the answer there."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._awaited: dict[tuple[str, str], asyncio.Future[Mapping[str, Any]]] = {}

    def learn(self, sends: Iterable[Send]) -> None:
        """Look for answers in what goes out."""
        if self._awaited:
            for send in sends:
                self._find(send)

    async def ask(self, device: str, speaker: str, action: str, **more: object) -> Outcome:
        """Ask something of a device's session in the name of the speaker."""
        request_id = f"voice-{secrets.token_hex(8)}"  # one that was used before would get the answer from then
        reply_topic = REPLY.at(device=device, principal=speaker)
        answer = self._awaited[reply_topic, request_id] = asyncio.get_running_loop().create_future()
        body = json.dumps({"id": request_id, "action": action, **more}).encode()
        self._inbox.add(Arrived(REQUEST.at(device=device, principal=speaker), body))
        try:
            async with asyncio.timeout(_WITHIN_S):
                reply = await answer
        except TimeoutError:
            return Outcome(ok=False, code=Code.NOT_STORED)
        finally:
            del self._awaited[reply_topic, request_id]
        return Outcome(ok=reply["ok"], code=reply["code"])

    def _find(self, send: Send) -> None:
        for (topic, request_id), answer in self._awaited.items():
            if send.topic == topic and not answer.done():
                reply = json.loads(send.payload)
                if reply.get("id") == request_id:
                    answer.set_result(reply)


class House:
    """The world of the intents: the devices, as everybody sees them. *send* publishes, and returns once that is done.

    What is asked then, such as to give a device back, comes after it in the eyes of everybody.
    """

    def __init__(self, house: Surroundings, deeds: Deeds, send: Callable[[Send], Awaitable[None]]) -> None:
        self._house = house
        self._deeds = deeds
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
        return await self._deeds.ask(device, speaker, "claim", type="voice", **longest)

    async def release(self, device: str, speaker: str) -> Outcome:
        """Give a device back."""
        return await self._deeds.ask(device, speaker, "release")

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

    def _session(self, device: str) -> SessionDocument | None:
        document: SessionDocument | None = self._shown(self._house.sessions, device_floor(device))
        return document

    def _shown(self, desk: Desk[Any], key: str) -> Any:
        """Return the document of one key as it is published."""
        state = desk.states.get(key)
        published = desk.project(state, self._house.now()) if state is not None else []
        return published[0].body if published else None
