"""What a device may never do, judged from what it got and did. Knows the contract, and nothing of the firmware.

Each line is an object: `event` is something that happened to the device, told before it acts on it; `did` is an act.
What it does stands between the event that it comes of and the next one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]


@dataclass
class Judge:
    """One device, from power-on to power-off, again and again. ``highest``: the highest fence it was ever told."""

    device: str
    highest: int = -1
    complaints: list[str] = field(default_factory=list)
    acts: int = 0
    """How many commands were acted upon."""
    refused: int = 0
    """How many commands were not."""
    connections: int = 0
    _cause: Json = field(default_factory=dict)
    _document: Json | None = None
    _switched: dict[str, object] = field(default_factory=dict)
    """The outputs that are not safe, and the session in which they were switched."""
    _is_obeyed: bool = False

    def boot(self, lines: Iterable[Json]) -> None:
        """Judge what one process wrote. What was in its memory is gone then."""
        self._forget()
        for line in lines:
            if "event" in line or "ended" in line:
                self._happened(line)
            elif "did" in line:
                self._did(line)

    def _forget(self) -> None:
        self._cause, self._document = {}, None
        self._switched.clear()

    def _happened(self, line: Json) -> None:
        self._close()
        self._cause, self._is_obeyed = line, False
        match line.get("event"):
            case "connected":
                self.connections += 1
                self._document = None
            case "lost" | "refused":
                self._document = None
            case "got" if line["topic"] == f"devices/{self.device}/session":
                self._document = _body(line)  # one that was cleared says that nobody uses it
                self.highest = max(self.highest, self._document.get("fence", -1))

    def _close(self) -> None:
        """The device has done all that came of the last event."""
        if _is_command(self._cause, self.device) and not self._is_obeyed:
            self.refused += 1
        document = self._document
        if document is not None and self._switched:
            if not document.get("in_use"):
                self._complain("nobody uses it, and not all is safe", self._cause)
            elif set(self._switched.values()) != {document.get("session")}:
                self._complain("not all is safe that another session has switched", self._cause)

    def _did(self, line: Json) -> None:
        match line["did"]:
            case "command":
                self._may_act(line)
                self._was_told(line, line["name"])
                self.acts += 1
                self._is_obeyed = True
            case "work":
                self._may_act(line)
            case "output" if not line["safe"]:
                self._may_act(line)
                self._was_told(line, "switch")
                self._switched[line["name"]] = (self._document or {}).get("session")
                self._is_obeyed = True
            case "output":
                self._switched.pop(line["name"], None)
                self._is_obeyed = True

    def _may_act(self, line: Json) -> None:
        document = self._document
        if document is None:
            self._complain("it does not know who uses it", line)
        elif document.get("in_use") is not True or document.get("fence") != line["fence"]:
            self._complain(f"the session is another: {document}", line)
        if line["fence"] < self.highest:
            self._complain(f"the fence is older than {self.highest}", line)

    def _was_told(self, line: Json, name: str) -> None:
        cause = self._cause
        if not _is_command(cause, self.device) or cause["topic"] != f"devices/{self.device}/command/{name}":
            self._complain("nobody told it to", line)
        elif cause["retained"] or _body(cause).get("fence") != line["fence"]:
            self._complain("it was told with another fence", line)

    def _complain(self, why: str, line: Json) -> None:
        self.complaints.append(f"{why}: {dict(line)}, after {dict(self._cause)}")


def _is_command(line: Json, device: str) -> bool:
    return line.get("event") == "got" and line["topic"].startswith(f"devices/{device}/command/")


def _body(line: Json) -> Json:
    try:
        body = json.loads(line.get("payload") or "{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
