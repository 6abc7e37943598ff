"""Plays a transcript to the real engine: what the board sends goes in, and what it gets must come out."""

import json
from collections import deque
from dataclasses import replace
from typing import Any

from backend.core.floors import rules_of
from backend.core.principals import Principal, Role
from backend.core.refusals import Refused
from backend.features.sessions.messages import COMMAND, SESSION
from backend.features.sessions.policy import read_rule
from tests.firmware.claim_hub import ClaimHub
from tests.firmware.hub import Hub
from tests.firmware.reading import UNREADABLE, fault_of, may_be_of_a_later_server
from tests.firmware.script import Line, Moment, Packet, Transcript, payload_of
from tests.people import EVERYBODY


class Difference(AssertionError):  # noqa: N818 - it is what was found
    """The server would not say this, or not take it."""


class Play:
    """A transcript in progress. ``fills``: put in what the server really sends, in place of what is written."""

    def __init__(self, transcript: Transcript, *, fills: bool = False) -> None:
        self.hub = _hub(transcript)
        self.filled: dict[int, str] = {}
        self._transcript = transcript
        self._prefix = str(transcript.traits.get("prefix", ""))
        self._fills = fills
        self._connect: Line | None = None
        self._asked: deque[str] = deque()
        self._goodbye = False

    def run(self) -> None:
        """Play all of it. Raises Difference."""
        for moment in self._transcript.moments:
            try:
                self._happens(moment)
            except (AssertionError, Refused) as error:
                place = f"{self._transcript.path.name}:{moment.number}"
                raise Difference(f"{place}: {moment.name}: {error}") from error
        coming = self.hub.connection.coming if self.hub.connection is not None else ()
        if coming:
            raise Difference(f"{self._transcript.path.name}: the board should get {coming[0].text}")

    def _happens(self, moment: Moment) -> None:
        self.hub.reaches(moment.ms)
        match moment.name:
            case "connected":
                self._connects()
            case "subscribed":
                self._subscribed(moment.rest)
            case "lost":
                self.hub.loses(noticed=moment.rest != "unnoticed", goodbye=self._goodbye)
            case "message":
                self._comes(moment)
            case "!message":
                self._is_forged(moment)
            case _:
                pass
        self._told(moment.lines)

    def _connects(self) -> None:
        assert self._connect is not None, "nobody connects"
        if isinstance(self.hub, ClaimHub):
            assert self.hub.logs_in(*self._connect.rest.split(" ")), "the broker does not let it in"
            self.hub.connects(None)
            return
        will = self._off_wire(self._connect.packet())
        self.hub.connects(replace(will, retained=True, qos=1))

    def _off_wire(self, packet: Packet) -> Packet:
        """Return what the board sends as the server has it: without the prefix of all topics."""
        assert packet.topic.startswith(self._prefix), f"{packet.topic} does not begin with {self._prefix}"
        return replace(packet, topic=packet.topic.removeprefix(self._prefix))

    def _on_wire(self, packet: Packet) -> Packet:
        return replace(packet, topic=self._prefix + packet.topic)

    def _subscribed(self, which: str) -> None:
        many = len(self._asked) if which == "all" else 1
        assert 0 < many <= len(self._asked), "the board subscribed to nothing"
        for topic_filter in [self._asked.popleft() for _ in range(many)]:
            if which != "no":
                self.hub.subscribes(topic_filter)

    def _comes(self, moment: Moment) -> None:
        """Insist that what the board gets is what the server sent next."""
        assert self.hub.connection is not None, "the board is not connected"
        coming = self.hub.connection.coming
        if self._fills:
            if coming:
                self.filled[moment.number] = f"@{moment.ms} message {self._on_wire(coming.popleft()).text}"
            return
        assert coming, "the server sends nothing"
        packet = self._on_wire(coming.popleft())
        assert moment.message() == packet, f"the server sends {packet.text}"

    def _is_forged(self, moment: Moment) -> None:
        """Insist that the server would not have sent it, and that it reads it as the board does."""
        packet, noted = self._off_wire(moment.message()), moment.noted
        code = fault_of(packet, self.hub.retained)
        is_unreadable = noted in UNREADABLE or (code in UNREADABLE and not may_be_of_a_later_server(packet))
        if is_unreadable:
            assert noted == code, f"to the server this is {code or 'well-formed'}"
        if COMMAND.match(packet.topic) is not None and not packet.retained:
            assert code is not None or self._has_overtaken(), "the broker would let this command pass"

    def _has_overtaken(self) -> bool:
        """Tell whether a session document is still on its way."""
        coming = self.hub.connection.coming if self.hub.connection is not None else ()
        return any(SESSION.match(packet.topic) is not None for packet in coming)

    def _told(self, lines: list[Line]) -> None:
        expected: list[str] = []
        for at, line in enumerate(lines):
            if line.aside:
                expected += self._aside(line)
            elif line.verb in ("connect", "subscribe", "publish", "disconnect", "claimed"):
                lost = at + 1 < len(lines) and lines[at + 1].aside and lines[at + 1].verb == "swallowed"
                self._does(line, lost=lost)
        assert self.hub.refused == expected, f"the server refuses {self.hub.refused}, not {expected}"
        self.hub.refused = []

    def _does(self, line: Line, *, lost: bool) -> None:
        """Let the board do what goes over the wire."""
        match line.verb:
            case "disconnect":
                self._goodbye = True
            case "connect":
                self._connect, self._goodbye = line, False
                self._asked.clear()
            case "claimed":
                is_its_own = isinstance(self.hub, ClaimHub) and self.hub.has_claimed(*line.rest.split(" "))
                assert is_its_own, "the server has another secret"
            case _:
                self._sends(line.verb, self._off_wire(line.packet()), lost=lost)

    def _sends(self, verb: str, packet: Packet, *, lost: bool) -> None:
        assert self.hub.connection is not None, "the board sends without a connection"
        if verb == "subscribe":
            self._asked.append(packet.topic)
        elif not lost:
            self.hub.publish(self.hub.board, packet)

    def _aside(self, line: Line) -> list[str]:
        """Let something happen elsewhere; return the codes of what is to be refused."""
        if line.verb == "refused":
            return line.rest.split()
        does = {
            "swallowed": lambda _rest: None,
            "noticed": lambda _rest: self.hub.notices(),
            "restarts": lambda _rest: self.hub.restarts(),
            "saved": lambda _rest: self.hub.saves(),
            "restored": lambda _rest: self.hub.restores(),
            "removed": lambda _rest: self.hub.removes(),
            "tells": lambda rest: self.hub.tells(payload_of(rest)),
            "says": self._says,
            "hears": self._hears,
            "shows": self._shows,
        }.get(line.verb)
        if line.verb == "known" and isinstance(self.hub, ClaimHub):
            self.hub.learns()
        elif does is None:
            self._people(line)
        else:
            does(line.rest)
        return []

    def _says(self, rest: str) -> None:
        turn, _space, audio = rest.partition(" ")
        self.hub.says(int(turn), payload_of(audio))

    def _people(self, line: Line) -> None:
        topic, _space, payload = line.rest.partition(" ")
        self.hub.publish(EVERYBODY[line.verb], Packet(topic, payload_of(payload)))

    def _hears(self, rest: str) -> None:
        turn, lost, audio = rest.split(" ")
        assembly, heard = self.hub.heard[int(turn)]
        audio_of = heard + b"".join(assembly.flush())
        found = f"{turn} lost={assembly.lost} hex:{audio_of.hex()}"
        assert f"{turn} {lost} {audio}" == found, f"the server hears {found}"

    def _shows(self, rest: str) -> None:
        topic, _space, expected = rest.partition(" ")
        document = self.hub.retained.get(topic)
        if not expected:
            assert document is None, f"{topic} is {document!r}"
            return
        shown: dict[str, Any] = json.loads(document or b"{}")
        wanted: dict[str, Any] = json.loads(expected)
        found = {key: shown.get(key) for key in wanted}
        assert found == wanted, f"{topic} is {found}"


def _hub(transcript: Transcript) -> Hub:
    """Return the side of the server, as it stands before the first event."""
    if transcript.claims:
        claims = ClaimHub(transcript.device)
        for line in transcript.setup:
            claims.prepares(line)
        return claims
    trigger = transcript.traits.get("trigger")
    triggers = frozenset({trigger} if trigger is not None else ())
    rules = dict(read_rule(rule) for line in transcript.setup for rule in line.rest.split())
    board = Principal(transcript.device, Role.DEVICE, transcript.device, triggers=triggers)
    return Hub(board, rules_of(rules), kind="pulse" if "pulse" in transcript.traits else "state")
