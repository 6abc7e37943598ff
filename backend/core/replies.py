"""What was answered: MQTT delivers a QoS 1 request twice at times, and people send one again when they are unsure.

The same id on the same request topic within ten minutes gets the same reply and has no second effect, across restarts
too. If a request was answered twice (queued, and granted later), the last answer counts.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

REMEMBERED_S = 600.0
MOST_PER_TOPIC = 1000  # the requests of one principal to one device: bounds memory


@dataclass(frozen=True, slots=True)
class Remembered:
    """One answer that was given."""

    topic: str
    id: str
    payload: bytes
    expires_at: float


Key = tuple[str, str]


@dataclass
class ReplyMemory:
    """The answers of the last ten minutes, by request topic and request id."""

    _known: dict[str, OrderedDict[str, Remembered]] = field(default_factory=dict)
    _before: dict[Key, Remembered | None] = field(default_factory=dict)

    def load(self, stored: Iterable[Remembered]) -> None:
        """Take over what was stored."""
        for answer in stored:
            self._known.setdefault(answer.topic, OrderedDict())[answer.id] = answer

    def recall(self, topic: str, request_id: str, now: float) -> Remembered | None:
        """Return what this request was answered already, or None."""
        found = self._known[topic].get(request_id) if topic in self._known else None
        return found if found is not None and found.expires_at > now else None

    def remember(self, topic: str, request_id: str, payload: bytes, now: float) -> None:
        """Keep an answer, and let go of what is too old or too much on its topic."""
        known = self._known.setdefault(topic, OrderedDict())
        self._before.setdefault((topic, request_id), known.pop(request_id, None))
        known[request_id] = Remembered(topic, request_id, payload, now + REMEMBERED_S)
        while len(known) > MOST_PER_TOPIC or next(iter(known.values())).expires_at <= now:
            known.popitem(last=False)

    def changed(self) -> list[Remembered]:
        """Return the answers that must be stored before they are given."""
        return [self._known[topic][key] for topic, key in self._before if key in self._known.get(topic, {})]

    def committed(self) -> None:
        """Forget how things were: they are stored."""
        self._before.clear()

    def roll_back(self) -> None:
        """Make everything since the last commit not have happened."""
        for (topic, key), before in self._before.items():
            self._known[topic].pop(key, None)
            if before is not None:
                self._known[topic][key] = before
        self._before.clear()
