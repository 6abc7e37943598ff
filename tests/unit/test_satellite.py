"""The virtual board that one talks to: what its microphone makes of audio, and what its loudspeaker notices."""

import io
import wave
from collections.abc import Sequence

import pytest

from backend.features.voice.frames import Codec, Flag, Frame
from backend.shell.voice.saving import wav
from tools.loudspeaker import Loudspeaker, Played
from tools.microphone import FRAME_MS, RATE, Faults, converted, frames
from tools.voice_models import speech

SECOND = speech.speak("what time is it, and who has the printer", "en-us+m3")[: 2 * RATE]


def seqs(wires: Sequence[bytes]) -> list[int]:
    return [Frame.read(wire).seq for wire in wires]


class TestMicrophone:
    @pytest.mark.parametrize(("codec", "size"), [(Codec.PCM16_16K, 640), (Codec.PCM16_8K, 320), (Codec.MULAW_8K, 160)])
    def test_frames_hold_all_of_the_audio(self, codec: Codec, size: int) -> None:
        made = frames(SECOND, codec)
        assert [frame.seq for frame in made] == list(range(1000 // FRAME_MS))
        assert {len(frame.payload) for frame in made} == {size}
        assert {frame.codec for frame in made} == {codec}
        assert [frame.flags for frame in made] == [Flag.START, *[Flag(0)] * (len(made) - 2), Flag.END]

    def test_pcm_is_what_was_said(self) -> None:
        assert b"".join(frame.payload for frame in frames(SECOND)) == SECOND

    def test_opus_packets_last_as_long_as_a_frame(self) -> None:
        made = frames(SECOND, Codec.OPUS)
        assert abs(len(made) - 1000 // FRAME_MS) <= 1, "ffmpeg adds a packet to flush its encoder"
        configurations = {frame.payload[0] >> 3 for frame in made}  # RFC 6716, table 2
        assert all(configuration in (1, 5, 9, 13, 15, 19, 23, 27, 31) for configuration in configurations)
        assert not any(frame.payload.startswith(b"Opus") for frame in made)

    def test_a_wav_file_has_a_header_that_fits(self) -> None:
        with wave.open(io.BytesIO(wav(SECOND))) as file:
            assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (RATE, 1, RATE)

    @pytest.mark.parametrize(
        ("faults", "through"),
        [
            (Faults(lost=[1, 3]), [0, 2, 4]),
            (Faults(repeated=[2]), [0, 1, 2, 2, 3, 4]),
            (Faults(late=[1]), [0, 2, 1, 3, 4]),
            (Faults(aborts_after=2), [0, 1, 2]),
        ],
        ids=["lost", "repeated", "late", "aborted"],
    )
    def test_faults(self, faults: Faults, through: Sequence[int]) -> None:
        assert seqs(faults.befall(frames(SECOND)[:5])) == through

    def test_an_end_that_never_comes_and_one_that_comes_early(self) -> None:
        sent = frames(SECOND)
        assert Flag.END not in Frame.read(Faults(no_end=True).befall(sent)[-1]).flags
        assert Frame.read(Faults(aborts_after=2).befall(sent)[-1]) == Frame(2, Flag.ABORT, Codec.PCM16_16K)


def spoken(milliseconds: int, each_ms: int = 40) -> list[Frame]:
    """Return the frames of an answer that sounds so long."""
    number = milliseconds // each_ms
    flags = [Flag.START * (at == 0) | Flag.END * (at == number - 1) for at in range(number)]
    return [Frame(at, Flag(flags[at]), Codec.PCM16_16K, bytes([at, 1]) * 16 * each_ms) for at in range(number)]


class TestLoudspeaker:
    def test_what_comes_in_time_plays_without_a_gap(self) -> None:
        speaker, played = Loudspeaker(1000), Played()
        for at, frame in enumerate(spoken(2000)):
            speaker.take(3, frame.wire(), played, now=10 + max(0.0, at * 0.04 - 0.9))
        assert played.audio == b"".join(frame.payload for frame in spoken(2000))
        assert (played.underruns, played.excess_s, played.missing, played.repeated, played.stale) == (0, 0, 0, 0, 0)
        assert (played.first_at, played.starts, played.ends, played.frames) == (10, 1, 1, 50)
        with wave.open(io.BytesIO(played.wav())) as file:
            assert file.getnframes() == 2 * RATE

    def test_it_notices_when_there_is_nothing_to_play(self) -> None:
        speaker, played = Loudspeaker(1000), Played()
        first, second = spoken(80)
        speaker.take(1, first.wire(), played, now=0.0)
        speaker.take(1, second.wire(), played, now=0.5)
        assert played.underruns == 1
        assert played.silent_s == pytest.approx(0.46)

    def test_it_notices_what_does_not_fit(self) -> None:
        speaker, played = Loudspeaker(200), Played()
        for frame in spoken(400):
            speaker.take(1, frame.wire(), played, now=0.0)
        assert played.excess_s == pytest.approx(0.16), "200 ms fit, and the frame that has just come"

    def test_it_notices_gaps_and_repetitions(self) -> None:
        speaker, played = Loudspeaker(1000), Played()
        sent = spoken(400)
        for number in (0, 1, 1, 4, 3, 5):
            speaker.take(1, sent[number].wire(), played, now=0.0)
        assert (played.missing, played.repeated) == (2, 2)
        assert played.audio == b"".join(sent[number].payload for number in (0, 1, 4, 5))

    def test_nothing_of_an_older_turn_is_played(self) -> None:
        speaker, old, new = Loudspeaker(1000), Played(), Played()
        sent = spoken(400)
        speaker.take(1, sent[0].wire(), old, now=0.0)
        speaker.hush(2)
        speaker.take(1, sent[1].wire(), old, now=0.0)
        speaker.take(2, sent[0].wire(), new, now=0.0)
        assert (old.frames, old.stale, new.frames, new.missing) == (1, 1, 1, 0)

    def test_an_announcement_comes_on_a_turn_that_is_over(self) -> None:
        speaker, answer, announcement = Loudspeaker(1000), Played(), Played()
        for frame in spoken(400):
            speaker.take(1, frame.wire(), answer, now=0.0)
        for frame in spoken(200):
            speaker.take(1, frame.wire(), announcement, now=2.0)
        assert (announcement.frames, announcement.repeated, announcement.ends) == (5, 0, 1)

    @pytest.mark.parametrize("number", [3, 0, 40_000])
    def test_an_abort_is_obeyed_whatever_its_number_is(self, number: int) -> None:
        speaker, played = Loudspeaker(1000), Played()
        for frame in spoken(400)[:3]:
            speaker.take(1, frame.wire(), played, now=0.0)
        speaker.take(1, Frame(number, Flag.ABORT | Flag.END, Codec.PCM16_16K).wire(), played, now=0.0)
        assert (played.ends, played.aborted, played.missing, played.repeated) == (1, True, 0, 0)

    def test_what_keeps_the_turn_alive_is_no_audio(self) -> None:
        speaker, played = Loudspeaker(1000), Played()
        speaker.take(1, Frame(0, Flag(0), Codec.PCM16_16K).wire(), played, now=0.0)
        assert (played.keep_alives, played.first_at, bytes(played.audio)) == (1, None, b"")

    @pytest.mark.parametrize("codec", [Codec.MULAW_8K, Codec.MP3, Codec.WAV], ids=lambda codec: codec.name)
    def test_every_codec_becomes_a_wav_file(self, codec: Codec) -> None:
        data = {
            Codec.MULAW_8K: b"\xff" * 8000,
            Codec.WAV: wav(SECOND),
            Codec.MP3: converted_to_mp3(),
        }[codec]
        speaker, played = Loudspeaker(1000), Played()
        speaker.take(1, Frame(0, Flag.START | Flag.END, codec, data[:16000]).wire(), played, now=0.0)
        with wave.open(io.BytesIO(played.wav())) as file:
            assert file.getnframes() / file.getframerate() > 0.4


def converted_to_mp3() -> bytes:
    return converted(SECOND, ("-f", "s16le", "-ar", "16000", "-ac", "1"), ("-f", "mp3"))
