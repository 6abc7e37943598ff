"""Public speech models for real use: what they are, and where they are to be had.

Sizes, word error rates (in per cent, on the test sets named), notes and licences are those that
https://alphacephei.com/vosk/models published, read in copies of that page in November 2026; so is
what it says of memory.
It publishes no digests: a ``sha256`` stands where at least two independent projects pin the same one for that address.
"""

from dataclasses import dataclass
from typing import Literal

_SITE = "https://alphacephei.com/vosk/models"
_MIB = 2**20
_MEMORY = {
    "small": "about 300 MB",
    "big": "up to 16 GB",
    "dynamic": "not published",
}
_GOOD_FOR = {
    "small": "a Raspberry Pi or a small server; most take a `grammar` per device",
    "big": "long dictation on a strong server; its vocabulary is fixed, so no `grammar`",
    "dynamic": "a server that shall hear better than with a small model; a `grammar` per device works",
}


@dataclass(frozen=True, slots=True)
class Model:
    """One public model. ``mib``: what there is to be downloaded. ``word_error_rate``: as published, in per cent."""

    name: str
    language: str
    kind: Literal["small", "big", "dynamic"]
    mib: int
    word_error_rate: str
    sha256: str | None = None
    licence: str = "Apache 2.0"

    @property
    def url(self) -> str:
        """Where the ZIP file is."""
        return f"{_SITE}/{self.name}.zip"

    @property
    def size(self) -> int:
        """Bytes to be downloaded, as published: rounded."""
        return self.mib * _MIB

    @property
    def memory(self) -> str:
        """What a server needs for it."""
        return _MEMORY[self.kind]

    @property
    def good_for(self) -> str:
        """Who should take it."""
        return _GOOD_FOR[self.kind]


MODELS = (
    Model(
        "vosk-model-small-en-us-0.15",
        "en",
        "small",
        40,
        "9.85 librispeech test-clean, 10.38 tedlium",
        "30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
    ),
    Model(
        "vosk-model-en-us-0.22-lgraph",
        "en",
        "dynamic",
        128,
        "7.82 librispeech, 8.20 tedlium",
        "d9838b4aaa82a75c4a17f5aca300eaca129aaab2a7cbf951bafbb500eb9c4334",
    ),
    Model(
        "vosk-model-en-us-0.22",
        "en",
        "big",
        1843,
        "5.69 librispeech test-clean, 6.05 tedlium, 29.78 callcenter",
    ),
    Model(
        "vosk-model-small-es-0.42",
        "es",
        "small",
        39,
        "16.02 Common Voice, 16.72 mtedx, 11.21 MLS",
        "09b239888f633ef2f0b4e09736e3d9936acfd810bc65d53fad45261762c6511f",
    ),
    Model("vosk-model-es-0.42", "es", "big", 1434, "7.50 Common Voice, 10.05 mtedx, 5.84 MLS"),
    Model(
        "vosk-model-small-de-0.15",
        "de",
        "small",
        45,
        "13.75 Tuda-de, 30.67 podcast",
        "b7e53c90b1f0a38456f4cd62b366ecd58803cd97cd42b06438e2c131713d5e43",
    ),
    Model(
        "vosk-model-small-fr-0.22",
        "fr",
        "small",
        41,
        "23.95 Common Voice, 19.30 mtedx, 27.25 podcast",
        "cabf6180e177eb9b3a9a9d43a437bd5e549f3a7d09525e5d69a3fed787be12ad",
    ),
    Model(
        "vosk-model-small-it-0.22",
        "it",
        "small",
        48,
        "16.88 Common Voice, 25.87 MLS, 17.01 mtedx",
        "9ec65e75861d1c6c2e457cccd932705340dcdf233f5b239f00733b4de0bf3267",
    ),
    Model(
        "vosk-model-small-pt-0.3",
        "pt",
        "small",
        31,
        "68.92 coraa, 32.60 Common Voice",
        "6e1ce909032e1afa7a88e68a3d628ecafff302bdf195befab308826c395e93b7",
    ),
    Model(
        "vosk-model-small-nl-0.22",
        "nl",
        "small",
        39,
        "22.45 Common Voice, 26.80 tv, 25.84 MLS, 24.09 voxpopuli",
    ),
    Model(
        "vosk-model-small-pl-0.22",
        "pl",
        "small",
        51,
        "18.36 Common Voice, 16.88 MLS, 11.55 voxpopuli",
        "c4cd16498ea544f446f9e9a55cbd602b71cfe5a2b6f2b0834d81e1b6fce15f0d",
    ),
)
KNOWN = {model.name: model for model in MODELS}
