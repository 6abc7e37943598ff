"""Synthetic speech, a real model, the real Vosk."""

import asyncio
import logging
import shutil
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from functools import cache
from itertools import cycle, pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from backend.core.refusals import Code, Refused
from backend.shell.voice.hearing import Ears, Heard, ModelError
from backend.shell.voice.recogniser import Model, Recogniser
from tools import voice_models
from tools.voice_models.speech import noise, silence, speak

Result = TypeVar("Result")

ENGLISH = Path(voice_models.__file__).parent / "en"
VOICE = "en-us+m3"
SECOND = 32_000
FRAME = 1280  # bytes: 40 ms
SENTENCES = (
    "what time is it",
    "who has the printer",
    "what is the date today",
    "thanks",
    "turn on the kitchen light",
    "help me please",
    "claim the printer",
    "who holds the scale",
    "stop",
    "who is using the lamp",
)


def run(story: Coroutine[None, None, Result]) -> Result:
    return asyncio.run(asyncio.wait_for(story, 60))


def loaded(**models: Path) -> Ears:
    """Return ears that know these models, by language."""
    made = Ears(models, threads=2)
    problems = run(made.load())
    if problems:
        made.close()
        raise problems[0]
    return made


@pytest.fixture(scope="module")
def ears() -> Iterator[Ears]:
    """Ears that know English."""
    made = loaded(en=ENGLISH)
    yield made
    made.close()


@cache
def said(text: str, before_s: float = 0.5, after_s: float = 0.5) -> bytes:
    """Return a sentence with silence around it. espeak-ng does not say it twice in the same way."""
    return silence(before_s) + speak(text, VOICE) + silence(after_s)


def frames(audio: bytes, sizes: Iterable[int] = (FRAME,)) -> Iterator[bytes]:
    """Return the audio in pieces of these sizes, again and again."""
    at, size = 0, cycle(sizes)
    while at < len(audio):
        end = at + next(size)
        yield audio[at:end]
        at = end


async def heard(
    ears: Ears, audio: bytes, grammar: Sequence[str] = (), sizes: Iterable[int] = (FRAME,)
) -> tuple[Heard, list[str]]:
    """Return what was understood in the end, and what was told before."""
    listener = ears.listen("en", grammar)
    partial = [await listener.hear(frame) for frame in frames(audio, sizes)]
    return await listener.finish(), [text for text in partial if text is not None]


def test_a_sentence_is_understood_while_it_is_spoken(ears: Ears) -> None:
    sentence = "what time is it"
    found, partial = run(heard(ears, said(sentence)))
    assert found.text == sentence
    assert partial[-1] == sentence, "known before the end was"
    assert partial[0] != sentence
    assert len(partial) == len(set(partial)), "told when it changes"
    assert found.confidence is not None
    assert 0.5 < found.confidence <= 1.0


def test_times_are_those_of_the_audio(ears: Ears) -> None:
    audio = said("who has the printer", before_s=2.0, after_s=3.0)
    found, _ = run(heard(ears, audio))
    length = len(audio) / SECOND
    assert found.audio_s == pytest.approx(length, abs=0.04)
    assert length - 5.0 - 0.5 < found.speech_s < length - 5.0 + 0.5
    assert [word.text for word in found.words] == found.text.split()
    assert all(word.start_s < word.end_s for word in found.words)
    assert all(one.end_s <= other.start_s + 0.01 for one, other in pairwise(found.words))
    assert 1.8 < found.words[0].start_s < 2.3
    assert length - 3.5 < found.words[-1].end_s < length - 2.7


def test_after_a_long_pause_it_goes_on(ears: Ears) -> None:
    found, _ = run(heard(ears, said("claim the printer") + silence(3.0) + said("thanks")))
    assert found.text == "claim the printer thanks"
    assert found.words[-1].start_s - found.words[-2].end_s > 3.0


@pytest.mark.parametrize("sizes", [(1, 31, 2), (700, 333, 1023, 1), (1024,), (10_240,), (1_000_000,)])
def test_it_does_not_matter_where_frames_end(ears: Ears, sizes: tuple[int, ...]) -> None:
    audio = said("turn on the kitchen light", before_s=0.3, after_s=0.3) + b"\0"
    assert run(heard(ears, audio, sizes=sizes))[0] == run(heard(ears, audio))[0]


@pytest.mark.parametrize(
    "audio", [b"", b"\1", silence(3.0), noise(3.0, -30.0), noise(3.0, -10.0, seed=1, colour=0.9)], ids=len
)
def test_without_speech_nothing_is_understood_and_vosk_not_asked(
    ears: Ears, audio: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Model, "recogniser")
    found, partial = run(heard(ears, audio))
    assert found == Heard("", None, (), found.audio_s, 0.0)
    assert found.audio_s == pytest.approx(len(audio) / SECOND, abs=0.04)
    assert partial == []


def test_a_turn_that_nobody_ends_is_over_after_silence(ears: Ears) -> None:
    async def story() -> list[bool]:
        listener = ears.listen("en", silence_s=0.7)
        over = []
        for audio in (silence(3.0), speak("stop", VOICE), silence(0.3), silence(0.6)):
            await listener.hear(audio)
            over.append(listener.is_over)
        listener.close()
        return over

    assert run(story()) == [False, False, False, True]


