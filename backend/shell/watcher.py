"""Notices that the command line changed the accounts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from aiomqtt import MqttError
from sqlalchemy.exc import SQLAlchemyError

from backend.features.directory.feature import DirectoryLoaded
from backend.shell.accounts import Accounts
from backend.shell.inbox import Inbox

log = logging.getLogger(__name__)

_EVERY_S = 0.5

Revoke = Callable[[Collection[str], Collection[str]], Awaitable[None]]
"""Is told whose secrets are void, and which of these accounts are no more."""


class Watcher:
    """Looks at the revision of the accounts twice a second."""

    def __init__(self, accounts: Accounts, inbox: Inbox) -> None:
        self._accounts = accounts
        self._inbox = inbox
        self._revision = accounts.revision()
        self._secrets: Mapping[str, str] = accounts.verifiers()

    async def run(self, revoke: Revoke) -> None:
        """Put the directory into the inbox whenever it changed, and *revoke* old secrets; until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self._look(revoke)
            except SQLAlchemyError as error:
                log.warning("cannot look at the accounts, trying again: %s", error)
            except MqttError as error:
                log.warning("cannot tell the broker which accounts changed, trying again: %s", error)

    async def _look(self, revoke: Revoke) -> None:
        revision = await asyncio.to_thread(self._accounts.revision)
        if revision == self._revision:
            return
        principals = await asyncio.to_thread(self._accounts.principals)
        stored = await asyncio.to_thread(self._accounts.verifiers)
        await self._inbox.put(DirectoryLoaded(principals))
        void = {name for name, secret in self._secrets.items() if stored.get(name) != secret}
        await revoke(void, void - stored.keys())
        self._revision, self._secrets = revision, stored
