"""What must be true of each floor: one holder at a time, fences that rise, nothing undone, no command of another."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from tools.fire.history import Record
from tools.fire.proof import Floor, Violation

ENDINGS = {
    "released",
    "completed",
    "expired",
    "idle",
    "client_lost",
    "device_lost",
    "preempted",
    "kicked",
    "handed_over",
}

Rule = Callable[[Floor], Iterator[Violation]]


def one_holder(floor: Floor) -> Iterator[Violation]:
    """A fence has one holder, and one session."""
    for one, other in floor.disputed:
        text = f"fence {one.fence} is of {one.holder} ({one.session}) and of {other.holder} ({other.session})"
        yield Violation("one holder", floor.name, text, (one.shown_by.line, other.shown_by.line))


def sessions_stay(floor: Floor) -> Iterator[Violation]:
    """A session goes to another holder, and with another fence, only by a hand-over."""
    handed = {record.fence for record in floor.of("event") if record.body.get("reason") == "handed_over"}
    accepted = {record.who for record in floor.of("request") if record.body.get("action") == "accept"}
    for before, after in floor.of_session():
        if before.holder == after.holder or not (before.fence in handed or after.holder in accepted):
            text = f"session {before.session} went from {before.holder} to {after.holder} without a hand-over"
            yield Violation("sessions stay", floor.name, text, (before.shown_by.line, after.shown_by.line))


def fences_rise(floor: Floor) -> Iterator[Violation]:
    """In what one hears in order, no fence falls, and each grant has a higher one than the grant before."""
    for stream in (*floor.heard("document"), *floor.heard("event")):
        yield from _falls(floor, "fences rise", stream, lambda before, after: after < before)
    for stream in floor.heard("event"):
        grants = [record for record in stream if record.body.get("event") == "granted"]
        yield from _falls(floor, "each grant has a new fence", grants, lambda before, after: after <= before)


def _falls(floor: Floor, rule: str, stream: Any, is_wrong: Callable[[int, int], bool]) -> Iterator[Violation]:
    for before, after in pairwise(record for record in stream if record.fence is not None):
        if is_wrong(before.fence, after.fence):
            text = f"{after.who} heard {before.fence}, then {after.fence}"
            yield Violation(rule, floor.name, text, (before.line, after.line))


def nothing_undone(floor: Floor) -> Iterator[Violation]:
    """Who connects after something was known hears nothing older; and no session lives again."""
    for stream in floor.heard("document"):
        free: dict[int, Record] = {}
        for record in stream:
            fence, since = record.fence or 0, floor.run.since(record)
            if fence < floor.newest(since):
                text = f"a document shows fence {fence}, though {floor.newest(since)} was known"
                yield Violation("nothing is lost", floor.name, text, (record.line,))
            elif record.holder is None:
                free.setdefault(fence, record)
            elif fence in free or floor.is_over(fence, since):
                text = f"{record.holder} holds with fence {fence} again, after that was over"
                yield Violation("nothing is undone", floor.name, text, (record.line,))


def what_is_free_tells_why(floor: Floor) -> Iterator[Violation]:
    """A document without a holder names the ending of the last session."""
    for record in floor.of("document", "final"):
        is_free = record.body and record.holder is None and record.fence
        if is_free and record.body.get("reason") not in ENDINGS:
            text = f"fence {record.fence} is over as {record.body.get('reason')!r}"
            yield Violation("endings are named", floor.name, text, (record.line,))


def endings_are_named(floor: Floor) -> Iterator[Violation]:
    """A session ends once, in a way that has a name, and before the next is granted."""
    for stream in floor.heard("event"):
        open_grant: Record | None = None
        ended: dict[int | None, Record] = {}
        for record in stream:
            match record.body.get("event"):
                case "ended" if record.fence in ended:
                    text = f"{record.who} heard twice that fence {record.fence} ended"
                    yield Violation("one ending", floor.name, text, (ended[record.fence].line, record.line))
                case "ended":
                    ended[record.fence] = record
                    if record.body.get("reason") not in ENDINGS:
                        text = f"fence {record.fence} ended as {record.body.get('reason')!r}"
                        yield Violation("endings are named", floor.name, text, (record.line,))
                case "granted":
                    yield from _ended_before(floor, open_grant, record, ended)
                    open_grant = record


def _ended_before(
    floor: Floor, before: Record | None, after: Record, ended: dict[int | None, Record]
) -> Iterator[Violation]:
    if before is not None and before.fence not in ended and floor.run.was_whole(before, after):
        text = f"fence {after.fence} was granted though {before.fence} had not ended"
        yield Violation("ended before the next", floor.name, text, (before.line, after.line))


def revisions_rise(floor: Floor) -> Iterator[Violation]:
    """While the backend lives, revisions do not fall, and one revision is one document."""
    for stream in floor.heard("document"):
        for before, after in pairwise(stream):
            was, now = before.body.get("revision", 0), after.body.get("revision", 0)
            if floor.run.life(before) != floor.run.life(after):
                continue
            if now < was:
                text = f"{after.who} heard revision {was}, then {now}"
                yield Violation("revisions rise", floor.name, text, (before.line, after.line))
            elif now == was and content(before) != content(after):
                text = f"two documents have revision {now}"
                yield Violation("a revision is one document", floor.name, text, (before.line, after.line))


def content(record: Record) -> dict[str, Any]:
    """Return what of a document only changes with its revision."""
    shown = {key: record.body.get(key) for key in ("fence", "holder", "session", "state", "input", "output")}
    return {**shown, "queue": [place.get("user") for place in record.body.get("queue", ())]}


def only_the_holder_commands(floor: Floor) -> Iterator[Violation]:
    """What comes to a board was sent by the holder, while nobody knew that it no longer was."""
    sent = {(record.who, record.body.get("n")): record for record in floor.of("sent")}
    for record in floor.of("command"):
        fence, by = record.fence or 0, str(record.body.get("by"))
        holding, before = floor.holdings.get(fence), sent.get((by, record.body.get("n")))
        if holding is None or holding.holder != by:
            whose = "nobody" if holding is None else holding.holder
            text = f"a command of {by} came with fence {fence}, which is of {whose}"
            yield Violation("only the holder commands", floor.name, text, (record.line,))
        elif before is not None and floor.is_over(fence, before.t) and not _passes(floor, by, fence):
            text = f"a command of {by} came with fence {fence}, sent when that was over"
            yield Violation("no command of an old fence", floor.name, text, (before.line, record.line))


def _passes(floor: Floor, by: str, fence: int) -> bool:
    """Tell whether the broker may not know better: other brokers know the holder, but not the fence."""
    return not floor.run.embedded and floor.held_since(by, fence + 1)


def boards_obey_no_old_fence(floor: Floor) -> Iterator[Violation]:
    """A board that has seen a fence acts on no command with a lower one."""
    newest: dict[str, int] = defaultdict(int)
    boards = {record.who for record in floor.of("command")}
    for record in floor.of("document", "command"):
        if record.who not in boards or record.fence is None:
            continue
        if record.what == "command" and record.obeyed and record.fence < newest[record.who]:
            text = f"{record.who} obeyed fence {record.fence} after {newest[record.who]}"
            yield Violation("boards obey no old fence", floor.name, text, (record.line,))
        newest[record.who] = max(newest[record.who], record.fence)


def only_the_sender_is_heard(floor: Floor) -> Iterator[Violation]:
    """What is broadcast on a channel is of its holder, in order, and each message once."""
    sent = {(record.who, record.body.get("n")): record for record in floor.of("data")}
    for stream in floor.heard("broadcast"):
        heard: dict[Any, Record] = {}
        for record in (each for each in stream if each.body.get("sender")):
            by, fence = str(record.body["sender"]), record.fence or 0
            key = (by, record.body.get("data", {}).get("n"))
            holding, before = floor.holdings.get(fence), sent.get(key)
            if holding is None or holding.holder != by or (before and floor.is_over(fence, before.t)):
                text = f"data of {by} was broadcast with fence {fence}, which it did not hold"
                yield Violation("only the sender is heard", floor.name, text, (record.line,))
            if key in heard:
                text = f"data of {by} was broadcast twice"
                yield Violation("data once", floor.name, text, (heard[key].line, record.line))
            heard[key] = record


def broadcasts_are_in_order(floor: Floor) -> Iterator[Violation]:
    """While the server lives, broadcasts are numbered in the order in which they are heard."""
    for stream in floor.heard("broadcast"):
        numbered = [record for record in stream if record.body.get("seq") is not None]
        for before, after in pairwise(numbered):
            was, now = before.body["seq"], after.body["seq"]
            if now <= was and floor.run.life(before) == floor.run.life(after):
                text = f"{after.who} heard number {was}, then {now}"
                yield Violation("broadcasts are in order", floor.name, text, (before.line, after.line))


RULES: tuple[Rule, ...] = (
    one_holder,
    sessions_stay,
    fences_rise,
    nothing_undone,
    what_is_free_tells_why,
    endings_are_named,
    revisions_rise,
    only_the_holder_commands,
    boards_obey_no_old_fence,
    only_the_sender_is_heard,
    broadcasts_are_in_order,
)
