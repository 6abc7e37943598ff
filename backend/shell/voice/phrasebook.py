"""What can be said and answered in one language."""

import copy
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import hassil
from hassil.util import remove_punctuation, remove_skip_words

from backend.shell.voice.compiling import DEVICE, compiled
from backend.shell.voice.sentence_files import Intent, SentenceFile, SentencesError, Source
from backend.shell.voice.wording import fill, fold


class Phrasebook:
    """The sentences and answers of one language."""

    def __init__(self, source: Source, fallback: "Phrasebook | None" = None) -> None:
        """Compile the sentences. Raises SentencesError. What has no answer here is answered as in *fallback*."""
        self.file = source.file
        self._source, self._fallback = source, fallback
        try:
            self.matched = compiled(source.file, fold)
        except SentencesError as error:
            raise SentencesError(f"{source.where}: {error}") from error
        hassil.recognize_best(
            "?", self.matched, slot_lists={DEVICE: hassil.TextSlotList(DEVICE, [])}
        )  # parses them all
        self._rewrites = {fold(said): fold(meant) for said, meant in self.file.rewrites.items()}
        longest_first = sorted(map(re.escape, self._rewrites), key=len, reverse=True)
        self._rewritten = re.compile(rf"(?<!\w)({'|'.join(longest_first) or '(?!)'})(?!\w)")

    @cached_property
    def spoken(self) -> hassil.Intents:
        """The sentences as they are written, for a recogniser."""
        return compiled(self.file)

    def and_custom(self, custom: Source) -> "Phrasebook":
        """Return this and what an operator added to it. Raises SentencesError."""
        merged: dict[str, Any] = copy.deepcopy(dict(self._source.raw))
        try:
            hassil.merge_dict(merged, copy.deepcopy(dict(custom.raw)))
        except AssertionError as error:
            raise SentencesError(f"{custom.where}: does not fit the sentences that are there: {error}") from error
        source = Source(custom.where, merged, SentenceFile.model_validate(merged))
        return Phrasebook(source, self._fallback)

    def normal(self, text: str) -> str:
        """Return a text as it is matched: folded, and in the words of the sentences."""
        folded = " ".join(remove_punctuation(fold(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))).split())
        return self._rewritten.sub(lambda said: self._rewrites[said[0]], folded)

    def without_skipped(self, normal: str) -> str:
        """Return a text without the words that are mere politeness."""
        return remove_skip_words(normal, self.matched.skip_words, ignore_whitespace=False)

    def says(self, intent: str, case: str) -> bool:
        """Tell whether this language has an answer of its own for a case of an intent."""
        return case in self.file.responses.intents.get(intent, {})

    def duration(self, unit: str, count: float) -> str:
        """Return how a duration is said; *unit*: ``seconds``, ``minutes`` or ``hours``."""
        one = unit.removesuffix("s")
        durations = self.file.durations or (self._fallback.file.durations if self._fallback else {})
        return fill(durations.get(one if count == 1 else unit, durations.get(unit, "")), {"count": f"{count:.0f}"})

    @property
    def months(self) -> Sequence[str]:
        """How the months are called, January first."""
        return self.file.months or (self._fallback.months if self._fallback else ())

    @property
    def weekdays(self) -> Sequence[str]:
        """How the days of the week are called, Monday first."""
        return self.file.weekdays or (self._fallback.weekdays if self._fallback else ())

    def answer(self, intent: str, case: str = "default", /, **values: object) -> str:
        """Return what is answered."""
        if not self.says(intent, case) and self._fallback is not None:
            return self._fallback.answer(intent, case, **values)
        return fill(self.file.responses.intents.get(intent, {}).get(case, ""), values)

    def error(self, what: str, /, **values: object) -> str:
        """Return what is said where something cannot be done; ``refused`` stands for what has no words of its own."""
        errors = self.file.responses.errors
        if what not in errors and self._fallback is not None:
            return self._fallback.error(what, **values)
        return fill(errors.get(what, errors.get("refused", "")), values)


def insist_on_sense(custom: Source, ours: Mapping[str, Intent]) -> None:
    """Insist that a custom file adds to what is *ours* and does not change what it does. Raises SentencesError."""
    if DEVICE in custom.file.lists:
        raise SentencesError(f"{custom.where}: lists.{DEVICE}: is the list of all devices")
    for name, intent in custom.file.intents.items():
        own = intent.response is not None or intent.command is not None or intent.claim is not None
        where = f"{custom.where}: intents.{name}"
        if name in ours and own:
            raise SentencesError(f"{where}: is one of ours; it takes more sentences, but does what it does")
        if name not in ours and not own:
            raise SentencesError(f"{where}: has no `response`, `command` or `claim`")
