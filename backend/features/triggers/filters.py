"""The filters and tests that a template may use. What they give is bounded, and is what JSON can say, or a time."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic_core import to_json

MAX_TEXT = 64 * 1024  # characters of anything that a template makes
MAX_INTEGER = 2**63
_MAX_DIGITS = 15


class TemplateError(ValueError):
    """A template says something that cannot be, or be done; the message tells what, for people."""


def text_of(value: Any) -> str:
    """Return how a value looks within a text: a text as it is, a time by the clock, all else as JSON has it."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return to_json(value).decode()


_KINDS: Mapping[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "a text"}


def kind_of(value: Any) -> str:
    """Return what a value is, for people. Never what it says: that may be secret, and errors are shown to all."""
    if value is None:
        return "nothing"
    if isinstance(value, datetime):
        return "a time"
    return _KINDS.get(type(value), "a list" if isinstance(value, list | tuple) else "an object")


def number(value: Any) -> int | float:
    """Insist on a number. Raises TemplateError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateError(f"{kind_of(value)} where a number should be")
    return value


def bounded(value: Any) -> Any:
    """Return what was made, if it is not too much. Raises TemplateError."""
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise TemplateError(f"a text has at most {MAX_TEXT} characters")
    if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) <= MAX_INTEGER):
        raise TemplateError("a number is too large")
    return value


def _int(value: Any, otherwise: Any = None) -> Any:
    try:
        return int(value) if isinstance(value, int) else int(float(value))
    except (ValueError, TypeError, OverflowError):
        return _or_else(otherwise, value)


def _float(value: Any, otherwise: Any = None) -> Any:
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        return _or_else(otherwise, value)


def _or_else(otherwise: Any, value: Any) -> Any:
    if otherwise is None:
        raise TemplateError(f"{kind_of(value)} that is no number")
    return otherwise


def _round(value: Any, digits: Any = 0) -> Any:
    digits = min(max(int(number(digits)), 0), _MAX_DIGITS)
    return round(number(value), digits or None)


def _length(value: Any) -> int:
    return len(_container(value))


def _first(value: Any) -> Any:
    return _one(value, 0)


def _last(value: Any) -> Any:
    return _one(value, -1)


def _one(value: Any, which: int) -> Any:
    items = _container(value)
    if isinstance(items, Mapping) or not items:
        raise TemplateError(f"{kind_of(value)} that has no first, and no last")
    return items[which]


def _container(value: Any) -> Sequence[Any] | Mapping[str, Any]:
    if isinstance(value, str | list | tuple | Mapping):
        return value
    raise TemplateError(f"{kind_of(value)} where a text or a list should be")


def joined(items: Any, between: Any = "") -> str:
    """Return the items of a list as one text. Raises TemplateError."""
    texts = [text_of(item) for item in _container(items)]
    if sum(map(len, texts)) + len(texts) * len(text_of(between)) > MAX_TEXT:
        raise TemplateError(f"a text has at most {MAX_TEXT} characters")
    return text_of(between).join(texts)


def _replace(value: Any, old: Any, new: Any) -> str:
    text, before, after = text_of(value), text_of(old), text_of(new)
    if len(text) + text.count(before) * len(after) > MAX_TEXT:
        raise TemplateError(f"a text has at most {MAX_TEXT} characters")
    return text.replace(before, after)


def _clock(value: Any, form: str) -> str:
    if not isinstance(value, datetime):
        raise TemplateError(f"{kind_of(value)} where a time should be, like now and started_at")
    return value.strftime(form)


def default(value: Any, otherwise: Any, even_if_false: Any = False) -> Any:  # noqa: FBT002 - as Jinja has it
    """Return a value that is there, and, if one wants that, is not empty, zero or false either."""
    return otherwise if even_if_false and not value else value


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": lambda value: abs(number(value)),
    "date": lambda value: _clock(value, "%Y-%m-%d"),
    "default": default,
    "first": _first,
    "float": _float,
    "int": _int,
    "join": joined,
    "last": _last,
    "length": _length,
    "lower": lambda value: text_of(value).lower(),
    "replace": _replace,
    "round": _round,
    "time": lambda value: _clock(value, "%H:%M"),
    "title": lambda value: text_of(value).title(),
    "tojson": lambda value: to_json(value).decode(),
    "trim": lambda value: text_of(value).strip(),
    "upper": lambda value: text_of(value).upper(),
    "urlencode": lambda value: quote(text_of(value), safe=""),
}

TESTS: Mapping[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "false": lambda value: value is False,
    "mapping": lambda value: isinstance(value, Mapping),
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "sequence": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "true": lambda value: value is True,
}
"""Of what is there; whether something is, ``defined`` and ``undefined`` tell."""
