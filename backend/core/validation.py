"""What is wrong with what somebody wrote, for people: where, why, and which key may have been meant."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from backend.core.nearest import nearest

M = TypeVar("M", bound=BaseModel)

_MOST = 5  # keys that are told
_LONGEST = 40  # characters of one


def checked(model: type[M], given: Mapping[str, Any]) -> M:
    """Return what a person wrote as a message; a key that there is not is a mistake. Raises ValueError, which tells."""
    try:
        return model.model_validate(dict(given), extra="forbid")
    except ValidationError as error:
        raise ValueError(explained(error, model)) from error


def explained(error: ValidationError, model: object = None) -> str:
    """Return one of the things that are wrong: a key that there is not, before the one that is missing for it."""
    errors = error.errors(include_url=False, include_input=False)
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    where, why = ".".join(str(part) for part in first["loc"]), _why(first)
    if first["type"] == "extra_forbidden":
        *inside, key = first["loc"]
        return f"there is no {where!r} in it{_meant(str(key), _known(model, inside))}"
    return f"{where}: {why}".removeprefix(": ")


def unknown_keys(message: object, given: object) -> tuple[str, ...]:
    """Return what was *given* in vain, of what is a valid *message* nevertheless: some keys that there are not."""
    return tuple(islice(_unknown(message, given, ""), _MOST))


def _why(error: ErrorDetails) -> str:
    match error["type"]:
        case "union_tag_not_found":
            return f"{error['ctx']['discriminator'].replace(chr(39), '`')} is missing"
        case "union_tag_invalid":
            return f"there is no {error['ctx']['tag']!r}, only {error['ctx']['expected_tags']}"
        case "tuple_type":
            return "a list, please"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "names, please, each with what it is"
        case _:
            return error["msg"].removeprefix("Value error, ")


def _unknown(message: object, given: object, where: str) -> Iterator[str]:
    if isinstance(message, BaseModel) and isinstance(given, Mapping):
        known = _keys(type(message))
        for key, value in given.items():
            if key in known:
                yield from _unknown(getattr(message, known[key]), value, f"{where}{key}.")
            else:
                yield f"{where}{key[:_LONGEST]}{_meant(key, known)}"
    elif isinstance(message, tuple) and isinstance(given, list):
        for number, (each, value) in enumerate(zip(message, given, strict=False)):
            yield from _unknown(each, value, f"{where}{number}.")


def _meant(key: str, known: Iterable[str]) -> str:
    found = nearest(key, known)
    return f": did you mean {found[0]}?" if found else ""


def _known(model: object, inside: Sequence[str | int]) -> set[str]:
    """Return the keys that there are at a place within a model, where an error says that it is."""
    models = _models(model)
    for part in inside:
        inner = [each.model_fields[keys[part]].annotation for each in models if part in (keys := _keys(each))]
        if inner:
            models = {found for each in inner for found in _models(each)}
        else:  # the number of an item, or the tag that says which of several models it is
            models = {each for each in models if part in _tags(each)} or models
    return {key for each in models for key in _keys(each)}


def _keys(model: type[BaseModel]) -> dict[str, str]:
    """Return the names of the fields by the keys under which they are written."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _models(annotation: object) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {found for each in get_args(annotation) for found in _models(each)}


def _tags(model: type[BaseModel]) -> set[object]:
    return {tag for field in model.model_fields.values() for tag in get_args(field.annotation) if isinstance(tag, str)}
