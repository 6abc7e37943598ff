"""What a device declares of its loudspeaker, so that it gets no more audio than it can play."""

from dataclasses import dataclass
from typing import Literal

Speech = Literal["pcm16_16k", "pcm16_8k", "mulaw_8k", "mp3", "wav"]
"""In which form a device wants what is said: the codecs of frames that go to devices."""


@dataclass(frozen=True, slots=True)
class AudioAbility:
    """How a device wants what is said; one that declares nothing gets what the simplest firmware can play.

    ``frame_bytes``: the largest frame that it takes, header included; ``buffer_ms``: how much audio it can hold.
    """

    speech: Speech = "pcm16_16k"
    frame_bytes: int = 1400
    buffer_ms: int = 1000


UNDECLARED = AudioAbility()
