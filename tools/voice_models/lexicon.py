"""How words are said: gathered from utterances, for the synthesiser tells the sounds of each word it says."""

import math
from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence

from tools.voice_models.speech import Phone

Way = Sequence[str]
"""A way to say a word: its sounds in order."""
Pronunciations = Mapping[str, Mapping[Way, float]]
"""For each word its ways of being said, and what each costs as a negative logarithm: nothing for the most usual one."""

_LEAST_SHARE = 0.04


class Lexicon:
    """The ways of known words, as they were heard."""

    def __init__(self, known: Container[str]) -> None:
        self._known = known
        self._said: dict[str, Counter[Way]] = defaultdict(Counter)
        self._joined: dict[tuple[str, str], Counter[Way]] = defaultdict(Counter)

    def hear(self, words: Sequence[str], phones: Sequence[Phone]) -> None:
        """Take in an utterance.

        The synthesiser says some pairs, such as "for the", as one word: all sounds are the first one's.
        """
        ways = [tuple(phone.sign for phone in phones if phone.word == at) for at in range(len(words))]
        for at, (word, way) in enumerate(zip(words, ways, strict=True)):
            if not way or word not in self._known:
                continue
            if at + 1 < len(words) and not ways[at + 1]:
                self._joined[word, words[at + 1]][way] += 1
            else:
                self._said[word][way] += 1

    def pronunciations(self) -> Pronunciations:
        """Return the usual ways of each word, those of joined pairs among them: what is before the second word."""
        said = {word: ways.copy() for word, ways in self._said.items()}
        for (word, following), ways in self._joined.items():
            for way, count in ways.items():
                ends = {end: often for end, often in self._said[following].items() if way[-len(end) :] == end != way}
                if ends and word in said:
                    said[word][way[: -len(max(ends, key=ends.__getitem__))]] += count
        return {word: _usual(ways) for word, ways in said.items()}


def _usual(ways: Counter[Way]) -> Mapping[Way, float]:
    most = max(ways.values())
    return {way: math.log(most / count) for way, count in ways.items() if count >= max(2, most * _LEAST_SHARE)}
