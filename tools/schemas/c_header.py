"""The contract for firmware: topics, keys, words and limits that a board needs, as a C header."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from backend.core.access import MAX_PAYLOAD
from backend.core.audio import UNDECLARED
from backend.core.flash import MOST, NAMESPACE, Key
from backend.core.ids import MAX_ID
from backend.core.liveness import Limits
from backend.core.messages import UINT32
from backend.core.refusals import Code
from backend.core.routing import MAX_DEPTH, MAX_TOPIC, Party, Route, RouteTable
from backend.features.voice.frames import HEADER_BYTES, MAX_FRAME, Codec, Flag
from tools.schemas.contract import messages, name_of, schema_of

_BOARD = {Party.THE_DEVICE, Party.IN_ITS_PLACE, Party.TRIGGER_OWNER, Party.THE_PRINCIPAL, Party.ANYONE, Party.CLAIMANT}
_ELSEWHERE = ("channels/", "users/", "triggers/{trigger}/profiles", "backend/re")
"""What a board could use, being somebody who is logged in, and has no use for."""

_HEAD = """\
/* Generated from the route table and the message models by `make schemas`; do not edit.
 *
 * The contract between boards and server: topics, keys, words and limits. A level in braces is to be filled in; a
 * prefix, if the server has one, goes before every topic. README.md in the same folder explains all of it.
 */
#ifndef TALKSTICK_CONTRACT_H
#define TALKSTICK_CONTRACT_H
"""


def header(table: RouteTable) -> str:
    """Return the text of the header."""
    routes = [route for route in table.routes if _concerns_boards(route)]
    schemas = {
        name: schema_of(route)
        for name, route in messages(table).items()
        if any(not each.is_binary and name_of(each) == name for each in routes)
    }
    parts = {
        "Topics": _topics(routes),
        "Limits": _limits(),
        "Audio frames: the bytes of a header, flags, codecs": _frames(),
        "Keys of the messages": (_string("KEY", key) for key in sorted(_keys(schemas.values()))),
        "Actions of requests": (_string("ACTION", word) for word in _actions(schemas.values())),
        'Words: X(NAME, "word") for each that a key may have': _words(schemas),
        "Reason codes": (_string("CODE", code.value) for code in Code),
        "Flash memory: the namespace in NVS, its keys, and how many bytes a text may have": _flash(),
    }
    sections = (f"\n/* {title} */\n" + "".join(f"{line}\n" for line in lines) for title, lines in parts.items())
    return _HEAD + "".join(sections) + "\n#endif\n"


def _concerns_boards(route: Route) -> bool:
    if route.topic.template.startswith(_ELSEWHERE):
        return False
    return route.writer in _BOARD or not _BOARD.isdisjoint(route.readers)


def _topics(routes: Iterable[Route]) -> Iterator[str]:
    for route in routes:
        template = route.topic.template
        plain = [level for level in template.split("/") if "{" not in level]
        name = "_".join([*plain, *re.findall(r"\{(\w+)\}$", template)])
        yield f'#define TS_TOPIC_{name.upper()} "{template}"'


def _limits() -> Iterator[str]:
    limits = {
        "MAX_ID": MAX_ID,
        "MAX_TOPIC": MAX_TOPIC,
        "MAX_PAYLOAD": MAX_PAYLOAD,
        "MAX_DEPTH": MAX_DEPTH,
        "MAX_NUMBER": f"{UINT32}u",
        "MAX_FRAME": MAX_FRAME,
        "USUAL_FRAME": UNDECLARED.frame_bytes,
        "USUAL_BUFFER_MS": UNDECLARED.buffer_ms,
        "SILENCE_MS": int(Limits().heartbeat_s * 1000),
    }
    return (f"#define TS_{name} {value}" for name, value in limits.items())


def _frames() -> Iterator[str]:
    yield f"#define TS_FRAME_HEADER {HEADER_BYTES}"
    yield from (f"#define TS_FLAG_{flag.name} {flag.value}" for flag in Flag)
    yield from (f"#define TS_CODEC_{codec.name} {codec.value}" for codec in Codec)
    pairs = (f'X({codec.name}, "{codec.name.lower()}")' for codec in Codec)
    yield f"#define TS_CODECS(X) {' '.join(pairs)}"


def _flash() -> Iterator[str]:
    yield f'#define TS_NVS_NAMESPACE "{NAMESPACE}"'
    yield from (_string("NVS_KEY", key.value) for key in Key)
    yield from (f"#define TS_NVS_MAX_{key.name} {most}" for key, most in MOST.items())


def _string(kind: str, text: str) -> str:
    return f'#define TS_{kind}_{text.upper()} "{text}"'


def _keys(schemas: Iterable[dict[str, Any]]) -> set[str]:
    """Return the keys of messages, and those of what is in them."""
    found: set[str] = set()
    for schema in schemas:
        for each in (schema, *schema.get("$defs", {}).values()):
            found.update(each.get("properties", ()))
    return {key for key in found if key.isidentifier()}


def _actions(schemas: Iterable[dict[str, Any]]) -> list[str]:
    """Return what may be asked for, of whatever."""
    return sorted({word for schema in schemas for word in _alternatives(schema, "action")})


def _alternatives(schema: dict[str, Any], key: str) -> list[str]:
    """Return the words by which the messages of a union are told apart; none: it is no union, or not by this key."""
    bodies = (schema["$defs"][each["$ref"].rpartition("/")[2]] for each in schema.get("oneOf", ()))
    return [str(body["properties"][key]["const"]) for body in bodies if key in body["properties"]]


def _words(schemas: dict[str, dict[str, Any]]) -> Iterator[str]:
    for message, schema in schemas.items():
        found = {key: _choices(about) for key, about in schema.get("properties", {}).items()}
        for key, words in {"event": _alternatives(schema, "event"), **found}.items():
            pairs = " ".join(f'X({word.upper()}, "{word}")' for word in words)
            if pairs:
                yield f"#define TS_{_snake(message)}_{key.upper()}_WORDS(X) {pairs}"


def _choices(about: dict[str, Any]) -> list[str]:
    """Return the words that a key may have, null aside; none: it may have any."""
    return [word for each in (about, *about.get("anyOf", ())) for word in (*each.get("enum", ()), *_constant(each))]


def _constant(about: dict[str, Any]) -> list[str]:
    return [about["const"]] if isinstance(about.get("const"), str) else []


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
