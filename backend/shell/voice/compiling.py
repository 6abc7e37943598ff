"""Sentences made ready for hassil, and checked first: hassil finds what is wrong only when somebody speaks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import hassil
from hassil.numbers import get_rbnf_engine

from backend.shell.voice.sentence_files import List, SentenceFile, SentencesError, Value

DEVICE = "device"
"""The list of the devices' names, which is made anew for each sentence."""

_MOST_IN_ANY_ORDER = 5  # parts of a sentence: of six there are 720 orders


def compiled(file: SentenceFile, change: Callable[[str], str] = str) -> hassil.Intents:
    """Return the sentences for hassil, with every word *changed*. Raises SentencesError."""
    _check(file)
    return hassil.Intents.from_dict(
        {
            "language": file.language,
            "skip_words": [change(word) for word in file.skip_words],
            "lists": _lists(file.lists, change, file.language),
            "expansion_rules": {name: change(rule) for name, rule in file.expansion_rules.items()},
            "intents": {
                name: {
                    "data": [
                        {
                            "sentences": [change(sentence) for sentence in part.sentences],
                            "slots": part.slots,
                            "lists": _lists(part.lists, change, file.language),
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


def _lists(lists: Mapping[str, List], change: Callable[[str], str], language: str) -> dict[str, Any]:
    """Return lists as hassil reads them, with what is said changed, and what it stands for left as it was."""
    return {name: _list(each, change, language) for name, each in lists.items()}


def _list(described: List, change: Callable[[str], str], language: str) -> dict[str, Any]:
    if described.range is not None:
        numbers = described.range
        return {"range": {"from": numbers.first, "to": numbers.last, "step": numbers.step, "words": _counts(language)}}
    if described.values is None:
        return {"wildcard": True}
    return {"values": [{"in": change(said), "out": stands_for} for said, stands_for in _values(described)]}


def _values(described: List) -> Iterator[tuple[str, object]]:
    for value in described.values or ():
        if isinstance(value, Value):
            yield value.said, value.said if value.stands_for is None else value.stands_for
        else:
            yield str(value), value


def _counts(language: str) -> bool:
    """Tell whether the words for numbers are known in a language."""
    try:
        get_rbnf_engine(language)
    except ValueError:
        return False
    return True


def _check(file: SentenceFile) -> None:
    _check_lists("lists", file.lists, file.expansion_rules)
    for intent, meaning in file.intents.items():
        for number, part in enumerate(meaning.data):
            key = f"intents.{intent}.data.{number}"
            rules = file.expansion_rules | part.expansion_rules
            _check_lists(f"{key}.lists", part.lists, rules)
            template = _Template(rules, {*file.lists, *part.lists, DEVICE})
            for each, sentence in enumerate(part.sentences):
                template.check(f"{key}.sentences.{each}", sentence)


def _check_lists(key: str, lists: Mapping[str, List], rules: Mapping[str, str]) -> None:
    """Insist that values can be parsed. They name no lists: one that named itself would never end."""
    template = _Template(rules, set())
    for name, described in lists.items():
        for number, (said, _) in enumerate(_values(described)):
            template.check(f"{key}.{name}.values.{number}", said)


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
        if isinstance(expression, hassil.Permutation) and len(expression.items) > _MOST_IN_ANY_ORDER:
            raise SentencesError(f"{key}: at most {_MOST_IN_ANY_ORDER} parts can be in any order")
        if isinstance(expression, hassil.Group):
            for item in expression.items:
                self._walk(key, item, inside)
        elif isinstance(expression, hassil.ListReference):
            if expression.list_name not in self._lists:
                raise SentencesError(f"{key}: there is no list {{{expression.list_name}}}")
        elif isinstance(expression, hassil.RuleReference):
            self._walk_rule(key, expression.rule_name, inside)

    def _walk_rule(self, key: str, name: str, inside: tuple[str, ...]) -> None:
        if name not in self._rules:
            raise SentencesError(f"{key}: there is no rule <{name}>")
        if name in inside:
            raise SentencesError(f"{key}: the rule <{name}> needs itself")
        self.check(f"{key}, rule <{name}>", self._rules[name], (*inside, name))
