"""The contract as an AsyncAPI 3.0 document, as the backend sees it: it receives what it reads, sends what it writes."""

import json
from typing import Any

from backend.core.routing import Party, Retain, Route, RouteTable
from backend.core.topics import Topic
from tools.schemas.contract import BINARY, levels, messages, name_of, schema_of

_QOS_OF_BACKEND = 1  # it publishes everything so
_AUDIO = {"name": BINARY, "title": BINARY, "contentType": "application/octet-stream", "payload": {"type": "string"}}


def document(table: RouteTable, version: str) -> dict[str, Any]:
    """Return the whole document."""
    routes = {route.topic: route for route in table.routes}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Talkstick",
            "version": version,
            "description": "Many people share ESP32 devices: whoever holds the talking stick may use the hardware.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"talkstick": _server()},
        "channels": {_channel_id(route.topic): _channel(route) for route in table.routes},
        "operations": {
            f"{action}.{_channel_id(route.topic)}": _operation(action, route, routes)
            for route in table.routes
            if (action := _action(route)) is not None
        },
        "components": _components(table),
    }


def _server() -> dict[str, Any]:
    return {
        "host": "localhost:1883",
        "protocol": "mqtt",
        "protocolVersion": "3.1.1",
        "description": "The embedded broker as it listens by default.",
        "security": [_ref("components", "securitySchemes", "account")],
    }


def _channel_id(topic: Topic) -> str:
    return topic.template.translate(str.maketrans("/", ".", "{}"))


def _channel(route: Route) -> dict[str, Any]:
    name = name_of(route)
    return {
        "address": route.topic.template,
        "description": route.summary,
        "messages": {name: _ref("components", "messages", name)},
        "parameters": {level: _ref("components", "parameters", level) for level in route.topic.names},
    }


def _action(route: Route) -> str | None:
    if route.handler is not None:
        return "receive"
    return "send" if route.writer is Party.BACKEND else None


def _operation(action: str, route: Route, routes: dict[Topic, Route]) -> dict[str, Any]:
    made = {"action": action, "summary": route.summary, **_exchange(route), "bindings": {"mqtt": _binding(route)}}
    if route.reply is not None:
        made["reply"] = _exchange(routes[route.reply])
    return made


def _exchange(route: Route) -> dict[str, Any]:
    """Return the channel of a route, and the message on it, as operations and replies name them."""
    channel = ("channels", _channel_id(route.topic))
    return {"channel": _ref(*channel), "messages": [_ref(*channel, "messages", name_of(route))]}


def _binding(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {"qos": _QOS_OF_BACKEND if route.writer is Party.BACKEND else route.qos}
    if route.retain is not Retain.EITHER:
        made["retain"] = route.retain is Retain.ALWAYS
    return made | {"bindingVersion": "0.2.0"}


def _components(table: RouteTable) -> dict[str, Any]:
    known = messages(table)
    asked_and_answered = {topic for route in table.routes if route.reply for topic in (route.topic, route.reply)}
    return {
        "messages": {
            name: _message(name, route, correlated=route.topic in asked_and_answered) for name, route in known.items()
        }
        | ({BINARY: _AUDIO} if any(route.is_binary for route in table.routes) else {}),
        "parameters": {name: {"description": meaning} for name, meaning in levels(table).items()},
        "schemas": _schemas(known),
        "securitySchemes": {
            "account": {"type": "userPassword", "description": "The user name is the principal that topics speak of."}
        },
    }


def _message(name: str, route: Route, *, correlated: bool) -> dict[str, Any]:
    made = {"name": name, "title": name, "summary": route.summary, "payload": _ref("components", "schemas", name)}
    return made | ({"correlationId": {"location": "$message.payload#/id"}} if correlated else {})


def _schemas(known: dict[str, Route]) -> dict[str, Any]:
    """Return the schemas side by side: what a file of its own keeps in ``$defs`` stands beside the others."""
    found: dict[str, Any] = {}
    for name, route in known.items():
        schema = schema_of(route)
        parts = schema.pop("$defs", {}) | {name: _without_head(schema)}
        for part, body in parts.items():
            if found.setdefault(part, body) != body:
                raise ValueError(f"two different models are called {part}")
    moved: dict[str, Any] = json.loads(json.dumps(found).replace("#/$defs/", "#/components/schemas/"))
    return moved


def _without_head(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in ("$schema", "$id")}


def _ref(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}
