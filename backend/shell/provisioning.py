"""Judges boards that claim, and ends the codes whose time is over, while a server runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from backend.core.clock import iso
from backend.core.facts import ClaimJudged
from backend.core.refusals import Code, Refused
from backend.features.provisioning.feature import ClaimCode, JudgeClaim
from backend.shell.accounts import AccountError
from backend.shell.claims import Claims

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_AT_ONCE = 2  # claims: a hundred boards may come at once, and the journal has the same threads


class Provisioning:
    """Each claim is a task; however it ends, *tell* is told so, once. *catch_up* lets the broker know the secret."""

    def __init__(
        self,
        claims: Claims,
        tell: Callable[[ClaimJudged], None],
        catch_up: Callable[[], Awaitable[None]],
        now: Callable[[], float],
    ) -> None:
        self._claims = claims
        self._tell = tell
        self._catch_up = catch_up
        self._now = now
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._standing: dict[str, ClaimCode] = {}

    def perform(self, what: JudgeClaim) -> None:
        """Begin to judge a claim."""
        task = asyncio.create_task(self._judge(what), name="claim")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> None:
        """Look which codes there are, until cancelled."""
        while True:
            try:
                self._note(await asyncio.to_thread(self._claims.tidy, self._now()))
            except SQLAlchemyError as error:
                log.warning("cannot look at the claim codes, trying again: %s", error)
            await asyncio.sleep(_EVERY_S)

    async def _judge(self, asked: JudgeClaim) -> None:
        judged = ClaimJudged(asked.account, asked.asked, code=Code.NOT_STORED)
        try:
            found = await self._used(asked)
            judged = ClaimJudged(asked.account, asked.asked, found.device, found.server_nonce)
        except Refused as refused:
            judged = ClaimJudged(asked.account, asked.asked, code=refused.code)
        except (SQLAlchemyError, AccountError) as error:
            log.error("the claim with %s cannot be stored; the board may ask again: %s", asked.account, error)
        except Exception:
            log.exception("this is a bug in Talkstick; not judged: %r", asked)
        finally:
            self._tell(judged)

    async def _used(self, asked: JudgeClaim) -> ClaimCode:
        """Let a board use its code; return that once the broker knows the new secret. Raises Refused and others."""
        async with self._slots:
            now = self._now()
            found = await asyncio.to_thread(self._claims.claim, asked.account, asked.mac, asked.nonce, now)
            if found.used_at == now:
                log.info("%s is the board with the MAC %s now: it used %s", found.device, asked.mac, asked.account)
            await self._catch_up()  # else the old connections of the device would be ended together with a new one
            return found

    def _note(self, found: list[ClaimCode]) -> None:
        """Log which codes came and went."""
        standing = {each.account: each for each in found}
        for account in standing.keys() - self._standing.keys():
            code = standing[account]
            for_whom = f"the board with the MAC {code.mac}" if code.mac is not None else "any board"
            log.info("claim code %s: %s makes %s of it, until %s", account, for_whom, code.device, iso(code.expires_at))
        for account in self._standing.keys() - standing.keys():
            log.info("claim code %s is over", account)
        self._standing = standing
