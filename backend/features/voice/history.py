"""What is told of conversations, counted and forgotten on request."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from sqlalchemy import Delete, func, update
from sqlmodel import Session as Database
from sqlmodel import col, select

from backend.core.archive import Archive, fitting
from backend.core.clock import DAY_S, iso
from backend.core.conversations import Bounds, CleanUp, Tally
from backend.core.effects import Asked
from backend.core.facts import PhraseMade, TurnEnded
from backend.core.messages import Reply
from backend.features.voice.messages import ConversationReply, PastTurn
from backend.features.voice.rows import (
    ConversationRow,
    PhraseRow,
    TurnRow,
    after_phrase,
    after_turn,
    erased,
    inactive,
    phrase_row,
    turn_row,
)
from backend.features.voice.state import ConversationErased, FiguresAsked, ForgetAsked, HistoryAsked
from backend.features.voice.talkers import removed

_HOUR_S = 3600.0
_MOST_RECENT = 10


def archives(bounds: Bounds) -> list[Archive]:
    """Return what keeps conversations: turns, phrases, and that they are erased."""
    return [
        Archive(
            TurnRow,
            TurnEnded,
            turn_row,
            then=partial(after_turn, bounds),
            queries={
                HistoryAsked: _history,
                FiguresAsked: _figures,
                ForgetAsked: _forget,
                Tally: _tally,
                CleanUp: partial(_clean_up, bounds.days),
            },
            too_old=partial(inactive, bounds.days),
            sweep_s=_HOUR_S,
        ),
        Archive(PhraseRow, PhraseMade, phrase_row, then=partial(after_phrase, bounds)),
        Archive(ConversationRow, ConversationErased, then=_gone),
    ]


def clean_up(database: Database, days: float, now: float) -> dict[str, int]:
    """Forget conversations to which nothing was added for so many days; return how much of what is gone."""
    return _run(database, inactive(days, now))


def forget(database: Database, device: str) -> None:
    """Forget the conversation of a device."""
    _run(database, erased(device))


def erase(database: Database, name: str) -> None:
    """Forget a device or a person, so that who gets the name inherits nothing: neither a conversation, nor a turn."""
    _run(database, _removed(name))
    database.connection().execute(update(TurnRow).where(col(TurnRow.user) == name).values(user=None))


def _gone(erasure: ConversationErased) -> Iterable[Delete]:
    return (_removed if erasure.is_gone else erased)(erasure.device).values()


def _removed(device: str) -> dict[str, Delete]:
    """Return the statements that forget all that was said on a device, and the device."""
    return {**erased(device), "devices": removed(device)}


def begun(database: Database) -> dict[str, float]:
    """Return when each conversation that is remembered began, by device."""
    return dict(database.exec(select(ConversationRow.device, ConversationRow.begun_at)).all())


def phrase(database: Database, device: str, key: str) -> tuple[bytes, float] | None:
    """Return the audio of a phrase and its seconds, or None where it is not known."""
    found = select(PhraseRow.audio, PhraseRow.seconds).where(PhraseRow.device == device, PhraseRow.key == key)
    return database.exec(found).first()


def exchanges(database: Database, device: str, user: str | None, most: int) -> list[tuple[str, str]]:
    """Return what was heard and answered last on a device, the newest at the end; of a *user*, if one is named."""
    found = (
        select(TurnRow.heard, TurnRow.answer)
        .where(TurnRow.device == device, col(TurnRow.heard).is_not(None), col(TurnRow.answer).is_not(None))
        .order_by(col(TurnRow.id).desc())
        .limit(most)
    )
    if user is not None:
        found = found.where(TurnRow.user == user)
    return [(heard or "", answer or "") for heard, answer in reversed(database.exec(found).all())]


def _history(database: Database, asked: Asked, query: HistoryAsked) -> Reply:
    """Return the last turns of a device, the newest first."""
    found = select(TurnRow).where(TurnRow.device == query.device).order_by(col(TurnRow.id).desc())
    if query.before is not None:
        found = found.where(col(TurnRow.id) < query.before)
    turns = fitting(_told(row) for row in database.exec(found.limit(query.limit)))
    return ConversationReply(id=asked.id, ok=True, code="history", turn=query.turn, turns=tuple(turns))


def _told(row: TurnRow) -> PastTurn:
    same: dict[str, Any] = row.model_dump(include={"turn", "user", "heard", "answer", "by", "code"})
    return PastTurn(key=row.id, at=iso(row.at), **same)


def _forget(database: Database, asked: Asked, query: ForgetAsked) -> Reply:
    gone = _run(database, erased(query.device))
    return ConversationReply(
        id=asked.id, ok=True, code="forgotten", turns_deleted=gone["turns"], phrases_deleted=gone["phrases"]
    )


def _figures(database: Database, asked: Asked, query: FiguresAsked) -> Reply:
    """Return how much was said on a device; of what is still remembered, how quick it was."""
    row = database.get(ConversationRow, query.device)
    kept, final, first = database.exec(
        select(func.count(), func.avg(TurnRow.final_ms), func.avg(TurnRow.first_audio_ms)).where(
            TurnRow.device == query.device
        )
    ).one()
    phrases, size, uses = database.exec(
        select(func.count(), func.sum(func.length(PhraseRow.audio)), func.sum(PhraseRow.uses)).where(
            PhraseRow.device == query.device
        )
    ).one()
    stats = {
        **_counted(row),
        "begun_at": iso(row.begun_at) if row is not None else None,
        "turns_kept": kept,
        "final_ms": _rounded(final),
        "first_audio_ms": _rounded(first),
        "phrases": phrases,
        "phrase_bytes": size or 0,
        "phrase_uses": uses or 0,
    }
    return ConversationReply(id=asked.id, ok=True, code="stats", stats=stats)


def _tally(database: Database, asked: Asked, query: Tally) -> Reply:
    """Return how much is said on all devices, and on which of them something was said in the last 24 hours."""
    count, turns, messages, last = database.exec(
        select(
            func.count(),
            func.sum(ConversationRow.turns),
            func.sum(ConversationRow.messages),
            func.max(ConversationRow.last_at),
        )
    ).one()
    active = col(ConversationRow.last_at) > query.at - DAY_S
    latest = select(ConversationRow).where(active).order_by(col(ConversationRow.last_at).desc()).limit(_MOST_RECENT)
    stats = {
        "conversations": count,
        "turns": turns or 0,
        "messages": messages or 0,
        "average_turns": round((turns or 0) / max(1, count), 2),
        "average_messages": round((messages or 0) / max(1, count), 2),
        "last_activity": iso(last) if last is not None else None,
        "active_24h": database.exec(select(func.count()).select_from(ConversationRow).where(active)).one(),
        "recent": [{"device": row.device, **_counted(row)} for row in database.exec(latest)],
    }
    return Reply.model_validate({"id": asked.id, "ok": True, "code": "conversations", "stats": stats})


def _clean_up(days: float, database: Database, asked: Asked, query: CleanUp) -> Reply:
    gone = clean_up(database, days if query.days is None else query.days, query.at)
    counts = {f"{what}_deleted": count for what, count in gone.items()}
    return Reply.model_validate({"id": asked.id, "ok": True, "code": "cleaned_up", **counts})


def _counted(row: ConversationRow | None) -> dict[str, Any]:
    if row is None:
        return {"turns": 0, "messages": 0, "last_activity": None}
    return {"turns": row.turns, "messages": row.messages, "last_activity": iso(row.last_at)}


def _rounded(average: float | None) -> float | None:
    return round(average, 1) if average is not None else None


def _run(database: Database, statements: dict[str, Delete]) -> dict[str, int]:
    return {what: database.connection().execute(each).rowcount for what, each in statements.items()}
