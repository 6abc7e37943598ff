"""What must be true of what people ask: everybody is answered, once and for all, and what was granted stands."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from tools.fire.history import Record
from tools.fire.proof import HOLDS, Floor, Violation
from tools.fire.rules import ENDINGS, Rule, content

_FOR_NOW = {"queued", "offered", "preempting"}  # another answer follows
_ASK_AGAIN = {"not_stored", "rate_limited", "too_many"}  # nothing happened
_MISSED = {"expired", "idle"}
_INVOLUNTARY = ENDINGS - {"released", "completed", "handed_over"}


@dataclass
class Exchange:
    """A request, however often it was sent, and its answers, however often they were heard."""

    who: str
    asked: list[Record] = field(default_factory=list)
    answers: list[Record] = field(default_factory=list)


def exchanges(floor: Floor) -> Iterator[Exchange]:
    """Return all requests that were sent on a floor."""
    found: dict[tuple[str, str], Exchange] = {}
    for record in floor.of("request", "reply"):
        if record.what == "request":
            found.setdefault((record.who, record.id), Exchange(record.who)).asked.append(record)
        elif (record.who, record.id) in found:
            found[record.who, record.id].answers.append(record)
    return iter(found.values())


def all_are_answered(floor: Floor) -> Iterator[Violation]:
    """Each request is answered, if need be after it was sent again; who waits is served, or told, or waits on."""
    waiting = {user for final in floor.of("final") for user in _queue(final)}
    for exchange in exchanges(floor):
        asked = exchange.asked[0]
        if not exchange.answers:
            text = f"{exchange.who} got no answer to {asked.body.get('action')} {asked.id}"
            yield Violation("all are answered", floor.name, text, (asked.line,))
        elif (last := exchange.answers[-1]).code == "queued" and exchange.who not in waiting and not _left(floor, last):
            text = f"{exchange.who} waits since {asked.id} and was never served or told"
            yield Violation("who waits is served", floor.name, text, (asked.line, last.line))


def _left(floor: Floor, queued: Record) -> bool:
    """Tell whether it was told that somebody waits no longer."""
    return any(
        record.body.get("event") == "left" and record.body.get("user") == queued.who and record.t > queued.t
        for record in floor.of("event")
    )


def one_answer(floor: Floor) -> Iterator[Violation]:
    """A request has one answer for good, whenever it is sent again. Who has to wait once more gets a new one later.

    So does who does nothing when it is its turn, time and again: it waits no longer.
    """
    for exchange in exchanges(floor):
        final = [each for each in exchange.answers if each.code not in _FOR_NOW | _ASK_AGAIN]
        for before, after in pairwise(final):
            is_new = _waits_again(floor, before, after) or _missed_its_turn(floor, before, after)
            if _answer(before) != _answer(after) and not is_new:
                text = f"{after.who} was answered {before.code} {before.fence}, then {after.code} {after.fence}"
                yield Violation("one answer", floor.name, text, (before.line, after.line))


def _answer(record: Record) -> tuple[object, ...]:
    return record.code, record.fence, record.body.get("session")


def _waits_again(floor: Floor, before: Record, after: Record) -> bool:
    """Tell whether a holder lost what it had, and was put back into the queue, between two answers."""
    if before.code != "granted" or before.fence is None or (after.fence or before.fence + 1) <= before.fence:
        return False
    for record in floor.records:
        is_between = record.fence is not None and record.fence >= before.fence and record.t <= after.t
        if record.what == "reply" and record.t >= before.t and record.id == before.id and record.code == "queued":
            return True
        if is_between and record.what in ("document", "final") and before.who in _queue(record):
            return True
        if is_between and record.body.get("event") == "queued" and record.body.get("user") == before.who:
            return True
    return False


def _missed_its_turn(floor: Floor, before: Record, after: Record) -> bool:
    """Tell whether a holder lost what it had by doing nothing, and is told, unasked, that it waits no longer."""
    is_told = after.code == "not_waiting" and after.body.get("reason") in _MISSED
    return is_told and before.code == "granted" and before.fence is not None and floor.is_over(before.fence, inf)


def answers_are_of_now(floor: Floor) -> Iterator[Violation]:
    """An answer to the holder is of no session that was over when it asked."""
    for exchange in exchanges(floor):
        asked_at = exchange.asked[0].t
        for record in exchange.answers:
            fence = record.fence
            if record.code in (*HOLDS, "released") and fence is not None and floor.is_over(fence, asked_at):
                text = f"{record.who} was answered {record.code} of fence {fence}, which was over when it asked"
                yield Violation("answers are of now", floor.name, text, (exchange.asked[0].line, record.line))


@dataclass(frozen=True, slots=True)
class Input:
    """Input that the backend said it has: ``number`` under the key ``who``, in the session of a fence, since ``t``."""

    who: str
    number: int
    fence: int
    t: float
    line: int


def inputs(floor: Floor) -> Iterator[Input]:
    """Return what was acknowledged of the input that people sent."""
    for exchange in exchanges(floor):
        number = exchange.asked[0].body.get("input", {}).get(exchange.who)
        for record in exchange.answers:
            if number is not None and record.code in HOLDS and record.fence is not None:
                yield Input(exchange.who, number, record.fence, record.t, record.line)


def inputs_are_kept(floor: Floor) -> Iterator[Violation]:
    """Input that was acknowledged is in the session's documents from then on, and in the event that ends it."""
    by_fence: dict[int, list[Input]] = defaultdict(list)
    for each in inputs(floor):
        by_fence[each.fence].append(each)
    inherited = {after.fence: before.fence for before, after in floor.of_session()}
    for record in floor.of("document", "event", "past"):
        is_end = record.what == "past" or record.body.get("event") == "ended"
        if record.fence is None or not (is_end or (record.holder and floor.run.is_told_now(record))):
            continue
        since = record.t if is_end else floor.run.since(record)
        must = [each for each in by_fence[record.fence] if is_end or each.t < since]
        must += by_fence[inherited[record.fence]] if record.fence in inherited else []
        yield from _missing(floor, record, must)


