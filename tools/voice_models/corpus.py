"""What is said to train and to try the models, and by whom; the texts are those of `languages/`."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CODES = ("en", "es")
"""The languages there are."""

UNKNOWN = "[unk]"
"""What a word outside of the vocabulary is to be heard as."""

_TEXTS = Path(__file__).parent / "languages"
_CONSONANTS = ["b", "c", "d", "f", "g", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "ch", "sh", "st", "br"]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ou"]


@dataclass(frozen=True, slots=True)
class Language:
    """A language: the words of its model, commands made of them, words the model must not know, and accents.

    Each command is the list of its sentences, one for each thing it may be about.
    """

    code: str
    words: Sequence[str]
    commands: Sequence[Sequence[str]]
    strangers: Sequence[str]
    accents: Sequence[str]

    def voices(self, variants: Sequence[str]) -> Sequence[str]:
        """Return the voices that these variants make of the accents."""
        return [f"{accent}+{variant}" for accent in self.accents for variant in variants]


@dataclass(frozen=True, slots=True)
class Variants:
    """Variants of voices: those who train the models, and those whom only the tests hear."""

    trained: Sequence[str]
    held_out: Sequence[str]


def language(code: str) -> Language:
    """Return a language by its code."""
    texts = _texts(code)
    commands = [_sentences(command, texts) for command in texts["commands"]]
    return Language(code, texts["words"].split(), commands, texts["strangers"].split(), texts["accents"])


def _sentences(command: str, texts: Mapping[str, Any]) -> Sequence[str]:
    for place, fillers in (("{thing}", texts["things"]), ("{name}", texts["names"])):
        if place in command:
            return [command.replace(place, filler) for filler in fillers]
    return [command]


def variants() -> Variants:
    """Return the variants of voices."""
    texts = _texts("voices")
    return Variants(texts["trained"].split(), texts["held_out"].split())


def _texts(name: str) -> Mapping[str, Any]:
    texts: Mapping[str, Any] = yaml.safe_load((_TEXTS / f"{name}.yaml").read_text(encoding="utf-8"))
    return texts


def sentence(spoken: Language, chance: random.Random) -> str:
    """Return something to train with: a command, the known words in any order, or strangers among them."""
    kind = chance.random()
    if kind < 0.35:
        return command(spoken, chance)
    length = chance.randint(1, 6)
    if kind < 0.7:
        return " ".join(chance.choices(spoken.words, k=length))
    share = 0.4 if kind < 0.88 else 1.0
    mixed = (
        stranger(spoken, chance) if chance.random() < share else chance.choice(spoken.words) for _ in range(length)
    )
    return " ".join(mixed)


def command(spoken: Language, chance: random.Random) -> str:
    """Return a sentence that is a command."""
    return chance.choice(chance.choice(spoken.commands))


def stranger(spoken: Language, chance: random.Random) -> str:
    """Return a word the model must not know: one of the language, or one of no language."""
    made = "".join(chance.choice(_CONSONANTS) + chance.choice(_VOWELS) for _ in range(chance.randint(1, 4)))
    return made if chance.random() < 0.4 and made not in spoken.words else chance.choice(spoken.strangers)
