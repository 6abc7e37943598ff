"""The decoding graph of a model: words as chains of phones, the weights of the words, and the tables beside them.

Vosk composes the two parts when a recogniser is made: `HCLr.fst` spells words in phones, and either `Gr.fst` or the
grammar of that recogniser says which words come. Phones are monophones of one state, marked by their place in the word,
so that Vosk finds where words begin and end; all places of a phone share one output of the network.
"""

import math
import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tools.voice_models.corpus import UNKNOWN
from tools.voice_models.lexicon import Pronunciations

_EPSILON = 0
_SILENCE = 1
_START = 0
_PLACES = {"B": "begin", "E": "end", "I": "internal", "S": "singleton"}


@dataclass(frozen=True, slots=True)
class Weights:
    """What paths cost, as negative logarithms, and how probable it is that what comes next is in no command.

    The costs are those of a word that no command has there, of an unknown one, of each frame of that, of a silence, and
    of an end that no command has there.
    """

    word: float = 3.0
    unknown: float = 4.0
    unknown_frame: float = 0.9
    silence: float = 0.5
    end: float = 2.0
    elsewhere: float = 0.2


@dataclass(frozen=True, slots=True)
class Tables:
    """The numbers of words and of phones; number 0 is nothing, phone 1 is silence, the last phone is any speech."""

    words: Sequence[str]
    phones: Sequence[str]

    def word(self, word: str) -> int:
        """Return the number of a word."""
        return self.words.index(word) + 1

    def phone(self, sign: str, place: str) -> int:
        """Return the number of a phone at a place in a word."""
        return _SILENCE + 1 + 4 * self._signs.index(sign) + list(_PLACES).index(place)

    def pdfs(self) -> Sequence[int]:
        """Return the output of the network for each phone: silence, the phones, any speech."""
        bases = range(1, len(self.phones) + 2)
        return [0, *(base for base in bases for _ in _PLACES)]

    @property
    def _signs(self) -> Sequence[str]:
        return [*self.phones, UNKNOWN]

    def words_text(self) -> str:
        """Return `words.txt`."""
        return "".join(f"{word} {number}\n" for number, word in enumerate(["<eps>", *self.words]))

    def boundary_text(self) -> str:
        """Return `word_boundary.int`: which phones begin and end words."""
        kinds = ["nonword", *(kind for _ in self._signs for kind in _PLACES.values())]
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

    An unknown word is three frames or more of any speech, which sounds as good as the best phone of each frame; so it
    has its price for each frame, or nothing would ever be known.
    """
    fst = Fst()
    fst.final[fst.state()] = 0.0
    _round(fst, [_SILENCE], cost=weights.silence)
    for word, ways in pronunciations.items():
        for signs, cost in ways.items():
            places = ["S"] if len(signs) == 1 else ["B", *"I" * (len(signs) - 2), "E"]
            phones = [tables.phone(sign, place) for sign, place in zip(signs, places, strict=True)]
            _round(fst, phones, write=tables.word(word), cost=cost)
    unknown = [tables.phone(UNKNOWN, place) for place in "BIE"]
    _round(fst, unknown, write=tables.word(UNKNOWN), cost=0.0, frame=weights.unknown_frame)
    return fst


def _round(fst: Fst, phones: Sequence[int], *, write: int = _EPSILON, cost: float, frame: float = 0.0) -> None:
    """Add a path from the start over phones and back: first the arc that enters a phone, then the loop that stays."""
    at = _START
    for phone in phones:
        after = fst.state()
        fst.arc(at, after, read=2 * phone, write=write, cost=cost + frame)
        fst.arc(after, after, read=2 * phone - 1, cost=frame)
        at, write, cost = after, _EPSILON, 0.0
    fst.arc(at, _START)


def grammar(tables: Tables, commands: Sequence[Sequence[str]], weights: Weights) -> Fst:
    """Return `Gr.fst`: pairs of words as commands have them are cheap, and any word, known or not, may follow any."""
    fst = Fst()
    start, anywhere = fst.state(), fst.state()
    pairs = _pairs(commands)
    after = {word: fst.state() for word in pairs if word}
    unknown = tables.word(UNKNOWN)
    for word in tables.words:
        if word != UNKNOWN:
            number = tables.word(word)
            fst.arc(anywhere, after.get(word, anywhere), read=number, write=number, cost=weights.word)
    for state in (start, anywhere, *after.values()):
        fst.arc(state, anywhere, read=unknown, write=unknown, cost=weights.unknown)
    fst.final[anywhere] = weights.end
    for before, following in pairs.items():
        state = after[before] if before else start
        count = sum(following.values())
        for word, often in following.items():
            cost = -math.log((1 - weights.elsewhere) * often / count)
            if word:
                fst.arc(state, after[word], read=tables.word(word), write=tables.word(word), cost=cost)
            else:
                fst.final[state] = cost
        fst.arc(state, anywhere, cost=-math.log(weights.elsewhere))
    return fst


def _pairs(commands: Sequence[Sequence[str]]) -> Mapping[str, Mapping[str, float]]:
    """Return how often which word follows which; nothing stands before the first and after the last.

    Every command counts the same, however many sentences it has.
    """
    pairs: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for sentences in commands:
        for sentence in sentences:
            for before, word in pairwise(["", *sentence.split(), ""]):
                pairs[before][word] += 1 / len(sentences)
    return pairs


def _text(text: str) -> bytes:
    return struct.pack("<i", len(text)) + text.encode()
