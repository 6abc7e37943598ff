"""Synthetic speech as PCM16LE mono 16 kHz, and what may befall it on the way: gain, noise, a telephone's band.

The library and the data are those of the wheel espeakng-loader; nothing here needs torch or numpy.
"""

import ctypes
import functools
import itertools
import random
import threading
import warnings
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader

with warnings.catch_warnings():
    # Python 3.11 says that 3.13 drops it; from 3.13 on it is a wheel of the same name.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

RATE = 16_000
"""Samples a second of all audio that leaves this module."""

_DATA = Path(espeakng_loader.get_data_path())
_VARIANTS = _DATA / "voices" / "!v"
_WIDTH = 2
_SYNCHRONOUS, _EVENTS_OF_PHONES_IN_IPA = 2, 3
_SPEED, _PITCH = 1, 3
_UTF8 = 1
_SEED = 1
_DIN_LEVEL = 3_000
_END, _WORD, _PHONE = 0, 1, 7
_NO_SOUND = frozenset("ˈˌː:_|'̪̩͡ ")


class SpeechError(ValueError):
    """The synthesiser has no such voice, or refused the text."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A sound of an utterance: its sign in IPA, when it begins [s], and which word of the text it belongs to.

    A pause has the empty sign and belongs to no word (-1).
    """

    sign: str
    start: float
    word: int


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said: the audio, and the sounds in it, in order."""

    audio: bytes
    phones: Sequence[Phone]


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """One entry of the list that the library hands over with each portion of audio."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class _Synthesiser:
    """The library, which has one voice and one callback in a process; so one text is spoken at a time."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(_DATA).encode()
        self._rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _EVENTS_OF_PHONES_IN_IPA)
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)
        self._lock = threading.Lock()
        self._audio = bytearray()
        self._events: list[tuple[int, int, int, str]] = []

    def utter(self, text: str, voice: str, speed: int, pitch: int) -> Utterance:
        with self._lock:
            variant = voice.partition("+")[2]
            if not (_VARIANTS / variant).exists() or self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                # A variant that is not there the library would leave out in silence.
                raise SpeechError(f"espeak-ng has no voice {voice!r}")
            self._library.espeak_SetParameter(_SPEED, speed, 0)
            self._library.espeak_SetParameter(_PITCH, pitch, 0)
            # The breath of some voices is noise. What else varies does so from call to call, alike in each process.
            self._library.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
            self._audio.clear()
            self._events.clear()
            said = text.encode() + b"\0"
            if self._library.espeak_Synth(said, len(said), 0, 1, 0, _UTF8, None, None) != 0:
                raise SpeechError(f"espeak-ng does not say {text!r}")
            audio, _ = audioop.ratecv(bytes(self._audio), _WIDTH, 1, self._rate, RATE, None)
            return Utterance(audio, self._phones(text))

    def _take(self, samples: int | None, count: int, events: "ctypes._Pointer[_Event]") -> int:
        if samples and count > 0:
            self._audio += ctypes.string_at(samples, count * _WIDTH)
        for at in itertools.count():
            event = events[at]
            if event.type == _END:
                break
            sign = event.id.string.decode(errors="replace") if event.type == _PHONE else ""
            self._events.append((event.type, event.text_position, event.sample, sign))
        return 0

    def _phones(self, text: str) -> Sequence[Phone]:
        starts = [at for at in range(len(text)) if text[at] != " " and (at == 0 or text[at - 1] == " ")]
        word = -1
        phones = []
        for kind, position, sample, sign in self._events:
            if kind == _WORD:
                word = sum(start < position for start in starts) - 1
            elif kind == _PHONE:
                plain = "".join(mark for mark in sign if mark not in _NO_SOUND)
                phones.append(Phone(plain, sample / self._rate, word if plain else -1))
        return phones


_OPENING = threading.Lock()


@functools.cache
def _opened() -> _Synthesiser:
    return _Synthesiser()


def _synthesiser() -> _Synthesiser:
    with _OPENING:  # two threads that begin at once would both open the library
        return _opened()


def utter(text: str, voice: str, *, speed: int = 160, pitch: int = 50) -> Utterance:
    """Say a text, and tell which sounds are where in it.

    A voice is a language or accent with a variant, such as "en-us+m3", "en+f2" (British) or "es-419"; the speed is in
    words a minute, the pitch from 0 to 100. Raises SpeechError when there is no such voice.
    """
    return _synthesiser().utter(text, voice, speed, pitch)


def speak(text: str, voice: str, *, speed: int = 160, pitch: int = 50) -> bytes:
    """Return a text as audio: PCM16LE, mono, 16 kHz."""
    return utter(text, voice, speed=speed, pitch=pitch).audio


def silence(seconds: float) -> bytes:
    """Return audio in which nothing is heard."""
    return bytes(round(seconds * RATE) * _WIDTH)


def noise(seconds: float, level: float, seed: int = 0, colour: float = 0.0) -> bytes:
    """Return noise; its level is its root mean square, full scale being 32,767.

    White noise has the colour 0; the nearer to 1, the more the low tones prevail.
    """
    base = _din(colour)
    length = round(seconds * RATE) * _WIDTH
    start = random.Random(seed).randrange(len(base) // _WIDTH) * _WIDTH
    cut = (base * (2 + length // len(base)))[start : start + length]
    return audioop.mul(cut, _WIDTH, level / _DIN_LEVEL)


@functools.cache
def _din(colour: float) -> bytes:
    """Return ten seconds of noise to cut from."""
    chance = random.Random(colour)
    smooth = 0.0
    samples = array("h")
    for _ in range(10 * RATE):
        smooth = colour * smooth + chance.gauss(0, _DIN_LEVEL * (1 - colour**2) ** 0.5)
        samples.append(max(-32_768, min(32_767, round(smooth))))
    return samples.tobytes()


def amplified(audio: bytes, decibels: float) -> bytes:
    """Return audio louder or softer by so many decibels; what is too loud is clipped."""
    return audioop.mul(audio, _WIDTH, 10 ** (decibels / 20))


def stretched(audio: bytes, factor: float) -> bytes:
    """Return audio played so many times as long, and as much lower."""
    stretched, _ = audioop.ratecv(audio, _WIDTH, 1, RATE, round(RATE * factor), None)
    return stretched


def noisy(audio: bytes, snr: float, seed: int = 0, colour: float = 0.0) -> bytes:
    """Return audio with noise in it, so many decibels below the speech."""
    level = audioop.rms(audio, _WIDTH) / 10 ** (snr / 20)
    return audioop.add(audio, noise(len(audio) / _WIDTH / RATE, level, seed, colour), _WIDTH)


def telephoned(audio: bytes) -> bytes:
    """Return audio as it comes out of 8 kHz mu-law."""
    narrow, _ = audioop.ratecv(audio, _WIDTH, 1, RATE, RATE // 2, None)
    wide, _ = audioop.ratecv(
        audioop.ulaw2lin(audioop.lin2ulaw(narrow, _WIDTH), _WIDTH), _WIDTH, 1, RATE // 2, RATE, None
    )
    return wide
