"""What a recogniser shall listen for: the sentences of the intents, written out.

Recognisers learn from them which word follows which, so not every device need stand in every sentence: each sentence
has one of the devices, and each device has sentences.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from heapq import nsmallest
from itertools import cycle, islice

import hassil
from hassil.sample import sample_sentence

from backend.shell.voice.compiling import DEVICE
from backend.shell.voice.naming import LONGEST
from backend.shell.voice.phrasebook import Phrasebook
from backend.shell.voice.wording import fold, split

_PER_TEMPLATE = 40  # ways to say one template
_VALUES = 20  # of one slot
_MOST_DEVICES = 500
_MOST = 5000  # sentences

_GAP = "{" + DEVICE + "}"


def spoken_sentences(book: Phrasebook, devices: Mapping[str, str], words: Mapping[str, str]) -> list[str]:
    """Return what people may say: the same, and in the same order, for the same intents and devices.

    *devices*: their names by id; *words*: other words for the words of names, in all languages, folded.
    """
    first = {device: devices[device] for device in nsmallest(_MOST_DEVICES, devices)}
    called = list(dict.fromkeys([*_by_one_word(book, first, words), *_by_name(book, first, words)]))
    written = list(dict.fromkeys(_written(book)))
    plain = [sentence for sentence in written if _GAP not in sentence]
    polite = [f"{word} {plain[0]}" for word in book.spoken.skip_words if plain]
    carried = _carried(book, [sentence for sentence in written if _GAP in sentence], called)
    return list(islice(dict.fromkeys([*plain, *polite, *carried]), _MOST))


def _written(book: Phrasebook) -> Iterator[str]:
    """Yield the sentences, with a gap for the device."""
    intents = book.spoken
    gap = hassil.TextSlotList(DEVICE, [hassil.TextSlotValue(hassil.TextChunk(_GAP), None)])
    for intent in intents.intents.values():
        for part in intent.data:
            lists = {name: _few(each) for name, each in (intents.slot_lists | part.slot_lists).items()} | {DEVICE: gap}
            rules = intents.expansion_rules | part.expansion_rules
            for sentence in part.sentences:
                if any(isinstance(lists.get(name), hassil.WildcardSlotList) for name in _lists_of(sentence, rules)):
                    continue
                for text in islice(sample_sentence(sentence, lists, rules, book.file.language), _PER_TEMPLATE):
                    yield " ".join(text.split())


def _few(slots: hassil.SlotList) -> hassil.SlotList:
    """Return a list with so few values that all sentences with them can be written out; numbers in words."""
    match slots:
        case hassil.TextSlotList():
            return hassil.TextSlotList(slots.name, slots.values[:_VALUES])
        case hassil.RangeSlotList():
            stop = min(slots.stop, slots.start + _VALUES * slots.step)
            return replace(slots, stop=stop, digits=not slots.words)
    return slots


def _lists_of(sentence: hassil.Sentence, rules: dict[str, hassil.Sentence]) -> Iterator[str]:
    if isinstance(sentence.expression, hassil.Group):
        yield from sentence.expression.list_names(rules)


def _carried(book: Phrasebook, carriers: list[str], called: list[str]) -> Iterator[str]:
    """Yield each sentence with one of the names, and each name by itself."""
    if not called:
        return
    for carrier, name in zip(carriers, cycle(called), strict=False):
        yield carrier.replace(_GAP, name)
    bare = [carrier for carrier in carriers if set(carrier.split()) - {_GAP} <= set(book.file.fillers)]
    for name in called:
        yield from (carrier.replace(_GAP, name) for carrier in bare)


def _by_one_word(book: Phrasebook, devices: Mapping[str, str], words: Mapping[str, str]) -> Iterator[str]:
    """Yield each word that names a device, and the others that stand for it in this language."""
    for name in devices.values():
        for word in split(name.lower()):
            meant = words.get(fold(word), fold(word))
            if not meant.isdecimal() and word not in book.file.fillers:
                yield from _in_language(book, meant) or [word]


def _by_name(book: Phrasebook, devices: Mapping[str, str], words: Mapping[str, str]) -> Iterator[str]:
    """Yield names as they are said in this language; other languages have other orders, too: kitchen lamp."""
    for device, name in devices.items():
        for called in (name, device):
            said = [word for word in split(called.lower()) if word not in book.file.fillers]
            if 1 < len(said) <= LONGEST:
                spoken = [next(iter(_in_language(book, words.get(fold(word), word))), word) for word in said]
                yield " ".join(spoken)
                nouns = [word for word, as_said in zip(spoken, said, strict=True) if not as_said.isdecimal()]
                if len(nouns) > 1 and not set(nouns) <= set(said):
                    yield " ".join([*reversed(nouns), *spoken[len(nouns) :]])


def _in_language(book: Phrasebook, meant: str) -> list[str]:
    return [said for said, each in book.file.words.items() if each == meant]
