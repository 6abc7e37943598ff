"""Whether something on this machine speaks as a setting wants it, and what it says: the synthesiser itself is asked."""

from collections.abc import Sequence

from backend.core.nearest import nearest
from backend.shell.voice.worker import PROGRAM, Speech, Voice, Worker, WorkerError

__all__ = ["AuditionError", "WorkerError", "audition"]

_WITHIN_S = 10.0
_SOME = 5  # names that are told, which may have been meant


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
    near = nearest(root, voices, _SOME)
    return f"espeak-ng has no voice {wanted!r}" + (f"; the nearest are {', '.join(near)}" if near else "")
