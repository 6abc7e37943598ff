"""The program of a worker process that speaks: sentences in as lines of JSON, audio out.

pyttsx3 may hang, prints what it does, and is lost after an exception. So it lives in a process that may be killed at
any time and leaves nothing behind, no file either. The process ends by itself when its input ends, at the first
exception, and when a sentence takes too long although nobody is left who would kill it.

It says first ``{"voices": [...]}`` or ``{"failed": "..."}``. Then each line ``{"text", "language", "name", "speed",
"volume"}`` is answered by a line ``{"bytes", "rate", "voice", "missing"}`` and so many bytes of mono PCM16LE.
"""

import ctypes
import json
import os
import re
import signal
import sys
import threading
import wave
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import espeakng_loader
import pyttsx3

_OF_SYSTEM = (
    "libespeak-ng.so.1",
    "/usr/local/lib/libespeak-ng.so.1",
    "/opt/homebrew/lib/libespeak-ng.1.dylib",
    "/usr/local/lib/libespeak-ng.1.dylib",
)
_TOO_LONG_S = 60  # for one sentence; whoever asks gives up much earlier
_LATER_S = 10.0  # how long after pyttsx3 says so the audio may be there
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
"""Control characters, which espeak takes for commands or the end of the text, and halves of characters."""
_VOICE = re.compile(r"(?P<root>[a-z0-9-]+)(?P<variant>\+[a-z0-9_ -]+)?", re.IGNORECASE)
"""No path, for espeak would take it for one."""


def load_espeak() -> None:
    """Have espeak-ng in the process before pyttsx3 looks for it: the system's, or else that of the wheel.

    Raises OSError.
    """
    for library in _OF_SYSTEM:
        with suppress(OSError):
            ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
            return
    ctypes.CDLL(espeakng_loader.get_library_path(), mode=ctypes.RTLD_GLOBAL)
    # espeak-ng has no room for a path of more than 160 characters.
    os.chdir(Path(espeakng_loader.get_data_path()).parent)
    os.environ["ESPEAK_DATA_PATH"] = "."


class Speaker:
    """pyttsx3 with espeak-ng, for one sentence after the other. Of no use after an exception."""

    def __init__(self) -> None:
        load_espeak()
        self._engine: Any = pyttsx3.init("espeak")
        self._finished = threading.Event()
        self._engine.connect("finished-utterance", self._on_finished)
        self._names = _names(self._engine.getProperty("voices"))
        self._chosen = ""
        # It has no name, so nobody has to remove it; pyttsx3 reaches it through its number.
        self._file = TemporaryFile()  # noqa: SIM115 - open as long as the process lives
        self._spoken(".")  # the first time takes longest

    @property
    def voices(self) -> list[str]:
        """The voices there are; each can have a variant, as in ``en-us+f3``."""
        return sorted(set(self._names.values()))

    def speak(self, wanted: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Return the answer to a request, and its audio."""
        missing = self._choose(wanted["name"], wanted["language"])
        self._engine.setProperty("rate", wanted["speed"])
        self._engine.setProperty("volume", wanted["volume"])
        text = _UNSPEAKABLE.sub(" ", wanted["text"]).strip()
        rate, pcm = self._spoken(text) if text else (22_050, b"")
        return {"bytes": len(pcm), "rate": rate, "voice": self._voice(), "missing": missing}, pcm

    def _choose(self, name: str | None, language: str) -> str | None:
        """Set the voice of this name, or else of the language. Return what there is no voice for."""
        wanted = [name] if name else [language, language.partition("-")[0]]
        for candidate in (*wanted, language, language.partition("-")[0], "en"):
            parts = _VOICE.fullmatch(candidate)
            if parts and parts["root"].lower() in self._names:
                break
        else:
            msg = "this espeak knows no voice, not even the English one"
            raise RuntimeError(msg)
        chosen = self._names[parts["root"].lower()] + (parts["variant"] or "")
        if chosen != self._chosen:
            self._engine.setProperty("voice", chosen)
            self._chosen = chosen
        return None if candidate in wanted and self._voice() == chosen.lower() else wanted[0]

    def _voice(self) -> str:
        return str(self._engine.getProperty("voice")).rpartition("/")[2].lower()

    def _spoken(self, text: str) -> tuple[int, bytes]:
        """Return the rate, and the audio. Raises RuntimeError where pyttsx3 makes none."""
        self._file.seek(0)
        self._file.truncate()
        self._finished.clear()
        self._engine.save_to_file(text, f"/dev/fd/{self._file.fileno()}")
        self._engine.runAndWait()
        # With some builds of espeak this returns before the audio is there.
        if not self._finished.wait(_LATER_S):
            msg = "pyttsx3 made no audio"
            raise RuntimeError(msg)
        self._file.seek(0)
        with wave.open(self._file, "rb") as audio:
            return audio.getframerate(), audio.readframes(audio.getnframes())

    def _on_finished(self, name: str | None, completed: bool) -> None:  # noqa: ARG002, FBT001 - called by pyttsx3
        self._finished.set()


def _names(voices: list[Any]) -> dict[str, str]:
    """Return by what names and languages the voices are chosen, and what espeak calls them."""
    names: dict[str, str] = {}
    for voice in voices:
        names[voice.id.rpartition("/")[2]] = voice.id.rpartition("/")[2]
    for voice in voices:
        for language in voice.languages:
            names.setdefault(language.lower(), voice.id.rpartition("/")[2])
    return names


def _own_output() -> BinaryIO:
    """Return what was the standard output, which from now on takes what pyttsx3 and espeak print, and drops it."""
    output = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    return output


def main() -> None:
    """Speak until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the keyboard's is meant for whoever started this process
    output = _own_output()

    def say(head: dict[str, Any], pcm: bytes = b"") -> None:
        output.write(json.dumps(head).encode() + b"\n" + pcm)
        output.flush()

    signal.alarm(_TOO_LONG_S)
    try:
        speaker = Speaker()
    except (OSError, RuntimeError) as error:
        say({"failed": str(error)})
        return
    say({"voices": speaker.voices})
    signal.alarm(0)
    for line in sys.stdin.buffer:
        signal.alarm(_TOO_LONG_S)
        say(*speaker.speak(json.loads(line)))
        signal.alarm(0)


if __name__ == "__main__":
    main()
