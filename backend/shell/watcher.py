"""Notices that the command line changed the accounts."""

import asyncio

from backend.features.directory.feature import DirectoryLoaded
from backend.shell.accounts import Accounts
from backend.shell.inbox import Inbox

_EVERY_S = 0.5


async def watch(accounts: Accounts, inbox: Inbox, seen: int) -> None:
    """Put the directory into the inbox whenever its revision is no longer *seen*; until cancelled."""
    while True:
        await asyncio.sleep(_EVERY_S)
        revision = await asyncio.to_thread(accounts.revision)
        if revision != seen:
            seen = revision
            await inbox.put(DirectoryLoaded(await asyncio.to_thread(accounts.principals)))
