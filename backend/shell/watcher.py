"""Notices that the command line changed the accounts."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from aiomqtt import MqttError
from sqlalchemy.exc import SQLAlchemyError

from backend.features.directory.feature import DirectoryLoaded
from backend.shell.accounts import Accounts
from backend.shell.inbox import Inbox

log = logging.getLogger(__name__)

_EVERY_S = 0.5

Know = Callable[[Mapping[str, str]], Awaitable[None]]
"""Is told which accounts there are, each with a mark that changes when its secret does."""


class Watcher:
    """Looks at the revision of the accounts twice a second."""

    def __init__(self, accounts: Accounts, inbox: Inbox) -> None:
        self._accounts = accounts
        self._inbox = inbox
        self._revision: int | None = None  # what changed while the server started is told at the first look

    async def run(self, know: Know) -> None:
        """Put the directory into the inbox whenever it changed, and let the broker *know*; until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self._look(know)
            except SQLAlchemyError as error:
                log.warning("cannot look at the accounts, trying again: %s", error)
            except MqttError as error:
                log.warning("cannot tell the broker which accounts changed, trying again: %s", error)

    async def _look(self, know: Know) -> None:
        revision = await asyncio.to_thread(self._accounts.revision)
        if revision == self._revision:
            return
        principals = await asyncio.to_thread(self._accounts.principals)
        stored = await asyncio.to_thread(self._accounts.verifiers)
        await self._inbox.put(DirectoryLoaded(principals))
        await know(marks(stored))
        self._revision = revision


def marks(verifiers: Mapping[str, str]) -> dict[str, str]:
    """Return what tells a secret from the one before, and nothing else of it."""
    return {name: hashlib.blake2b(stored.encode(), digest_size=16).hexdigest() for name, stored in verifiers.items()}
