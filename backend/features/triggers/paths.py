"""JSON paths (RFC 9535, without filters): the only place that looks into payloads with them.

Anybody who subscribes may write one, and it is followed for each message. So a path has no filters (which may hold any
regular expression), a dozen steps with one selector each, and `..` only once: no step of it meets a value twice.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from jsonpath import JSONPath, JSONPathError, compile  # noqa: A004 - that is its name
from jsonpath.segments import JSONPathRecursiveDescentSegment
from jsonpath.selectors import IndexSelector, JSONPathSelector, NameSelector, SliceSelector, WildcardSelector

MAX_PATH = 200  # characters
MAX_STEPS = 12
MAX_FOUND = 1000  # values; whoever asks looks at each of them

_SELECTORS = (NameSelector, IndexSelector, SliceSelector, WildcardSelector)


def check_path(path: str) -> None:
    """Insist that this is a path. Raises ValueError."""
    try:
        query = _compiled(path)
    except JSONPathError as error:
        raise ValueError(f"{path!r} is no JSON path: {str(error).splitlines()[0]}") from error
    if any(len(step.selectors) != 1 or not isinstance(step.selectors[0], _SELECTORS) for step in query.segments):
        raise ValueError(f"{path!r} has a filter, or several selectors in one step")
    if len(query.segments) > MAX_STEPS:
        raise ValueError(f"{path!r} has more than {MAX_STEPS} steps")
    if sum(isinstance(step, JSONPathRecursiveDescentSegment) for step in query.segments) > 1:
        raise ValueError(f"{path!r} has more than one `..`")


def found(path: str, data: Any) -> list[Any]:
    """Return what a valid path leads to, in order: the first thousand values.

    The library reads paths, but does not follow them: it notes the way to each value, which takes fifty times as long.
    """
    values = [data]
    for is_deep, select in _steps(path):
        if is_deep:
            values = [inner for value in values for inner in _within(value)]
        values = [selected for value in values for selected in select(value)]
    return values[:MAX_FOUND]


def _within(value: Any) -> Iterator[Any]:
    """Yield a value and all that it holds, at whatever depth."""
    yield value
    for inner in _children(value):
        yield from _within(inner)


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


Select = Callable[[Any], Iterable[Any]]


@lru_cache(1024)
def _steps(path: str) -> tuple[tuple[bool, Select], ...]:
    """Return the steps of a path: whether each looks at all depths, and what it selects of a value."""
    return tuple(
        (isinstance(step, JSONPathRecursiveDescentSegment), _select(step.selectors[0]))
        for step in _compiled(path).segments
    )


def _select(selector: JSONPathSelector) -> Select:
    match selector:
        case NameSelector(name=name):
            return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()
        case IndexSelector(index=at):
            return lambda value: (value[at],) if isinstance(value, list) and -len(value) <= at < len(value) else ()
        case SliceSelector(slice=part):
            return lambda value: value[part] if isinstance(value, list) and part.step != 0 else ()
        case _:
            return _children


@lru_cache(1024)
def _compiled(path: str) -> JSONPath:
    query = compile(path if path.startswith("$") else f"$.{path}")
    if not isinstance(query, JSONPath):
        raise JSONPathError("one path, please")
    return query
