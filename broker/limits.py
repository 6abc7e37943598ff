"""How much of everything: packets, queues, connections, and how often one may knock."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_MINUTE_S = 60.0
_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may cost. Sizes in bytes, times in seconds."""

    packet_bytes: int = 264 * 1024  # a larger packet ends the connection before its body is read
    inflight: int = 20  # QoS 1 and 2 messages that one client has not acknowledged
    queued_messages: int = 1000  # QoS 1 and 2 messages that wait for one client; what comes then is dropped
    queued_bytes: int = 4 * 1024 * 1024
    backlog_bytes: int = 1024 * 1024  # written, but not taken: beyond it QoS 0 is dropped, and the rest waits
    stalled_s: float = 30.0  # who takes nothing for so long, though something waits, is closed
    connect_s: float = 10.0  # so soon a connection must say CONNECT
    connections: int = 12_000
    strangers: int = 500  # connections from one address that were not let in yet
    connects_per_s: int = 1000  # from one address
    failed_logins: int = 10  # a minute, of one account from one address
    flapping: int = 15  # connects a minute, of one client
    subscriptions: int = 1000  # of one client
    levels: int = 32  # of one topic filter
    kept_sessions: int = 100  # of one account, while their clients are away
    session_expiry_s: float = 7 * 24 * 3600.0  # so long a client may be away from its persistent session


class Turnstile:
    """Lets each key pass *limit* times in *window_s* seconds, and no more until that time is over."""

    def __init__(self, limit: int, window_s: float = _MINUTE_S) -> None:
        self._limit = limit
        self._window_s = window_s
        self._passed: dict[Hashable, tuple[float, int]] = {}
        self._swept = 0.0

    def is_shut(self, key: Hashable, now: float) -> bool:
        """Tell whether *key* has to wait."""
        since, count = self._passed.get(key, (now, 0))
        return count >= self._limit and now - since < self._window_s

    def passes(self, key: Hashable, now: float) -> bool:
        """Count one passage of *key*; False where it has to wait."""
        if self.is_shut(key, now):
            return False
        since, count = self._passed.get(key, (now, 0))
        if now - since >= self._window_s:
            since, count = now, 0
        if now - self._swept >= self._window_s or len(self._passed) >= _KEYS:
            self._sweep(now)
        self._passed[key] = (since, count + 1)
        return True

    def _sweep(self, now: float) -> None:
        """Drop what is over; and everything, where somebody invents keys faster than they expire."""
        self._swept = now
        self._passed = {key: held for key, held in self._passed.items() if now - held[0] < self._window_s}
        if len(self._passed) >= _KEYS:
            self._passed.clear()


class Gate:
    """Who knocks too often. Times in seconds, of a clock that never goes back."""

    def __init__(self, limits: Limits) -> None:
        self.complaints = Turnstile(1)  # of each kind, that are logged a minute
        self.inside = 0  # who was let in
        self.strangers: Counter[str] = Counter()  # by address: who is there, and was not let in yet
        self.connects = Turnstile(limits.connects_per_s, 1.0)  # by address
        self.failed_logins = Turnstile(limits.failed_logins)  # by address and account
        self.clients = Turnstile(limits.flapping)  # by account and client id

    @contextmanager
    def stranger(self, address: str) -> Iterator[None]:
        """Count a connection while it is not known who it is."""
        self.strangers[address] += 1
        try:
            yield
        finally:
            self.strangers[address] -= 1
            if not self.strangers[address]:
                del self.strangers[address]
