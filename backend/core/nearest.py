"""Which word may have been meant by one that nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.6  # from 0, nothing in common, to 1, the same
_LONGEST = 40  # characters that are looked at


def nearest(word: str, known: Iterable[str], most: int = 1) -> list[str]:
    """Return the known words that are like another one, whatever their case, the most alike first."""
    plain = {each.lower(): each for each in known}
    return [plain[each] for each in get_close_matches(word[:_LONGEST].lower(), plain, most, _ALIKE)]
