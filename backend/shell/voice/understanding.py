"""What a sentence means: its intent, its slots, and the devices it may speak of."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import hassil

from backend.shell.voice.asking import Exchange
from backend.shell.voice.compiling import DEVICE
from backend.shell.voice.naming import Names
from backend.shell.voice.phrasebook import Phrasebook

_log = logging.getLogger(__name__)

NAME = "Name"
"""The intent of a sentence that is nothing but the name of a device."""

_MOST_CHARACTERS = 200  # no command is longer


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a sentence means. ``devices``: which it may speak of; None: it names none. ``case``: which response."""

    intent: str
    case: str = "default"
    slots: Mapping[str, Any] = field(default_factory=dict)
    devices: frozenset[str] | None = None
    said: str = ""
    """The words that name the device."""


def understand(book: Phrasebook, names: Names, text: str) -> Meaning | None:
    """Return what a sentence means. None: nothing that we know; no devices: it names one that there is not."""
    normal = book.normal(text)
    if not normal or len(normal) > _MOST_CHARACTERS:
        return None
    runs = names.in_text(book.without_skipped(normal)) | names.in_text(normal)
    values = [hassil.TextSlotValue(hassil.TextChunk(run), devices) for run, devices in runs.items()]
    found = _recognized(book, normal, hassil.TextSlotList(DEVICE, values))
    if found is None:
        found = _recognized(book, normal, hassil.WildcardSlotList(DEVICE))
        if found is None or found.intent.name == NAME:
            return None
    return _meaning(found)


def in_context(book: Phrasebook, names: Names, meaning: Meaning, history: Sequence[Exchange]) -> Meaning:
    """Return what a sentence means after those before it: "it" is what they spoke of, a mere name is an answer."""
    earlier: list[Meaning] = []
    for exchange in history:
        said = understand(book, names, exchange.heard)
        if said is not None:
            earlier.append(_resolved(said, earlier))
    return _resolved(meaning, earlier)


def _resolved(meaning: Meaning, earlier: Sequence[Meaning]) -> Meaning:
    if meaning.intent == NAME and earlier:
        asked, named = earlier[-1], meaning.devices or frozenset()
        if asked.intent != NAME and asked.devices is not None and len(asked.devices) > 1:
            return replace(asked, devices=named & asked.devices or named, said=meaning.said)
    if meaning.devices is None:
        spoken_of = (said.devices for said in reversed(earlier) if said.devices is not None and len(said.devices) == 1)
        return replace(meaning, devices=next(spoken_of, None))
    return meaning


def _recognized(book: Phrasebook, text: str, devices: hassil.SlotList) -> hassil.RecognizeResult | None:
    try:
        return hassil.recognize_best(text, book.matched, slot_lists={DEVICE: devices})
    except Exception:  # noqa: BLE001 - one sentence of an operator shall not end the turns of all
        _log.exception("sentences of %r cannot be matched", book.file.language)
        return None


def _meaning(found: hassil.RecognizeResult) -> Meaning:
    slots = {name: _plain(entity.value) for name, entity in found.entities.items() if name != DEVICE}
    device = found.entities.get(DEVICE)
    case = found.response or "default"
    if device is None:
        return Meaning(found.intent.name, case, slots)
    devices = frozenset() if device.is_wildcard else device.value
    return Meaning(found.intent.name, case, slots, devices, device.text)


def _plain(value: object) -> object:
    """Return a number that is whole as one: a range gives 3.0 for "three"."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
