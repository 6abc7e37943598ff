"""Each claim that is to be judged is told of once, however it ends, and not before the broker knows the secret."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from backend.core.effects import Asked
from backend.core.facts import ClaimJudged
from backend.core.refusals import Code, Refused
from backend.features.provisioning.feature import ClaimCode, JudgeClaim
from backend.shell.accounts import AccountError
from backend.shell.provisioning import Provisioning

NOW = 1_700_000_000.0
ASKED = Asked("provision/request/claim-1", "provision/reply/claim-1", "1")
WANTED = JudgeClaim("claim-1", ASKED, "a4cf128b3f9e", "0" * 32)
USED = ClaimCode("claim-1", "scale-1", NOW, NOW + 900.0, used_at=NOW, server_nonce="f" * 32)


class Claims:
    """Stands for the database."""

    def __init__(self, outcome: Callable[[], ClaimCode], standing: list[list[ClaimCode]]) -> None:
        self.outcome = outcome
        self.standing = standing

    def claim(self, _account: str, _mac: str, _nonce: str, _now: float) -> ClaimCode:
        return self.outcome()

    def tidy(self, _now: float) -> list[ClaimCode]:
        if not self.standing:
            raise OperationalError("tidy", {}, ValueError("the disk is full"))
        return self.standing.pop(0)


def raising(error: Exception) -> Callable[[], ClaimCode]:
    def outcome() -> ClaimCode:
        raise error

    return outcome


def told(outcome: Callable[[], ClaimCode]) -> list[object]:
    """Let a claim be judged; return what happened, in order."""
    happened: list[object] = []

    async def story() -> None:
        done = asyncio.Event()

        async def catch_up() -> None:
            happened.append("the broker knows")

        def tell(judged: ClaimJudged) -> None:
            happened.append(judged)
            done.set()

        claims: Any = Claims(outcome, [])
        provisioning = Provisioning(claims, tell, catch_up, lambda: NOW)
        provisioning.perform(WANTED)
        await done.wait()
        assert len(asyncio.all_tasks()) <= 2, "it is over"

    asyncio.run(asyncio.wait_for(story(), 30))
    return happened


def test_a_board_is_told_after_the_broker(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert told(lambda: USED) == ["the broker knows", ClaimJudged("claim-1", ASKED, "scale-1", "f" * 32)]
    assert "scale-1 is the board with the MAC a4cf128b3f9e now: it used claim-1" in caplog.text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused(Code.CODE_USED, "used"), Code.CODE_USED),
        (AccountError("the broker could not be told"), Code.NOT_STORED),
        (OperationalError("claim", {}, ValueError("the disk is full")), Code.NOT_STORED),
        (RuntimeError("a bug"), Code.NOT_STORED),
    ],
)
def test_a_board_is_told_that_it_was_in_vain(error: Exception, code: Code) -> None:
    assert told(raising(error)) == [ClaimJudged("claim-1", ASKED, code=code)]


def test_codes_that_come_and_go_are_logged_without_what_is_secret(caplog: pytest.LogCaptureFixture) -> None:
    """And whoever cannot look tries again."""
    caplog.set_level(logging.INFO)
    one = ClaimCode("claim-1", "scale-1", NOW, NOW + 900.0, code="1" * 20)
    other = ClaimCode("claim-2", "scale-2", NOW, NOW + 900.0, mac="a4cf128b3f9e", code="2" * 20)

    async def story() -> None:
        claims: Any = Claims(lambda: USED, [[one], [one, other], [other]])
        provisioning = Provisioning(claims, lambda _judged: None, asyncio.Event().wait, lambda: NOW)  # type: ignore[arg-type]
        running = asyncio.create_task(provisioning.run())
        while "trying again" not in caplog.text:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backend.shell.provisioning._EVERY_S", 0.0)
        asyncio.run(asyncio.wait_for(story(), 30))
    said = [record.getMessage() for record in caplog.records]
    assert said[:4] == [
        "claim code claim-1: any board makes scale-1 of it, until 2023-11-14T22:28:20.000Z",
        "claim code claim-2: the board with the MAC a4cf128b3f9e makes scale-2 of it, until 2023-11-14T22:28:20.000Z",
        "claim code claim-1 is over",
        said[3],
    ]
    assert "trying again" in said[3]
    assert "1" * 20 not in caplog.text
