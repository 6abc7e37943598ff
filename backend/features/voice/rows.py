"""Conversations as rows: what was said, what is known by heart, and when each began. The machine never sees this file.

A conversation is all that was said on one device. It is forgotten as a whole.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Delete, Executable, Update, func, or_, update
from sqlalchemy.dialects import sqlite
from sqlmodel import Field, SQLModel, col, delete, select

from backend.core.clock import DAY_S
from backend.core.conversations import Bounds
from backend.core.facts import PhraseMade, TurnEnded


class ConversationRow(SQLModel, table=True):
    """The conversation of one device: what was said in all, also what is no longer remembered word for word."""

    device: str = Field(primary_key=True)
    begun_at: float
    last_at: float = Field(index=True)
    turns: int
    messages: int


class TurnRow(SQLModel, table=True):
    """One turn. Its number only grows; those of the device start again with each boot."""

    id: int = Field(primary_key=True)
    device: str = Field(index=True)
    turn: int
    at: float
    user: str | None
    heard: str | None
    answer: str | None
    by: str | None
    code: str | None
    audio_ms: float | None
    speech_ms: float | None
    final_ms: float | None
    first_audio_ms: float | None


class PhraseRow(SQLModel, table=True):
    """Something that a device has said, and may say again. The audio comes last: the rest is read without it."""

    device: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    text: str
    seconds: float
    made_at: float
    used_at: float = Field(index=True)
    uses: int
    audio: bytes


def turn_row(turn: TurnEnded) -> dict[str, Any]:
    """Return a turn as a row; the database gives it the next number."""
    return {
        "id": None,
        "device": turn.device,
        "turn": turn.turn,
        "at": turn.at,
        "user": turn.user,
        "heard": turn.heard,
        "answer": turn.answer,
        "by": turn.by,
        "code": turn.code,
        "audio_ms": turn.audio_ms,
        "speech_ms": turn.speech_ms,
        "final_ms": turn.final_ms,
        "first_audio_ms": turn.first_audio_ms,
    }


def phrase_row(phrase: PhraseMade) -> dict[str, Any]:
    """Return a phrase as a row. It was not used yet: the turn that it was made for tells that."""
    return {
        "device": phrase.device,
        "key": phrase.key,
        "text": phrase.text,
        "seconds": phrase.seconds,
        "made_at": phrase.at,
        "used_at": phrase.at,
        "uses": 0,
        "audio": phrase.audio,
    }


def after_turn(bounds: Bounds, turn: TurnEnded) -> Iterator[Executable]:
    """Return what goes with a turn: the conversation grows, old turns make room, phrases were used."""
    yield _grown(turn)
    ids = select(TurnRow.id).where(TurnRow.device == turn.device).order_by(col(TurnRow.id).desc())
    last = ids.offset(bounds.turns).limit(1).scalar_subquery()
    yield delete(TurnRow).where(col(TurnRow.device) == turn.device, col(TurnRow.id) <= last)
    if turn.phrases:
        yield _used(turn)


def after_phrase(bounds: Bounds, phrase: PhraseMade) -> Iterator[Executable]:
    """Return what goes with a phrase: those that were not used for the longest time make room."""
    latest = [col(PhraseRow.used_at).desc(), col(PhraseRow.key)]
    number = func.row_number().over(order_by=latest).label("number")
    total = func.sum(func.length(PhraseRow.audio)).over(order_by=latest).label("total")
    ranked = select(PhraseRow.key, number, total).where(PhraseRow.device == phrase.device).subquery()
    beyond = or_(ranked.c.number > bounds.phrases, ranked.c.total > bounds.phrase_bytes)
    keys = select(ranked.c.key).where(beyond)
    yield delete(PhraseRow).where(col(PhraseRow.device) == phrase.device, col(PhraseRow.key).in_(keys))


def erased(device: str) -> dict[str, Delete]:
    """Return the statements that forget a device's conversation, by the name of what they forget."""
    return {
        "conversations": delete(ConversationRow).where(col(ConversationRow.device) == device),
        "turns": delete(TurnRow).where(col(TurnRow.device) == device),
        "phrases": delete(PhraseRow).where(col(PhraseRow.device) == device),
    }


def inactive(days: float, now: float) -> dict[str, Delete]:
    """Return the statements that forget the conversations that nothing was added to for so many days, likewise."""
    since = now - days * DAY_S
    live = select(ConversationRow.device).where(ConversationRow.last_at > since)
    gone = select(ConversationRow.device).where(ConversationRow.last_at <= since)
    return {
        "phrases": delete(PhraseRow).where(col(PhraseRow.used_at) <= since, col(PhraseRow.device).not_in(live)),
        "turns": delete(TurnRow).where(col(TurnRow.device).in_(gone)),
        "conversations": delete(ConversationRow).where(col(ConversationRow.last_at) <= since),
    }


def _grown(turn: TurnEnded) -> Executable:
    messages = (turn.heard is not None) + (turn.answer is not None)
    new = sqlite.insert(ConversationRow).values(
        device=turn.device, begun_at=turn.at, last_at=turn.at, turns=1, messages=messages
    )
    grown = {
        "last_at": func.max(ConversationRow.last_at, new.excluded.last_at),
        "turns": ConversationRow.turns + 1,
        "messages": ConversationRow.messages + messages,
    }
    return new.on_conflict_do_update(index_elements=["device"], set_=grown)


def _used(turn: TurnEnded) -> Update:
    of_device = col(PhraseRow.device) == turn.device, col(PhraseRow.key).in_(turn.phrases)
    return update(PhraseRow).where(*of_device).values(uses=PhraseRow.uses + 1, used_at=turn.at)
