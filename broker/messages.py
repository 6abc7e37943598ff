"""What the broker passes on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One application message. ``retain`` is the publisher's wish; ``owner`` is the account that published it."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    owner: str = ""
