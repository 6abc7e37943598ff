"""The pool speaks whatever happens to its workers: with the real pyttsx3 and espeak-ng."""

import asyncio
import ctypes.util
import os
import select
import signal
import subprocess
import sys
from array import array
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from backend.core.refusals import Code, Refused
from backend.shell.voice.speaking import Speakers, SpeakersError, pause_s
from backend.shell.voice.worker import Speech, Voice
from tests.rig import WITHIN_S

T = TypeVar("T")
EN = Voice()
NUMBERS = "one two three four five six seven eight"
uvloop = pytest.importorskip("uvloop")


def run(story: Coroutine[Any, Any, T], loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(asyncio.wait_for(story, 100))


def loudest(speech: Speech) -> int:
    return max(array("h", speech.pcm), default=0)


async def becomes(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not true():  # noqa: ASYNC110 - processes are no events
            await asyncio.sleep(0.01)


async def refusal(speaking: Awaitable[object]) -> Code:
    with pytest.raises(Refused) as refused:
        await speaking
    return refused.value.code


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def program(tmp_path: Path, code: str) -> list[str]:
    path = tmp_path / "speaks.py"
    path.write_text(f"import os, sys, time\n{code}", encoding="utf-8")
    return [sys.executable, str(path)]


READY = "print('{\"voices\": []}', flush=True)\nfor line in sys.stdin:\n    "


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_voices_differ_in_what_is_asked_for(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def story() -> None:
        async with Speakers(workers=1) as speakers:
            assert {"en", "es", "en-us"} <= set(speakers.voices)
            plain = await speakers.speak(NUMBERS, EN)
            assert (plain.rate, plain.voice, plain.missing) == (22_050, "en", None)
            assert 1.5 < plain.seconds < 5
            assert loudest(plain) > 8_000
            fast = await speakers.speak(NUMBERS, Voice(speed=330))
            assert fast.seconds < 0.7 * plain.seconds
            assert loudest(await speakers.speak(NUMBERS, Voice(volume=0.2))) < loudest(plain) / 2
            again = await speakers.speak(NUMBERS, EN)
            assert again.seconds == pytest.approx(plain.seconds, rel=0.02)
            spanish = await speakers.speak(NUMBERS, Voice("es"))
            assert (spanish.voice, spanish.seconds != pytest.approx(plain.seconds, rel=0.02)) == ("es", True)
            assert (await speakers.speak("hi", Voice("en", "en-us+f3"))).voice == "en-us+f3"

    run(story(), loop)


@pytest.mark.parametrize(
    ("language", "name", "voice", "missing"),
    [
        ("es", "klingon", "es", "klingon"),
        ("es", "en-us+nobody", "en-us", "en-us+nobody"),
        ("es", "../../etc/passwd", "es", "../../etc/passwd"),
        ("es", "en+../../etc/passwd", "es", "en+../../etc/passwd"),
        ("es-mx", None, "es", None),
        ("en-gb", None, "en", None),
        ("EN-US", None, "en-us", None),
        ("tlh", None, "en", "tlh"),
        ("\0\n", None, "en", "\0\n"),
    ],
)
def test_where_there_is_no_such_voice_another_speaks_and_it_is_said(
    language: str, name: str | None, voice: str, missing: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> Speech:
        async with Speakers(workers=1) as speakers:
            await speakers.speak("bonjour", Voice("fr"))
            return await speakers.speak("hello", Voice(language, name))

    caplog.set_level("INFO")
    speech = run(story())
    assert (speech.voice, speech.missing) == (voice, missing)
    assert (repr(missing) in caplog.text) == (missing is not None)
    assert speech.seconds > 0.3


def test_no_text_does_harm() -> None:
    async def story() -> None:
        async with Speakers(workers=1, deadline_s=WITHIN_S) as speakers:
            await becomes(lambda: len(speakers.pids) == 2)
            pids = speakers.pids
            whole = await speakers.speak("one two three four", EN)
            for text in ("one\0two three\x01four", "\ud800 one \x01 two\r\nthree \x1b four \udfff"):
                assert (await speakers.speak(text, EN)).seconds == pytest.approx(whole.seconds, rel=0.3)
            for text in ("", "  \n", "\0\1\x1b", "\ud800"):
                assert (await speakers.speak(text, EN)).pcm == b""
            plain = await speakers.speak("hello", EN)
            assert (await speakers.speak("[[h@l'oU]]", EN)).seconds > 1.5 * plain.seconds  # spelt out
            for text in (
                ".",
                "🙂",
                "🙂" * 300,
                "<speak><audio src='/etc/passwd'/></speak>",
                "漢字",
                "a" * 2000,
                "?!" * 999,
            ):
                assert (await speakers.speak(text, EN)).rate == 22_050
            assert (await speakers.speak("word " * 400, EN)).seconds > 60
            assert speakers.pids == pids

    run(story())


def test_a_worker_that_hangs_is_killed_and_another_speaks() -> None:
    async def story() -> None:
        async with Speakers(workers=2, deadline_s=5.0) as speakers:
            (first,) = speakers.pids
            os.kill(first, signal.SIGSTOP)
            assert (await speakers.speak(NUMBERS, EN)).seconds > 1
            await becomes(lambda: len(speakers.pids) == 3)
            assert first not in speakers.pids
            assert gone(first)

    run(story())


@pytest.mark.parametrize("in_the_midst", [False, True])
def test_a_worker_that_dies_is_replaced_and_another_speaks(*, in_the_midst: bool) -> None:
    async def story() -> None:
        async with Speakers(workers=1, deadline_s=WITHIN_S) as speakers:
            (first,) = speakers.pids
            if not in_the_midst:
                os.kill(first, signal.SIGKILL)
            speaking = asyncio.create_task(speakers.speak("word " * 300, EN))
            for _ in range(20):  # enough for the worker to be asked, not for its answer
                await asyncio.sleep(0)
            if in_the_midst:
                os.kill(first, signal.SIGKILL)
            assert (await speaking).seconds > 30
            await becomes(lambda: len(speakers.pids) == 2 and first not in speakers.pids)

    run(story())


def test_when_all_of_them_die_the_next_ones_speak() -> None:
    async def story() -> None:
        async with Speakers(workers=2) as speakers:
            await becomes(lambda: len(speakers.pids) == 3)
            dead = speakers.pids
            for pid in dead:
                os.kill(pid, signal.SIGKILL)
            await becomes(lambda: not speakers.pids)
            assert (await speakers.speak(NUMBERS, EN)).seconds > 1
            await becomes(lambda: len(speakers.pids) == 3 and not speakers.pids & dead)

    run(story())


@pytest.mark.parametrize(
    "answer",
    [
        "print('nonsense', flush=True)",
        "os.write(1, bytes(range(256)) * 300)",
        'print(\'{"bytes": 100, "rate": 22050, "voice": "en", "missing": null}\', flush=True); sys.exit()',
        'print(\'{"bytes": 99999999999, "rate": 22050, "voice": "en", "missing": null}\', flush=True)',
        'print(\'{"bytes": 4, "rate": 0, "voice": "en", "missing": null}1234\', flush=True)',
        "print('[' * 3_000_000, flush=True)",
        "sys.exit()",
        "time.sleep(600)",
    ],
)
def test_nonsense_is_not_believed(tmp_path: Path, answer: str) -> None:
    async def story() -> None:
        async with Speakers(workers=1, deadline_s=1.0, program=program(tmp_path, READY + answer)) as speakers:
            (first,) = speakers.pids
            assert await refusal(speakers.speak("hello", EN)) == Code.SPEECH_FAILED
            await becomes(lambda: gone(first))

    run(story())


@pytest.mark.parametrize("code", ["print('nonsense')", "sys.exit(1)", 'print(\'{"failed": "no library"}\')', "1/0"])
def test_where_nothing_can_speak_it_is_said_at_the_start(tmp_path: Path, code: str) -> None:
    async def story() -> None:
        async with Speakers(program=program(tmp_path, code)):
            pytest.fail("there is no worker")

    with pytest.raises(SpeakersError, match="install espeak-ng"):
        run(story())


def test_a_program_that_is_not_there_is_said_at_the_start() -> None:
    async def story() -> None:
        async with Speakers(program=["/nowhere/python"]):
            pytest.fail("there is no worker")

    with pytest.raises(SpeakersError, match="/nowhere/python"):
        run(story())


@pytest.mark.skipif(ctypes.util.find_library("espeak-ng") is not None, reason="this system has an espeak-ng")
def test_without_espeak_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with Speakers():
            pytest.fail("there is no espeak")

    fake = "def get_library_path(): return '/nowhere/libespeak-ng.so'"
    (tmp_path / "espeakng_loader.py").write_text(fake, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SpeakersError, match=r"/nowhere/libespeak-ng.so.*apt install espeak-ng"):
        run(story())


def test_a_hundred_sentences_in_a_row_need_no_other_worker() -> None:
    async def story() -> None:
        async with Speakers(workers=1) as speakers:
            await becomes(lambda: len(speakers.pids) == 2)
            pids = speakers.pids
            lengths = [(await speakers.speak(NUMBERS, Voice(("en", "es")[i % 2]))).seconds for i in range(100)]
            assert speakers.pids == pids
        for language in range(2):
            assert max(lengths[language::2]) == pytest.approx(min(lengths[language::2]), rel=0.03)

    run(story())


def test_many_at_once_each_get_their_own() -> None:
    async def story() -> None:
        texts = [" ".join(["word"] * count) for count in range(1, 21)]
        async with Speakers(workers=2) as speakers:
            spoken = await asyncio.gather(*(speakers.speak(text, EN) for text in texts))
        lengths = [speech.seconds for speech in spoken]
        assert lengths == sorted(lengths)
        assert lengths[-1] > 5 * lengths[0]

    run(story())


def test_old_workers_make_room_for_new_ones() -> None:
    async def story() -> None:
        async with Speakers(workers=1, sentences_each=5) as speakers:
            await becomes(lambda: len(speakers.pids) == 2)
            before = speakers.pids
            for _ in range(12):
                assert (await speakers.speak("hello", EN)).pcm
            await becomes(lambda: len(speakers.pids) == 2 and not before & speakers.pids)

    run(story())


def test_who_gives_up_is_in_nobodys_way() -> None:
    async def story() -> None:
        async with Speakers(workers=1) as speakers:
            await becomes(lambda: len(speakers.pids) == 2)
            pids = speakers.pids
            short = (await speakers.speak("hello", EN)).seconds
            for yields in range(12):
                speaking = [asyncio.create_task(speakers.speak("word " * 50, EN)) for _ in range(3)]
                for _ in range(yields):
                    await asyncio.sleep(0)
                for task in speaking:
                    task.cancel()
                assert (await speakers.speak("hello", EN)).seconds == pytest.approx(short, rel=0.1)
                await asyncio.gather(*speaking, return_exceptions=True)
                assert all(task.cancelled() for task in speaking)
            assert speakers.pids == pids

    run(story())


def test_more_than_can_be_taken_are_refused_at_once() -> None:
    async def story() -> None:
        async with Speakers(workers=1, most=2) as speakers:
            taken = [asyncio.create_task(speakers.speak("hello", EN)) for _ in range(2)]
            await asyncio.sleep(0)
            assert await refusal(speakers.speak("hello", EN)) == Code.SPEECH_FAILED
            assert all(speech.pcm for speech in await asyncio.gather(*taken))
            assert (await speakers.speak("hello", EN)).pcm

    run(story())


def test_who_waits_too_long_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        hangs = program(tmp_path, READY + "time.sleep(600)")
        async with Speakers(workers=1, deadline_s=0.2, program=hangs) as speakers:
            ends = await asyncio.gather(*(refusal(speakers.speak("hello", EN)) for _ in range(10)))
        assert ends == [Code.SPEECH_FAILED] * 10

    run(story())


def test_the_end_of_the_pool_is_the_end_of_its_workers() -> None:
    async def story() -> frozenset[int]:
        async with Speakers(workers=2) as speakers:
            await becomes(lambda: len(speakers.pids) == 3)
            speaking = asyncio.create_task(speakers.speak("word " * 300, EN))
            await asyncio.sleep(0)
            speaking.cancel()
            return speakers.pids

    pids = run(story())
    assert len(pids) == 3
    assert all(gone(pid) for pid in pids)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for processes that are not its own")
def test_a_server_that_is_killed_leaves_no_worker() -> None:
    code = (
        "import asyncio, sys\nfrom backend.shell.voice.speaking import Speakers, Voice\n"
        "async def story():\n    async with Speakers(workers=2) as speakers:\n"
        "        while len(speakers.pids) < 3:\n            await asyncio.sleep(0.01)\n"
        "        print(*speakers.pids, flush=True)\n"
        "        while True:\n            await speakers.speak('hello', Voice())\n"
        "asyncio.run(story())"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        watched = [os.pidfd_open(int(pid)) for pid in server.stdout.readline().split()]
        server.kill()
    assert len(watched) == 3
    for each in watched:
        poll = select.poll()
        poll.register(each, select.POLLIN)
        assert poll.poll(20_000), "it is still there"
        os.close(each)


def test_the_longer_it_fails_the_later_comes_the_next_one() -> None:
    pauses = [pause_s(failures) for failures in range(40)]
    assert pauses[:5] == [0.0] * 5
    assert pauses[5:8] == [0.2, 0.4, 0.8]
    assert pauses[-1] == 30.0
    assert pauses == sorted(pauses)
