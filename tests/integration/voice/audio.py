"""Audio for tests: tones, files of all kinds that ffmpeg makes of them, and what is alike."""

import io
import math
import subprocess
import wave
from array import array
from collections.abc import Iterator

from backend.shell.voice.ffmpeg import audioop, ffmpeg

RATE = 16_000


def tone(seconds: float, rate: int = RATE, hertz: float = 440.0) -> bytes:
    """Return a tone that swells, so that each moment of it is different: PCM16LE, mono."""
    count = round(seconds * rate)
    return array(
        "h", (round(12_000 * at / count * math.sin(2 * math.pi * hertz * at / rate)) for at in range(count))
    ).tobytes()


def wav(pcm: bytes, rate: int = RATE, channels: int = 1, width: int = 2) -> bytes:
    """Return a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((channels, width, rate, 0, "NONE", ""))
        out.writeframes(pcm)
    return file.getvalue()


def encoded(pcm: bytes, *options: str) -> bytes:
    """Return what ffmpeg makes of PCM16LE, mono, 16 kHz, with *options* for its output."""
    command = [ffmpeg(), "-v", "error", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "pipe:0", *options, "pipe:1"]
    return subprocess.run(command, input=pcm, stdout=subprocess.PIPE, check=True, timeout=60).stdout


def opus_file(pcm: bytes, frame_ms: str = "20", *options: str) -> bytes:
    """Return Opus in Ogg."""
    return encoded(pcm, "-c:a", "libopus", "-b:a", "24k", "-frame_duration", frame_ms, *options, "-f", "ogg")


def opus_packets(pcm: bytes, frame_ms: str = "20", *options: str) -> list[bytes]:
    """Return what a board would send: the packets of such a file."""
    return list(packets(opus_file(pcm, frame_ms, *options)))[2:]


def pages(ogg: bytes) -> Iterator[bytes]:
    """Return the pages of an Ogg file."""
    at = 0
    while at < len(ogg):
        lacing = ogg[at + 27 : at + 27 + ogg[at + 26]]
        end = at + 27 + len(lacing) + sum(lacing)
        yield ogg[at:end]
        at = end


def packets(ogg: bytes) -> Iterator[bytes]:
    """Return the packets in it."""
    packet = b""
    for page in pages(ogg):
        lacing = page[27 : 27 + page[26]]
        at = 27 + len(lacing)
        for size in lacing:
            packet += page[at : at + size]
            at += size
            if size < 255:
                yield packet
                packet = b""


def likeness(one: bytes, other: bytes, shift_ms: float = 20.0) -> float:
    """Return how alike two pieces of audio are, 0 to 1, the first of them at most *shift_ms* later or sooner."""
    furthest = round(shift_ms * RATE / 1000) * 2
    middle = other[furthest : min(len(one), len(other)) // 2 * 2 - furthest]
    at, factor = audioop.findfit(one[: len(middle) + 2 * furthest], middle)
    fitting = one[2 * at : 2 * at + len(middle)]
    rest = audioop.rms(audioop.add(fitting, audioop.mul(middle, 2, -factor), 2), 2)
    return 1 - (rest / audioop.rms(fitting, 2)) ** 2
