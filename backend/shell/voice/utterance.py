"""A whole utterance in one piece: WAV, MP3 or Ogg, from memory to PCM16LE, mono, 16 kHz."""

import asyncio
import struct
from contextlib import suppress

from pydub.audio_segment import WavData, extract_wav_headers, fix_wav_headers, read_wav_audio
from pydub.exceptions import CouldntDecodeError

from backend.shell.voice import pcm
from backend.shell.voice.converter import ConversionError, Converter, EndedError
from backend.shell.voice.decoding import too_long, undecodable
from backend.shell.voice.ffmpeg import AudioSegment, audioop

_DEADLINE_S = 10.0
_MORE_S = 0.1  # that ffmpeg may make, so that one sees that it was too much
_RATES = range(4_000, 192_001)
_CHANNELS = (1, 2)
_WIDTHS = (8, 16, 24, 32)  # bits of a sample
_INTEGERS, _EXTENDED = 1, 0xFFFE  # formats of WAV; the other ones are ffmpeg's


async def whole(data: bytes, most_s: float) -> bytes:
    """Return the audio in a file. Raises Refused: ``bad_audio``, or ``too_long`` for more than *most_s*.

    What a header says of the size is not believed: boards that stream cannot know it.
    """
    if _is_wav(data):
        if _is_plain(data):
            return await asyncio.to_thread(_read, data, most_s)
        return await _converted("wav", data, most_s)
    if data.startswith(b"OggS"):
        return await _converted("ogg", data, most_s)
    if data.startswith(b"ID3") or (data[:1] == b"\xff" and data[1:2] >= b"\xe0"):
        return await _converted("mp3", data, most_s)
    raise undecodable("it is neither WAV, MP3 nor Ogg" if data else "there is nothing in it")


def _is_wav(data: bytes) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"WAVE"


def _is_plain(data: bytes) -> bool:
    """Tell whether a WAV holds integers, which need no ffmpeg; where one cannot tell, nothing else does either."""
    try:
        at = next(chunk.position for chunk in extract_wav_headers(data) if chunk.id == b"fmt ")
        (form,) = struct.unpack_from("<H", data, at + 8)
        if form == _EXTENDED:
            (form,) = struct.unpack_from("<H", data, at + 8 + 24)
    except (StopIteration, struct.error):
        return True
    return bool(form == _INTEGERS)


def _read(data: bytes, most_s: float) -> bytes:
    wav = _parsed(data)
    if wav.sample_rate not in _RATES or wav.channels not in _CHANNELS or wav.bits_per_sample not in _WIDTHS:
        raise undecodable(f"{wav.channels} channels of {wav.bits_per_sample} bits at {wav.sample_rate} Hz")
    width = wav.bits_per_sample // 8
    frames = len(wav.raw_data) // (width * wav.channels)
    if frames > most_s * wav.sample_rate:
        raise too_long(most_s)
    samples = wav.raw_data[: frames * width * wav.channels]
    if width == 1:
        samples = audioop.bias(samples, 1, -128)  # bytes have no sign in a WAV
    samples = audioop.lin2lin(samples, width, pcm.WIDTH)
    audio = AudioSegment(samples, sample_width=pcm.WIDTH, frame_rate=wav.sample_rate, channels=wav.channels)
    return bytes(audio.set_channels(1).set_frame_rate(pcm.RATE).raw_data)


def _parsed(data: bytes) -> WavData:
    try:
        wav = read_wav_audio(data)
        if not wav.raw_data:  # who did not know the size wrote 0
            mended = bytearray(data)
            fix_wav_headers(mended)
            wav = read_wav_audio(bytes(mended))
    except CouldntDecodeError as error:
        raise undecodable(f"{error}") from error
    except (struct.error, IndexError) as error:
        raise undecodable("it ends in the middle of its header") from error
    if not wav.raw_data:
        raise undecodable("there is nothing in it")
    return wav


async def _converted(form: str, data: bytes, most_s: float) -> bytes:
    try:
        audio = await _convert(form, data, most_s + _MORE_S)
    except ConversionError as error:
        raise undecodable(f"ffmpeg: {error}") from error
    if not audio:
        raise undecodable("ffmpeg finds nothing in it")
    if len(audio) > most_s * pcm.SECOND:
        raise too_long(most_s)
    return audio


async def _convert(form: str, data: bytes, most_s: float) -> bytes:
    converter = await Converter.started(form, most_s, _DEADLINE_S)
    try:
        with suppress(EndedError):  # it has made as much as it may, or finds nothing
            await converter.feed(data)
        return await converter.finish()
    finally:
        await converter.close()
