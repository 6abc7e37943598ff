"""What may be asked of a trigger, by whom, and the answers."""

from dataclasses import dataclass
from typing import Any

from backend.core.effects import Answer, Asked, Consult
from backend.core.messages import Message, refusal
from backend.core.principals import Principal, Role
from backend.core.refusals import Code, Refused
from backend.features.triggers import activation
from backend.features.triggers.course import Course
from backend.features.triggers.definitions import understood_profile
from backend.features.triggers.messages import (
    Change,
    ListSubscriptions,
    RecallRuns,
    Stop,
    Subscribe,
    SubscriptionShown,
    TriggerReply,
    Unsubscribe,
)
from backend.features.triggers.plan import Plan, changed
from backend.features.triggers.state import RunsAsked, Subscription
from backend.features.triggers.turn import Turn

MAX_SUBSCRIPTIONS = 200  # of one trigger
_RETRY_S = 1.0
_PLAN = set(Plan.model_fields)


@dataclass(frozen=True, slots=True)
class TriggerAsked:
    """A principal asks something of a trigger."""

    trigger: str
    who: Principal
    asked: Asked
    body: Message


def answer(turn: Turn, said: TriggerAsked) -> None:
    """Do what is asked, if it may be, and say so. Nothing has changed where it is refused."""
    try:
        turn.effects.append(_answered(turn, said))
    except Refused as refused:
        no = refusal(said.asked.id, refused.code, refused.message, **refused.more)
        turn.effects.append(Answer(said.asked, no))


def _answered(turn: Turn, said: TriggerAsked) -> Answer | Consult:
    match said.body:
        case Subscribe():
            return _subscribe(turn, said, said.body)
        case Change():
            return _change(turn, said, said.body)
        case Unsubscribe(profile=profile):
            _own(turn, said.who, profile)
            turn.go_on(profile, lambda course: activation.leave(course, "unsubscribed"))
            return _yes(said.asked, "unsubscribed")
        case Stop(profile=profile):
            _own(turn, said.who, profile)
            turn.go_on(profile, activation.stop)
            return _yes(said.asked, "run_stopped")
        case RecallRuns(profile=profile, limit=limit, before=before):
            return Consult(said.asked, RunsAsked(turn.trigger.id, profile, limit, before))
        case ListSubscriptions():
            return _list(turn, said)
        case _:
            raise LookupError(f"nobody answers {said.body!r}")


def _subscribe(turn: Turn, said: TriggerAsked, body: Subscribe) -> Answer:
    profile, stored = body.profile, turn.trigger.profiles.get(body.profile)
    if stored is None:
        raise Refused(Code.UNKNOWN_PROFILE, f"there is no profile {profile}")
    known = turn.subscriptions.get(profile)
    if known is not None:
        more = {"retry_in_s": _RETRY_S} if known.leaving is not None else {}
        message = f"{profile} is subscribed to {turn.trigger.id} already, by {known.owner}"
        raise Refused(Code.ALREADY_SUBSCRIBED, message, more)
    if len(turn.subscriptions) >= MAX_SUBSCRIPTIONS:
        raise Refused(Code.TOO_MANY, f"{turn.trigger.id} has {MAX_SUBSCRIPTIONS} subscriptions already")
    plan = Plan.model_validate(body.model_dump(mode="json", include=_PLAN))
    _insist_on(turn, plan)
    definition = understood_profile(stored)
    number = turn.trigger.numbers.get(profile, 0)
    turn.subscriptions[profile] = Subscription(
        profile,
        said.who.name,
        plan,
        turn.now,
        stored=stored,
        definition=definition,
        number=number,
        owner_since=said.who.since,
    )
    turn.tell("subscribed", profile=profile, mode=plan.mode)
    turn.go_on(profile, activation.assess)
    return _yes(said.asked, "subscribed")


def _change(turn: Turn, said: TriggerAsked, body: Change) -> Answer:
    was = _own(turn, said.who, body.profile)
    plan = changed(was.plan, body.set)
    _insist_on(turn, plan)

    def go_on(course: Course) -> None:
        if plan.mode != was.plan.mode:
            activation.stop(course)
            course.change(stopped=False)
        course.change(plan=plan)
        activation.begin_anew(course)

    turn.go_on(body.profile, go_on)
    turn.tell("changed", profile=body.profile, mode=plan.mode)
    return _yes(said.asked, "changed")


def _insist_on(turn: Turn, plan: Plan) -> None:
    """Insist that the trigger can be followed as planned. Raises Refused."""
    if turn.trigger.definition.kind == "pulse" and plan.mode == "monitoring":
        raise Refused(Code.BAD_MESSAGE, f"mode: {turn.trigger.id} is a pulse: it has no end until which to monitor")
    if turn.trigger.definition.kind == "pulse" and plan.for_s:
        raise Refused(Code.BAD_MESSAGE, f"for_s: {turn.trigger.id} is a pulse: it does not last")


def _own(turn: Turn, who: Principal, profile: str) -> Subscription:
    """Return a subscription that somebody may change. Raises Refused: ``not_subscribed`` or ``forbidden``."""
    found = turn.subscriptions.get(profile)
    if found is None or found.leaving is not None:
        raise Refused(Code.NOT_SUBSCRIBED, f"{profile} is not subscribed to {turn.trigger.id}")
    if not _may(who, found):
        raise Refused(
            Code.FORBIDDEN, f"{profile} was subscribed by {found.owner}: only its owner and admins may do that"
        )
    return found


def _may(who: Principal, subscription: Subscription) -> bool:
    return who.role is Role.ADMIN or who.name == subscription.owner


def _list(turn: Turn, said: TriggerAsked) -> Answer:
    """Tell all subscriptions; what they are configured with may be a secret of their owners."""
    shown = []
    for profile, each in sorted(turn.subscriptions.items()):
        hidden = None if _may(said.who, each) else {"config"}
        plan = each.plan.model_dump(mode="json", exclude=hidden, exclude_defaults=True)
        shown.append(SubscriptionShown(profile=profile, owner=each.owner, plan=plan))
    names = {profile: str(stored.get("name") or profile) for profile, stored in sorted(turn.trigger.profiles.items())}
    return _yes(said.asked, "subscriptions", subscriptions=tuple(shown), profiles=names)


def _yes(asked: Asked, code: str, **more: Any) -> Answer:
    return Answer(asked, TriggerReply(id=asked.id, ok=True, code=code, **more))
