"""JSON paths (RFC 9535, without filters): the only place that looks into payloads with them.

Anybody who subscribes may write one, and it is followed for each message. So a path has no filters (which may hold any
regular expression), a dozen steps with one selector each, and `..` only once: no step of it meets a value twice.
"""

from functools import lru_cache
from typing import Any

from jsonpath import JSONPath, JSONPathError, compile  # noqa: A004 - that is its name
from jsonpath.segments import JSONPathChildSegment, JSONPathRecursiveDescentSegment
from jsonpath.selectors import IndexSelector, NameSelector, SliceSelector, WildcardSelector

MAX_PATH = 200  # characters
MAX_STEPS = 12

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
    """Return all that a valid path leads to, in order."""
    names = _names(path)
    if names is None:
        return list(_compiled(path).findall(data)) if isinstance(data, dict | list) else []  # a text would be parsed
    for name in names:
        if not isinstance(data, dict) or name not in data:
            return []
        data = data[name]
    return [data]


@lru_cache(1024)
def _names(path: str) -> tuple[str, ...] | None:
    """Return the steps of a path that has names only, as most do; None: it has others, and takes longer to follow."""
    steps = _compiled(path).segments
    selectors = [each for step in steps if isinstance(step, JSONPathChildSegment) for each in step.selectors]
    names = tuple(each.name for each in selectors if type(each) is NameSelector)
    return names if len(names) == len(steps) else None


@lru_cache(1024)
def _compiled(path: str) -> JSONPath:
    query = compile(path if path.startswith("$") else f"$.{path}")
    if not isinstance(query, JSONPath):
        raise JSONPathError("one path, please")
    return query
