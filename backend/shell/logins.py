"""Checks secrets: slowly where it must be, a few at a time, and no more for one name than is fair."""

import asyncio
import hashlib
import os

from backend.shell.accounts import verify

_AT_ONCE = 4
_OF_ONE_NAME = 2


class Logins:
    """Hashes in threads. What was right before is recognised by a keyed hash that lives in memory only."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._key = os.urandom(32)
        self._right: dict[str, tuple[str, bytes]] = {}
        self._running: dict[str | None, dict[bytes, asyncio.Task[bool]]] = {}

    async def is_right(self, name: str, stored: str | None, secret: str) -> bool | None:
        """Tell whether this is the secret whose hash is *stored* for an account (None: there is no such account).

        None: it was not looked at, since too many of that name are; it may be right the next time.
        """
        if stored is not None and self._right.get(name) == (stored, self._digest(secret)):
            return True
        is_right = await self._verify(name, stored, secret)
        if is_right and stored is not None:
            self._right[name] = (stored, self._digest(secret))
        return is_right

    async def _verify(self, name: str, stored: str | None, secret: str) -> bool | None:
        """Hash a secret once, however many ask, and at a time only few of one name.

        So an account may come back with all its clients at once, and a storm of wrong secrets holds up nobody else. All
        names that do not exist count as one. Who is one too many is told so (None) only when an earlier one has its
        answer: how long that took tells nothing.
        """
        whose = name if stored is not None else None
        running = self._running.setdefault(whose, {})
        asked = self._digest(f"{stored} {secret}")
        if asked not in running:
            if len(running) >= _OF_ONE_NAME:
                await asyncio.wait(running.values(), return_when=asyncio.FIRST_COMPLETED)
                return None
            running[asked] = asyncio.create_task(self._hash(stored, secret))
            running[asked].add_done_callback(lambda _task: self._forget(whose, asked))
        return await asyncio.shield(running[asked])  # who hangs up does not take the answer from the others

    async def _hash(self, stored: str | None, secret: str) -> bool:
        async with self._slots:
            return await asyncio.to_thread(verify, stored, secret)

    def _forget(self, whose: str | None, asked: bytes) -> None:
        del self._running[whose][asked]
        if not self._running[whose]:
            del self._running[whose]

    def _digest(self, secret: str) -> bytes:
        """Remember a right secret for the next login of a flapping board, but not in the clear."""
        return hashlib.blake2b(secret.encode(), key=self._key).digest()
