"""Which triggers are whose; apart from what defines them, of which accounts need nothing."""

import json
from collections.abc import Mapping

from sqlmodel import Session, select

from backend.features.directory.feature import TriggerRow, definition


def triggers_owned(session: Session) -> Mapping[str, frozenset[str]]:
    """Return the triggers of each account that publishes some itself."""
    owned: dict[str, set[str]] = {}
    for row in session.exec(select(TriggerRow)):
        owner = definition(row).get("owner")
        if owner is not None:
            owned.setdefault(owner, set()).add(row.name)
    return {owner: frozenset(names) for owner, names in owned.items()}


def disown(session: Session, name: str) -> None:
    """Let the triggers of an account be nobody's."""
    for row in session.exec(select(TriggerRow)):
        found = definition(row)
        if found.get("owner") == name:
            row.definition = json.dumps({key: value for key, value in found.items() if key != "owner"})
