"""Only the holder commands: checked against the retained session document that passed through this broker."""

import json
import math
from collections.abc import Mapping
from typing import Any


def refusal(document: bytes | None, name: str, command: bytes) -> str | None:
    """Return the reason code why *name* may not send this command now, or None if it may.

    The document must name the sender as ``holder``, and the command must carry the document's ``fence``. No document,
    no holder, no command.
    """
    session = _object(document or b"")
    if session is None or session.get("holder") != name:
        return "not_holder"
    sent = _object(command)
    if sent is None:
        return "bad_json"
    fence = sent.get("fence")
    if type(fence) is not int:
        return "bad_message"
    return None if fence == session.get("fence") else "stale_fence"


def _object(payload: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(payload.decode(), parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refuse(constant: str) -> None:
    """NaN and Infinity are not JSON, though Python reads them; firmware may not."""
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
