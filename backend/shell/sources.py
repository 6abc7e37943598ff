"""Where any MQTT topic becomes a trigger: hears the messages of sources, and tells what they say."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from backend.core.automation import TriggerSensed
from backend.core.engine import Arrived, Send
from backend.core.facts import Definition, Fact, MessageRefused
from backend.core.refusals import Code, Refused
from backend.core.routing import MAX_TOPIC, RouteTable
from backend.core.topics import is_wild, overlaps
from backend.features.triggers.feature import Kind, Source, check_source_topic, sensed, understood_trigger
from backend.features.triggers.messages import TRIGGER
from backend.shell.throttle import Later, Throttle

log = logging.getLogger(__name__)

_REMEMBERED = 4096  # topics
PER_S = 100.0  # messages of one trigger: more than people, and most things, can make
MOST = 200.0  # of them at once

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

    def __init__(
        self,
        tell: Callable[[Fact | Arrived], None],
        table: RouteTable,
        prefix: str,
        now: Callable[[], float],
        later: Later,
    ) -> None:
        self._tell = tell
        self._throttle = Throttle[Fact | Arrived](PER_S, MOST, tell, now, later)
        self._table = table
        self._prefix = prefix
        self._known: dict[str, tuple[Definition, Kind, _Ear | None]] = {}
        self._ears: dict[str, list[_Ear]] = {}
        self._wild: list[str] = []
        self._of = lru_cache(_REMEMBERED)(self._search)
        self.listen: Listen = _nowhere

    async def know(self, triggers: Mapping[str, Definition]) -> None:
        """Learn which triggers there are, and listen to their sources."""
        self._known = {name: self._understood(name, stored) for name, stored in triggers.items()}
        ears: dict[str, list[_Ear]] = {}
        for *_, ear in self._known.values():
            if ear is not None:
                ears.setdefault(ear.source.topic, []).append(ear)
        if ears == self._ears:
            return
        fresh = {topic for topic, who in ears.items() if who != self._ears.get(topic)}
        self._ears, self._wild = ears, [each for each in ears if is_wild(each)]
        self._of.cache_clear()
        await self.listen(ears.keys(), fresh)

    def take(self, arrived: Arrived) -> Sequence[Send] | None:
        """Tell what a message says of triggers; None: it is (also) somebody else's."""
        if len(arrived.topic) > MAX_TOPIC:
            return None if self._table.reads(arrived.topic) else ()
        ears, is_read = self._of(arrived.topic)
        for ear in ears:
            if not (arrived.retained and ear.kind == "pulse"):  # it was an activation when it was sent
                self._sense(ear, arrived)
        levels = TRIGGER.match(arrived.topic)
        if levels is not None and levels["trigger"] in self._known:
            self._said(levels["trigger"], arrived)
            return ()
        return None if is_read else ()

    def _said(self, trigger: str, arrived: Arrived) -> None:
        """Let through what an owner says; what the backend says of a source comes back to it, and is no news."""
        _, kind, ear = self._known[trigger]
        if ear is None:
            self._pass_on(trigger, kind, arrived, arrived.topic)

    def _sense(self, ear: _Ear, arrived: Arrived) -> None:
        try:
            active, data = sensed(ear.source, arrived.payload, ear.kind)
        except Refused as refused:
            detail = f"source of the trigger {ear.trigger}: {refused.message}"
            self._tell(MessageRefused(refused.code, arrived.topic, detail))
            return
        if arrived.payload or active is not None:  # else somebody cleared a retained topic
            told = TriggerSensed(ear.trigger, active, data, arrived.retained)
            self._pass_on(ear.trigger, ear.kind, self._newer(told), arrived.topic)

    def _newer(self, told: TriggerSensed) -> TriggerSensed:
        """Return what was told; where that is not whether it is active, what was said of that, and waits, counts on."""
        late = self._throttle.late(told.trigger)
        return replace(told, active=late.active) if told.active is None and isinstance(late, TriggerSensed) else told

    def _pass_on(self, trigger: str, kind: Kind, what: Fact | Arrived, topic: str) -> None:
        """Tell it, unless that is too often: of a level the newest counts, and comes late; of pulses each does."""
        if self._throttle.take(trigger, what, wait=kind == "level"):
            detail = f"the trigger {trigger} is activated more than {PER_S:g} times a second"
            self._tell(MessageRefused(Code.RATE_LIMITED, topic, detail))

    def _search(self, topic: str) -> tuple[tuple[_Ear, ...], bool]:
        """Return who listens to a topic, and whether the backend reads it besides."""
        wild = (ear for each in self._wild if overlaps(each, topic) for ear in self._ears[each])
        return (*self._ears.get(topic, ()), *wild), self._table.reads(topic)

    def _understood(self, name: str, stored: Definition) -> tuple[Definition, Kind, _Ear | None]:
        """Return what is stored of a trigger, its kind, and what it listens to; None: it has no source."""
        known = self._known.get(name)
        if known is not None and known[0] == stored:
            return known
        trigger = understood_trigger(stored)
        if trigger.source is None or not self._may_listen(name, trigger.source.topic):
            return stored, trigger.kind, None
        return stored, trigger.kind, _Ear(name, trigger.kind, trigger.source)

    def _may_listen(self, name: str, topic: str) -> bool:
        try:
            check_source_topic(topic, self._table, self._prefix)
        except ValueError as error:
            log.warning("the trigger %s hears nothing: %s", name, error)
            return False
        return True


async def _nowhere(_filters: Collection[str], _fresh: Collection[str]) -> None:
    pass
