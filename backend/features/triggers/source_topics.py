"""Which topics may be the source of a trigger."""

from backend.core.outside import Outside
from backend.core.routing import Party, Route, RouteTable
from backend.core.topics import is_filter
from backend.features.triggers.messages import TRIGGER

_OPEN = frozenset({Party.PEOPLE, Party.PARTICIPANTS, Party.ANYONE})


def check_source_topic(topic_filter: str, table: RouteTable, prefix: str = "") -> None:
    """Insist that a trigger may have this filter as its source. Raises ValueError.

    Outside of Talkstick's tree it may be any that names its first level. In the tree it covers one kind of topic, which
    tells people something: no requests, commands or sound, and no triggers, or they would go round in circles.
    """
    first = topic_filter.partition("/")[0]
    if first in ("+", "#"):
        raise ValueError(f"{topic_filter!r}: a source names the first level of its topics")
    if first not in table.roots:
        Outside(table, prefix).check(topic_filter)
        return
    if not is_filter(topic_filter):
        raise ValueError(f"{topic_filter!r} is no topic filter: + stands for a level, # for all levels at the end")
    found = table.find(topic_filter.replace("+", "any"))
    if found is None:
        raise ValueError(f"{topic_filter!r} is not one kind of Talkstick's topics, like {first}/+/…")
    if not _tells(found[0]):
        raise ValueError(f"{topic_filter!r}: {found[0].topic.template} cannot be a source")


def _tells(route: Route) -> bool:
    is_trigger = route.topic.template.startswith(TRIGGER.template)
    return not (route.is_binary or route.guard or is_trigger) and not _OPEN.isdisjoint(route.readers)
