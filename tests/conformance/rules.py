"""What all brokers of the suite are told to do: who may come in, what is forbidden, how much is too much."""

from typing import Final

SECRET: Final = "right"
GUESTS: Final = ("alice", "bob")
WARDEN: Final = "warden"
"""The one account to which nothing is forbidden: it sees what the others must not bring about."""
FORBIDDEN: Final = "forbidden/"

PACKET_BYTES: Final = 128 * 1024
INFLIGHT: Final = 20
BACKLOG_BYTES: Final = 1024 * 1024


def allowed(name: str, topic: str) -> bool:
    """Tell whether an account may publish, subscribe to, or receive a topic."""
    return name == WARDEN or not topic.startswith(FORBIDDEN)
