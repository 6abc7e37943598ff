"""Audio as a file that everybody can play."""

import io
import wave

from backend.features.voice.frames import Codec
from backend.shell.voice import pcm
from backend.shell.voice.decoding import decoder
from backend.shell.voice.utterance import whole

_MOST_S = 3600.0


def wav(audio: bytes, rate: int = pcm.RATE) -> bytes:
    """Return a WAV file with this PCM16LE, mono."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(pcm.WIDTH)
        file.setframerate(rate)
        file.writeframes(audio)
    return made.getvalue()


async def decoded(speech: bytes, codec: Codec) -> bytes:
    """Return what a device was to play, all payloads together, as PCM16LE, mono, 16 kHz. Raises Refused."""
    if codec in (Codec.MP3, Codec.WAV):
        return await whole(speech, _MOST_S)
    decoding = decoder(codec, _MOST_S)
    try:
        return await decoding.decode(speech) + await decoding.finish()
    finally:
        await decoding.close()
