"""Conditions and windows as people write them: ``$.temperature > 30 until 28``, ``mon-fri 08:00-18:00``."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from backend.core.messages import Message
from backend.features.triggers.plan import Condition, Day, Window

M = TypeVar("M", bound=Message)

CONDITION = "FIELD OP VALUE, like `$.temperature > 30 until 28`"
WINDOW = "DAYS HH:MM-HH:MM, like `mon-fri 08:00-18:00`"

_DAYS: tuple[Day, ...] = get_args(Day)
_MANY = 1e15  # beyond it a float tells no single one any more
_OPERATOR = re.compile(r"(==|!=|>=|<=|=(?![<>~])|>|<)|\s(in|contains|exists)(?=\s|$)")
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
_UNTIL = re.compile(r"(.*\S)\s+until\s+(\S+)")
_TIMES = re.compile(r"(\d\d?:\d\d)-(\d\d?:\d\d)")


def value_of(text: str) -> Any:
    """Return what is meant by a value: JSON, if it can be read as that, else the text."""
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except ValueError:
        return text


def plain(value: Any) -> Any:
    """Return a number as people write it: 30, not 30.0; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _MANY else value


def value_text(value: Any) -> str:
    """Return a value as people write it, so that `value_of` reads it again: no quotes where none are needed."""
    if isinstance(value, str) and value == value.strip() and value and value_of(value) == value:
        return value
    return json.dumps(plain(value), ensure_ascii=False)


def read_condition(text: str) -> Condition:
    """Return a condition; a field alone must be true. Raises ValueError, which says what is expected."""
    start, end, operator = _operator(text)
    rest = text[end:].strip()
    given: dict[str, Any] = {"field": text[:start].strip(), "op": "==" if operator == "=" else operator}
    if operator in (">", ">=", "<", "<=") and (found := _UNTIL.fullmatch(rest)) is not None:
        rest, given["until"] = found[1], value_of(found[2])
    if rest:
        given["value"] = value_of(rest)
    elif operator != "exists" and start < len(text):
        raise ValueError(f"{text!r}: there is nothing after {operator}; write {CONDITION}")
    if operator == "in" and not isinstance(given["value"], list):
        given["value"] = [value_of(each.strip()) for each in rest.split(",")]
    return _made(Condition, given, text, CONDITION)


def condition_text(condition: Condition) -> str:
    """Return a condition as `read_condition` reads it."""
    until = f" until {json.dumps(plain(condition.until))}" if condition.until is not None else ""
    if condition.op == "exists" and condition.value is True:
        return f"{condition.field} exists"
    return f"{condition.field} {condition.op} {json.dumps(plain(condition.value), ensure_ascii=False)}{until}"


def read_window(text: str) -> Window:
    """Return a window: days, times, or both. Raises ValueError, which says what is expected."""
    words = text.lower().replace(", ", ",").split()
    times = [word for word in words if word[0].isdigit()]
    days = [word for word in words if not word[0].isdigit()]
    if not words or len(days) > 1 or len(times) > 1:
        raise ValueError(f"{text!r} is no window: write {WINDOW}")
    given: dict[str, Any] = {}
    if days:
        named = {day for part in days[0].split(",") for day in _span(part, text)}
        given["days"] = [day for day in _DAYS if day in named]
    if times:
        given["begin"], given["end"] = _times(times[0], text)
    return _made(Window, given, text, WINDOW)


def window_text(window: Window) -> str:
    """Return a window as `read_window` reads it."""
    days, times = ",".join(_spans(window.days)), f"{window.begin}-{window.end}"
    if days and times == "00:00-00:00":
        return days
    return f"{days} {times}".strip()


def _operator(text: str) -> tuple[int, int, str]:
    """Return where the operator begins and ends that is not within the brackets of a path, and which one it is."""
    bare, depth = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text), 0
    for at, sign in enumerate(bare):
        if sign in "[]":
            depth += 1 if sign == "[" else -1
        elif not depth and (found := _OPERATOR.match(bare, at)):
            return at, found.end(), found[1] or found[2]
    return len(text), len(text), "=="


def _span(part: str, text: str) -> Iterator[Day]:
    """Yield the days of ``mon`` or ``fri-mon``. Raises ValueError."""
    first, dash, last = part.partition("-")
    try:
        begin = _DAYS.index(first)
        end = _DAYS.index(last) if dash else begin
    except ValueError as error:
        raise ValueError(f"{text!r}: {part!r} is no day: {', '.join(_DAYS)}, or two of them with a dash") from error
    for number in range((end - begin) % 7 + 1):
        yield _DAYS[(begin + number) % 7]


def _spans(days: Iterable[Day]) -> Iterator[str]:
    """Yield days, three or more in a row as ``mon-wed``."""
    numbers = sorted({_DAYS.index(day) for day in days})
    for _, group in groupby(enumerate(numbers), lambda each: each[1] - each[0]):
        run = [_DAYS[number] for _, number in group]
        yield f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(run)


def _times(word: str, text: str) -> tuple[str, str]:
    found = _TIMES.fullmatch(word)
    if found is None:
        raise ValueError(f"{text!r}: {word!r} is no time of the day: write HH:MM-HH:MM")
    begin, end = found[1].zfill(5), found[2].zfill(5)
    return begin, "00:00" if end == "24:00" else end


def _made(model: type[M], given: dict[str, Any], text: str, form: str) -> M:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        why = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{text!r}: {why}; write {form}") from error


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _no_number(text)
    return number
