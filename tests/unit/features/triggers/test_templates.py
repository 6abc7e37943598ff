"""Templates: what they may say, what they make of it, and that nothing of Python is within reach."""

import dataclasses
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.core.refusals import Code, Refused
from backend.features.triggers.definitions import DefinitionError, profile_definition
from backend.features.triggers.filters import MAX_TEXT, TemplateError
from backend.features.triggers.state import Context
from backend.features.triggers.templates import NAMES, check, check_json, filled, filled_json
from tests.strategies import json_objects

NOW = datetime.fromisoformat("2026-11-21T09:30:05+01:00")
VALUES: dict[str, Any] = {
    "trigger": "pir",
    "active": True,
    "reason": None,
    "data": {"n": 21, "f": 2.345, "text": "Bob", "none": None, "items": [3, "x"], "in": {"a": {"b": 1}}, "on": False},
    "config": {"big": "a" * 60_000, "names": ["a", "b"]},
    "now": NOW,
    "started_at": NOW - timedelta(seconds=90),
}


def refusal(text: str) -> str:
    with pytest.raises(Refused) as refused:
        filled(text, VALUES)
    assert refused.value.code is Code.BAD_TEMPLATE
    return refused.value.message


def test_templates_see_the_context_and_the_time() -> None:
    assert {field.name for field in dataclasses.fields(Context)} | {"now"} == NAMES


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("", ""),
        ("no template: {x} }} %}\n", "no template: {x} }} %}\n"),
        ("{{ data.text }} has {{ data.n }}", "Bob has 21"),
        ("{{ data['text'] }}{{ data['in']['a'].b }}{{ data.items[0] }}{{ data.items[-1] }}", "Bob13x"),
        ("{{ active }} {{ reason }} {{ data.items }} {{ data['in'] }}", 'true null [3,"x"] {"a":{"b":1}}'),
        (
            "{{ data.n + 1 }} {{ data.n * 2 - 1 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 7 / 2 }} {{ -data.n }}",
            "22 41 3 3 3.5 -21",
        ),
        ("{{ 'a' + 'b' ~ 1 ~ none }}", "ab1null"),
        ("{% if data.n > 20 and not data.on %}hot{% elif data.n %}warm{% else %}cold{% endif %}", "hot"),
        ("{% if data.on %}on{% elif data.n == 0 %}zero{% endif %}!", "!"),
        ("{{ 'yes' if data.n in [20, 21] else 'no' }}{{ '' if data.on }}", "yes"),
        (
            "{{ 'B' in data.text }} {{ 'z' not in data.text }} {{ 'n' in data }} {{ 1 < data.n <= 21 }}",
            "true " * 3 + "true",
        ),
        ("{{ data.gone|default('x') }} {{ data.gone.too|default(data.n) }} {{ data.on|default(1, true) }}", "x 21 1"),
        ("{{ data.none|default('x') }} {{ data.none|default('x', true) }}", "null x"),
        ("{{ data.gone is defined }} {{ data.gone.x is undefined }} {{ data.none is none }}", "false true true"),
        ("{{ data.n is number }}{{ active is boolean }}{{ data.text is string }}{{ data is mapping }}", "true" * 4),
        ("{{ data.f|round(1) }} {{ data.f|round }} {{ 2.5|round(0) }} {{ -3|abs }}", "2.3 2 2 3"),
        ("{{ '12.7'|int }} {{ 'x'|int(3) }} {{ '1.5'|float }} {{ 'x'|float(0) }} {{ true|int }}", "12 3 1.5 0 1"),
        ("{{ 'a/b?c=ü&@'|urlencode }}", "a%2Fb%3Fc%3D%C3%BC%26%40"),
        ("{{ 'aBc'|upper }}{{ 'aBc'|lower }}{{ 'a bc'|title }}{{ ' a '|trim }}", "ABCabcA Bca"),
        ("{{ config.names|join(', ') }} {{ config.names|length }} {{ 'abc'|first }}{{ [1, 2]|last }}", "a, b 2 a2"),
        ("{{ data.text|replace('o', '0') }} {{ data.text|tojson }}", 'B0b "Bob"'),
        ("{{ 'a b/ä?'|urlencode }}", "a%20b%2F%C3%A4%3F"),
        ("{{ now|time }} {{ now|date }} {{ now }}", "09:30 2026-11-21 2026-11-21T09:30:05+01:00"),
        ("{{ (now - started_at)|int }} s", "90 s"),
        ("{# nobody sees this #}{% raw %}{{ }}{% endraw %}\n", "{{ }}\n"),
        ("{{ [1, (2, 'a')] }} {{ {'a': data.n} }}", '[1,[2,"a"]] {"a":21}'),
        ("{{ 'a' and 'b' }}{{ false or 'c' }}{{ +1 }}", "bc1"),
    ],
)
def test_what_a_template_makes(text: str, made: str) -> None:
    check(text)
    assert filled(text, VALUES) == made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ data.name }}", "data.name is not there"),
        ("{{ data.gone.too }}", "data.gone is not there"),
        ("{{ data['in'].x['y'] }}", "data[in].x is not there"),
        ("{{ data.items[2] }}", "data.items[2] is not there"),
        ("{{ data.items[true] }}", "data.items[true] is not there"),
        ("{{ data.items[data.n] }}", "data.items[...] is not there"),
        ("{{ config.names|join(data.gone) }}", "data.gone is not there"),
        ("{% if data.gone %}{% endif %}", "data.gone is not there"),
        ("{{ data.gone is none }}", "data.gone is not there"),
        ("{{ reason + 1 }}", "nothing where a number should be"),
        ("{{ active * 2 }}", "true or false where a number should be"),
        ("{{ 1 / 0 }}", "that / that cannot be calculated"),
        ("{{ data.n % 0 }}", "data.n % that cannot be calculated"),
        ("{{ 'a' < 1 }}", "a text cannot be compared with a number"),
        ("{{ 1 in 'a' }}", "a number cannot be compared with a text"),
        ("{{ 'x'|int }}", "a text that is no number"),
        ("{{ [1]|float }}", "a list that is no number"),
        ("{{ now|round }}", "a time where a number should be"),
        ("{{ []|first }}", "a list that has no first, and no last"),
        ("{{ 1|length }}", "a number where a text or a list should be"),
        ("{{ data|time }}", "an object where a time should be, like now and started_at"),
        ("{{ 4611686018427387904 * 4 }}", "a number is too large"),
        ("{{ 1e308 * 10 }}", "a number is too large"),
        ("{{ 1e999 }}", "a number is too large"),
        ("{{ 'inf'|float }}", "a number is too large"),
        ("{{ config.big ~ config.big }}", f"a text has at most {MAX_TEXT} characters"),
        ("{{ config.big + config.big }}", f"a text has at most {MAX_TEXT} characters"),
        ("{{ config.big }}{{ config.big }}", f"a text has at most {MAX_TEXT} characters"),
        ("{{ config.big|replace('a', 'aaa') }}", f"a text has at most {MAX_TEXT} characters"),
        ("{{ config.names|join(config.big) }}", f"a text has at most {MAX_TEXT} characters"),
    ],
)
def test_what_it_cannot_make(text: str, message: str) -> None:
    check(text)
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ 'a' * 10**9 }}", "** is not allowed"),
        ("{{ data.items() }}", "calls are not allowed"),
        ("{% for x in data %}{% endfor %}", "loops are not allowed"),
        ("{% set x = 1 %}", "set is not allowed"),
        ("{% macro x() %}{% endmacro %}", "macros are not allowed"),
        ("{% include 'x' %}", "include is not allowed"),
        ("{% import 'x' as y %}", "import is not allowed"),
        ("{% block x %}{% endblock %}", "block is not allowed"),
        ("{% filter upper %}{% endfilter %}", "filterblock is not allowed"),
        ("{{ data.items[1:] }}", "slices are not allowed"),
        ("{{ data|default(even_if_false=true) }}", "arguments with names are not allowed"),
        ("{{ data|default(*data) }}", "arguments with a * are not allowed"),
        ("{{ data|attr('x') }}", "there is no filter 'attr', only abs"),
        ("{{ 'a'|center(1000000000) }}", "there is no filter 'center', only abs"),
        ("{{ data is callable }}", "there is no test 'callable'"),
        ("{{ data is none(1) }}", "there is no test 'none'"),
        ("{{ self }}", "there is no 'self', only active"),
        ("{{ data.text|replace('a') }}", "replace: missing a required argument: 'new'"),
        ("{{ data.text|upper(1) }}", "upper: too many positional arguments"),
        (r"{{ '\ud800' }}", "a text ends within a character"),
        ("{{ data", "unexpected end of template"),
        ("{% if data %}", "Unexpected end of template"),
        ("{% frob %}", "Encountered unknown tag 'frob'"),
        ("{{ " + "+".join("1" * 60) + " }}", "it is nested too deeply"),
        ("{{ " + "not " * 900 + "1 }}", "it is nested too deeply"),
    ],
)
def test_what_a_template_may_not_say(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=r"^line 2: ") as error:
        check("\n" + text)
    assert str(error.value).removeprefix("line 2: ").startswith(message)
    assert message in refusal(text)


