"""What the broker passes on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One application message. ``retain`` is the publisher's wish; ``owner`` its account, or empty: the embedder."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    owner: str = ""