def _missing(floor: Floor, record: Record, must: Sequence[Input]) -> Iterator[Violation]:
    shown = record.body.get("input") or {}
    for each in must:
        if shown.get(each.who, -1) < each.number:
            text = f"{each.who} was told that input {each.number} is kept, but it is not there"
            yield Violation("inputs are kept", floor.name, text, (each.line, record.line))


def sessions_are_remembered(floor: Floor) -> Iterator[Violation]:
    """Each session that was granted is remembered once, with its holder and its ending; but for one that goes on."""
    past: dict[int, Record] = {}
    for record in floor.of("past"):
        fence, user, reason = record.fence or 0, record.body.get("user"), record.body.get("reason")
        holding = floor.holdings.get(fence)
        if fence in past or reason not in ENDINGS or (holding and holding.holder != user):
            text = f"fence {fence} is remembered as of {user}, ended as {reason!r}"
            yield Violation("sessions are remembered", floor.name, text, (record.line,))
        past[fence] = record
    final = next(floor.of("final"), None)
    goes_on = {final.fence} if final is not None and final.holder is not None else set()
    for fence in range(1, floor.newest(float("inf")) + 1) if final is not None else ():
        if fence not in past and fence not in goes_on:
            yield Violation("sessions are remembered", floor.name, f"nothing is remembered of fence {fence}")


def the_end_is_right(floor: Floor) -> Iterator[Violation]:
    """After all is quiet, the document tells the last that anybody heard, and nobody waits for what is free."""
    final = next(floor.of("final"), None)
    if final is None or not final.body:
        yield Violation("the end is right", floor.name, "there is no document in the end")
        return
    newest, fence = floor.newest(float("inf")), final.fence or 0
    if fence < newest:
        yield _wrong_end(final, f"the document ends with fence {fence}, though {newest} was known")
    elif final.holder is not None and fence in floor.over_at:
        yield _wrong_end(final, f"{final.holder} holds with fence {fence}, which was over")
    elif final.body.get("state") == "free" and _ready(final):
        yield _wrong_end(final, f"{_ready(final)} wait for what is free")
    for stream in floor.heard("document"):
        last = stream[-1]
        if floor.run.life(last) != floor.run.life(final):
            continue
        revisions = [each.body.get("revision", 0) for each in (last, final)]
        if revisions[1] < revisions[0] or (revisions[0] == revisions[1] and content(last) != content(final)):
            yield _wrong_end(final, f"{last.who} heard another document in line {last.line}")


def _wrong_end(final: Record, text: str) -> Violation:
    return Violation("the end is right", final.floor, text, (final.line,))


def _queue(document: Record) -> list[str]:
    return [str(place.get("user")) for place in document.body.get("queue", ())]


def _ready(document: Record) -> list[str]:
    """Return who waits, and is there."""
    return [str(place.get("user")) for place in document.body.get("queue", ()) if not place.get("away")]


RULES: tuple[Rule, ...] = (
    all_are_answered,
    one_answer,
    answers_are_of_now,
    inputs_are_kept,
    sessions_are_remembered,
    the_end_is_right,
)
