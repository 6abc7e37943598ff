"""Where any MQTT topic becomes a trigger: hears the messages of sources, and tells what they say."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from backend.core.automation import TriggerSensed
from backend.core.engine import Arrived, Send
from backend.core.facts import Definition, Fact, MessageRefused
from backend.core.refusals import Refused
from backend.core.routing import RouteTable
from backend.core.topics import overlaps
from backend.features.triggers.feature import Kind, Source, check_source_topic, sensed, understood_trigger

log = logging.getLogger(__name__)

_REMEMBERED = 4096  # topics

Listen = Callable[[Collection[str], Collection[str]], Awaitable[None]]
"""Is told which filters are to be heard from now on, and what is retained under which of them was not heard yet."""


@dataclass(frozen=True, slots=True)
class _Ear:
    """What a trigger listens to."""

    trigger: str
    kind: Kind
    source: Source


class Sources:
    """Takes the messages of topics that are sources of triggers. *tell* hears facts; *prefix* is that of the tree."""

    def __init__(self, tell: Callable[[Fact], None], table: RouteTable, prefix: str) -> None:
        self._tell = tell
        self._table = table
        self._prefix = prefix
        self._ears: dict[str, list[_Ear]] = {}
        self._wild: list[str] = []
        self._of = lru_cache(_REMEMBERED)(self._search)
        self.listen: Listen = _nowhere

    async def know(self, triggers: Mapping[str, Definition]) -> None:
        """Learn which triggers there are, and listen to their sources."""
        ears: dict[str, list[_Ear]] = {}
        for name, stored in triggers.items():
            trigger = understood_trigger(stored)
            if trigger.source is not None and self._may_listen(name, trigger.source.topic):
                ears.setdefault(trigger.source.topic, []).append(_Ear(name, trigger.kind, trigger.source))
        if ears == self._ears:
            return
        fresh = {topic for topic, who in ears.items() if who != self._ears.get(topic)}
        self._ears, self._wild = ears, [each for each in ears if "+" in each or "#" in each]
        self._of.cache_clear()
        await self.listen(ears.keys(), fresh)

    def take(self, arrived: Arrived) -> Sequence[Send] | None:
        """Tell what a message says of triggers; None: it is (also) somebody else's."""
        ears, is_read = self._of(arrived.topic)
        for ear in ears:
            if not (arrived.retained and ear.kind == "pulse"):  # it was an activation when it was sent
                self._sense(ear, arrived)
        return None if is_read else ()

    def _sense(self, ear: _Ear, arrived: Arrived) -> None:
        try:
            active, data = sensed(ear.source, arrived.payload, ear.kind)
        except Refused as refused:
            detail = f"source of the trigger {ear.trigger}: {refused.message}"
            self._tell(MessageRefused(refused.code, arrived.topic, detail))
            return
        if arrived.payload or active is not None:  # else somebody cleared a retained topic
            self._tell(TriggerSensed(ear.trigger, active, data))

    def _search(self, topic: str) -> tuple[tuple[_Ear, ...], bool]:
        """Return who listens to a topic, and whether the backend reads it besides."""
        wild = (ear for each in self._wild if overlaps(each, topic) for ear in self._ears[each])
        return (*self._ears.get(topic, ()), *wild), self._table.reads(topic)

    def _may_listen(self, name: str, topic: str) -> bool:
        try:
            check_source_topic(topic, self._table, self._prefix)
        except ValueError as error:
            log.warning("the trigger %s hears nothing: %s", name, error)
            return False
        return True


async def _nowhere(_filters: Collection[str], _fresh: Collection[str]) -> None:
    pass
