"""The contract for people, with mosquitto_pub at hand: the topic reference in Markdown."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from backend.core.access import MAX_PAYLOAD
from backend.core.audio import UNDECLARED
from backend.core.refusals import EXPLAINED
from backend.core.routing import Party, Route, RouteTable
from backend.features.provisioning.messages import SUCCESS as CLAIMED
from backend.features.sessions.messages import SUCCESS as ASKED
from backend.features.stats.messages import SUCCESS as ORDERED
from backend.features.triggers.messages import SUCCESS as TRIGGERED
from backend.features.voice.frames import (
    CODECS,
    FLAGS,
    HEADER_BYTES,
    HEARD,
    MAX_FRAME,
    SEQUENCES,
    SPOKEN,
    Codec,
)
from backend.features.voice.messages import SUCCESS as TALKED
from tools.schemas.contract import levels, messages, name_of, schema_of

_SUCCESS = (ASKED, ORDERED, TALKED, TRIGGERED, CLAIMED)
_FREE = {"$ref": "#/$defs/JsonValue"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

_INTRODUCTION = f"""# The MQTT contract

*Generated from the route table and the message models by `make schemas`; do not edit. Only `examples/` and
`transcripts/` are written by hand.*

Everything can be seen with `mosquitto_sub` and done with `mosquitto_pub`. Log in with an account; its name is the
principal. Here Alice asks for the device `scale-1` and reads the answer:

```sh
mosquitto_sub -u alice -P "$SECRET" -v -t 'devices/scale-1/session/#' &
mosquitto_pub -u alice -P "$SECRET" -q 1 -t devices/scale-1/session/request/alice \\
  -m '{{"id": "c1", "action": "claim", "type": "weighing", "wait": true}}'
```

The reply names the fence, and the fence goes into every command:

```sh
mosquitto_pub -u alice -P "$SECRET" -q 1 -t devices/scale-1/command/tare -m '{{"fence": 42}}'
mosquitto_pub -u alice -P "$SECRET" -q 1 -t devices/scale-1/session/request/alice -m '{{"action": "release"}}'
```

- **Topics.** A level in braces is variable. MQTT does not tell who published, so identity is a level: you write only
  where your own name stands. A prefix, if the server has one, goes before every topic. Admins read everything but
  `provision/…`.
