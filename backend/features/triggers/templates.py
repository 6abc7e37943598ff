"""Templates: texts of a profile with expressions in them, as in Jinja: `{{ data.name | default("somebody") }}`.

Besides `{{ ... }}` there is `{% if %}`, and nothing else. What may stand in an expression, `expressions` tells.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError, nodes
from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from backend.core.refusals import Code, Refused
from backend.features.triggers import expressions
from backend.features.triggers.expressions import Values, evaluated
from backend.features.triggers.filters import TemplateError, bounded, text_of

MAX_TEMPLATE = 4096  # characters
MAX_RESULT = 128 * 1024  # bytes of all that comes out of the templates of one JSON value

NAMES = frozenset(
    {
        "trigger", "trigger_name", "profile", "profile_name", "session", "mode", "owner", "active", "data", "config",
        "started_at", "reason", "repetition", "now",
    }
)  # fmt: skip
"""What an expression may begin with."""

_SYNTAX = Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701 - it only reads; nothing is HTML


def check(text: str) -> None:
    """Insist that this is a template. Raises TemplateError (a ValueError), which tells the line."""
    _parsed(text)


def check_json(value: JsonValue) -> None:
    """Insist that all texts in a JSON value are templates; its keys are not. Raises TemplateError."""
    match value:
        case str():
            check(value)
        case list():
            for item in value:
                check_json(item)
        case dict():
            for item in value.values():
                check_json(item)


def filled(text: str, values: Values) -> str:
    """Return a text with its expressions filled in. Raises Refused: ``bad_template``."""
    try:
        return _text(text, values)
    except TemplateError as error:
        raise Refused(Code.BAD_TEMPLATE, str(error)) from error


def filled_json(value: JsonValue, values: Values) -> JsonValue:
    """Return a JSON value with its texts filled in. Raises Refused: ``bad_template``.

    A text that is one expression and nothing else becomes what that gives: a number stays a number.
    """
    try:
        return _filled(value, values, _Room())
    except TemplateError as error:
        raise Refused(Code.BAD_TEMPLATE, str(error)) from error


@dataclass(slots=True)
class _Room:
    """How much may still come out, in bytes: many small templates make much, too."""

    left: int = MAX_RESULT

    def take(self, value: JsonValue) -> JsonValue:
        """Return a value for which there is room. Raises TemplateError."""
        self.left -= len(text_of(value).encode())
        if self.left < 0:
            raise TemplateError(f"that makes more than {MAX_RESULT} bytes")
        return value


def _filled(value: JsonValue, values: Values, room: _Room) -> JsonValue:
    match value:
        case str():
            return room.take(_leaf(value, values))
        case list():
            return [_filled(item, values, room) for item in value]
        case dict():
            return {key: _filled(item, values, room) for key, item in value.items()}
        case _:
            return value


def _leaf(text: str, values: Values) -> JsonValue:
    match _parsed(text):
        case (nodes.Output(nodes=[only]),) if not isinstance(only, nodes.TemplateData):
            found = evaluated(only, values)
            plain: JsonValue = text_of(found) if isinstance(found, str | datetime) else to_jsonable_python(found)
            return plain
        case _:
            return _text(text, values)


def _text(text: str, values: Values) -> str:
    made = ""
    for piece in _pieces(_parsed(text), values):
        made = bounded(made + piece)
    return made


def _pieces(body: Iterable[nodes.Node], values: Values) -> Iterator[str]:
    for node in body:
        match node:
            case nodes.Output():
                for part in node.nodes:
                    yield part.data if isinstance(part, nodes.TemplateData) else text_of(evaluated(part, values))
            case nodes.If():
                branches = [(node.test, node.body), *((other.test, other.body) for other in node.elif_)]
                chosen = (branch for test, branch in branches if evaluated(test, values))
                yield from _pieces(next(chosen, node.else_), values)


@lru_cache(1024)
def _parsed(text: str) -> tuple[nodes.Node, ...]:
    if len(text) > MAX_TEMPLATE:
        raise TemplateError(f"a template has at most {MAX_TEMPLATE} characters")
    try:
        read = _SYNTAX.parse(text)
    except TemplateSyntaxError as error:
        raise TemplateError(f"line {error.lineno}: {error.message}") from error
    except (RecursionError, ValueError) as error:
        raise TemplateError("it cannot be read: it is nested too deeply, or a number is too long") from error
    expressions.check(read, NAMES)
    return tuple(read.body)
