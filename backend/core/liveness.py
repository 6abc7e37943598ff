"""What the presence of boards and that of people's apps share: how long to wait, and which words come too late."""

from dataclasses import dataclass

GONE = ("lost", "disconnected")


@dataclass(frozen=True, slots=True)
class Limits:
    """Times of presence, in seconds: how long a last will is doubted, and how long silence is borne."""

    debounce_s: float = 2.0
    heartbeat_s: float = 120.0


def is_late(state: str, boot: int | None, newest: int | None, *, retained: bool) -> bool:
    """Tell whether a status comes too late: a will, a goodbye or a retained copy of an older boot does.

    A birth is believed whatever it counts: a board whose memory was erased begins again.
    """
    older = boot is not None and newest is not None and boot < newest
    return older and (retained or state in GONE)
