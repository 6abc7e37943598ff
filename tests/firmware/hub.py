"""The side of the server, without a network: the broker's rules, the real engine, and the voice as it is cut."""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import TypeAdapter

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.engine import Send
from backend.core.facts import MessageRefused
from backend.core.floors import Rules, device_floor
from backend.core.principals import Principal, Roster
from backend.core.topics import overlaps
from backend.features.voice.assembly import Assembly
from backend.features.voice.frames import Codec, Frame
from backend.features.voice.messages import AUDIO, CONVERSATION, SPEECH, ConversationEvent, turn_number
from backend.features.voice.pacing import Pacer
from broker.guard import refusal
from tests.firmware.script import Packet
from tests.histories import START
from tests.house import House, copied, memory_database
from tests.people import EVERYBODY

_CONVERSATION: TypeAdapter[Any] = TypeAdapter(ConversationEvent)
_SECONDS_PER_BYTE = {Codec.PCM16_16K: 1 / 32_000, Codec.PCM16_8K: 1 / 16_000, Codec.MULAW_8K: 1 / 8_000}


@dataclass
class Connection:
    """What the broker knows of a board that is connected, and what is on its way to it."""

    will: Packet | None
    filters: list[str] = field(default_factory=list)
    coming: deque[Packet] = field(default_factory=deque)

    def offer(self, packet: Packet) -> None:
        """Send it, if the board subscribed to it."""
        if any(overlaps(each, packet.topic) for each in self.filters):
            self.coming.append(packet)


