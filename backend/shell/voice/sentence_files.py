"""Sentences in YAML files: ours, and those that an operator adds. A file that is wrong is told by its key."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

_SHIPPED = resources.files("backend.shell.voice") / "sentences"
_MOST_NUMBERS = 10_000
_BOOLEAN = "tag:yaml.org,2002:bool"


class SentencesError(ValueError):
    """A file of sentences is wrong; the message says at which key, and why."""


class _Loader(yaml.SafeLoader):
    """YAML in which ``on``, ``off``, ``yes`` and ``no`` are words: people say them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Filled = Annotated[str, StringConstraints(max_length=2000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Part):
    """Numbers, in digits or words: both ends belong to them."""

    first: int = Field(alias="from")
    last: int = Field(alias="to")
    step: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _has_numbers(self) -> Self:
        if not 0 <= (self.last - self.first) // self.step < _MOST_NUMBERS:
            raise ValueError(f"there are none, or more than {_MOST_NUMBERS}")
        return self


class Value(_Part):
    """What is said, and what it stands for: itself, if nothing else is given."""

    said: Words = Field(alias="in")
    stands_for: Any = Field(default=None, alias="out")


class List(_Part):
    """What may stand in a slot: some values, numbers, or (``wildcard``) anything."""

    values: list[Value | Words | int | float] | None = None
    range: Range | None = None
    wildcard: bool = False

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if (self.values is not None) + (self.range is not None) + self.wildcard != 1:
            raise ValueError("has none of `values`, `range` and `wildcard`, or several of them")
        return self


class Sentences(_Part):
    """Some sentences of an intent; ``slots`` are fixed ones, ``response`` is which of the intent's answers it is."""

    sentences: Annotated[list[Words], Field(min_length=1)]
    slots: dict[str, Any] = {}
    lists: dict[Name, List] = {}
    expansion_rules: dict[Name, Words] = {}
    response: str = "default"


class Command(_Part):
    """A command to send. Strings may hold slots, like ``{device}``."""

    device: Filled
    name: Annotated[Filled, StringConstraints(min_length=1, max_length=63)]
    body: dict[str, Any] = {}


class Intent(_Part):
    """All sentences that mean the same; an intent that is not ours tells what is answered, and what is done."""

    data: Annotated[list[Sentences], Field(min_length=1)]
    response: Filled | None = None
    command: Command | None = None
    claim: Filled | None = None


class Responses(_Part):
    """What is answered, by intent and case."""

    intents: dict[str, dict[str, Filled]] = {}
    errors: dict[str, Filled] = {}


class SentenceFile(_Part):
    """One file, in Home Assistant's format; ``rewrites``, ``fillers`` and ``words`` are ours."""

    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[a-zA-Z0-9]{2,8})*$")]
    intents: dict[Name, Intent] = {}
    lists: dict[Name, List] = {}
    expansion_rules: dict[Name, Words] = {}
    skip_words: list[Words] = []
    responses: Responses = Responses()
    rewrites: dict[Words, Words] = {}
    """What people say in place of words that the sentences have."""
    fillers: list[Words] = []
    """Words that may stand in a device's name, and do not matter."""
    words: dict[Words, Words] = {}
    """Other words for the words of devices' names."""
    months: Annotated[list[str], Field(min_length=12, max_length=12)] | None = None
    weekdays: Annotated[list[str], Field(min_length=7, max_length=7)] | None = None
    durations: dict[str, Filled] = {}


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is well-formed: where it is, what it says, and the same as a model."""

    where: str
    raw: Mapping[str, Any]
    file: SentenceFile


def read(where: str, text: str) -> Source:
    """Return what a file says. Raises SentencesError."""
    loader = _Loader(text)
    try:
        raw = loader.get_single_data()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SentencesError(f"{where}: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()
    if not isinstance(raw, dict):
        raise SentencesError(f"{where}: is no mapping of `language`, `intents` ...")
    try:
        return Source(where, raw, SentenceFile.model_validate(raw))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SentencesError(f"{where}: {key}: {first['msg'].removeprefix('Value error, ')}") from error


def shipped() -> Iterator[Source]:
    """Yield the files that come with us."""
    for path in sorted(_SHIPPED.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".yaml"):
            yield read(path.name, path.read_text(encoding="utf-8"))


def custom(folder: Path) -> Iterator[Source | SentencesError]:
    """Yield what each YAML file of a folder says, or what is wrong with it, in the order of their names."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})
    except OSError as error:
        yield SentencesError(f"{folder}: {error.strerror}")
        return
    for path in paths:
        try:
            yield read(str(path), path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            yield SentencesError(f"{path}: {error}")
        except SentencesError as error:
            yield error
