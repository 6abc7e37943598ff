"""What is kept in the journal but not in memory: added to by effects, told on request, forgotten after a while."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from backend.core.effects import Asked
from backend.core.messages import Message, Reply

M = TypeVar("M", bound=Message)

_MOST_BYTES = 128 * 1024  # of the records in one reply; a single one can be larger


@dataclass(frozen=True, slots=True)
class Archive:
    """One kind of record. Only the journal calls it.

    ``row`` makes a row of a record (None: it only changes what is there), and ``then`` returns the statements that
    follow it in the same transaction. ``queries`` answer requests, by the type of the query, given a session of the
    database; they may change what is stored, see `Consult`. ``too_old`` returns the statements that forget, at a point
    in time, what nobody needs any more, by the name of what they forget; they run every ``sweep_s`` seconds at most.
    """

    table: Any
    record: type
    row: Callable[[Any], dict[str, object]] | None = None
    then: Callable[[Any], Iterable[Any]] = lambda _record: ()
    queries: Mapping[type, Callable[[Any, Asked, Any], Reply]] = field(default_factory=dict)
    too_old: Callable[[float], Mapping[str, Any]] = lambda _now: {}
    sweep_s: float = 60.0


def fitting(records: Iterable[M]) -> Iterator[M]:
    """Return as many of these as one reply can carry: the first in any case."""
    told = 0
    for record in records:
        size = len(record.payload())
        if told and told + size > _MOST_BYTES:
            return
        told += size
        yield record
