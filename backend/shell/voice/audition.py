"""Whether something on this machine speaks as a setting wants it, and what it says: the synthesiser itself is asked."""

from collections.abc import Sequence
from difflib import get_close_matches

from backend.shell.voice.worker import PROGRAM, Speech, Voice, Worker, WorkerError

__all__ = ["AuditionError", "WorkerError", "audition"]

_WITHIN_S = 10.0
_NEAR, _SOME = 0.5, 5  # how alike names are that may have been meant, and how many of them are told


class AuditionError(Exception):
    """Nothing speaks so; the message says what was asked for, and which names are near."""


async def audition(voice: Voice, text: str = "a") -> Speech:
    """Let a voice say something. Raises AuditionError where there is none, WorkerError where nothing can speak."""
    worker = await Worker.started(PROGRAM)
    try:
        speech = await worker.speak(text, voice, _WITHIN_S)
    finally:
        await worker.end()
    if speech.missing is not None:
        raise AuditionError(_missing(speech.missing, worker.voices))
    return speech


def _missing(wanted: str, voices: Sequence[str]) -> str:
    root, plus, variant = wanted.partition("+")
    if plus and root.lower() in voices:
        return f"espeak-ng speaks {root}, but knows no variant {variant!r} of voices; f1 to f5 and m1 to m8 are some"
    near = get_close_matches(root.lower(), voices, _SOME, _NEAR)
    return f"espeak-ng has no voice {wanted!r}" + (f"; the nearest are {', '.join(near)}" if near else "")
