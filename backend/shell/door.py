"""The broker's door: who may come in, and what they may do. Answers from memory, but for the login itself."""

import asyncio
import hashlib
import hmac
import logging
import os
from collections.abc import Callable

from backend.core.access import Rulebook, Verdict
from backend.core.facts import PublishRefused
from backend.core.principals import Principal
from backend.core.refusals import Code
from backend.shell.accounts import Accounts, verify

log = logging.getLogger(__name__)

_LOGINS_AT_ONCE = 4
_LOOKS, _LOOK_EVERY_S = 30, 0.1


class Door:
    """Judges by the rulebook. ``report`` hears what was refused; topics come with the prefix of the tree."""

    def __init__(
        self,
        rules: Rulebook,
        accounts: Accounts,
        backend: tuple[Principal, str],
        lookup: Callable[[str], Principal | None],
        prefix: str,
    ) -> None:
        self._rules = rules
        self._accounts = accounts
        self._backend, self._backend_secret = backend
        self._lookup = lookup
        self._prefix = prefix
        self._logins = asyncio.Semaphore(_LOGINS_AT_ONCE)
        self._key = os.urandom(32)
        self._verified: dict[str, tuple[str, bytes]] = {}
        self.report: Callable[[PublishRefused], None] = lambda _refused: None

    async def authenticate(self, name: str, secret: str) -> bool:
        """Tell whether this is the secret of that account. Hashes in a thread, a few at a time."""
        if name == self._backend.name:
            return hmac.compare_digest(secret.encode(), self._backend_secret.encode())
        stored = await asyncio.to_thread(self._accounts.secret_hash, name)
        if stored is None or self._verified.get(name) != (stored, self._digest(secret)):
            async with self._logins:
                right = await asyncio.to_thread(verify, stored, secret)
            if not right or stored is None:
                log.warning("login of %r refused", name[:80])
                return False
            self._verified[name] = (stored, self._digest(secret))
        return await self._is_listed(name)

    async def _is_listed(self, name: str) -> bool:
        """Wait until the directory in memory has an account that was added this moment: rights are read there."""
        for _ in range(_LOOKS):
            if self._lookup(name) is not None:
                return True
            await asyncio.sleep(_LOOK_EVERY_S)
        return False

    def judge(self, name: str, topic: str, *, retain: bool, size: int) -> Verdict:
        """Judge a publish, or a last will."""
        who = self._who(name)
        return self._rules.publish(who, topic, retain=retain, size=size) if who else Verdict(Code.UNKNOWN_PRINCIPAL)

    def may_subscribe(self, name: str, topic_filter: str) -> bool:
        """Tell whether the account may subscribe."""
        who = self._who(name)
        return who is not None and self._rules.subscribe(who, topic_filter)

    def may_receive(self, name: str, topic: str) -> bool:
        """Tell whether a message may be delivered to the account."""
        who = self._who(name)
        return who is not None and self._rules.receive(who, topic)

    def refused(self, name: str, topic: str, code: str) -> None:
        """Hear that a publish was refused, and report it."""
        log.info("publish refused: %s by %r to %r", code, name, topic[:200])
        self.report(PublishRefused(Code(code), topic.removeprefix(self._prefix), name))

    def _who(self, name: str) -> Principal | None:
        return self._backend if name == self._backend.name else self._lookup(name)

    def _digest(self, secret: str) -> bytes:
        """Remember a right secret for the next login of a flapping board, but not in the clear."""
        return hashlib.blake2b(secret.encode(), key=self._key).digest()