@pytest.mark.parametrize("text", ["{{ " + "(" * 2000, "{{ " + "[" * 4000, "{{ " + "9" * 4090, "x" * 5000])
def test_what_is_too_much_to_read(text: str) -> None:
    with pytest.raises(TemplateError):
        check(text)


@pytest.mark.parametrize(
    "key", ["__class__", "__dict__", "items", "keys", "pop", "upper", "format", "year", "astimezone"]
)
@pytest.mark.parametrize("of", ["data.in", "data.text", "data.items", "now", "data.n", "reason", "config"])
def test_nothing_of_python_is_within_reach(of: str, key: str) -> None:
    assert refusal(f"{{{{ {of}.{key} }}}}") == f"{of}.{key} is not there"
    assert refusal(f"{{{{ {of}['{key}'] }}}}") == f"{of}[{key}] is not there"


def test_a_key_that_python_has_a_method_for_is_a_key() -> None:
    data = {"items": 1, "keys": 2, "__class__": 3}
    assert filled("{{ data.items }}{{ data.keys }}{{ data.__class__ }}", {"data": data}) == "123"


def test_one_expression_keeps_its_type_in_json() -> None:
    body: Any = {
        "n": "{{ data.n }}",
        "t": "{{ data.text }}",
        "l": ["{{ data['in'] }}", "n={{ data.n }}"],
        "i": 1,
        "b": True,
    }
    given = {"n": 21, "t": "Bob", "l": [{"a": {"b": 1}}, "n=21"], "i": 1, "b": True}
    assert filled_json(body, VALUES) == given
    assert filled_json("{{ now }}", VALUES) == "2026-11-21T09:30:05+01:00"
    assert filled_json(" {{ data.n }}", VALUES) == " 21"
    assert filled_json("{{ data.none }}", VALUES) is None
    assert filled_json("{{ (1, now) }}", VALUES) == [1, "2026-11-21T09:30:05+01:00"]


