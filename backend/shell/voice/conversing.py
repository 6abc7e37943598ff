"""Where the audio of the boards arrives, beside the inbox: it never waits for the journal.

A device has one turn at a time. The next ends the one before, whatever that was doing (barge-in); what belongs to an
older one is dropped. Announcements wait until nobody talks with the device.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from pydantic import ValidationError

from backend.core.clock import iso
from backend.core.engine import Arrived, Send
from backend.core.facts import Announced, Fact, MessageRefused, TurnBegun
from backend.core.messages import UINT32
from backend.core.rates import Bucket
from backend.core.refusals import EXPLAINED, Code, Refused
from backend.features.presence.messages import STATUS, Status
from backend.features.voice.feature import Talkers
from backend.features.voice.frames import HEARD, SEQUENCES, Flag, Frame
from backend.features.voice.messages import AUDIO, CONVERSATION, UTTERANCE, TurnFailed, turn_number
from backend.features.voice.state import Announce, ConversationErased, HushOrdered, Interrupted, Silenced, Talker
from backend.shell.voice.course import Course, Steps
from backend.shell.voice.feed import Feed
from backend.shell.voice.recordings import Recordings
from backend.shell.voice.tally import Tally

_TURNS_PER_S, _TURNS_AT_ONCE = 2.0, 10.0  # of one device
_COMPLAINTS_PER_S, _COMPLAINTS_AT_ONCE = 2.0, 10.0
_BIRTHS = 1000  # that are remembered until the engine must have heard of them
_AHEAD = SEQUENCES // 2 - 1  # of whatever the board has heard of an answer: what is behind that, it takes for old
_CUT = (Code.SUPERSEDED, Code.ABORTED)  # of such a turn there is nothing to remember, unless something was understood


class Script(Protocol):
    """What is done in a turn. All raise Refused where it cannot go on."""

    async def streamed(self, course: Course, feed: Feed) -> None:
        """Hear frames, and answer."""

    async def whole(self, course: Course, data: bytes) -> None:
        """Hear a whole utterance, and answer."""

    async def announced(self, course: Course, announce: Announce) -> None:
        """Say what somebody wants to be said."""


@dataclass(slots=True)
class _Line:
    """What goes on with one device. ``told``: what was wrong with frames is said once for each start of a turn."""

    device: str
    boot: int | None = None
    turn: int = 0
    feed: Feed | None = None
    course: Course | None = None
    announcements: deque[Announce] = field(default_factory=deque)
    told: tuple[str, Code] | None = None
    begun: Bucket = field(default_factory=Bucket)
    complaints: Bucket = field(default_factory=Bucket)


class Conversing:
    """All conversations. *publish* takes what is to be sent at once; *tell* takes facts for the engine."""

    def __init__(
        self,
        script: Script,
        recordings: Recordings,
        talkers: Talkers,
        publish: Callable[[Send], None],
        tell: Callable[[Fact], None],
        now: Callable[[], float],
    ) -> None:
        self._script = script
        self._recordings = recordings
        self._talkers = talkers
        self._publish = publish
        self._tell = tell
        self._now = now
        self._lines: dict[str, _Line] = {}
        self._born: OrderedDict[str, int] = OrderedDict()  # boots that the engine may not know of yet
        self._is_over = False
        self.tally = Tally()

    def take(self, message: Arrived) -> list[Send] | None:
        """Take audio; None: the message is none. What comes of it is published in its time."""
        if message.topic.endswith("/status"):
            self._notice_birth(message)
        if "/audio" not in message.topic:
            return None
        levels = AUDIO.match(message.topic) or UTTERANCE.match(message.topic)
        if levels is None:
            return None
        talker = self._talkers.talker(levels["device"])
        if talker is None or message.retained or self._is_over:
            return []
        line = self._line(talker)
        try:
            if "turn" in levels:
                self._frame(line, talker, turn_number(levels["turn"]), Frame.read(message.payload))
            else:
                self._whole(line, talker, message.payload)
        except Refused as refused:
            self._refuse(line, talker, levels.get("turn", ""), refused)
        return []

    def perform(self, what: object) -> None:
        """Begin what the engine asks for."""
        match what:
            case Announce():
                self._announce(what)
            case ConversationErased(device=device):
                self._forget(device)
            case Interrupted(device=device, turn=turn) if (talker := self._talkers.talker(device)) is not None:
                course = Course(talker, turn, self._publish, self._now, lambda _course: None)
                course.fail(Code.INTERRUPTED, EXPLAINED[Code.INTERRUPTED], _AHEAD)
            case HushOrdered(device=device, turn=turn) if (line := self._lines.get(device)) is not None:
                if turn in (None, line.turn):
                    _end(line, Code.ABORTED)
            case Silenced(device=device, code=code) if (line := self._lines.get(device)) is not None:
                _end(line, code)
                self._refuse_announcements(line, code)

    def _forget(self, device: str) -> None:
        """Forget what is kept beside the journal; of a turn that is under way, nothing will be remembered.

        A device that was removed says no more, and one that gets its name begins anew.
        """
        self._recordings.erase(device)
        line = self._lines.get(device)
        if line is not None and line.course is not None:
            line.course.is_remembered = False
        if line is not None and self._talkers.talker(device) is None:
            del self._lines[device]
            _end(line, Code.ABORTED)
            self._next(line)

    @property
    def talking(self) -> int:
        """How many devices are in a turn."""
        return sum(line.course is not None for line in self._lines.values())

    async def end(self) -> None:
        """End all turns, and begin no more; return once all of them are told to be over."""
        self._is_over = True
        courses = [line.course for line in self._lines.values() if line.course is not None]
        for line in list(self._lines.values()):
            self._refuse_announcements(line, Code.ABORTED)
            _end(line, Code.ABORTED)
        for course in courses:
            await course.wait()

    def _line(self, talker: Talker) -> _Line:
        line = self._lines.get(talker.device)
        if line is None:
            boot = self._born.get(talker.device, talker.boot)
            turn = talker.turn if boot == talker.boot else 0
            line = self._lines[talker.device] = _Line(talker.device, boot, turn)
        return line

    def _notice_birth(self, message: Arrived) -> None:
        """Notice that a device booted, before the engine does: audio that follows at once is of the new boot."""
        levels = STATUS.match(message.topic)
        if levels is None or message.retained:
            return
        with suppress(Refused, ValidationError):
            status = Status.model_validate(message.json())
            if status.state == "online":
                self._begin_anew(levels["device"], status.boot)

    def _begin_anew(self, device: str, boot: int) -> None:
        """A device that booted again counts its turns anew, and hears nothing of those before."""
        self._born[device] = boot
        self._born.move_to_end(device)
        if len(self._born) > _BIRTHS:
            self._born.popitem(last=False)
        line = self._lines.get(device)
        if line is not None and line.boot != boot:
            line.boot, line.turn, line.feed = boot, 0, None
            _end(line, Code.ABORTED)

    def _frame(self, line: _Line, talker: Talker, turn: int, frame: Frame) -> None:
        """Take a frame: of the turn at hand, or of a new one. Raises Refused."""
        if Flag.START in frame.flags:
            line.told = None  # who begins once more hears once more what is wrong
        if turn < line.turn or frame.codec not in HEARD:
            code = Code.STALE_TURN if turn < line.turn else Code.UNKNOWN_CODEC
            raise Refused(code, EXPLAINED[code])
        if Flag.ABORT in frame.flags:
            if turn == line.turn:
                _end(line, Code.ABORTED)
            return
        if turn > line.turn:
            feed = Feed(frame.codec, self._now)
            self._begin(line, talker, turn, partial(self._script.streamed, feed=feed))
            line.feed = feed
        _put(line, frame)

    def _whole(self, line: _Line, talker: Talker, data: bytes) -> None:
        """Take an utterance that has no turn of its own: it is the next one. Raises Refused: ``stale_turn``."""
        if line.turn == UINT32:
            raise Refused(Code.STALE_TURN, f"turn {UINT32} was the last one until the device boots again")
        self._begin(line, talker, line.turn + 1, partial(self._script.whole, data=data))

    def _begin(self, line: _Line, talker: Talker, turn: int, steps: Steps) -> None:
        """Begin a turn; who began one before has it ended. Raises Refused: ``rate_limited``."""
        if line.begun.take(_TURNS_PER_S, _TURNS_AT_ONCE, self._now()):
            raise Refused(Code.RATE_LIMITED, f"a device begins at most {_TURNS_PER_S:g} turns a second")
        _end(line, Code.SUPERSEDED)
        line.turn = turn
        self._start(line, talker, steps)

    def _announce(self, announce: Announce) -> None:
        talker = self._talkers.talker(announce.device)
        if talker is None:  # it was removed meanwhile
            self._tell(Announced(announce.asked, announce.device, code=Code.UNKNOWN_DEVICE))
            return
        line = self._line(talker)
        line.announcements.append(announce)
        self._next(line)

    def _next(self, line: _Line) -> None:
        """Make the next announcement, on the turn that the device had last: it has no number of its own."""
        talker = self._talkers.talker(line.device)
        if talker is None or self._is_over:
            self._refuse_announcements(line, Code.UNKNOWN_DEVICE if talker is None else Code.ABORTED)
        elif line.course is None and line.announcements:
            announce = line.announcements.popleft()
            self._tell(Announced(announce.asked, line.device, turn=line.turn))
            self._start(line, talker, partial(self._script.announced, announce=announce))

    def _refuse_announcements(self, line: _Line, code: Code) -> None:
        while line.announcements:
            self._tell(Announced(line.announcements.popleft().asked, line.device, code=code))

    def _start(self, line: _Line, talker: Talker, steps: Steps) -> None:
        self._tell(TurnBegun(line.device, line.turn, line.boot))
        talker = replace(talker, boot=line.boot)
        line.course = Course(talker, line.turn, self._publish, self._now, partial(self._over, line))
        line.feed = None
        line.course.start(steps)

    def _over(self, line: _Line, course: Course) -> None:
        """A turn has ended: what came of it is remembered."""
        self.tally.add(course.record)
        course.is_remembered &= course.record.heard is not None or course.record.code not in _CUT
        if course.is_remembered:
            self._keep(course)
        self._tell(replace(course.record, remembered=course.is_remembered))
        if line.course is course:  # else it was superseded
            line.course = line.feed = None
            self._next(line)

    def _keep(self, course: Course) -> None:
        for phrase in course.made:
            self._tell(phrase)
        if course.tape:
            self._recordings.keep(course.device, course.turn, course.record.at, bytes(course.tape))

    def _refuse(self, line: _Line, talker: Talker, turn: str, refused: Refused) -> None:
        """Tell what is wrong with audio, once for each turn and reason: a board sends fifty frames a second."""
        what = (turn, refused.code)
        is_news = line.told != what
        line.told = what
        if is_news and not line.complaints.take(_COMPLAINTS_PER_S, _COMPLAINTS_AT_ONCE, self._now()):
            body = TurnFailed(
                turn=_meant(turn, line.turn), at=iso(self._now()), code=refused.code.value, message=refused.message
            )
            self._publish(Send(CONVERSATION.at(device=talker.device), body.payload()))
        self._tell(MessageRefused(refused.code, AUDIO.at(device=talker.device, turn=turn), refused.message))


def _meant(level: str, otherwise: int) -> int:
    with suppress(Refused):
        return turn_number(level)
    return otherwise


def _put(line: _Line, frame: Frame) -> None:
    """Take a frame of the turn at hand. Raises Refused."""
    if line.feed is not None:
        if frame.codec is not line.feed.assembly.codec:
            raise Refused(Code.BAD_FRAME, "all frames of a turn have the same codec")
        line.feed.put(frame)
    elif Flag.START in frame.flags:
        raise Refused(Code.STALE_TURN, f"turn {line.turn} is over; the next one has a higher number")


def _end(line: _Line, why: Code) -> None:
    if line.course is not None:
        line.course.end(why)
