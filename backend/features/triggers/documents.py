"""Which documents of a trigger look otherwise than before: each is published once, however much happened meanwhile."""

from backend.core.effects import Publish
from backend.features.triggers import views
from backend.features.triggers.state import Subscription, Trigger


def renewed(before: Trigger, after: Trigger) -> list[Publish]:
    """Return what is published anew, where a trigger was like this before, and is like that now."""
    changed = [each for each in after.subscriptions.values() if not before.known or _changed(before, each)]
    gone = before.subscriptions.keys() - after.subscriptions.keys()
    told = [views.session(after, each) for each in changed]
    told += [views.gone(after, profile) for profile in sorted(gone)]
    if not after.known and not after.subscriptions:
        return [*told, *views.unlisted(after)] if before.known or gone else told
    if _status(before) != _status(after):
        told += views.statuses(after) or [views.unsaid(after)]
    if (
        gone
        or _heading(before) != _heading(after)
        or any(_differs(before, each) for each in after.subscriptions.values())
    ):
        told.append(views.profiles(after))
    return told


def _changed(before: Trigger, subscription: Subscription) -> bool:
    was = before.subscriptions.get(subscription.profile)
    return was is not subscription and was != subscription  # most are the same, which takes long to find out otherwise


def _status(trigger: Trigger) -> tuple[object, ...] | None:
    return (trigger.active, trigger.since, trigger.data) if trigger.known and views.speaks(trigger) else None


def _heading(trigger: Trigger) -> tuple[object, ...]:
    return trigger.known, trigger.name, trigger.active, trigger.since


def _differs(before: Trigger, subscription: Subscription) -> bool:
    """Tell whether a subscription looks otherwise in the list of all."""
    was = before.subscriptions.get(subscription.profile)
    if was is subscription:
        return False
    return was is None or views.line(was) != views.line(subscription)
