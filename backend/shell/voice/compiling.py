"""Sentences made ready for hassil, and checked first: hassil finds what is wrong only when somebody speaks."""

from collections.abc import Callable, Mapping
from typing import Any

import hassil
from hassil.numbers import get_rbnf_engine

from backend.shell.voice.sentence_files import SentenceFile, SentencesError

DEVICE = "device"
"""The list of the devices' names, which is made anew for each sentence."""

_MOST_NUMBERS = 10_000


def compiled(file: SentenceFile, change: Callable[[str], str] = str) -> hassil.Intents:
    """Return the sentences for hassil, with every word *changed*. Raises SentencesError."""
    _check(file)
    return hassil.Intents.from_dict(
        {
            "language": file.language,
            "skip_words": [change(word) for word in file.skip_words],
            "lists": _lists(file.lists, change),
            "expansion_rules": {name: change(rule) for name, rule in file.expansion_rules.items()},
            "intents": {
                name: {
                    "data": [
                        {
                            "sentences": [change(sentence) for sentence in part.sentences],
                            "slots": part.slots,
                            "lists": _lists(part.lists, change),
                            "expansion_rules": {rule: change(body) for rule, body in part.expansion_rules.items()},
                            "response": part.response,
                        }
                        for part in intent.data
                    ]
                }
                for name, intent in file.intents.items()
            },
        }
    )


def _lists(lists: Mapping[str, Mapping[str, Any]], change: Callable[[str], str]) -> dict[str, Any]:
    """Return lists with what is said changed, and what it stands for left as it was."""
    made: dict[str, Any] = {}
    for name, each in lists.items():
        made[name] = dict(each)
        if "values" in each:
            values = [value if isinstance(value, dict) else {"in": value, "out": value} for value in each["values"]]
            made[name]["values"] = [{"out": value["in"], **value, "in": change(str(value["in"]))} for value in values]
    return made


def _check(file: SentenceFile) -> None:
    for name, each in file.lists.items():
        _check_list(f"lists.{name}", each, file.language)
    for intent, meaning in file.intents.items():
        for number, part in enumerate(meaning.data):
            key = f"intents.{intent}.data.{number}"
            for name, each in part.lists.items():
                _check_list(f"{key}.lists.{name}", each, file.language)
            template = _Template(file.expansion_rules | part.expansion_rules, {*file.lists, *part.lists, DEVICE})
            for each_number, sentence in enumerate(part.sentences):
                template.check(f"{key}.sentences.{each_number}", sentence)


def _check_list(key: str, described: Mapping[str, Any], language: str) -> None:
    kinds = {"values", "range", "wildcard"} & described.keys()
    if len(kinds) != 1:
        raise SentencesError(f"{key}: has none of `values`, `range` and `wildcard`, or several of them")
    if "values" in kinds:
        values = described["values"]
        if not isinstance(values, list) or not all(_is_value(value) for value in values):
            raise SentencesError(f"{key}.values: is no list of words, or of `in` and `out`")
    if "range" in kinds:
        _check_range(f"{key}.range", described["range"], language)


def _is_value(value: object) -> bool:
    said = value.get("in") if isinstance(value, dict) else value
    return bool(str(said).strip()) and isinstance(said, str | int | float)


def _check_range(key: str, numbers: object, language: str) -> None:
    if not isinstance(numbers, dict) or not {"from", "to"} <= numbers.keys():
        raise SentencesError(f"{key}: has no `from` and `to`")
    try:
        count = (int(numbers["to"]) - int(numbers["from"])) / int(numbers.get("step", 1))
        get_rbnf_engine(str(numbers.get("words_language", language)))
    except (ValueError, TypeError, ArithmeticError) as error:
        raise SentencesError(f"{key}: {error}") from error
    if not 0 <= count <= _MOST_NUMBERS:
        raise SentencesError(f"{key}: there are more than {_MOST_NUMBERS} numbers, or none")


class _Template:
    """Where sentence templates stand: the rules and lists that they may name."""

    def __init__(self, rules: Mapping[str, str], lists: set[str]) -> None:
        self._rules, self._lists = rules, lists

    def check(self, key: str, text: str, inside: tuple[str, ...] = ()) -> None:
        """Insist that a template can be parsed, and that all that it names is there. Raises SentencesError."""
        try:
            sentence = hassil.parse_sentence(text)
        except Exception as error:  # an operator wrote it, and the library raises what it likes
            raise SentencesError(f"{key}: {text!r} cannot be parsed: {error}") from error
        self._walk(key, sentence.expression, inside)

    def _walk(self, key: str, expression: hassil.Expression, inside: tuple[str, ...]) -> None:
        if isinstance(expression, hassil.Group):
            for item in expression.items:
                self._walk(key, item, inside)
        elif isinstance(expression, hassil.ListReference):
            if expression.list_name not in self._lists:
                raise SentencesError(f"{key}: there is no list {{{expression.list_name}}}")
        elif isinstance(expression, hassil.RuleReference):
            name = expression.rule_name
            if name not in self._rules:
                raise SentencesError(f"{key}: there is no rule <{name}>")
            if name in inside:
                raise SentencesError(f"{key}: the rule <{name}> needs itself")
            self.check(f"{key}, rule <{name}>", self._rules[name], (*inside, name))