class Hub:
    """Broker and backend of one board."""

    def __init__(self, board: Principal, rules: Rules = (), *, kind: Literal["state", "pulse"] = "state") -> None:
        self.board = board
        self._database, self._saved = memory_database(), memory_database()
        self.house = House(self._database)
        self.rulebook = Rulebook(TABLE, roster=Roster({**EVERYBODY, board.name: board}))
        self.retained: dict[str, bytes] = {}
        self.refused: list[str] = []
        self.connection: Connection | None = None
        self.unnoticed: deque[Connection] = deque()
        self.heard: dict[int, tuple[Assembly, bytes]] = {}
        self._saying: tuple[int, Pacer] | None = None
        self.house.engine._report = self._report
        self._performs(self.house.greeting)
        self.house.accounts = self.rulebook.roster.principals
        self.house.has(rules={device_floor(board.name): rules})
        self.house.defines({trigger: {"owner": board.name, "kind": kind} for trigger in board.triggers}, {})
        self._stores()

    def _report(self, refused: MessageRefused) -> None:
        self.refused.append(refused.code.value)

    # Time

    def reaches(self, ms: int) -> None:
        """Let time pass, with all that is due on the way."""
        then = START + ms / 1000
        while (due := self._due()) <= then:
            self.house.passes(max(0.0, due - self.house.now))
            self._stores()
            self._speaks()
        self.house.passes(then - self.house.now)
        self.house.now = then
        self._stores()

    def _due(self) -> float:
        said = self._saying[1].deadline() if self._saying is not None else float("inf")
        due = self.house.engine.deadline()
        return min(said, due if due is not None else said)

    # What is published

    def publish(self, who: Principal, packet: Packet) -> None:
        """Let somebody publish: the broker judges, passes on, and the engine hears of it."""
        verdict = self.rulebook.publish(who, packet.topic, retain=packet.retained, size=len(packet.payload))
        code: str | None = verdict.code
        if verdict.guard is not None:
            code = refusal(self.retained.get(verdict.guard), who.name, packet.payload)
        if code is not None:
            self.refused.append(str(code))
            return
        self._passes_on(packet)
        if (levels := AUDIO.match(packet.topic)) is not None:
            self._hears(turn_number(levels["turn"]), packet.payload)
        else:
            self.house.receive(packet.topic, packet.payload)
        self._stores()

    def _hears(self, turn: int, payload: bytes) -> None:
        frame = Frame.read(payload)
        assembly, audio = self.heard.setdefault(turn, (Assembly(frame.codec), b""))
        self.heard[turn] = assembly, audio + b"".join(assembly.add(frame))

    def says(self, turn: int, audio: bytes) -> None:
        """Put audio on the way to the board, as the server does."""
        ability = self.house.talker(self.board.name).ability
        codec = Codec[ability.speech.upper()]
        pacer = Pacer(codec, ability.frame_bytes, ability.buffer_ms, self.house.now)
        pacer.add(audio, len(audio) * _SECONDS_PER_BYTE[codec])
        pacer.end()
        self._saying = turn, pacer
        self._speaks()

    def _speaks(self) -> None:
        if self._saying is not None:
            turn, pacer = self._saying
            for frame in pacer.due(self.house.now):
                self._passes_on(Packet(SPEECH.at(device=self.board.name, turn=str(turn)), frame.wire()))

    def tells(self, payload: bytes) -> None:
        """Tell what happens in a turn. It must be exactly what the server would write."""
        assert _CONVERSATION.validate_json(payload).payload() == payload
        self._passes_on(Packet(CONVERSATION.at(device=self.board.name), payload))

    def restarts(self) -> None:
        """Kill the backend, and start it again from what it stored."""
        sends = self.house.restart()
        self.house.engine._report = self._report
        self._performs(sends)

    def saves(self) -> None:
        """Keep a copy of what is stored."""
        copied(self._database, onto=self._saved)

    def restores(self) -> None:
        """Start the backend again, from the copy."""
        copied(self._saved, onto=self._database)
        self.restarts()

    def removes(self) -> None:
        """Remove the device; its connection is cut after that."""
        people = {name: who for name, who in self.rulebook.roster.principals.items() if who is not self.board}
        self.rulebook.roster = Roster(people)
        self.house.knows(people)
        self._stores()

    def _stores(self) -> None:
        self._performs(self.house.commit())
        self._serves()

    def _serves(self) -> None:
        """Do what the shell is asked to do; boards that have an id ask for nothing that is done here."""

    def _performs(self, sends: list[Send]) -> None:
        for send in sends:
            self._passes_on(Packet(send.topic, send.payload, send.retain))

    def _passes_on(self, packet: Packet) -> None:
        if packet.retained and packet.payload:
            self.retained[packet.topic] = packet.payload
        elif packet.retained:
            self.retained.pop(packet.topic, None)
        if self.connection is not None:
            self.connection.offer(replace(packet, retained=False))

    # The connection of the board

    def connects(self, will: Packet | None) -> None:
        """Let the board in."""
        if will is not None:
            verdict = self.rulebook.publish(self.board, will.topic, retain=will.retained, size=len(will.payload))
            assert verdict.code is None, "the broker refuses the last will"
        self.connection = Connection(will)

    def subscribes(self, topic_filter: str) -> None:
        """Grant a subscription, and send what is retained."""
        assert self.rulebook.subscribe(self.board, topic_filter), f"the broker refuses {topic_filter}"
        assert self.connection is not None
        self.connection.filters.append(topic_filter)
        for topic, payload in self.retained.items():
            if overlaps(topic_filter, topic) and self.rulebook.receive(self.board, topic):
                self.connection.coming.append(Packet(topic, payload, retained=True))

    def loses(self, *, noticed: bool, goodbye: bool) -> None:
        """End the connection; without a goodbye its last will is published, at once or when it is noticed."""
        gone, self.connection = self.connection, None
        if gone is not None and gone.will is not None and not goodbye:
            self.unnoticed.append(gone)
            if noticed:
                self.notices()

    def notices(self) -> None:
        """Publish the last will of the connection that ended first."""
        will = self.unnoticed.popleft().will
        if will is not None and self.board.name in self.rulebook.roster.principals:
            self.publish(self.board, will)
