"""Somebody who reads everything that is published about sessions, and notices when it cannot be true."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from backend.core.effects import Answer, Publish
from backend.core.engine import Send

Body = dict[str, Any]
SomebodyThere = tuple[str, str]  # a floor, and a principal

HELD = ("active", "offered", "grace")
NOT_HELD = ("free", "resetting", "cooling")
WAITS = ("queued", "preempting")
OFFERS = ("offered",)
LEFT = ("not_waiting", "client_lost", "unknown_device", "unknown_channel")
WAITS_NO_LONGER = ("granted", "superseded")
OFFERS_NO_LONGER = ("handed_over", "declined", "offer_expired", "superseded")


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
    """Believes what it reads, and asserts that it fits together.

    ``waiting`` and ``offering``: who was told last that it waits, or that its offer stands, and for which request.
    """

    def __init__(self) -> None:
        self.documents: dict[str, Body] = {}
        self.retained: dict[str, bytes] = {}
        self.waiting: dict[SomebodyThere, str] = {}
        self.offering: dict[SomebodyThere, str] = {}
        self._left: dict[SomebodyThere, str] = {}
        self._running: dict[str, int | None] = defaultdict(lambda: None)
        self._granted: dict[str, int] = defaultdict(int)
        self._fences: dict[str, int] = defaultdict(int)
        self._revisions: dict[str, int] = defaultdict(int)

    def sees(self, sent: Iterable[Send]) -> None:
        """Read what was published, in order."""
        for send in sent:
            if send.retain:
                self.retained[send.topic] = send.payload
            match send.topic.split("/"):
                case [kind, name, "session"]:
                    self._document(f"{kind}/{name}", json.loads(send.payload or b"null"))
                case [kind, name, "session", "event"]:
                    self._event(f"{kind}/{name}", json.loads(send.payload))
                case [kind, name, "session", "reply", user]:
                    self._reply(f"{kind}/{name}", user, json.loads(send.payload))
        assert not self._left, "who waits no longer was not told"
        assert not any(self._holds(who) for who in self.waiting), "who holds was not told for each claim"

    def missed_something(self, projected: Iterable[Send]) -> None:
        """Read how everything stands, after the last words of a server were lost."""
        self._running.clear()
        self.waiting, self.offering = {}, {}
        self.sees(projected)
        for floor, document in self.documents.items():
            self._granted[floor] = document["fence"]
            if document["in_use"]:
                self._running[floor] = document["fence"]
            self.waiting |= {(floor, place["user"]): "unknown" for place in document["queue"]}
            if document["offered_to"]:
                self.offering[floor, document["holder"]] = "unknown"

    def _document(self, floor: str, document: Body | None) -> None:
        before = self.documents.pop(floor, None)
        if document is None:
            return
        assert document["revision"] >= self._revisions[floor], "the revision fell"
        assert document["fence"] >= self._fences[floor], "the fence fell"
        if before is not None and document["revision"] == before["revision"]:
            assert timeless(document) == timeless(before), "another document of the same revision"
        if before is not None and before["in_use"] and document["in_use"] and before["fence"] == document["fence"]:
            assert (before["holder"], before["session"]) == (document["holder"], document["session"])
        _makes_sense(document)
        self._revisions[floor] = document["revision"]
        self._fences[floor] = document["fence"]
        self.documents[floor] = document

    def _event(self, floor: str, event: Body) -> None:
        who = floor, event["user"]
        match event["event"]:
            case "granted":
                assert self._running[floor] is None, "two hold at once"
                assert self._granted[floor] < event["fence"] <= self._fences[floor], "the document goes out first"
                self._running[floor] = self._granted[floor] = event["fence"]
            case "ended":
                assert self._running[floor] == event["fence"], "a session ended that was not running"
                self._running[floor] = None
            case "left":
                self._left[who] = self.waiting.pop(who)
            case "queued":
                assert who in self.waiting, "the one who waits was told first"
            case "resetting" | "reset":
                assert self._running[floor] is None, "it is held while it is not clean"
            case _:
                assert self._running[floor] == event["fence"]

    def _reply(self, floor: str, user: str, reply: Body) -> None:
        if "id" not in reply:
            return  # it could not be read, and may be anybody's
        who, request, code = (floor, user), reply["id"], reply["code"]
        for told, begins in ((self.waiting, WAITS), (self.offering, OFFERS)):
            if code in begins:
                assert told.get(who) in (None, request, "unknown"), "of an earlier request nothing was heard"
                told[who] = request
        assert code != "granted" or self._holds(who), "the document goes out first"
        for told, ends in ((self._left, LEFT), (self.waiting, WAITS_NO_LONGER), (self.offering, OFFERS_NO_LONGER)):
            if code in ends and told.get(who) in (request, "unknown"):
                del told[who]

    def _holds(self, who: SomebodyThere) -> bool:
        floor, user = who
        return floor in self.documents and bool(self.documents[floor]["holder"] == user)


def _makes_sense(document: Body) -> None:
    waiting = [place["user"] for place in document["queue"]]
    assert document["in_use"] is (document["holder"] is not None) is (document["state"] in HELD)
    assert document["in_use"] or document["state"] in NOT_HELD
    assert document["state"] != "offered" or document["offered_to"]
    assert document["in_use"] or document["offered_to"] is None
    assert document["notice"] is None or document["notice"]["by"] in waiting
    assert document["holder"] not in waiting, "somebody waits for what it has"
    assert len(waiting) == len(set(waiting)), "somebody waits twice"
    assert [place["position"] for place in document["queue"]] == list(range(1, len(waiting) + 1))
    there = [place for place in document["queue"] if not place["away"]]
    assert document["state"] != "free" or not there or there[0]["eta_s"] is None, "somebody waits for a free floor"
    assert document["in_use"] is False or not there or document["expires_in_s"] is not None, "this may last forever"


def timeless(body: Body) -> Body:
    """Return a document without what only says how long it is until then."""
    kept = {key: value for key, value in body.items() if key != "expires_in_s"}
    if kept.get("notice"):
        kept["notice"] = {key: value for key, value in kept["notice"].items() if key != "in_s"}
    if "queue" in kept:
        kept["queue"] = [{key: value for key, value in place.items() if key != "eta_s"} for place in kept["queue"]]
    return kept
