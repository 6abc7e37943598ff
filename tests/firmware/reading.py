"""How the server reads what a board gets: both must agree on what is readable, and on the code of what is not."""

import json
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from backend.app.table import TABLE
from backend.core.ids import is_id
from backend.core.refusals import Code, Refused
from backend.core.routing import Party, Route, parse_object
from backend.features.sessions.messages import COMMAND, SESSION
from backend.features.voice.frames import Frame
from backend.features.voice.messages import turn_number
from broker.guard import refusal
from tests.firmware.script import Packet

UNREADABLE = (Code.BAD_JSON, Code.BAD_MESSAGE, Code.BAD_FRAME, Code.UNKNOWN_CODEC)


def may_be_of_a_later_server(packet: Packet) -> bool:
    """Tell whether a board may well understand what this server would not write: what a later one may."""
    found = TABLE.find(packet.topic)
    return found is not None and found[0].writer is Party.BACKEND and not found[0].is_binary


def fault_of(packet: Packet, retained: Mapping[str, bytes]) -> str | None:
    """Return why the server would not take such a message, or not send it; None: it might."""
    found = TABLE.find(packet.topic)
    if found is None:
        return Code.UNKNOWN_TOPIC
    route, levels = found
    if not all(is_id(level) for level in levels.values()):
        return Code.BAD_ID
    try:
        _read(route, levels, packet.payload)
    except Refused as refused:
        return refused.code.value
    except ValidationError:
        return Code.BAD_MESSAGE
    if COMMAND.match(packet.topic) is None:
        return None
    document = retained.get(SESSION.at(device=levels["device"]))
    return refusal(document, json.loads(document or b"{}").get("holder") or "nobody", packet.payload)


def _read(route: Route, levels: Mapping[str, str], payload: bytes) -> None:
    """Read a message as its receiver does. Raises Refused, or ValidationError."""
    if route.is_binary:
        if levels["turn"] != "0":  # announcements before the first turn
            turn_number(levels["turn"])
        Frame.read(payload)
        return
    body = parse_object(payload)
    if route.writer is Party.BACKEND:
        TypeAdapter(route.body).validate_json(payload)
    else:
        route.validate(body)
