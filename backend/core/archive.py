"""What is kept in the journal but not in memory: added to by an effect, read by a request, forgotten after a while."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.core.effects import Asked
from backend.core.messages import Reply


@dataclass(frozen=True, slots=True)
class Archive:
    """One kind of record. Only the journal calls it.

    ``row`` makes a row of a record; ``read`` answers a query, given a session of the database; ``too_old`` returns the
    statement that forgets, at a point in time, what nobody needs any more.
    """

    table: Any
    record: type
    query: type
    row: Callable[[Any], dict[str, object]]
    read: Callable[[Any, Asked, Any], Reply]
    too_old: Callable[[float], Any]
