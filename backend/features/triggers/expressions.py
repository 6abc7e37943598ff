"""What the expressions of a template mean. They are written as in Jinja, and Jinja reads them, but never runs them.

So nothing of Python is within reach: there are values that JSON can say, times, some operators, filters and tests, and
there is nothing that could take long, or grow beyond bounds.
"""

import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import nodes

from backend.features.triggers.filters import FILTERS, TESTS, TemplateError, bounded, joined, kind_of, number, text_of

MAX_DEPTH = 40  # levels of nesting

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Missing:
    """What an expression leads to that is not there."""

    path: str


def evaluated(node: nodes.Node, values: Values) -> Any:
    """Return what an expression gives. Raises TemplateError."""
    found = _looked_up(node, values)
    if isinstance(found, Missing):
        raise TemplateError(f"{found.path} is not there")
    return found


def _looked_up(node: nodes.Node, values: Values) -> Any:
    return _MEANINGS[type(node)](node, values)


# Values


def _name(node: Any, values: Values) -> Any:
    return values.get(node.name, Missing(node.name))


def _attribute(node: Any, values: Values) -> Any:
    return _member(node, _looked_up(node.node, values), node.attr)


def _item(node: Any, values: Values) -> Any:
    return _member(node, _looked_up(node.node, values), evaluated(node.arg, values))


def _member(node: nodes.Node, of: Any, key: Any) -> Any:
    """Return what a value has under a key: of what JSON says, never an attribute of Python's."""
    if isinstance(of, Missing):
        return of
    is_there = isinstance(of, Mapping) and isinstance(key, str) and key in of
    if isinstance(of, list | tuple) and isinstance(key, int) and not isinstance(key, bool):
        is_there = -len(of) <= key < len(of)
    return of[key] if is_there else Missing(_path(node))


def _path(node: Any) -> str:
    match node:
        case nodes.Name():
            return str(node.name)
        case nodes.Getattr():
            return f"{_path(node.node)}.{node.attr}"
        case nodes.Getitem(arg=nodes.Const(value=key)):
            return f"{_path(node.node)}[{text_of(key)[:40]}]"
        case nodes.Getitem():
            return f"{_path(node.node)}[...]"
        case _:
            return "that"


def _list(node: Any, values: Values) -> Any:
    return [evaluated(item, values) for item in node.items]


def _dict(node: Any, values: Values) -> Any:
    return {text_of(evaluated(pair.key, values)): evaluated(pair.value, values) for pair in node.items}


# Logic


def _either(node: Any, values: Values) -> Any:
    """``a if b else c``, and without an else: an empty text."""
    if evaluated(node.test, values):
        return _looked_up(node.expr1, values)
    return _looked_up(node.expr2, values) if node.expr2 is not None else ""


def _and(node: Any, values: Values) -> Any:
    return evaluated(node.left, values) and evaluated(node.right, values)


def _or(node: Any, values: Values) -> Any:
    return evaluated(node.left, values) or evaluated(node.right, values)


def _not(node: Any, values: Values) -> Any:
    return not evaluated(node.node, values)


_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda one, others: one in others,
    "notin": lambda one, others: one not in others,
}


def _compare(node: Any, values: Values) -> Any:
    left = evaluated(node.expr, values)
    for operand in node.ops:
        right = evaluated(operand.expr, values)
        try:
            if not _COMPARED[operand.op](left, right):
                return False
        except TypeError as error:
            raise TemplateError(f"{kind_of(left)} cannot be compared with {kind_of(right)}") from error
        left = right
    return True


def _test(node: Any, values: Values) -> Any:
    found = _looked_up(node.node, values)
    if node.name in _PRESENCE:
        return isinstance(found, Missing) == _PRESENCE[node.name]
    if isinstance(found, Missing):
        raise TemplateError(f"{found.path} is not there")
    return TESTS[node.name](found)


_PRESENCE = {"defined": False, "undefined": True}
"""Whether what is tested has to be missing."""


# What makes something new


