"""A chat endpoint answers, or fails in one of many ways; then the intents answer, and say why."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from backend.shell.settings import Settings
from backend.shell.voice.asking import Answer, Exchange, Question
from backend.shell.voice.chat import Chat, ChatError, Endpoint, Reason
from backend.shell.voice.intents import Intents
from backend.shell.voice.responding import Answers, opened
from tests.integration.voice.chat_server import ChatServer, chat_server, completion
from tests.rig import WITHIN_S
from tests.unit.shell.voice.world import LIBRARY, SmallWorld

QUESTION = Question("kitchen-1", "why is the sky blue", "en", "alice")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as made:
        yield made


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ask(
    server: ChatServer, *questions: Question, clock: Callable[[], float] | None = None, **how: Any
) -> list[Answer | Reason]:
    """Return what is answered to each question, or why it was not."""

    async def story() -> list[Answer | Reason]:
        endpoint = replace(Endpoint(server.url, "llama3", "secret-key"), **how)
        async with Chat(endpoint, clock or Clock()) as chat:
            return [await outcome(chat.answer(question)) for question in questions]

    return asyncio.run(asyncio.wait_for(story(), WITHIN_S))


async def outcome(answer: Awaitable[Answer]) -> Answer | Reason:
    try:
        return await answer
    except ChatError as error:
        return error.reason


def test_a_proxy_of_either_kind_that_is_away_is_a_reason(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "socks5"):
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:9")  # nobody listens on a port that only root may take
        assert ask(server, QUESTION) == [Reason.UNREACHABLE]


def test_a_question_is_answered(server: ChatServer) -> None:
    server.body = completion("**Because** of Rayleigh scattering. 🌈")
    assert ask(server, QUESTION) == [Answer("Because of Rayleigh scattering.", "chat")]
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["Authorization"] == "Bearer secret-key"
    (asked,) = server.asked
    assert (asked["model"], asked["max_tokens"], asked["temperature"], asked["stream"]) == ("llama3", 150, 0.3, False)
    system, user = asked["messages"]
    assert system["role"] == "system"
    assert "kitchen-1" in system["content"]
    assert "English" in system["content"]
    assert user == {"role": "user", "content": "why is the sky blue"}


def test_without_a_key_none_is_sent_and_a_slash_at_the_end_of_the_url_does_no_harm(server: ChatServer) -> None:
    ask(server, QUESTION, key="", url=f"{server.url}/")
    assert "Authorization" not in server.headers[0]
    assert server.paths == ["/v1/chat/completions"]


def test_the_last_twenty_messages_of_the_device_go_along(server: ChatServer) -> None:
    history = [Exchange(f"question {number}", f"answer {number}") for number in range(30)]
    ask(server, replace(QUESTION, history=history, prompt="You are a pirate."))
    messages = server.asked[0]["messages"]
    assert len(messages) == 22
    assert messages[0] == {"role": "system", "content": "You are a pirate."}
    assert messages[1] == {"role": "user", "content": "question 20"}
    assert messages[20] == {"role": "assistant", "content": "answer 29"}


@pytest.mark.parametrize(("language", "word"), [("es", "español"), ("es-mx", "español"), ("fi", "language fi")])
def test_the_endpoint_is_told_the_language(server: ChatServer, language: str, word: str) -> None:
    ask(server, replace(QUESTION, language=language))
    assert word in server.asked[0]["messages"][0]["content"]


def test_one_connection_serves_all(server: ChatServer) -> None:
    assert len(ask(server, *[QUESTION] * 5)) == 5
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.UNAUTHORIZED),
        (403, Reason.UNAUTHORIZED),
        (404, Reason.NOT_FOUND),
        (429, Reason.RATE_LIMITED),
        (500, Reason.FAILED),
        (302, Reason.FAILED),
    ],
)
def test_a_status_is_a_reason(server: ChatServer, status: int, reason: Reason) -> None:
    server.status = status
    assert ask(server, QUESTION) == [reason]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", Reason.BAD_REPLY),
        (b"", Reason.BAD_REPLY),
        (b"\xff\xfe", Reason.BAD_REPLY),
        (b"[" * 100_000, Reason.BAD_REPLY),
        (b"[]", Reason.BAD_REPLY),
        (b'{"error": "no"}', Reason.BAD_REPLY),
        (b'{"choices": []}', Reason.BAD_REPLY),
        (b'{"choices": [{}]}', Reason.BAD_REPLY),
        (b'{"choices": [{"message": null}]}', Reason.BAD_REPLY),
        (b'{"choices": [3]}', Reason.BAD_REPLY),
        (completion(None), Reason.EMPTY),
        (completion([{"type": "text"}]), Reason.EMPTY),
        (completion(""), Reason.EMPTY),
        (completion("```python\nprint()\n```"), Reason.EMPTY),
        (completion("x" * 300_000), Reason.TOO_LARGE),
    ],
)
def test_a_reply_that_is_none_is_a_reason(server: ChatServer, body: bytes, reason: Reason) -> None:
    server.body = body
    assert ask(server, QUESTION) == [reason]


def test_an_answer_that_the_endpoint_cut_off_ends_with_a_sentence(server: ChatServer) -> None:
    server.body = completion("One thing. Another th", "length")
    assert ask(server, QUESTION) == [Answer("One thing.", "chat")]


def test_a_reply_without_end_is_given_up_and_the_connection_with_it(server: ChatServer) -> None:
    server.endless = True
    assert ask(server, QUESTION) == [Reason.TOO_LARGE]
    assert server.gone.wait(WITHIN_S)


def test_an_endpoint_that_hangs_is_given_up(server: ChatServer) -> None:
    server.hangs = True
    assert ask(server, QUESTION, timeout_s=0.2) == [Reason.TIMEOUT]


def test_an_endpoint_that_is_not_there_is_unreachable(server: ChatServer) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        assert ask(server, QUESTION, url=url) == [Reason.UNREACHABLE]
    assert ask(server, QUESTION, url="http://") == [Reason.UNREACHABLE]
    assert ask(server, QUESTION, url="ftp://example.invalid") == [Reason.UNREACHABLE]


def test_after_three_failures_it_is_left_alone_for_half_a_minute(server: ChatServer) -> None:
    clock, server.status = Clock(), 500

    async def story() -> list[Answer | Reason]:
        async with Chat(Endpoint(server.url, "llama3"), clock) as chat:
            told = [await outcome(chat.answer(QUESTION)) for _ in range(5)]
            clock.now, server.status = 31.0, 200
            return [*told, *[await outcome(chat.answer(QUESTION)) for _ in range(2)]]

    hello = Answer("Hello.", "chat")
    assert asyncio.run(story()) == [*[Reason.FAILED] * 3, *[Reason.PAUSED] * 2, hello, hello]
    assert len(server.asked) == 5


def test_a_turn_that_is_ended_meanwhile_is_no_failure(server: ChatServer) -> None:
    server.hangs = True

    async def story() -> Answer | Reason:
        async with Chat(Endpoint(server.url, "llama3"), Clock()) as chat:
            for _ in range(4):
                turn = asyncio.create_task(chat.answer(QUESTION))
                assert await asyncio.to_thread(server.arrivals.acquire, timeout=WITHIN_S)
                turn.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await turn
            server.hangs = False
            return await outcome(chat.answer(QUESTION))

    assert asyncio.run(asyncio.wait_for(story(), WITHIN_S)) == Answer("Hello.", "chat")


def test_ten_devices_ask_at_once_and_each_has_its_own_answer_and_history(server: ChatServer) -> None:
    questions = [
        replace(QUESTION, device=f"device-{number}", history=[Exchange(f"I am {number}", "Noted.")])
        for number in range(10)
    ]

    async def story() -> Sequence[Answer]:
        async with Chat(Endpoint(server.url, "llama3")) as chat:
            return await asyncio.gather(*(chat.answer(question) for question in questions))

    assert len(asyncio.run(asyncio.wait_for(story(), WITHIN_S))) == 10
    told = {asked["messages"][1]["content"]: asked["messages"][0]["content"] for asked in server.asked}
    assert len(told) == 10
    assert all(f"device-{number} " in f"{told[f'I am {number}']} ".replace(".", " ") for number in range(10))


def test_the_key_is_never_logged_or_shown(server: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    server.status = 401
    with caplog.at_level(logging.DEBUG):
        ask(server, QUESTION, QUESTION)
        ask(server, QUESTION, url="http://127.0.0.1:1/v1")
    assert "chat_unauthorized" in caplog.text
    assert "secret-key" not in caplog.text
    assert "secret-key" not in repr(Endpoint("http://x", "m", "secret-key"))


def answers(
    server: ChatServer | None,
    responder: Literal["intents", "chat", "both"],
    *texts: str,
    world: SmallWorld | None = None,
) -> list[Answer]:
    """Return what a responder answers."""

    async def story() -> list[Answer]:
        chat = Chat(Endpoint(server.url, "llama3"), Clock()) if server is not None else None
        responders = Answers(Intents(LIBRARY, world or SmallWorld()), chat)
        try:
            return [await responders.answer(replace(QUESTION, text=text, responder=responder)) for text in texts]
        finally:
            await responders.close()

    return asyncio.run(asyncio.wait_for(story(), WITHIN_S))


def test_intents_alone_never_ask_the_endpoint(server: ChatServer) -> None:
    known, unknown = answers(server, "intents", "what time is it", "why is the sky blue")
    assert known.text == "It is 14:05."
    assert not unknown.understood
    assert server.asked == []


def test_the_endpoint_alone_answers_what_the_intents_know_too(server: ChatServer) -> None:
    assert answers(server, "chat", "what time is it") == [Answer("Hello.", "chat")]


def test_both_means_that_the_endpoint_is_asked_what_the_intents_do_not_know(server: ChatServer) -> None:
    known, unknown, no_device = answers(server, "both", "what time is it", "why is the sky blue", "who has the oscar")
    assert (known.by, known.fallback) == ("intents", None)
    assert (unknown, no_device) == (Answer("Hello.", "chat"), Answer("Hello.", "chat"))
    assert [asked["messages"][-1]["content"] for asked in server.asked] == ["why is the sky blue", "who has the oscar"]


@pytest.mark.parametrize("responder", ["chat", "both"])
def test_where_the_endpoint_fails_the_intents_answer_and_say_why(
    server: ChatServer, responder: Literal["chat", "both"]
) -> None:
    server.status = 500
    (unknown,) = answers(server, responder, "why is the sky blue")
    assert unknown.text == "I cannot answer that at the moment."
    assert (unknown.by, unknown.fallback, unknown.understood) == ("intents", "chat_failed", False)
    (no_device,) = answers(server, responder, "who has the oscar")
    assert no_device.text == "I know no device called oscar."


def test_where_the_endpoint_fails_things_are_still_done_and_only_once(server: ChatServer) -> None:
    server.status, world = 500, SmallWorld()
    (done,) = answers(server, "chat", "turn on the kitchen lamp", world=world)
    assert (done.text, done.fallback) == ("Kitchen lamp is on.", "chat_failed")
    assert [deed[0] for deed in world.deeds] == ["claim", "command", "release"]


def test_without_an_endpoint_that_is_the_reason() -> None:
    known, unknown = answers(None, "chat", "what time is it", "why is the sky blue")
    assert (known.text, known.fallback) == ("It is 14:05.", "chat_not_configured")
    assert unknown.fallback == "chat_not_configured"


def test_an_operator_sets_the_endpoint_and_a_folder_of_sentences(server: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "wifi.yaml").write_text(
        "language: en\nintents: {Wifi: {data: [{sentences: [the password]}], response: On the door.}}"
    )
    key = "secret-key\n"
    settings = Settings.model_validate(
        {"data": tmp_path, "sentences": "mine", "chat_url": server.url, "chat_model": "llama3", "chat_key": key}
    )

    async def story() -> list[Answer]:
        responders = opened(settings, SmallWorld())
        texts = ("the password", "why is the sky blue")
        try:
            return [await responders.answer(replace(QUESTION, text=text, responder="both")) for text in texts]
        finally:
            await responders.close()

    assert [answer.text for answer in asyncio.run(story())] == ["On the door.", "Hello."]
    assert server.headers[0]["Authorization"] == "Bearer secret-key"
    assert "secret-key" not in repr(settings)
