"""What a message of any MQTT topic says of a trigger: whether it is active, and which data belong to it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from backend.core.messages import json_size
from backend.core.refusals import Code, Refused
from backend.core.routing import parse_json
from backend.features.triggers.definitions import Kind, Source
from backend.features.triggers.paths import found
from backend.features.triggers.values import number, same

MAX_DATA = 16 * 1024  # bytes of JSON

# What is usual, by the documentation of who sends it: Home Assistant (`payload_on` is ON, `payload_home` home; the
# states of its binary sensors by device class), Tasmota (`stat/…/POWER` ON, `tele/…/LWT` Online), Frigate (`…/motion`
# ON, `…/person` a count, `available` online), ESPHome (ON, online), openHAB (OPEN), zigbee2mqtt (`state` ON,
# `occupancy` true; but beware: its `contact` is true while it is closed), and our own (presence: online, lost).
_WORDS: Mapping[str, bool] = MappingProxyType(
    {
        **dict.fromkeys(("true", "on", "yes", "active", "open", "motion", "detected", "occupied", "present"), True),
        **dict.fromkeys(("home", "online", "pressed"), True),
        **dict.fromkeys(("false", "off", "no", "inactive", "closed", "no_motion", "clear", "not_detected"), False),
        **dict.fromkeys(("unoccupied", "not_occupied", "absent", "not_present", "not_home", "away"), False),
        **dict.fromkeys(("offline", "lost", "disconnected", "released"), False),
    }
)
# zigbee2mqtt sends null for what it does not know yet, and an empty `action` after each; Home Assistant says None.
_UNKNOWN = frozenset(("", "none", "null", "unknown", "unavailable"))


def sensed(source: Source, payload: bytes, kind: Kind = "level") -> tuple[bool | None, dict[str, Any]]:
    """Return whether the trigger is active (None: that is not told), and the data, as a message of its source tells.

    Raises Refused: ``too_large``, ``bad_json``, or ``bad_message`` for what is neither JSON nor text.
    """
    said = _read(payload)
    data: dict[str, Any] = said if isinstance(said, dict) else {"value": said}
    if len(payload) > MAX_DATA or json_size(data) > MAX_DATA:
        raise Refused(Code.TOO_LARGE, f"the data of a trigger have at most {MAX_DATA} bytes")
    if source.path is not None:
        values = found(source.path, said)
    elif isinstance(said, dict):
        return True, data
    else:
        values = [said]
    told = [_means(source, value, kind) for value in values]
    return (True if True in told else False if False in told else None), data


def _read(payload: bytes) -> Any:
    """Return the JSON, or else the text, of a payload."""
    try:
        return parse_json(payload)
    except Refused:
        if payload.lstrip()[:1] in (b"{", b"["):
            raise
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise Refused(Code.BAD_MESSAGE, "the payload is neither JSON nor text") from error


def _means(source: Source, value: Any, kind: Kind) -> bool | None:
    """Tell whether a value means active; None: it says nothing of it."""
    if source.active is not None and any(same(value, each) for each in source.active):
        return True
    if source.inactive is not None and any(same(value, each) for each in source.inactive):
        return False
    if source.active is not None:
        return False if source.inactive is None else None
    return _usually(value, kind)


def _usually(value: Any, kind: Kind) -> bool | None:
    """Tell what a value means to most. Of a pulse any word will do, such as the number of a badge."""
    if value is None:
        return None
    if not isinstance(value, str):
        return bool(value)
    word = value.strip().lower().replace(" ", "_").replace("-", "_")
    if word in _WORDS:
        return _WORDS[word]
    if (reading := number(word)) is not None:
        return reading != 0
    return True if kind == "pulse" and word not in _UNKNOWN else None