def test_ten_at_once_are_never_mixed(ears: Ears) -> None:
    async def story() -> list[Heard]:
        return [found for found, _ in await asyncio.gather(*(heard(ears, said(each)) for each in SENTENCES * 2))]

    alone = [run(heard(ears, said(sentence)))[0] for sentence in SENTENCES]
    assert len({found.text for found in alone}) == len(SENTENCES)
    assert run(story()) == alone * 2


def test_a_grammar_leaves_nothing_else_to_hear(ears: Ears) -> None:
    grammar = ["Who has the PRINTER?", "who has the lamp"]
    assert run(heard(ears, said("who has the printer"), grammar))[0].text == "who has the printer"
    found, _ = run(heard(ears, said("turn on the kitchen light"), grammar))
    assert set(found.text.split()) <= {"who", "has", "the", "printer", "lamp"}


def test_phrases_of_unknown_words_are_left_out_and_it_says_so(ears: Ears, caplog: pytest.LogCaptureFixture) -> None:
    assert run(heard(ears, said("thanks"), ["fly me to the moon", "thanks"]))[0].text == "thanks"
    assert run(heard(ears, said("claim the printer"), ["fly me to the moon"]))[0].text == "claim the printer"
    assert "moon" in caplog.text


def test_a_model_that_takes_no_grammar_hears_everything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fixed = tmp_path / "fixed"
    shutil.copytree(ENGLISH, fixed)
    (fixed / "graph/HCLr.fst").rename(fixed / "graph/HCLG.fst")  # in which our model has all it needs
    (fixed / "graph/Gr.fst").unlink()
    ears = loaded(en=fixed)
    try:
        found, _ = run(heard(ears, said("thanks"), ["claim the printer"]))
    finally:
        ears.close()
    assert found.speech_s > 0
    assert "takes no grammar" in caplog.text


@pytest.mark.parametrize("language", ["en", "en-us", "en-gb"])
def test_one_model_hears_all_of_a_language(ears: Ears, language: str) -> None:
    assert ears.languages == ["en"]
    ears.listen(language).close()


def test_the_nearest_language_is_heard() -> None:
    ears = loaded(**{"en-us": ENGLISH})
    try:
        for language in ("en-us", "en", "en-gb"):
            ears.listen(language).close()
    finally:
        ears.close()


@pytest.mark.parametrize("language", ["es", "e", "eng", ""])
def test_without_a_model_nobody_listens(ears: Ears, language: str) -> None:
    with pytest.raises(Refused) as refused:
        ears.listen(language)
    assert refused.value.code is Code.VOICE_OFF


def failing(broken: "Coroutine[None, None, object]") -> Code:
    with pytest.raises(Refused) as refused:
        run(broken)
    return refused.value.code


def test_a_turn_that_is_closed_hears_no_more(ears: Ears) -> None:
    async def story() -> None:
        listener = ears.listen("en")
        await listener.hear(said("stop"))
        listener.close()
        listener.close()
        await listener.finish()

    assert failing(story()) is Code.HEARING_FAILED
    assert run(heard(ears, said("stop")))[0].text == "stop"


def test_a_crash_ends_one_turn_and_is_told(
    ears: Ears, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object) -> str:
        raise MemoryError("no more")

    with monkeypatch.context() as patch:
        patch.setattr(Recogniser, "hear", crash)
        assert failing(heard(ears, said("stop"))) is Code.HEARING_FAILED
    assert "no more" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert run(heard(ears, said("stop")))[0].text == "stop"


def test_who_is_cancelled_disturbs_nobody(ears: Ears) -> None:
    long = said(" ".join(SENTENCES))

    async def story() -> tuple[list[BaseException | None], str]:
        listeners = [ears.listen("en") for _ in range(6)]
        turns = [asyncio.create_task(listener.hear(long)) for listener in listeners]
        other = asyncio.create_task(heard(ears, said("claim the printer")))
        for turn in turns:
            await asyncio.sleep(0)
            turn.cancel()
        results = await asyncio.gather(*turns, return_exceptions=True)
        codes = [await asyncio.gather(listener.finish(), return_exceptions=True) for listener in listeners]
        assert all(isinstance(code, Refused) for [code] in codes)
        return [result if isinstance(result, BaseException) else None for result in results], (await other)[0].text

    results, text = run(story())
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert text == "claim the printer"


def test_without_threads_a_turn_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    ears = loaded(en=ENGLISH)
    listener = ears.listen("en")
    ears.close()
    assert failing(listener.hear(said("stop"))) is Code.HEARING_FAILED
    assert caplog.records


def broken(folder: Path, name: str, content: bytes | None) -> Path:
    """Return a copy of the model in which a file is missing, or ends too soon, or is something else."""
    copy = folder / "broken"
    shutil.copytree(ENGLISH, copy)
    file = copy / name
    if content is None:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif content:
        file.write_bytes(content)
    else:
        file.unlink()
    return copy


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("am/final.mdl", b"", "does not contain model files"),
        ("am/final.mdl", None, "Failed to read"),
        ("conf/mfcc.conf", b"", "feature config"),
        ("graph/HCLr.fst", None, "HCLr.fst"),  # which makes Vosk crash
        ("graph/Gr.fst", b"", "Gr.fst"),
        ("graph/words.txt", b"hello, world\n", "words.txt"),
    ],
)
def test_a_broken_model_is_named_and_does_no_harm(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    folder = broken(tmp_path, name, content)
    with pytest.raises(ModelError, match=why) as error:
        loaded(en=folder)
    assert str(folder) in str(error.value)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such directory"):
        loaded(en=ENGLISH, es=tmp_path / "es")
