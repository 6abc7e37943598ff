"""Histories written by hand, a line a second."""

from typing import Any, Self

from tools.fire.history import Record

FLOOR = "devices/scale-1"


class Story:
    """A history in the making. ``eyes`` watches from the first second on."""

    def __init__(self, broker: str = "embedded") -> None:
        self.records: list[Record] = []
        self._connections = 0
        self._revision = 0
        self.add("run", body={"broker": broker}, floor="")
        self.connects("eyes")

    def add(self, what: str, who: str = "", **more: Any) -> Self:
        """Write a line."""
        number = len(self.records) + 1
        more.setdefault("floor", FLOOR)
        more.setdefault("conn", self._connections)
        self.records.append(Record(number, float(number), what, who, **more))
        return self

    def connects(self, who: str, *, clean: bool = True) -> Self:
        """Begin a connection; all that is heard from now on comes over it."""
        self._connections += 1
        return self.add("connected", who, floor="", clean=clean)

    def killed(self, part: str = "server") -> Self:
        """Kill a part of the server, and start it again."""
        return self.add("killed", part, floor="").add("started", part, floor="")

    def document(self, fence: int, holder: str | None, *queue: str, who: str = "eyes", **more: Any) -> Self:
        """Let somebody hear the document."""
        self._revision += 1
        retained = more.pop("retained", False)
        return self.add("document", who, retained=retained, body=self._document(fence, holder, queue, more))

    def final(self, fence: int, holder: str | None, *queue: str, **more: Any) -> Self:
        """End it, by default with the document that was heard last."""
        return self.add("final", body=self._document(fence, holder, queue, more))

    def event(self, what: str, fence: int, user: str, **more: Any) -> Self:
        """Let ``eyes`` hear an event."""
        return self.add("event", "eyes", body={"event": what, "fence": fence, "user": user, **more})

    def granted(self, fence: int, user: str) -> Self:
        """Let ``eyes`` hear that somebody has it now."""
        return self.document(fence, user).event("granted", fence, user, session=f"s{fence}")

    def ended(self, fence: int, user: str, reason: str = "released", **more: Any) -> Self:
        """Let ``eyes`` hear that somebody has it no longer."""
        return self.event("ended", fence, user, session=f"s{fence}", reason=reason, **more)

    def asks(self, who: str, number: str, action: str, **more: Any) -> Self:
        """Send a request."""
        return self.add("request", who, body={"id": number, "action": action, **more})

    def answered(self, who: str, number: str, code: str, fence: int | None = None, **more: Any) -> Self:
        """Let somebody hear an answer; the holder also hears of the session."""
        if fence is not None and code in ("granted", "renewed", "updated"):
            more = {"session": f"s{fence}", **more}
        return self.add("reply", who, body={"id": number, "code": code, "fence": fence, **more})

    def sends(self, by: str, fence: int, number: int) -> Self:
        """Send a command."""
        return self.add("sent", by, body={"by": by, "fence": fence, "n": number})

    def comes(self, by: str, fence: int, number: int, *, obeyed: bool = True) -> Self:
        """Let a command come to the board."""
        return self.add("command", "scale-1", obeyed=obeyed, body={"by": by, "fence": fence, "n": number})

    def remembered(self, *users: str, **more: Any) -> Self:
        """Let the server tell of all sessions that are over: who held them, beginning with fence 1."""
        for fence, user in enumerate(users, start=1):
            self.past(fence, user, "released", **more)
        return self

    def past(self, fence: int, user: str, reason: str, **more: Any) -> Self:
        """Let the server tell of a session that is over."""
        inputs = {"alice": 99, "bob": 99}
        return self.add("past", body={"fence": fence, "user": user, "reason": reason, "input": inputs, **more})

    def data(self, by: str, fence: int, number: int) -> Self:
        """Send data to a channel."""
        return self.add("data", by, body={"by": by, "fence": fence, "n": number})

    def broadcast(self, sender: str, fence: int, number: int) -> Self:
        """Let ``eyes`` hear data that somebody sent through a channel."""
        body = {"sender": sender, "fence": fence, "seq": number, "data": {"by": sender, "n": number}}
        return self.add("broadcast", "eyes", body=body)

    def _document(self, fence: int, holder: str | None, queue: tuple[str, ...], more: dict[str, Any]) -> dict[str, Any]:
        return {
            "fence": fence,
            "holder": holder,
            "session": f"s{fence}" if holder else None,
            "state": "active" if holder else "free",
            "queue": [{"user": user} for user in queue],
            "revision": self._revision,
            "reason": "claimed" if holder else "released",
            **more,
        }
