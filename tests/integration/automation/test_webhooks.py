"""Calls to a server that fails, hangs, has too much to do, or says too much."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from backend.core.clock import iso
from backend.core.refusals import Code, Refused
from backend.shell.automation.webhooks import Call, Webhooks
from tests.integration.automation.web_server import Answer, web_server
from tests.rig import WITHIN_S

WELL, BROKEN, BUSY = Answer(), Answer(503), Answer(429)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, WITHIN_S))


async def at_once(_seconds: float) -> None:
    pass


async def refused(hooks: Webhooks, call: Call) -> Refused:
    with pytest.raises(Refused) as caught:
        await hooks.call(call)
    return caught.value


def test_a_call_comes_as_it_was_meant() -> None:
    async def story() -> None:
        hooks = Webhooks()
        async with web_server() as site:
            await hooks.call(Call("PUT", f"{site.url}/a?b=c", {"X-Key": "k", "Content-Type": "text/x"}, b"hello"))
            await hooks.call(Call("DELETE", site.url))
            put, delete = site.asked
            assert (put.method, put.path, put.body) == ("PUT", "/a?b=c", b"hello")
            assert (put.headers["x-key"], put.headers["content-type"]) == ("k", "text/x")
            assert (delete.method, delete.path, delete.body) == ("DELETE", "/", b"")
            assert site.connections == 1
            await hooks.close()

    run(story())


@pytest.mark.parametrize("trouble", [BROKEN, BUSY, Answer(drops=True), Answer(500, endless=True)])
def test_trouble_may_pass(trouble: Answer) -> None:
    async def story() -> None:
        hooks = Webhooks(at_once)
        async with web_server() as site:
            site.will(trouble, trouble, WELL)
            await hooks.call(Call("POST", site.url, body=b"once more", retries=2))
            assert [asked.body for asked in site.asked] == [b"once more"] * 3
            await hooks.close()

    run(story())


def test_trouble_that_does_not_pass_is_told_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        hooks = Webhooks(at_once)
        async with web_server() as site:
            host = site.url.replace("http://", "http://me:secret-1@") + "/secret-2?key=secret-3"
            call = Call("POST", host, {"X-Key": "secret-4"}, b"secret-5", retries=1)
            site.will(BROKEN, BROKEN)
            error = await refused(hooks, call)
            assert (error.code, error.message) == (Code.UNREACHABLE, f"{site.url} answered 503")
            site.will(Answer(drops=True), Answer(drops=True))
            error = await refused(hooks, call)
            assert error.code is Code.UNREACHABLE
            assert error.message.startswith(f"{site.url}: Re")
            assert len(site.asked) == 4
            assert "secret" not in f"{error!r} {call!r}"
            await hooks.close()

    run(story())
    assert "secret" not in caplog.text


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422])
def test_what_is_wrong_stays_wrong(status: int) -> None:
    async def story() -> None:
        hooks = Webhooks(at_once)
        async with web_server() as site:
            site.will(Answer(status, {"Location": "/elsewhere"}))
            error = await refused(hooks, Call("POST", site.url, retries=5))
            assert (error.code, error.message) == (Code.UNREACHABLE, f"{site.url} answered {status}")
            assert [asked.path for asked in site.asked] == ["/"]
            await hooks.close()

    run(story())


def test_nobody_hangs_for_longer_than_said() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def story() -> None:
        hooks = Webhooks(sleep)
        async with web_server() as site:
            site.will(Answer(hangs=True), Answer(hangs=True))
            error = await refused(hooks, Call("POST", site.url, timeout_s=1.0, retries=1))
            assert (error.code, error.message) == (Code.TIMED_OUT, f"{site.url} did not answer within 1 s")
            assert len(pauses) == 1, "it was called twice"
            await hooks.close()

    run(story())


def test_nobody_listens() -> None:
    async def story() -> None:
        hooks = Webhooks(at_once)
        async with web_server() as site:
            url = site.url
        error = await refused(hooks, Call("POST", url, retries=1))
        assert (error.code, error.message) == (Code.UNREACHABLE, f"{url}: ConnectError")
        await hooks.close()

    run(story())


def test_who_says_too_much_has_said_enough() -> None:
    async def story() -> None:
        hooks = Webhooks()
        async with web_server() as site:
            site.will(Answer(endless=True))
            await hooks.call(Call("POST", site.url))
            await asyncio.wait_for(site.gone.wait(), WITHIN_S)
            assert len(site.asked) == 1
            await hooks.close()

    run(story())


def test_a_body_that_does_not_come_makes_no_second_call() -> None:
    async def story() -> None:
        hooks = Webhooks()
        async with web_server() as site:
            site.will(Answer(headers={"Content-Length": "99"}, body=b""))
            await hooks.call(Call("POST", site.url, timeout_s=3.0, retries=3))
            assert len(site.asked) == 1
            await hooks.close()

    run(story())


def test_who_asks_for_time_gets_it() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def story() -> None:
        hooks = Webhooks(sleep)
        async with web_server() as site:
            date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 25))
            for wanted in ("7", "3600", date, "soon", "-5", iso(0)):
                site.will(Answer(429, {"Retry-After": wanted}), WELL)
                await hooks.call(Call("POST", site.url))
            site.will(BROKEN, BROKEN, BROKEN, WELL)
            await hooks.call(Call("POST", site.url, retries=3))
            await hooks.close()

    run(story())
    assert slept[:2] == [7.0, 30.0]
    assert 1 < slept[2] <= 25
    assert all(0.3 < each < 0.7 for each in slept[3:6])
    assert [round(each, 1) for each in slept[6:]] == pytest.approx([0.5, 1.0, 2.0], rel=0.3)


def test_what_is_no_call_is_told_without_a_try() -> None:
    async def story() -> None:
        hooks = Webhooks()
        async with web_server() as site:
            for url, headers in (
                ("file:///etc/passwd", {}),
                ("/relative", {}),
                ("http://", {}),
                ("http://127.0.0.1:nine", {}),
                (f"{site.url}/\x00", {}),
                (site.url, {"X": "a\r\nY: b"}),
                (site.url, {"X\n": "a"}),
                (site.url, {"X": "a\x7fb"}),
            ):
                error = await refused(hooks, Call("POST", url, headers))
                assert error.code is Code.BAD_TEMPLATE, url
            assert site.asked == []
            await hooks.close()

    run(story())


def test_what_one_was_told_is_not_anothers() -> None:
    async def story() -> None:
        hooks = Webhooks()
        async with web_server() as site:
            site.will(Answer(headers={"Set-Cookie": "id=1"}))
            await hooks.call(Call("POST", site.url))
            await hooks.call(Call("POST", site.url))
            assert "cookie" not in site.asked[1].headers
            await hooks.close()

    run(story())
