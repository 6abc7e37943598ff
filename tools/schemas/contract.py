"""The contract as the generated files tell it: the name and the JSON Schema of every message, the variable levels."""

import json
import sys
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from backend.core.ids import ID_PATTERN
from backend.core.routing import Party, Route, RouteTable

DIALECT = "https://json-schema.org/draft/2020-12/schema"

BINARY = "Audio"  # all messages that are no JSON; they have no schema

_LEVELS = {
    "device": "The device: its id is the name that it logs in with.",
    "channel": "The channel: a floor with no hardware behind it.",
    "principal": "Whose topic it is, who asks and is answered: the MQTT user name.",
    "client": "Which app of the principal: a name that it chooses, the same each time.",
    "trigger": "The trigger: something that is active or not.",
    "profile": "The profile that is subscribed to the trigger.",
    "turn": "The turn of a conversation, as a decimal number: the device counts them.",
    "name": "The name of the command; its meaning is up to the firmware.",
}


def messages(table: RouteTable) -> dict[str, Route]:
    """Return the JSON messages of the contract by name, each with the first route that carries it."""
    found: dict[str, Route] = {}
    for route in table.routes:
        if route.is_binary:
            continue
        name = name_of(route)
        if found.setdefault(name, route).body is not route.body:
            raise ValueError(f"two different messages are called {name}")
    return found


def name_of(route: Route) -> str:
    """Return the name of a route's message: that of its model, or of the alias of a union of models."""
    if route.is_binary:
        return BINARY
    if isinstance(route.body, type):
        return route.body.__name__
    union, *_ = get_args(route.body)
    first, *_ = get_args(union)
    defined_in = vars(sys.modules[first.__module__])
    return next(name for name, value in defined_in.items() if value is route.body)


def levels(table: RouteTable) -> dict[str, str]:
    """Return what each variable level of a topic means, in the order of appearance."""
    names = dict.fromkeys(name for route in table.routes for name in route.topic.names)
    return {name: f"{_LEVELS[name]} An id: `{ID_PATTERN}`." for name in names}


def schema_of(route: Route) -> dict[str, Any]:
    """Return the JSON Schema of a route's message as a file of its own."""
    name = name_of(route)
    mode: JsonSchemaMode = "serialization" if route.writer is Party.BACKEND else "validation"
    body = TypeAdapter(route.body).json_schema(mode=mode, schema_generator=_Plain)
    head = {"$schema": DIALECT, "$id": f"urn:talkstick:schema:{name}", "title": name, "description": route.summary}
    made: dict[str, Any] = json.loads(json.dumps(head | body).replace("``", "`"))
    return made


class _Plain(GenerateJsonSchema):
    """Leaves out what only repeats: the titles of keys, and OpenAPI's discriminator beside the constants."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        return {"oneOf": super().tagged_union_schema(schema)["oneOf"]}
