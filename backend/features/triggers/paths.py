"""JSON paths (RFC 9535): the only place that looks into payloads with them."""

from functools import lru_cache
from typing import Any

from jsonpath import JSONPath, JSONPathError, compile  # noqa: A004 - that is its name

MAX_PATH = 200  # characters


def check_path(path: str) -> None:
    """Insist that this is a path. Raises ValueError."""
    try:
        _compiled(path)
    except JSONPathError as error:
        raise ValueError(f"{path!r} is no JSON path: {str(error).splitlines()[0]}") from error


def found(path: str, data: Any) -> list[Any]:
    """Return all that a valid path leads to, in order."""
    query = _compiled(path)
    return list(query.findall(data))


@lru_cache(1024)
def _compiled(path: str) -> JSONPath:
    query = compile(path if path.startswith("$") else f"$.{path}")
    if not isinstance(query, JSONPath):
        raise JSONPathError("one path, please")
    return query
