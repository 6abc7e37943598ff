"""The decoding graph of a model: words as chains of phones, the weights of the words, and the tables beside them.

Vosk composes the two parts when a recogniser is made: `HCLr.fst` spells words in phones, and either `Gr.fst` or the
grammar of that recogniser says which words come. Phones are monophones of one state, marked by their place in the word,
so that Vosk finds where words begin and end; all places of a phone share one output of the network.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.voice_models.corpus import UNKNOWN

Pronunciations = Mapping[str, Mapping[Sequence[str], float]]
"""For each word its ways of being said, and how probable each is."""

_EPSILON = 0
_SILENCE = 1
_PLACES = {"B": "begin", "E": "end", "I": "internal", "S": "singleton"}


@dataclass(frozen=True, slots=True)
class Weights:
    """What paths cost, as negative logarithms: a word, an unknown one, a silence."""

    word: float = 4.0
    unknown: float = 4.0
    silence: float = 1.0


@dataclass(frozen=True, slots=True)
class Tables:
    """The numbers of words and of phones; number 0 is nothing, phone 1 is silence."""

    words: Sequence[str]
    phones: Sequence[str]

    def word(self, word: str) -> int:
        """Return the number of a word."""
        return self.words.index(word) + 1

    def phone(self, sign: str, place: str) -> int:
        """Return the number of a phone at a place in a word."""
        return _SILENCE + 1 + 4 * self.phones.index(sign) + list(_PLACES).index(place)

    def pdfs(self) -> Sequence[int]:
        """Return the output of the network for each phone; output 0 is silence."""
        return [0, *(1 + base for base in range(len(self.phones)) for _ in _PLACES)]

    def words_text(self) -> str:
        """Return `words.txt`."""
        return "".join(f"{word} {number}\n" for number, word in enumerate(["<eps>", *self.words]))

    def boundary_text(self) -> str:
        """Return `word_boundary.int`: which phones begin and end words."""
        kinds = ["nonword", *(kind for _ in self.phones for kind in _PLACES.values())]
        return "".join(f"{number} {kind}\n" for number, kind in enumerate(kinds, 1))


@dataclass(slots=True)
class Fst:
    """A transducer over the tropical semiring; it starts in its state 0."""

    final: dict[int, float] = field(default_factory=dict)
    arcs: list[list[tuple[int, int, float, int]]] = field(default_factory=list)

    def state(self) -> int:
        """Add a state and return its number."""
        self.arcs.append([])
        return len(self.arcs) - 1

    def arc(self, source: int, target: int, *, read: int = _EPSILON, write: int = _EPSILON, cost: float = 0.0) -> None:
        """Add an arc."""
        self.arcs[source].append((read, write, cost, target))

    def binary(self) -> bytes:
        """Return OpenFst's binary form of it, a vector of states of the standard arc."""
        count = sum(map(len, self.arcs))
        head = struct.pack("<i", 2_125_659_606) + _text("vector") + _text("standard")
        # Version 2, no symbol tables; of its properties only that it is expanded and mutable.
        parts = [head, struct.pack("<iiQqqq", 2, 0, 3, 0, len(self.arcs), count)]
        for state, arcs in enumerate(self.arcs):
            parts.append(struct.pack("<fq", self.final.get(state, float("inf")), len(arcs)))
            parts.extend(struct.pack("<iifi", *arc) for arc in sorted(arcs))
        return b"".join(parts)


def spelling(tables: Tables, pronunciations: Pronunciations, weights: Weights) -> Fst:
    """Return `HCLr.fst`: any words in any order, silence between them or not.

    An unknown word is three phones, of at least a frame each, that all sound like an unknown word.
    """
    fst = Fst()
    start = fst.state()
    fst.final[start] = 0.0
    _chain(fst, start, start, [_SILENCE], cost=weights.silence)
    for word, ways in pronunciations.items():
        for signs, cost in ways.items():
            places = ["S"] if len(signs) == 1 else ["B", *"I" * (len(signs) - 2), "E"]
            phones = [tables.phone(sign, place) for sign, place in zip(signs, places, strict=True)]
            _chain(fst, start, start, phones, write=tables.word(word), cost=cost)
    unknown = [tables.phone(UNKNOWN, place) for place in "BIE"]
    _chain(fst, start, start, unknown, write=tables.word(UNKNOWN), cost=0.0)
    return fst


def _chain(fst: Fst, source: int, target: int, phones: Sequence[int], *, write: int = _EPSILON, cost: float) -> None:
    """Add a path over phones: the arc that leaves a phone comes first, then the loop that stays in it."""
    at = source
    for phone in phones:
        after = fst.state()
        fst.arc(at, after, read=2 * phone, write=write, cost=cost)
        fst.arc(after, after, read=2 * phone - 1)
        at, write, cost = after, _EPSILON, 0.0
    fst.arc(at, target)


def any_words(tables: Tables, weights: Weights) -> Fst:
    """Return `Gr.fst`: any words in any order."""
    fst = Fst()
    start = fst.state()
    fst.final[start] = 0.0
    for word in tables.words:
        number = tables.word(word)
        fst.arc(start, start, read=number, write=number, cost=weights.unknown if word == UNKNOWN else weights.word)
    return fst


def _text(text: str) -> bytes:
    return struct.pack("<i", len(text)) + text.encode()
