"""Triggers in the database: whose they are."""

from collections.abc import Mapping

from sqlmodel import Session


def triggers_owned(_session: Session) -> Mapping[str, frozenset[str]]:
    """Return the triggers of each account that owns some."""
    return {}
