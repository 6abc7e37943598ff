"""What was answered: MQTT delivers a QoS 1 request twice at times, and people send one again when they are unsure.

The same id on the same request topic within ten minutes gets the same reply and has no second effect, across restarts
too. If a request was answered twice (queued, and granted later), the last answer counts.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

REMEMBERED_S = 600.0
MOST_PER_TOPIC = 1000  # the requests of one principal to one device: bounds memory


@dataclass(frozen=True, slots=True)
class Remembered:
    """One answer that was given."""

    topic: str
    id: str
    payload: bytes
    expires_at: float


@dataclass
class ReplyMemory:
    """The answers of the last ten minutes, by request topic and request id."""

    _known: OrderedDict[str, OrderedDict[str, Remembered]] = field(default_factory=OrderedDict)
    """Topics by their last use, and their answers by age: the lifetime is the same for all."""
    _before: dict[tuple[str, str], Remembered | None] = field(default_factory=dict)

    def load(self, stored: Iterable[Remembered], now: float) -> None:
        """Take over what was stored, in the order of expiry; the clock may have been set back since."""
        for answer in stored:
            self._keep(replace(answer, expires_at=min(answer.expires_at, now + REMEMBERED_S)))

    def recall(self, topic: str, request_id: str, now: float) -> Remembered | None:
        """Return what this request was answered already, or None."""
        found = self._find(topic, request_id)
        return found if found is not None and found.expires_at > now else None

    def remember(self, topic: str, request_id: str, payload: bytes, now: float) -> None:
        """Keep an answer."""
        self._before.setdefault((topic, request_id), self._find(topic, request_id))
        self._keep(Remembered(topic, request_id, payload, now + REMEMBERED_S))
        self._forget_expired(now)

    def changed(self) -> list[Remembered]:
        """Return the answers that must be stored before they are given."""
        return [answer for key in self._before if (answer := self._find(*key)) is not None]

    def committed(self) -> None:
        """Forget how things were: they are stored. Only now may old answers make room."""
        for topic in {topic for topic, _ in self._before}:
            known = self._known.get(topic, OrderedDict())
            while len(known) > MOST_PER_TOPIC:
                known.popitem(last=False)
        self._before.clear()

    def roll_back(self) -> None:
        """Make everything since the last commit not have happened."""
        for (topic, request_id), before in self._before.items():
            known = self._known.setdefault(topic, OrderedDict())
            known.pop(request_id, None)
            if before is not None:
                known[request_id] = before
        self._before.clear()

    def _keep(self, answer: Remembered) -> None:
        known = self._known.setdefault(answer.topic, OrderedDict())
        known[answer.id] = answer
        known.move_to_end(answer.id)
        self._known.move_to_end(answer.topic)

    def _find(self, topic: str, request_id: str) -> Remembered | None:
        return self._known[topic].get(request_id) if topic in self._known else None

    def _forget_expired(self, now: float) -> None:
        """Let go of what is too old, on topics that nobody asks on any more, too."""
        latest = next(reversed(self._known.values()))
        while next(iter(latest.values())).expires_at <= now:
            latest.popitem(last=False)
        while self._known:
            topic, answers = next(iter(self._known.items()))
            if answers and next(reversed(answers.values())).expires_at > now:
                return
            del self._known[topic]
