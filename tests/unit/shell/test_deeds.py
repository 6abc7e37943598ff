"""Who asks in somebody's name hears the answers to its own request, and to no other."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from backend.core.engine import Arrived, Send
from backend.core.topics import Topic
from backend.shell import deeds as module
from backend.shell.deeds import Deeds, Requests
from backend.shell.inbox import Inbox

CLAIMS = Requests(Topic("d/{device}/request/{principal}"), Topic("d/{device}/reply/{principal}"))
LEVELS = {"device": "scale-1", "principal": "alice"}
REPLY = "d/scale-1/reply/alice"


async def asked(inbox: Inbox) -> list[dict[str, Any]]:
    """Return what was asked by now."""
    items = await inbox.batch(10)
    assert all(isinstance(item, Arrived) and item.topic == "d/scale-1/request/alice" for item in items)
    return [json.loads(item.payload) for item in items if isinstance(item, Arrived)]


def reply(request: Mapping[str, Any], code: str, topic: str = REPLY) -> Send:
    return Send(topic, json.dumps({"id": request["id"], "ok": True, "code": code}).encode())


def test_each_hears_its_own_answers_in_order() -> None:
    async def story() -> None:
        inbox = Inbox()
        deeds = Deeds(inbox)
        with (
            deeds.asking(CLAIMS, {"action": "claim", "id": "mine"}, **LEVELS) as one,
            deeds.asking(CLAIMS, {"action": "claim"}, **LEVELS) as other,
        ):
            first, second = await asked(inbox)
            assert (first["action"], first["id"], second["id"]) == ("claim", one.id, other.id)
            assert one.id != other.id
            deeds.learn([reply(second, "other"), reply(first, "elsewhere", "d/scale-1/reply/bob")])
            assert not one.is_answered
            deeds.learn([reply({"id": None}, "unasked"), reply(first, "queued"), reply(first, "granted")])
            assert [(await one.reply())["code"], (await one.reply())["code"]] == ["queued", "granted"]
            assert (await other.soon())["code"] == "other"
        deeds.learn([reply(first, "too late")])
        assert one.replies.empty()

    asyncio.run(story())


def test_where_nobody_answers_that_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WITHIN_S", 0.01)

    async def story() -> None:
        deeds = Deeds(Inbox())
        answer = await deeds.ask(CLAIMS, {"action": "claim"}, **LEVELS)
        assert (answer["ok"], answer["code"]) == (False, "not_stored")
        assert "ask again" in answer["message"]

    asyncio.run(story())
