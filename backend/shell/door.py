"""The broker's door: who may come in, and what they may do. Answers from memory, but for the login itself."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from backend.core.access import Rulebook, Verdict
from backend.core.facts import PublishRefused
from backend.core.principals import Principal, Roster
from backend.core.refusals import Code
from backend.shell.accounts import Accounts
from backend.shell.complaints import Complaints
from backend.shell.logins import Logins

log = logging.getLogger(__name__)

_LOOKS, _LOOK_EVERY_S = 30, 0.1


class Door:
    """Judges by the rulebook. ``report`` hears what was refused. Topics come with the prefix of the tree.

    It is shut at first: it knows who may read what, also of those who are away, and lets nobody in.
    """

    def __init__(self, rules: Rulebook, accounts: Accounts, prefix: str) -> None:
        self._rules = rules
        self._accounts = accounts
        self._prefix = prefix
        self._logins = Logins()
        self._is_open = False
        self._complaints = Complaints(log)
        self.report: Callable[[PublishRefused], None] = lambda _refused: None

    def know(self, principals: Mapping[str, Principal]) -> None:
        """Learn who there is, and who has which devices. The broker must forget what it was answered before."""
        if principals != self._rules.roster.principals:  # else the engine has them in memory already, and shares them
            self._rules.roster = Roster(principals)

    def open(self) -> None:
        """Let people in: all that they send is heard from now on. Until then logins wait."""
        self._is_open = True

    async def authenticate(self, name: str, secret: str) -> bool | None:
        """Tell whether this is the secret of that account; None: that cannot be told at the moment."""
        stored = await asyncio.to_thread(self._accounts.verifier_of, name)
        return await self._logins.is_right(name, stored, secret) and await self._is_listed(name)

    async def vouched(self, name: str) -> bool | None:
        """Tell whether that account, named by a verified client certificate, may come in without a secret."""
        if await asyncio.to_thread(self._accounts.verifier_of, name) is None:
            return False
        return await self._is_listed(name)

    async def _is_listed(self, name: str) -> bool | None:
        """Wait until the door is open, and knows an account that was added this moment: its rights depend on it.

        None: not yet.
        """
        for _ in range(_LOOKS):
            if self._is_open and self._lookup(name) is not None:
                return True
            await asyncio.sleep(_LOOK_EVERY_S)
        return None

    def judge(self, name: str, topic: str, *, retain: bool, size: int) -> Verdict:
        """Judge a publish, or a last will."""
        who = self._lookup(name)
        return self._rules.publish(who, topic, retain=retain, size=size) if who else Verdict(Code.UNKNOWN_PRINCIPAL)

    def may_subscribe(self, name: str, topic_filter: str) -> bool:
        """Tell whether the account may subscribe."""
        who = self._lookup(name)
        return who is not None and self._rules.subscribe(who, topic_filter)

    def may_receive(self, name: str, topic: str) -> bool:
        """Tell whether a message may be delivered to the account."""
        who = self._lookup(name)
        return who is not None and self._rules.receive(who, topic)

    def _lookup(self, name: str) -> Principal | None:
        return self._rules.roster.principals.get(name)

    def refused(self, name: str, topic: str, code: str) -> None:
        """Hear that a publish was refused, and report it."""
        self._complaints.say((name, code), "publish refused: %s by %r to %r", code, name, topic[:200])
        self.report(PublishRefused(Code(code), topic.removeprefix(self._prefix), name))
