"""Whole files to audio: those that Python reads, those for ffmpeg, and those that are none."""

import asyncio
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.refusals import Code, Refused
from backend.shell.voice import converter, utterance
from backend.shell.voice.ffmpeg import audioop
from backend.shell.voice.utterance import whole
from tests.integration.voice.audio import encoded, likeness, opus_file, tone, wav
from tests.rig import WITHIN_S

SECOND = 32_000
SOUND = tone(0.8)


def read(data: bytes, most_s: float = 10.0) -> bytes:
    return asyncio.run(asyncio.wait_for(whole(data, most_s), WITHIN_S))


def refusal(data: bytes, most_s: float = 10.0) -> Code:
    with pytest.raises(Refused) as refused:
        read(data, most_s)
    assert refused.value.message
    return refused.value.code


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter, "ffmpeg", lambda: "/no/ffmpeg")


@pytest.mark.usefixtures("no_ffmpeg")
@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le"])
@pytest.mark.parametrize("rate", ["8000", "16000", "22050", "48000"])
@pytest.mark.parametrize("channels", ["1", "2"])
def test_integers_need_no_ffmpeg(codec: str, rate: str, channels: str, made: dict[tuple[str, str, str], bytes]) -> None:
    out = read(made[codec, rate, channels])
    assert len(out) == pytest.approx(len(SOUND), abs=8)
    assert likeness(out, SOUND) > 0.95


@pytest.fixture(scope="module")
def made() -> dict[tuple[str, str, str], bytes]:
    """Return WAV files of all kinds; ffmpeg writes those of more than 16 bits with an extended header."""
    kinds = [
        (codec, rate, channels)
        for codec in ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le")
        for rate in ("8000", "16000", "22050", "48000")
        for channels in ("1", "2")
    ]
    return {kind: encoded(SOUND, "-c:a", kind[0], "-ar", kind[1], "-ac", kind[2], "-f", "wav") for kind in kinds}


def test_sixteen_bits_at_sixteen_kilohertz_come_through_as_they_are() -> None:
    assert read(wav(SOUND)) == SOUND


@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le", "pcm_mulaw", "pcm_alaw", "adpcm_ima_wav"])
def test_other_samples_in_a_wav_are_for_ffmpeg(codec: str) -> None:
    assert likeness(read(encoded(SOUND, "-c:a", codec, "-ar", "22050", "-f", "wav")), SOUND) > 0.9


def test_floats_behind_an_extended_header_are_no_integers() -> None:
    plain = encoded(SOUND, "-c:a", "pcm_f32le", "-f", "wav")
    at = plain.index(b"fmt ")
    size = struct.unpack_from("<I", plain, at + 4)[0]
    form = plain[at + 8 : at + 8 + 16]
    extension = struct.pack("<HHI", 22, 32, 4) + struct.pack("<H", 3) + bytes.fromhex("000000001000800000aa00389b71")
    header = b"fmt " + struct.pack("<I", 40) + struct.pack("<H", 0xFFFE) + form[2:] + extension
    assert likeness(read(plain[:at] + header + plain[at + 8 + size :]), SOUND) > 0.99


@pytest.mark.parametrize(
    "options",
    [
        ("-c:a", "libmp3lame", "-f", "mp3"),
        ("-c:a", "libmp3lame", "-id3v2_version", "0", "-write_xing", "0", "-f", "mp3"),
        ("-c:a", "libopus", "-f", "ogg"),
        ("-c:a", "libvorbis", "-f", "ogg"),
    ],
)
def test_what_was_compressed_sounds_as_it_did(options: tuple[str, ...]) -> None:
    assert likeness(read(encoded(SOUND, *options)), SOUND, shift_ms=80) > 0.9


@pytest.mark.usefixtures("no_ffmpeg")
@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF, len(SOUND) + 1])
def test_a_wrong_size_in_a_header_is_not_believed(size: int) -> None:
    file = bytearray(wav(SOUND))
    struct.pack_into("<I", file, 4, min(size + 36, 0xFFFFFFFF))
    struct.pack_into("<I", file, 40, size)
    assert read(bytes(file)) == SOUND


