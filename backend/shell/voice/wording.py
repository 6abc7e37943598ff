"""Words: as they are compared, and as points in time and durations are said."""

import re
import unicodedata
from collections.abc import Mapping

_WORD = re.compile(r"[^\W\d_]+|\d+")
_SLOT = re.compile(r"\{(\w+)\}")


def fold(text: str) -> str:
    """Return a text without accents and capitals: people who type leave them out."""
    if text.isascii():
        return text.lower()
    bare = "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", bare).lower()


def split(text: str) -> list[str]:
    """Return the words of a folded text; a number in a word is one of its own, without leading zeros."""
    return [word.lstrip("0") or "0" if word.isdecimal() else word for word in _WORD.findall(text)]


def fill(text: str, values: Mapping[str, object]) -> str:
    """Return a text with its ``{slots}`` filled in; nothing stands for one that has no value."""
    return _SLOT.sub(lambda slot: str(values.get(slot[1], "")), text)


def fill_all(value: object, values: Mapping[str, object]) -> object:
    """Return free JSON with the slots of its strings filled in; a string that is one slot becomes its value."""
    if isinstance(value, dict):
        return {key: fill_all(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [fill_all(each, values) for each in value]
    if not isinstance(value, str):
        return value
    whole = _SLOT.fullmatch(value)
    return values.get(whole[1], "") if whole else fill(value, values)
