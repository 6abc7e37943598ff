"""A claim code, and which claims are being judged."""

from dataclasses import dataclass, field
from typing import Literal

from backend.core.refusals import Code

CodeState = Literal["open", "used", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """What is known of a claim code. ``account``: who logs in with it; ``mac``: the only board that may, if one is.

    Of the board that used it: ``used_mac``, its ``nonce`` and the server's. ``code`` are its characters, until nobody
    needs them any more. ``made_by`` is whoever typed the command, as the system calls them, without proof.
    """

    account: str
    device: str
    made_at: float
    expires_at: float
    mac: str | None = None
    code: str | None = field(default=None, repr=False)  # a log is no place for secrets
    used_at: float | None = None
    used_mac: str | None = None
    nonce: str | None = None
    server_nonce: str | None = None
    is_revoked: bool = False
    made_by: str | None = None

    def state(self, now: float) -> CodeState:
        """Return how it stands: one that was used remains so."""
        if self.used_at is not None:
            return "used"
        if self.is_revoked:
            return "revoked"
        return "expired" if self._is_over(now) else "open"

    def refusal(self, mac: str, nonce: str, now: float) -> Code | None:
        """Return why a board may not use it, or None: it may, or it did, and asks again."""
        if self.is_revoked or self._is_over(now):
            return Code.CODE_EXPIRED
        if self.used_at is not None:
            return None if (self.used_mac, self.nonce) == (mac, nonce) else Code.CODE_USED
        return Code.WRONG_MAC if self.mac not in (None, mac) else None

    def _is_over(self, now: float) -> bool:
        """Tell whether its time is over; also of one that would be made later only: somebody set the clock back."""
        return abs(now - self.made_at) >= self.expires_at - self.made_at


@dataclass(frozen=True, slots=True)
class Office:
    """The accounts whose claims are being judged."""

    judging: frozenset[str] = frozenset()
