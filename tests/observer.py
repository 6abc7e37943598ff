"""Somebody who reads everything that is published about sessions, and notices when it cannot be true."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from backend.core.effects import Answer, Publish
from backend.core.engine import Send

Body = dict[str, Any]


def sends(said: Iterable[object]) -> list[Send]:
    """Return what a machine said as it goes out."""
    found = []
    for each in said:
        match each:
            case Publish(topic=topic, body=body, retain=retain):
                found.append(Send(topic, body.payload() if body is not None else b"", retain))
            case Answer(asked=asked, body=body):
                found.append(Send(asked.reply_topic, body.payload()))
    return found


class Observer:
    """Believes what it reads, and asserts that it fits together."""

    def __init__(self) -> None:
        self.documents: dict[str, Body] = {}
        self.retained: dict[str, bytes] = {}
        self.replies: dict[tuple[str, str], list[Body]] = defaultdict(list)
        self.waiting: dict[tuple[str, str], str] = {}
        self._running: dict[str, int | None] = defaultdict(lambda: None)
        self._fences: dict[str, int] = defaultdict(int)
        self._revisions: dict[str, int] = defaultdict(int)

    def sees(self, sent: Iterable[Send]) -> None:
        """Read what was published, in order."""
        for send in sent:
            if send.retain:
                self.retained[send.topic] = send.payload
            match send.topic.split("/"):
                case ["devices", device, "session"]:
                    self._document(device, json.loads(send.payload or b"null"))
                case ["devices", device, "session", "event"]:
                    self._event(device, json.loads(send.payload))
                case ["devices", device, "session", "reply", user]:
                    self._reply(device, user, json.loads(send.payload))

    def missed_something(self, projected: Iterable[Send]) -> None:
        """Read how everything stands, after the last words of a server were lost."""
        self._running.clear()
        self.waiting = {}
        projected = list(projected)
        self.sees(projected)
        for device, document in self.documents.items():
            if document["in_use"]:
                self._running[device] = document["fence"]
            waiting = [place["user"] for place in document["queue"]]
            self.waiting |= {(device, user): "unknown" for user in waiting}

    def _document(self, device: str, document: Body | None) -> None:
        before = self.documents.pop(device, None)
        if document is None:
            return
        assert document["revision"] >= self._revisions[device], "the revision fell"
        assert document["fence"] >= self._fences[device], "the fence fell"
        if before is not None and document["revision"] == before["revision"]:
            assert timeless(document) == timeless(before), "another document of the same revision"
        if before is not None and before["in_use"] and document["in_use"] and before["fence"] == document["fence"]:
            assert (before["holder"], before["session"]) == (document["holder"], document["session"])
        assert document["in_use"] is (document["holder"] is not None) is (document["state"] == "active")
        self._revisions[device] = document["revision"]
        self._fences[device] = document["fence"]
        self.documents[device] = document

    def _event(self, device: str, event: Body) -> None:
        match event["event"]:
            case "granted":
                assert self._running[device] is None, "two hold at once"
                assert event["fence"] <= self._fences[device], "the document goes out first"
                self._running[device] = event["fence"]
            case "ended":
                assert self._running[device] == event["fence"], "a session ended that was not running"
                self._running[device] = None
            case "left":
                del self.waiting[device, event["user"]]
            case "queued":
                assert (device, event["user"]) in self.waiting, "the one who waits was told first"
            case _:
                assert self._running[device] == event["fence"]

    def _reply(self, device: str, user: str, reply: Body) -> None:
        if "id" not in reply:
            return
        self.replies[f"devices/{device}/session/reply/{user}", reply["id"]].append(reply)
        match reply["code"]:
            case "queued":
                self.waiting[device, user] = reply["id"]
            case "granted":
                assert self.waiting.pop((device, user), "unknown") in (reply["id"], "unknown"), (
                    "an answer to an older id"
                )
            case "unknown_device" if (device, user) in self.waiting:
                assert self.waiting[device, user] in (reply["id"], "unknown")


def timeless(body: Body) -> Body:
    """Return a document without what only says how long it is until then."""
    kept = {key: value for key, value in body.items() if key != "expires_in_s"}
    if "queue" in kept:
        kept["queue"] = [{key: value for key, value in place.items() if key != "eta_s"} for place in kept["queue"]]
    return kept
