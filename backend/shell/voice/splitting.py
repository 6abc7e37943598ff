"""An answer cut into pieces that are spoken one after the other, so that the first is heard while others are made."""

import re
from collections.abc import Iterator, Sequence

FIRST = 60
"""Characters of the first piece at most, where there is a place to cut: it is waited for."""
MOST = 200
"""Characters of the others."""

_FULL = "\u3002\uff01\uff1f"  # the stops of Chinese and Japanese, which no space follows
_OPENING, _CLOSING = "\"'\u201c\u2018\u00ab(\u00bf\u00a1[", "\"'\u201d\u2019\u00bb)\\]"
_ENDS = re.compile(rf"[.!?\u2026][{_CLOSING}]*$|[{_FULL}]$")
_PAUSES = re.compile(r"[,;:\u2013\u2014]$")
_WORDS = re.compile(rf"[^\s{_FULL}]*[{_FULL}]|[^\s{_FULL}]+")
_SHORTENED = frozenset(
    {"approx.", "avda.", "capt.", "cf.", "dept.", "dr.", "dra.", "e.g.", "ee.uu.", "etc.", "fig.", "i.e.", "jr."}
    | {"mr.", "mrs.", "ms.", "núm.", "p.ej.", "pág.", "prof.", "sr.", "sra.", "srta.", "tel.", "ud.", "uds.", "vs."}
)
"""Words whose full stop ends no sentence."""


def sentences(text: str) -> list[str]:
    """Return the sentences of *text*, long ones in pieces. None is empty, and no word is lost or torn."""
    pieces: list[str] = []
    for line in text.splitlines():
        for sentence in _sentences(_WORDS.findall(line)):
            most = MOST if pieces else FIRST
            pieces += _pieces(sentence, most)
    return pieces


def _sentences(words: Sequence[str]) -> Iterator[Sequence[str]]:
    begin = 0
    for at, word in enumerate(words, start=1):
        if at == len(words) or (_ENDS.search(word) and not _goes_on(words[begin:at], words[at])):
            yield words[begin:at]
            begin = at


def _goes_on(words: Sequence[str], following: str) -> bool:
    """Tell whether a sentence goes on after a stop: after ``Dr.``, ``J.`` or ``1.`` in front, or in small letters."""
    last = words[-1].lstrip(_OPENING).lower()
    numbered = len(words) == 1 and last[:-1].isdigit()
    return last in _SHORTENED or (len(last) == 2 and last.endswith(".")) or numbered or following[0].islower()


def _pieces(words: Sequence[str], most: int) -> Iterator[str]:
    """Cut after a comma or the like in the second half of what fits, or else where the next word no longer fits."""
    while words:
        fits = _fitting(words, most)
        at = fits
        if fits < len(words):
            pauses = [count for count in range((fits + 1) // 2, fits + 1) if _PAUSES.search(words[count - 1])]
            at = pauses[-1] if pauses else fits
        yield " ".join(words[:at])
        words, most = words[at:], MOST


def _fitting(words: Sequence[str], most: int) -> int:
    """Return how many words make no more than so many characters, but at least one."""
    length = -1
    for count, word in enumerate(words):
        length += 1 + len(word)
        if length > most:
            return max(1, count)
    return len(words)
