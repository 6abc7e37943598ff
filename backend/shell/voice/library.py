"""All phrasebooks: ours, with what an operator added to them."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from backend.shell.voice.phrasebook import Phrasebook, insist_on_sense
from backend.shell.voice.sentence_files import SentenceFile, SentencesError, Source, custom, shipped
from backend.shell.voice.wording import fold

_log = logging.getLogger(__name__)

_DEFAULT = "en"


class Library:
    """A phrasebook for each language. What an operator added wrongly is left out, and told in ``problems``."""

    def __init__(self, folder: Path | None = None) -> None:
        """Read what comes with us, and then each YAML file of the operator's folder."""
        self._books = {source.file.language: Phrasebook(source) for source in shipped()}
        self._ours = self._books[_DEFAULT].file.intents
        problems: list[str] = []
        for source in custom(folder) if folder is not None else ():
            try:
                self._add(source)
            except SentencesError as error:
                problems.append(str(error))
                _log.error("these sentences are left out: %s", error)
        self.problems: Sequence[str] = problems

    def _add(self, source: Source | SentencesError) -> None:
        if isinstance(source, SentencesError):
            raise source
        insist_on_sense(source, self._ours)
        language = source.file.language.lower()
        base = self._books.get(language) or self._empty(source.file.language)
        self._books[language] = base.and_custom(source)

    def _empty(self, language: str) -> Phrasebook:
        return Phrasebook(Source("", {}, SentenceFile(language=language)), self._books[_DEFAULT])

    @property
    def languages(self) -> frozenset[str]:
        """The languages that have sentences."""
        return frozenset(self._books)

    def book(self, language: str) -> Phrasebook:
        """Return the phrasebook of a language; for ``en-us`` that of ``en``, and English for one without any."""
        family = language.lower().partition("-")[0]
        return self._books.get(language.lower()) or self._books.get(family) or self._books[_DEFAULT]

    @property
    def words(self) -> Mapping[str, str]:
        """Other words for the words of devices' names, in all languages, folded."""
        files = [book.file for book in self._books.values()]
        return {fold(said): fold(meant) for file in files for said, meant in file.words.items()}

    @property
    def fillers(self) -> frozenset[str]:
        """The words that do not matter in a device's name, in all languages, folded."""
        return frozenset(fold(word) for book in self._books.values() for word in book.file.fillers)
