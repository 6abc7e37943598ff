"""The state of one device's session, its policy, and what can be read off them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from backend.core.effects import Asked
from backend.core.messages import FreeJson
from backend.features.sessions.messages import Ending


@dataclass(frozen=True, slots=True)
class Policy:
    """How a device is shared. All times in seconds."""

    lease_s: float = 60.0
    """How long a session lasts without renewal, unless the claim asks otherwise."""
    max_lease_s: float = 3600.0
    max_length_s: float = 4 * 3600.0
    """How long a session lasts at most, whatever is renewed."""
    idle_s: float = 600.0
    """How long nothing may happen (no command, no input, no result) while the lease is renewed."""
    linger_s: float = 10.0
    """How long a completed session still shows its result before the next one is granted."""
    restart_grace_s: float = 15.0
    """How long a holder has at least to renew after the server was down."""
    max_queue: int = 32
    max_data: int = 64 * 1024
    """The size of the merged input, and of the merged output, as JSON, in bytes."""


@dataclass(frozen=True, slots=True)
class Running:
    """The session in progress."""

    fence: int
    id: str
    holder: str
    holder_name: str
    client: str | None
    type: str | None
    lease_s: float
    started_at: float
    last_activity: float
    expires_at: float
    input: FreeJson
    output: FreeJson = field(default_factory=dict)
    complete: bool = False

    def ends(self, policy: Policy) -> tuple[float, Ending]:
        """Return when the session ends if nothing happens, and how."""
        return min(
            (self.expires_at, "completed" if self.complete else "expired"),
            (self.last_activity + policy.idle_s, "idle"),
            (self.started_at + policy.max_length_s, "expired"),
        )


@dataclass(frozen=True, slots=True)
class Waiter:
    """One claim that waits for its turn."""

    user: str
    name: str
    client: str | None
    type: str | None
    lease_s: float
    input: FreeJson
    asked: Asked


@dataclass(frozen=True, slots=True)
class Session:
    """All about the sharing of one device. ``fence`` is that of the last grant; it outlives the device's removal."""

    device: str
    provisioned: bool = False
    reachable: bool = False
    fence: int = 0
    revision: int = 0
    running: Running | None = None
    queue: tuple[Waiter, ...] = ()
    reason: Literal["claimed"] | Ending | None = None
    timeout: bool = False

    @property
    def holder(self) -> str | None:
        """Who holds the device."""
        return self.running.holder if self.running is not None else None

    def estimates(self, policy: Policy, now: float) -> Iterator[float | None]:
        """Return, for each who waits, after about how many seconds its turn comes (None: the device is away)."""
        after = max(0.0, self.running.ends(policy)[0] - now) if self.running is not None else 0.0
        for waiter in self.queue:
            yield round(after, 1) if self.reachable else None
            after += waiter.lease_s
