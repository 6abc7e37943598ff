"""The route table: every topic of the contract, once, as data.

It drives the backend's subscriptions, the broker's access rules, the JSON Schemas, the AsyncAPI document and the topic
reference. A route with a handler is read by the backend; one without is only described (and, if the backend writes it,
published).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from backend.core.effects import Asked
from backend.core.principals import Principal
from backend.core.refusals import Code, Refused
from backend.core.topics import Topic, Tree
from backend.core.validation import explained

MAX_TOPIC = 1024  # characters; the longest of the contract have about 150
MAX_DEPTH = 32  # levels of nesting in a payload


class Party(StrEnum):
    """Who stands at one end of a topic."""

    BACKEND = "backend"
    THE_DEVICE = "the device named in the topic"
    IN_ITS_PLACE = "the device named in the topic, or an admin in its place"
    THE_PRINCIPAL = "the principal named in the topic"
    CLAIMANT = "the board that logged in with the claim code named in the topic"
    OWNER = "the owner of the device"
    TRIGGER_OWNER = "the owner of the trigger, or an admin in its place"
    HOLDER = "the holder of the session"
    PEOPLE = "people and integrations"
    PARTICIPANTS = "people and integrations, but no listeners"
    ONLOOKERS = "people and integrations, where the device is heard in sessions only"
    ANYONE = "anyone who is logged in"


class Retain(StrEnum):
    """Whether the messages of a topic are retained."""

    ALWAYS = "yes"
    NEVER = "no"
    EITHER = "yes or no"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that was read: its variable levels, its valid body, and, for requests, what is to be answered."""

    levels: Mapping[str, str]
    body: Any
    who: Principal | None = None
    """The principal named in the topic, where one is."""
    asked: Asked | None = None
    retained: bool = False
    find: Callable[[str], Principal | None] = lambda _name: None
    """Finds the account of a name in the body."""


Handler = Callable[[Incoming], Iterable[object]]


@dataclass(frozen=True)
class Route:
    """One topic of the contract. Its *body* is the model of its messages, or ``bytes``: then it is no JSON."""

    topic: Topic
    body: Any
    writer: Party
    readers: tuple[Party, ...]
    summary: str
    retain: Retain = Retain.NEVER
    handler: Handler | None = None
    reply: Topic | None = None
    """Requests only: where the answer goes."""
    guard: Topic | None = None
    """Topics of the holder only: the retained session document that names the holder."""
    qos: int = 1
    """At which quality of service the backend subscribes."""

    @property
    def is_binary(self) -> bool:
        """Whether its messages are bytes, and no JSON."""
        return self.body is bytes

    @cached_property
    def is_private(self) -> bool:
        """Whether not even admins read it: who knows the code could make the secret of what is said there."""
        return Party.CLAIMANT in (self.writer, *self.readers)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.body)

    @cached_property
    def actions(self) -> frozenset[str]:
        """The actions that may be asked for; none: this is no request."""
        if self.reply is None:
            return frozenset()
        models: Sequence[Any] = [self.body] if isinstance(self.body, type) else get_args(get_args(self.body)[0])
        return frozenset(get_args(model.model_fields["action"].annotation)[0] for model in models)

    def validate(self, body: Mapping[str, Any]) -> Any:
        """Return the valid body of parsed JSON. Raises Refused: ``unknown_action`` or ``bad_message``."""
        try:
            return self._adapter.validate_python(body)
        except ValidationError as error:
            raise _refused(error) from error


def parse_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object in *payload*. Raises Refused: ``bad_json``."""
    body = parse_json(payload)
    if not isinstance(body, dict):
        raise Refused(Code.BAD_JSON, "the payload must be a JSON object")
    return body


def parse_json(payload: bytes) -> Any:
    """Return the JSON in *payload*. Raises Refused: ``bad_json``. NaN and Infinity are not JSON."""
    try:
        body = from_json(payload, allow_inf_nan=False)
        _check(body, MAX_DEPTH)
    except ValueError as error:
        raise Refused(Code.BAD_JSON, str(error)) from error
    return body


def _check(value: Any, depth: int) -> None:
    """Insist on JSON that everybody can read again. Raises ValueError.

    1e999 is infinite, and what is nested as deeply as one parser bears is too deep for the next once it is part of a
    document.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is too large")
    if isinstance(value, dict | list):
        if depth == 0:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, depth - 1)


def _refused(error: ValidationError) -> Refused:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "union_tag_not_found":
        return Refused(Code.UNKNOWN_ACTION, "the key action is missing")
    if first["type"] == "union_tag_invalid":
        tags = first["ctx"]
        return Refused(Code.UNKNOWN_ACTION, f"there is no action {tags['tag']!r}, only {tags['expected_tags']}")
    if first["loc"] == ("action",):  # of a request with one action only
        return Refused(Code.UNKNOWN_ACTION, f"action: {first['msg']}")
    return Refused(Code.BAD_MESSAGE, explained(error))


class RouteTable:
    """All routes of the application; a topic belongs to at most one."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._found = lru_cache(maxsize=4096)(self._search)

    @cached_property
    def roots(self) -> frozenset[str]:
        """The first levels of all topics."""
        return frozenset(route.topic.template.partition("/")[0] for route in self.routes)

    def tree(self, prefix: str) -> Tree:
        """Return these topics as they are on the wire."""
        return Tree(prefix, self.roots)

    def reads(self, topic: str) -> bool:
        """Tell whether the backend reads a topic of the tree; of one that no route knows it says so."""
        found = self.find(topic)
        return found[0].handler is not None if found else topic.partition("/")[0] in self.roots

    def find(self, topic: str) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route of *topic* and its variable levels, or None."""
        return self._found(topic) if len(topic) <= MAX_TOPIC else None

    def _search(self, topic: str) -> tuple[Route, Mapping[str, str]] | None:
        for route in self.routes:
            levels = route.topic.match(topic)
            if levels is not None:
                return route, levels
        return None

    def subscriptions(self) -> list[tuple[str, int]]:
        """Return the filters the backend reads, with their quality of service."""
        return [(route.topic.filter, route.qos) for route in self.routes if route.handler is not None]
