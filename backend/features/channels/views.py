"""How a channel answers those whose data it does not pass on."""

from typing import Any

from backend.core.messages import Reply, refusal
from backend.core.refusals import EXPLAINED, Code


def rejection(channel: str, request_id: str | None, code: Code, **more: Any) -> Reply:
    """Return the answer that data were not passed on, and why."""
    return refusal(request_id, Code.REJECTED, f"{channel}: {EXPLAINED[code]}", reason=code.value, **more)