- **Payloads** have at most {MAX_PAYLOAD // 1024} KiB. All but audio ([frames](#frames), or a file) are UTF-8 JSON
  objects. Unknown keys are ignored; the answer to a request tells which (`ignored`). NaN and Infinity are not JSON. An
  integer is written without a decimal point.
- **Roles.** `user` and `integration` claim and command; `listener` only reads; `admin` may kick, too, and reads
  all; `device` is a board, on its own topics; `claim` is a board with a claim code, which may ask who it is, and
  nothing else. Everybody sees who holds what; replies are private. Topics that do not stand here are for admins, and
  for accounts to which they were given.
- **Data** for a channel go to `channels/{{channel}}/data/{{principal}}` and, from the holder of its floor only, on to
  `channels/{{channel}}/broadcast`. The sender is answered on its `session/reply` topic: `ack`, or `rejected` with a
  `reason`. The same `id` within one session is not passed on twice.
- **Triggers** are told on `triggers/{{trigger}}` by their owner alone, or by the backend, where they have a source.
  Subscriptions of profiles to them are asked for; what triggers and profiles are, the command line says.
- **Requests** go to `…/request/{{principal}}` and are answered on `…/reply/{{principal}}`. Choose a new `id` for each:
  the answer carries it, and sending the same request again does no harm.
- **Retained** topics show at once how things stand. On a topic that is not retained, a retained message is refused.
- **Refusals** of requests are replies with `"ok": false` and a [reason code](#reason-codes). A command or a request
  that the broker did not let through is answered on your `session/reply` topic, too, without an id. All others are only
  counted, in `backend/stats`, and logged.
- **Keys** marked *required* must be there. Where the default is *none*, null says the same as leaving the key out. Keys
  marked *always* are in every message, null if need be; those marked *if any* only where there is something to say.

`NAME.schema.json` is the JSON Schema of a message, `asyncapi.json` the whole contract for machines. `examples/good/`
shows messages as they may look, `examples/bad/` what is refused: a file name there begins with the reason code.
`talkstick_contract.h` has topics, keys, words, limits and codes for firmware in C. [Transcripts](transcripts/README.md)
tell what a board and the server say to each other, step by step: the firmware and the server are both held to them.
"""

_FRAMES = f"""What is said to a device, and what it says, travels in frames, so that a board needs no large buffer: a
header of {HEADER_BYTES} bytes, then the audio, together at most {MAX_FRAME // 1024} KiB. Up to
{UNDECLARED.frame_bytes:,} bytes need no second packet on most networks, and a device that [declares](#audioinfo)
nothing gets no larger ones.

| bytes | what |
| --- | --- |
| 0, 1 | sequence number: u16, big endian, 0 in the first frame of a turn; after {SEQUENCES - 1} comes 0 |
| 2 | flags, added up |
| 3 | codec, the same in all frames of a turn |
| {HEADER_BYTES}, ... | audio; none in a frame that only keeps the turn alive, or says how it ends |
"""


def page(table: RouteTable) -> str:
    """Return the whole page."""
    sections = [
        _INTRODUCTION,
        "## Topics\n",
        _topics(table),
        _table(("level", "meaning"), ((f"`{{{name}}}`", meaning) for name, meaning in levels(table).items())),
        "## Frames\n",
        _FRAMES,
        _table(("flag", "", "meaning"), ((f"{flag:d}", f"`{flag.name}`", FLAGS[flag]) for flag in FLAGS)),
        _table(("codec", "", "audio", "from a device", "to a device"), map(_codec, Codec)),
        "## Messages\n",
        *(_message(name, _carriers(table, route)) for name, route in messages(table).items()),
        "## Codes of success\n",
        _table(("code", "meaning"), _codes(*(each for words in _SUCCESS for each in words.items()))),
        "## Reason codes\n",
        _table(("code", "meaning"), _codes(*EXPLAINED.items())),
    ]
    return "\n".join(sections)


def _topics(table: RouteTable) -> str:
    rows = (
        (
            f"`{route.topic.template}`",
            route.retain.value,
            route.writer.value,
            ", ".join(reader.value for reader in route.readers),
            route.summary if route.is_binary else f"{route.summary} {_link(name_of(route))}",
        )
        for route in table.routes
    )
    return _table(("topic", "retained", "written by", "read by", "what"), rows)


def _codec(codec: Codec) -> Sequence[str]:
    ways = ("yes" if codec in way else "" for way in (HEARD, SPOKEN))
    return f"{codec:d}", f"`{codec.name.lower()}`", CODECS[codec], *ways


def _carriers(table: RouteTable, route: Route) -> list[Route]:
    return [other for other in table.routes if other.body is route.body]


def _message(name: str, routes: Sequence[Route]) -> str:
    schema = schema_of(routes[0])
    outbound = routes[0].writer is Party.BACKEND
    topics = ", ".join(f"`{route.topic.template}`" for route in routes)
    files = f"[schema]({name}.schema.json), [examples](examples/good/{name})"
    lines = [f"### {name}\n", f"On {topics}; {files}.\n", *_model(schema, outbound=outbound)]
    for part, body in _parts(schema).items():
        lines += [f"#### {part}\n", *_model(body, outbound=outbound)]
    return "\n".join(lines)


def _parts(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the models within a message: those it is one of in their order, then the others. Free JSON is none."""
    definitions = schema.get("$defs", {})
    ordered = [_target(choice) for choice in schema.get("oneOf", [])]
    ordered += [name for name in definitions if name not in ordered]
    return {name: definitions[name] for name in ordered if definitions[name]}


def _model(schema: dict[str, Any], *, outbound: bool) -> list[str]:
    description = " ".join(schema["description"].split()) + "\n"
    if "oneOf" in schema:
        return [description, f"One of {', '.join(_link(_target(choice)) for choice in schema['oneOf'])}.\n"]
    required = schema.get("required", [])
    rows = [
        (f"`{key}`", _kind(value), _presence(value, required=key in required, outbound=outbound), _meaning(value))
        for key, value in schema["properties"].items()
    ]
    head = ("key", "type", "there" if outbound else "default", "meaning")
    return [description, _table(head, rows) if rows else "No keys of its own.\n"]


def _kind(schema: dict[str, Any]) -> str:
    absent_is_null = schema.get("default", ...) is None
    choices = [each for each in schema.get("anyOf", [schema]) if not (absent_is_null and each == {"type": "null"})]
    return " or ".join(_one_kind(each) for each in choices)


def _one_kind(schema: dict[str, Any]) -> str:
    match schema:
        case {"$ref": _}:
            return _link(_target(schema)) if not _FREE.items() <= schema.items() else "any JSON"
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items}:
            return f"array of {_kind(items)}"
        case {"type": "object", "additionalProperties": dict(values)} if values and values != _FREE:
            return f"object of {_kind(values)}"
        case _:
            return ", ".join([schema.get("type", "any JSON"), *_bounds(schema)])


def _bounds(schema: dict[str, Any]) -> list[str]:
    bounds = [f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if key in schema]
    if "maxLength" in schema:
        bounds.append(f"{schema.get('minLength', 0)} to {schema['maxLength']} characters")
    return bounds


def _presence(schema: dict[str, Any], *, required: bool, outbound: bool) -> str:
    if outbound:
        return "always" if required else "if any"
    if required:
        return "required"
    return "none" if schema["default"] is None else f"`{json.dumps(schema['default'])}`"


def _meaning(schema: dict[str, Any]) -> str:
    """Return the description of a key; that of a key that may be null can stand with the type."""
    return next((each["description"] for each in (schema, *schema.get("anyOf", ())) if "description" in each), "")


def _codes(*explained: tuple[str, str]) -> Iterable[tuple[str, str]]:
    return ((f"`{code}`", meaning) for code, meaning in explained)


def _target(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (" | ".join(cells) for cells in (head, ["---"] * len(head), *rows))
    return "".join(f"| {line} |\n" for line in lines)
