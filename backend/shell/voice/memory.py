"""What is remembered of conversations, read beside the journal, which alone writes it while a server runs."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy import Engine as Database
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from backend.features.voice.feature import begun, clean_up, exchanges, phrase
from backend.features.voice.frames import Codec
from backend.shell.voice.asking import Exchange

log = logging.getLogger(__name__)

_EXCHANGES = 10  # twenty messages

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something that a device has said before, encoded for it, and how long it sounds."""

    audio: bytes
    seconds: float


def phrase_key(text: str, language: str, voice: str | None, speed: int, codec: Codec) -> str:
    """Return what tells a phrase from all others of a device: it sounds the same if all of these are the same."""
    said = json.dumps([text, language, voice, speed, codec.name])
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


class Memory:
    """The conversations in one database. What cannot be read is not remembered: a turn goes on without it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def phrase(self, device: str, key: str) -> Phrase | None:
        """Return a phrase of the cache, or None. That it was used is told with the turn; see `TurnEnded`."""
        found = await self._read(lambda session: phrase(session, device, key), None)
        return Phrase(*found) if found is not None else None

    async def exchanges(self, device: str, user: str | None = None) -> list[Exchange]:
        """Return what was said last on a device, the newest at the end; if a *user* is named, in its turns only."""
        read = partial(exchanges, device=device, user=user, most=_EXCHANGES)
        found: list[tuple[str, str]] = await self._read(read, [])
        return [Exchange(heard, answer) for heard, answer in found]

    async def begun(self) -> dict[str, float] | None:
        """Return when each conversation began, by device; None where that cannot be read."""
        return await self._read(begun, None)

    def clean_up(self, days: float, now: float) -> dict[str, int]:
        """Forget conversations that nothing was added to for so many days; return how much of what is gone.

        Raises SQLAlchemyError. It may be done beside a running server.
        """
        with Session(self._database) as session, session.begin():
            return clean_up(session, days, now)

    async def _read(self, query: Callable[[Session], T], nothing: T) -> T:
        try:
            return await asyncio.to_thread(self._in_session, query)
        except SQLAlchemyError as error:
            log.error("conversations cannot be read: %s", error)
            return nothing

    def _in_session(self, query: Callable[[Session], T]) -> T:
        with Session(self._database) as session:
            return query(session)
