"""The course of one turn, as a task. However it ends, the world is told that it is over."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from backend.core.clock import iso
from backend.core.engine import Send
from backend.core.facts import PhraseMade, TurnEnded
from backend.core.refusals import EXPLAINED, Code, Refused
from backend.features.voice.frames import Codec, Flag, Frame
from backend.features.voice.messages import CONVERSATION, SPEECH, TurnEvent, TurnFailed
from backend.features.voice.state import Talker

log = logging.getLogger(__name__)

Steps = Callable[["Course"], Coroutine[Any, Any, None]]


class Course:
    """One turn of a device: its steps tell what happens, and note what is to be remembered.

    ``made`` are new phrases; ``tape`` is what was heard, where somebody wants that to be kept. *say* publishes at once;
    *done* hears how it ended.
    """

    def __init__(
        self,
        talker: Talker,
        turn: int,
        say: Callable[[Send], None],
        now: Callable[[], float],
        done: Callable[["Course"], None],
    ) -> None:
        self.talker = talker
        self.device = talker.device
        self.codec = Codec[talker.ability.speech.upper()]
        self.turn = turn
        self.say = say
        self.now = now
        self.record = TurnEnded(talker.device, turn, now(), talker.boot)
        self.made: list[PhraseMade] = []
        self.is_remembered = True
        self.tape = bytearray() if talker.settings.keep_audio else None
        self._done = done
        self._why: Code | None = None
        self._frames = 0
        self._is_over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, steps: Steps) -> None:
        """Begin: *steps* are the turn. They raise Refused where it cannot go on."""
        self._task = asyncio.create_task(steps(self), name=f"turn {self.turn} of {self.device}")
        self._task.add_done_callback(self._over)

    async def wait(self) -> None:
        """Return once it is over, and everybody was told."""
        await self._is_over.wait()

    def end(self, why: Code) -> None:
        """Cut it short."""
        if self._task is not None and not self._task.done():
            self._why = self._why or why
            self._task.cancel()

    def tell(self, event: type[TurnEvent], **what: Any) -> None:
        """Publish what happens."""
        body = event(turn=self.turn, at=iso(self.now()), **what)
        self.say(Send(CONVERSATION.at(device=self.device), body.payload()))

    def speak(self, frame: Frame) -> None:
        """Send a frame to the board."""
        self._frames += 1
        self.say(Send(SPEECH.at(device=self.device, turn=str(self.turn)), frame.wire()))

    def note(self, **what: Any) -> None:
        """Remember something for the record; see `TurnEnded`."""
        self.record = replace(self.record, **what)

    def fail(self, code: Code, message: str, number: int) -> None:
        """Tell those who follow; and, by a frame of this number, the board, which waits for speech or plays it."""
        self.note(code=code)
        self.tell(TurnFailed, code=code.value, message=message)
        self.speak(Frame(number, Flag.ABORT | Flag.END, self.codec))

    def since(self, then: float) -> float:
        """Return how long ago that was, in milliseconds."""
        return round((self.now() - then) * 1000, 1)

    def _over(self, task: asyncio.Task[None]) -> None:
        """Tell how it ended. A task that is cancelled before it began runs no line of its own, so this is none."""
        try:
            self._tell_failure(task)
        finally:  # nothing that goes wrong here may keep the device from its next turn
            self.note(at=self.now())
            self._done(self)
            self._is_over.set()

    def _tell_failure(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        match error:
            case None if task.cancelled():
                why = self._why or Code.ABORTED
                self.fail(why, EXPLAINED[why], self._frames)
            case Refused():
                self.fail(error.code, error.message, self._frames)
            case Exception():
                log.error("this is a bug in Talkstick; turn %d of %s", self.turn, self.device, exc_info=error)
                self.fail(Code.HEARING_FAILED, EXPLAINED[Code.HEARING_FAILED], self._frames)
