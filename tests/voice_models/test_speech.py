"""Synthetic speech: the format, what is said when, and what befalls it."""

import math
from array import array

import pytest

from tools.voice_models import speech


def rms(audio: bytes) -> float:
    samples = array("h", audio)
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def test_sounds_come_in_the_order_of_the_words_inside_the_audio() -> None:
    utterance = speech.utter("what time is it", "en-us+m3")
    said = [phone for phone in utterance.phones if phone.sign]
    assert [phone.word for phone in said] == sorted(phone.word for phone in said)
    assert {phone.word for phone in said} == {0, 1, 2, 3}
    assert [phone.start for phone in said] == sorted(phone.start for phone in said)
    assert said[-1].start < len(utterance.audio) / 2 / speech.RATE
    assert [phone.sign for phone in said if phone.word == 1] == ["t", "a\u026a", "m"]


def test_letters_beyond_ascii_are_said() -> None:
    said = [phone for phone in speech.utter("qué hora es", "es").phones if phone.sign]
    assert [phone.sign for phone in said if phone.word == 1] == ["o", "ɾ", "a"]


def test_faster_is_shorter() -> None:
    slow, fast = (speech.speak("claim the printer", "en+f2", speed=speed) for speed in (110, 220))
    assert len(fast) < 0.7 * len(slow)


@pytest.mark.parametrize("voice", ["nobody", "en-us+nobody"])
def test_a_voice_that_is_not_there(voice: str) -> None:
    with pytest.raises(speech.SpeechError, match="nobody"):
        speech.speak("hello", voice)


def test_noise_is_as_loud_as_asked() -> None:
    assert rms(speech.noise(2.0, 500)) == pytest.approx(500, rel=0.05)
    audio = speech.speak("hello", "en-us")
    assert rms(speech.noisy(audio, 0)) == pytest.approx(rms(audio) * 2**0.5, rel=0.05)
    assert len(speech.noisy(audio, 0)) == len(audio)


def test_louder_by_decibels() -> None:
    audio = speech.noise(1.0, 1_000)
    assert rms(speech.amplified(audio, -20)) == pytest.approx(100, rel=0.05)
    assert speech.silence(1.5) == bytes(48_000)


def test_a_telephone_keeps_the_length_and_the_speech() -> None:
    audio = speech.speak("hello", "en-us")
    heard = speech.telephoned(audio)
    assert abs(len(heard) - len(audio)) <= 4
    assert rms(heard) == pytest.approx(rms(audio), rel=0.2)
    assert heard != audio