def test_many_small_templates_do_not_make_much() -> None:
    with pytest.raises(Refused, match="that makes more than 131072 bytes"):
        filled_json(["{{ config.big }}"] * 3, VALUES)


def test_all_texts_in_json_are_templates() -> None:
    with pytest.raises(TemplateError, match="line 1: there is no 'x'"):
        check_json({"a": [1, {"b": "{{ x }}"}]})
    check_json({"{{ x }}": 1.5})


PARTS = st.sampled_from(
    ["{{", "}}", "{%", "%}", " if ", " endif ", "else", "data", ".n", ".items", "[0]", "|", "default", "int", "round",
     "join", "(", ")", ",", "'a'", "1", "0", "-", "+", "*", "/", "%", "~", " in ", " is ", "none", "defined", " not ",
     " and ", "now", "config.big", "replace", "\n", "{#", "#}", "x"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=30).map("".join) | st.text(max_size=50))
@example("{{ data.n|round(9**9) }}")
def test_whatever_is_written_is_filled_in_or_refused(text: str) -> None:
    with suppress(Refused):
        assert len(filled(text, VALUES)) <= MAX_TEXT
        check(text)


@given(json_objects())
def test_json_without_templates_stays_as_it_is(value: dict[str, Any]) -> None:
    value = {key: "x" if isinstance(each, str) and "{" in each else each for key, each in value.items()}
    assert filled_json(value, VALUES) == value


# Definitions


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"do": "speak", "device": "x", "text": "{{ dat }}"}, "start.0.speak.text: line 1: there is no 'dat'"),
        (
            {"do": "publish", "topic": "x", "body": {"a": ["{{ f() }}"]}},
            "start.0.publish.body: line 1: calls are not allowed",
        ),
        (
            {"do": "webhook", "url": "http://x", "headers": {"K": "{{"}},
            "start.0.webhook.headers.K: line 1: unexpected 'end of template'",
        ),
        (
            {"do": "session", "device": "x", "input": {"a": "{{ a }}"}},
            "start.0.session.input: line 1: there is no 'a'",
        ),
        (
            {"do": "command", "device": "x", "name": "x", "body": {"a": [1] * 20_000}},
            "start.0.command.body: it has at most 32768 bytes",
        ),
    ],
)
def test_who_defines_a_profile_is_told_at_once(action: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError) as error:
        profile_definition({"start": [action]})
    assert str(error.value).startswith(message)
