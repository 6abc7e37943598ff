"""Triggers, profiles and subscriptions as one file tells them, and what it takes to make them so."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.core.facts import Definition
from backend.core.messages import Message
from backend.core.validation import checked
from backend.features.triggers.plan import Plan
from backend.features.triggers.plan_text import condition_text, plain, read_condition, read_window, window_text
from backend.shell.triggers import Put, TriggerError, What

_KEYS = ("profiles", "triggers")
_DONE = {
    "add": "added",
    "change": "changed",
    "remove": "removed",
    "subscribe": "subscribed",
    "unsubscribe": "unsubscribed",
    "leave": "left",
}
_JOINTS = {"subscribe": "to", "unsubscribe": "from"}


@dataclass(frozen=True, slots=True)
class Subscribed:
    """How a profile runs with a trigger, and in whose name; None: of whoever applies the file."""

    plan: Plan
    owner: str | None = None


Subscriptions = Mapping[tuple[str, str], Subscribed]
"""By trigger and profile."""


@dataclass(frozen=True, slots=True)
class Setup:
    """All that is told."""

    profiles: Mapping[str, Definition]
    triggers: Mapping[str, Definition]
    subscriptions: Subscriptions


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: to a definition (``put``), or to a subscription (the request that is its ``body``)."""

    verb: str
    name: str
    trigger: str | None = None
    note: str | None = None
    put: Put | None = None
    body: Mapping[str, Any] | None = None

    def record(self) -> dict[str, Any]:
        """Return it as JSON tells it."""
        told = {"did": _DONE[self.verb], self.put.what if self.put is not None else "profile": self.name}
        more = {"trigger": self.trigger, "note": self.note}
        return {**told, **{key: value for key, value in more.items() if value is not None}}

    def text(self, *, dry: bool) -> str:
        """Return it as people are told; *dry*: it is not done."""
        what = f"{self.put.what} {self.name}" if self.put is not None else self.name
        place = f" {_JOINTS.get(self.verb, 'of')} {self.trigger}" if self.trigger is not None else ""
        note = f": {self.note}" if self.note is not None else ""
        return f"{f'would {self.verb}' if dry else _DONE[self.verb]} {what}{place}{note}"


def read_setup(told: Mapping[str, Any]) -> Setup:
    """Return what a file tells; its definitions are not checked yet. Raises TriggerError."""
    unknown = sorted(set(told) - set(_KEYS))
    if unknown:
        raise TriggerError(f"there is no {unknown[0]!r} in such a file, but {' and '.join(_KEYS)}")
    profiles, triggers = (_mappings(told.get(key), key) for key in _KEYS)
    subscriptions: dict[tuple[str, str], Subscribed] = {}
    for trigger, each in triggers.items():
        for profile, given in _mappings(each.pop("profiles", None), f"trigger {trigger}: profiles").items():
            where = f"trigger {trigger}: profile {profile}"
            subscriptions[trigger, profile] = made = _subscribed(given, where)
            if each.get("kind") == "pulse" and made.plan.mode == "monitoring":
                raise TriggerError(f"{where}: a pulse has no end until which to monitor")
    return Setup(profiles, triggers, subscriptions)


def as_written(setup: Setup) -> dict[str, Any]:
    """Return what `read_setup` reads again."""
    triggers = {name: dict(definition) for name, definition in setup.triggers.items()}
    for (trigger, profile), each in sorted(setup.subscriptions.items()):
        plan = {key: plain(value) for key, value in each.plan.model_dump(mode="json", exclude_defaults=True).items()}
        texts = {
            "when": [condition_text(condition) for condition in each.plan.when],
            "windows": [window_text(window) for window in each.plan.windows],
        }
        shown = {**plan, **{key: value for key, value in texts.items() if value}}
        triggers[trigger].setdefault("profiles", {})[profile] = {"owner": each.owner, **shown}
    return {"profiles": {name: dict(each) for name, each in setup.profiles.items()}, "triggers": triggers}


def definition_steps(setup: Setup, stored: Mapping[What, Mapping[str, Definition]], *, prune: bool) -> Iterator[Step]:
    """Yield what is to be done so that there is what is told; *prune*: and nothing else."""
    wanted: Mapping[What, Mapping[str, Definition]] = {"profile": setup.profiles, "trigger": setup.triggers}
    for what, definitions in wanted.items():
        there = stored[what]
        for name, definition in definitions.items():
            if definition != there.get(name):
                yield Step("change" if name in there else "add", name, put=Put(what, name, definition))
        for name in sorted(there.keys() - definitions.keys()) if prune else ():
            yield Step("remove", name, put=Put(what, name, None))


def subscription_steps(setup: Setup, known: Subscriptions, me: str, *, prune: bool) -> Iterator[Step]:
    """Yield what is to be asked for; *known* are the subscriptions there are of the triggers that are told."""
    for (trigger, profile), wanted in setup.subscriptions.items():
        yield from _step(trigger, profile, wanted, known.get((trigger, profile)), me)
    for trigger, profile in sorted(known.keys() - setup.subscriptions.keys()) if prune else ():
        if profile in setup.profiles:  # with those that are removed it goes by itself
            yield Step("unsubscribe", profile, trigger, body={"action": "unsubscribe", "profile": profile})


def _step(trigger: str, profile: str, wanted: Subscribed, known: Subscribed | None, me: str) -> Iterator[Step]:
    plan = wanted.plan.model_dump(mode="json")
    whose = known.owner if known is not None else me
    if wanted.owner not in (None, whose):
        note = f"it is {whose}'s" if known is not None else f"{wanted.owner} has to subscribe; or use --as"
        yield Step("leave", profile, trigger, note)
    elif known is None:
        yield Step("subscribe", profile, trigger, body={"action": "subscribe", "profile": profile, **plan})
    elif known.plan != wanted.plan:
        yield Step("change", profile, trigger, body={"action": "change", "profile": profile, "set": plan})


def _subscribed(given: Mapping[str, Any], where: str) -> Subscribed:
    plan, owner = {key: value for key, value in given.items() if key != "owner"}, given.get("owner")
    if owner is not None and not isinstance(owner, str):
        raise TriggerError(f"{where}: owner: a name, please")
    try:
        plan |= {key: _read(plan[key], read) for key, read in _TEXTS.items() if key in plan}
        return Subscribed(checked(Plan, plan), owner)
    except ValueError as error:
        raise TriggerError(f"{where}: {error}") from error


_TEXTS: Mapping[str, Callable[[str], Message]] = {"when": read_condition, "windows": read_window}


def _read(given: Any, read: Callable[[str], Message]) -> Any:
    """Return a list in which texts are read; a text alone is a list of one. Raises ValueError."""
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list):
        return listed
    return [read(each) if isinstance(each, str) else each for each in listed]


def _mappings(found: Any, where: str) -> dict[str, dict[str, Any]]:
    """Return mappings by name; what is said of none is empty. Raises TriggerError."""
    named = {} if found is None else found
    if not isinstance(named, dict):
        raise TriggerError(f"{where}: names, please, each with what it is")
    for name, each in named.items():
        if not isinstance(name, str) or not isinstance(each, dict | None):
            raise TriggerError(f"{where}: {name}: no mapping of names")
    return {name: dict(each or {}) for name, each in named.items()}