@pytest.mark.usefixtures("no_ffmpeg")
def test_half_a_sample_at_the_end_is_left_out() -> None:
    assert read(wav(SOUND)[:-1]) == SOUND[:-2]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="text"),
        pytest.param(b"\0" * 1000, id="zeros"),
        pytest.param(os.urandom(1000).replace(b"\xff", b"\0"), id="noise"),
        pytest.param(b"RIFF", id="riff"),
        pytest.param(b"RIFF\0\0\0\0WAVE", id="empty riff"),
        pytest.param(wav(b""), id="no samples"),
        pytest.param(wav(SOUND)[:20], id="half a header"),
        pytest.param(wav(SOUND)[:44], id="header only"),
        pytest.param(wav(SOUND).replace(b"data", b"dada"), id="no data chunk"),
        pytest.param(wav(SOUND, rate=1), id="rate of 1"),
        pytest.param(b"OggS" + bytes(500), id="ogg of zeros"),
        pytest.param(opus_file(SOUND)[:100], id="opus cut off"),
        pytest.param(b"ID3" + bytes(500), id="mp3 tag of zeros"),
        pytest.param(b"\xff\xfb" + bytes(500), id="mp3 frame of zeros"),
        pytest.param(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", id="playlist"),
        pytest.param(b"ffconcat version 1.0\nfile /etc/passwd\n", id="list of files"),
    ],
)
def test_what_is_no_audio_is_refused(data: bytes) -> None:
    assert refusal(data) is Code.BAD_AUDIO


def test_a_header_that_is_cut_off_is_told_in_words() -> None:
    with pytest.raises(Refused, match="it ends in the middle of its header"):
        read(wav(SOUND)[:20])


@given(at=st.integers(0, 60), value=st.integers(0, 255))
def test_any_header_is_read_or_refused(at: int, value: int) -> None:
    file = bytearray(wav(tone(0.05)))
    file[at] = value
    if file[20] not in {1, 0xFE}:
        return  # for ffmpeg, a process each time
    code, out = None, b""
    try:
        out = read(bytes(file), most_s=0.5)
    except Refused as refused:
        code = refused.code
    assert code in (None, Code.BAD_AUDIO, Code.TOO_LONG)
    assert len(out) <= 0.5 * SECOND


@pytest.mark.parametrize(
    "data",
    [
        wav(bytes(SECOND + 2)),
        encoded(bytes(3 * SECOND), "-c:a", "pcm_mulaw", "-f", "wav"),
        encoded(bytes(3 * SECOND), "-c:a", "libmp3lame", "-f", "mp3"),
        opus_file(bytes(3 * SECOND)),
    ],
    ids=["wav", "mulaw", "mp3", "opus"],
)
def test_no_more_is_read_than_allowed(data: bytes) -> None:
    assert refusal(data, most_s=1.0) is Code.TOO_LONG


def test_an_hour_in_a_few_kilobytes_is_not_unfolded() -> None:
    hour = opus_file(bytes(SECOND * 600), "120", "-vbr", "on", "-dtx", "1")
    assert len(hour) < 256 * 1024
    assert refusal(hour, most_s=15.0) is Code.TOO_LONG


def test_nothing_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    read(encoded(SOUND, "-c:a", "libmp3lame", "-f", "mp3"))
    read(wav(SOUND))
    assert list(tmp_path.iterdir()) == []


def test_an_ffmpeg_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stuck = tmp_path / "ffmpeg"
    stuck.write_text("#!/bin/sh\nexec sleep 60\n")
    stuck.chmod(0o700)
    data = encoded(SOUND, "-c:a", "libmp3lame", "-f", "mp3")
    monkeypatch.setattr(converter, "ffmpeg", lambda: str(stuck))
    monkeypatch.setattr(utterance, "_DEADLINE_S", 0.2)
    assert refusal(data) is Code.BAD_AUDIO


def test_loudness_survives() -> None:
    stereo = audioop.tostereo(SOUND, 2, 1, 1)
    assert audioop.max(read(wav(stereo, channels=2)), 2) == pytest.approx(audioop.max(SOUND, 2), rel=0.02)
