"""A trigger as a row, with all that it owns. The machine never sees this file."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Field, SQLModel, select
from sqlmodel import Session as Database

from backend.core.desk import ROWS_AT_ONCE
from backend.features.triggers.state import Subscription, Trigger

_STATE = TypeAdapter(Trigger)
_TOLD_ANEW: dict[str, Any] = {  # by the directory, or by the clock; and it may be secret, and is stored once
    **dict.fromkeys(("told", "stored", "profiles", "heard_at", "due"), True),
    "subscriptions": {"__all__": {"stored", "definition", "turns_at"}},
}


class TriggerStateRow(SQLModel, table=True):
    """How one trigger stands. What it is, and what its profiles do, is the directory's."""

    trigger: str = Field(primary_key=True)
    state: str


TABLE = TriggerStateRow


def load(database: Database) -> dict[str, Trigger]:
    """Return the stored triggers by id. What was at work, or waited to be, was interrupted."""
    stored = database.exec(
        select(TriggerStateRow.trigger, TriggerStateRow.state).execution_options(yield_per=ROWS_AT_ONCE)
    )
    return {trigger: _interrupted(_STATE.validate_json(state)) for trigger, state in stored}


def dump(triggers: Iterable[Trigger]) -> list[dict[str, Any]]:
    """Return one row per trigger."""
    return [{"trigger": each.id, "state": _STATE.dump_json(each, exclude=_TOLD_ANEW).decode()} for each in triggers]


def _interrupted(trigger: Trigger) -> Trigger:
    return replace(trigger, subscriptions={profile: _stopped(each) for profile, each in trigger.subscriptions.items()})


def _stopped(subscription: Subscription) -> Subscription:
    runs = tuple(replace(run, interrupted=True) if run.phase is not None else run for run in subscription.runs)
    return replace(subscription, runs=runs)