def _plus(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return joined([left, right])
    return number(left) + number(right)


def _minus(left: Any, right: Any) -> Any:
    if isinstance(left, datetime) and isinstance(right, datetime):
        return (left - right).total_seconds()
    return number(left) - number(right)


def _of_numbers(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: operate(number(left), number(right))


_CALCULATED: Mapping[type[nodes.BinExpr], Callable[[Any, Any], Any]] = {
    nodes.Add: _plus,
    nodes.Sub: _minus,
    nodes.Mul: _of_numbers(operator.mul),
    nodes.Div: _of_numbers(operator.truediv),
    nodes.FloorDiv: _of_numbers(operator.floordiv),
    nodes.Mod: _of_numbers(operator.mod),
}


def _calculate(node: Any, values: Values) -> Any:
    left, right = evaluated(node.left, values), evaluated(node.right, values)
    try:
        return bounded(_CALCULATED[type(node)](left, right))
    except ArithmeticError as error:
        what = f"{_path(node.left)} {node.operator} {_path(node.right)}"
        raise TemplateError(f"{what} cannot be calculated") from error


def _concat(node: Any, values: Values) -> Any:
    return joined([evaluated(part, values) for part in node.nodes])


def _filter(node: Any, values: Values) -> Any:
    found = _looked_up(node.node, values)
    arguments = [_looked_up(argument, values) for argument in node.args]
    if node.name == "default" and isinstance(found, Missing):
        return arguments[0]
    missing = next((each for each in (found, *arguments[node.name == "default" :]) if isinstance(each, Missing)), None)
    if missing is not None:
        raise TemplateError(f"{missing.path} is not there")
    return bounded(FILTERS[node.name](found, *arguments))


_MEANINGS: Mapping[type[nodes.Node], Callable[[Any, Values], Any]] = {
    nodes.Name: _name,
    nodes.Const: lambda node, _values: bounded(node.value),
    nodes.Getattr: _attribute,
    nodes.Getitem: _item,
    nodes.List: _list,
    nodes.Tuple: _list,
    nodes.Dict: _dict,
    nodes.CondExpr: _either,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Not: _not,
    nodes.Compare: _compare,
    nodes.Test: _test,
    nodes.Neg: lambda node, values: -number(evaluated(node.node, values)),
    nodes.Pos: lambda node, values: number(evaluated(node.node, values)),
    nodes.Concat: _concat,
    nodes.Filter: _filter,
    **dict.fromkeys(_CALCULATED, _calculate),
}


# What is allowed

_AROUND = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Operand, nodes.Pair)
_CALLED = {
    "Call": "calls are",
    "For": "loops are",
    "Pow": "** is",
    "Slice": "slices are",
    "Macro": "macros are",
    "Keyword": "arguments with names are",
    "Assign": "set is",
}


def check(node: nodes.Node, known: frozenset[str], depth: int = 0) -> None:
    """Insist that a template says only what means something here. Raises TemplateError, with the line."""
    wrong = "it is nested too deeply" if depth > MAX_DEPTH else _wrong(node, known)
    if wrong is not None:
        raise TemplateError(f"line {node.lineno}: {wrong}")
    for child in node.iter_child_nodes():
        check(child, known, depth + 1)


def _wrong(node: nodes.Node, known: frozenset[str]) -> str | None:
    match node:
        case nodes.Name(name=name) if name not in known:
            return f"there is no {name!r}, only {', '.join(sorted(known))}"
        case nodes.Const(value=str() as text) if not _is_unicode(text):
            return "a text ends within a character"
        case nodes.Filter():
            return _wrong_filter(node)
        case nodes.Test(name=name) if node.args or name not in {*TESTS, *_PRESENCE}:
            return f"there is no test {name!r}"
        case _ if type(node) in _MEANINGS or isinstance(node, _AROUND):
            return None
        case _:
            kind = type(node).__name__
            return f"{_CALLED.get(kind, f'{kind.lower()} is')} not allowed"


def _is_unicode(text: str) -> bool:
    r"""Tell whether a text can be sent: one that is written with ``\ud800`` cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _wrong_filter(node: nodes.Filter) -> str | None:
    meant = FILTERS.get(node.name)
    if meant is None:
        return f"there is no filter {node.name!r}, only {', '.join(sorted(FILTERS))}"
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return "arguments with a * are not allowed"
    try:
        inspect.signature(meant).bind(node.node, *node.args, *node.kwargs)
    except TypeError as error:
        return f"{node.name}: {error}"
    return None
