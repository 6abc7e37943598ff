"""Which devices people mean.

A device may be named by any of the words of its display name or its id, in any order, in any language whose words we
know. Meant are all that have every word that was said; those that have no others go before.
"""

from collections.abc import Iterable, Iterator, Mapping

from backend.shell.voice.wording import fold, split

LONGEST = 6  # words in one name, as people say it


class Names:
    """The names of all devices. Finding those that are meant does not grow with how many others there are."""

    def __init__(self, names: Mapping[str, str], words: Mapping[str, str], fillers: Iterable[str]) -> None:
        """Read the names, by id; *words* and *fillers* are folded."""
        self._words = words
        self._fillers = frozenset(fillers)
        self._having: dict[str, set[str]] = {}
        self._exactly: dict[str, list[str]] = {}
        for device, name in names.items():
            for said in {name, device}:
                self._add(device, frozenset(self._known(split(fold(said)))))

    def _add(self, device: str, words: frozenset[str]) -> None:
        self._exactly.setdefault(_whole(words), []).append(device)
        for word in words:
            self._having.setdefault(word, set()).add(device)

    def _known(self, said: Iterable[str]) -> Iterator[str]:
        return (self._words.get(word, word) for word in said if word not in self._fillers)

    def meant(self, said: Iterable[str]) -> frozenset[str]:
        """Return the devices that these folded words name."""
        words = frozenset(self._known(said))
        exact = self._exactly.get(_whole(words))
        if exact is not None and words:
            return frozenset(exact)
        having = sorted((self._having.get(word, set()) for word in words), key=len)
        return frozenset(having[0].intersection(*having[1:])) if having else frozenset()

    def in_text(self, text: str) -> dict[str, frozenset[str]]:
        """Return what in a folded text may be the name of a device, and which devices it means."""
        parts = text.split()
        found: dict[str, frozenset[str]] = {}
        for start, first in enumerate(parts):
            if first in self._fillers:
                continue
            for end in range(start + 1, min(len(parts), start + LONGEST) + 1):
                run = " ".join(parts[start:end])
                if parts[end - 1] not in self._fillers and (devices := self.meant(split(run))):
                    found[run] = devices
        return found


def _whole(words: Iterable[str]) -> str:
    """Return what all names of these words have in common, whatever their order: a small key for many names."""
    return " ".join(sorted(words))
