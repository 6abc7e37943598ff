"""Notices that the command line changed accounts, owners, channels, rules, voices, triggers or profiles."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from aiomqtt import MqttError
from sqlalchemy import Engine as Database
from sqlalchemy.exc import SQLAlchemyError

from backend.core.facts import Definition, SecretsChanged
from backend.features.directory.feature import DirectoryLoaded
from backend.shell.accounts import Accounts
from backend.shell.door import Door
from backend.shell.floors import Floors
from backend.shell.inbox import Inbox
from backend.shell.revision import revision
from backend.shell.triggers import Triggers
from backend.shell.voices import Voices

log = logging.getLogger(__name__)

_EVERY_S = 0.5

Know = Callable[[Mapping[str, str]], Awaitable[Collection[str]]]
"""Is told which accounts there are, each with a mark that changes when its secret does.

Returns whose connections it ended for that: each that there was, by the time it returns.
"""

Listen = Callable[[Mapping[str, Definition]], Awaitable[None]]
"""Is told which triggers there are."""


class Watcher:
    """Looks at the revision of the directory twice a second, and tells everybody in this process what changed."""

    def __init__(self, database: Database, inbox: Inbox, door: Door, listen: Listen, now: Callable[[], float]) -> None:
        self._database = database
        self._inbox = inbox
        self._door = door
        self._listen = listen
        self._now = now
        self._turn = asyncio.Lock()
        self._revision: int | None = None  # what changed while the server started is told at the first look
        self._marks: Mapping[str, str] = {}
        self._looked_at = 0.0  # what changed before, the last look has seen

    async def tell(self) -> None:
        """Put the directory into the inbox, and let the door know it: no message comes through before that is there."""
        directory = await asyncio.to_thread(loaded, self._database)
        await self._inbox.put(directory)
        self._door.know(directory.principals)
        await self._listen(directory.triggers)

    async def run(self, know: Know) -> None:
        """Tell the directory whenever it changed, and let the broker *know*; until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.look(know)

    async def look(self, know: Know) -> None:
        """Tell the directory if it changed, and let the broker *know*; what fails is tried again by and by."""
        try:
            async with self._turn:
                await self._look(know)
        except SQLAlchemyError as error:
            log.warning("cannot look at the directory, trying again: %s", error)
        except MqttError as error:
            log.warning("cannot tell the broker which accounts changed, trying again: %s", error)

    async def _look(self, know: Know) -> None:
        began = self._now()
        seen = await asyncio.to_thread(revision, self._database)
        if seen != self._revision:
            found = marks(await asyncio.to_thread(Accounts(self._database).verifiers))
            await self.tell()
            self._say_void(found, await know(found))
            self._revision, self._marks = seen, found
        self._looked_at = began

    def _say_void(self, found: Mapping[str, str], locked_out: Collection[str]) -> None:
        """Say, since no last will does, who was locked out by a new secret since the last look.

        Who has no account any more needs no word: the directory tells that.
        """
        changed = {name for name, mark in found.items() if self._marks.get(name, mark) != mark}
        names = changed | (found.keys() & locked_out)  # the broker knows what changed while nobody looked
        if names:
            self._inbox.add(SecretsChanged(frozenset(names), self._looked_at))


def loaded(database: Database) -> DirectoryLoaded:
    """Return the directory as it is stored now."""
    floors, triggers = Floors(database), Triggers(database)
    channels = frozenset(channel.name for channel in floors.channels())
    return DirectoryLoaded(
        Accounts(database).principals(),
        channels,
        floors.rules(),
        Voices(database).all(),
        triggers.definitions("trigger"),
        triggers.definitions("profile"),
    )


def marks(verifiers: Mapping[str, str]) -> dict[str, str]:
    """Return what tells a secret from the one before, and nothing else of it."""
    return {name: hashlib.blake2b(stored.encode(), digest_size=16).hexdigest() for name, stored in verifiers.items()}
