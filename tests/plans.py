"""What people subscribe to, with which plans, and how a subscription stands: what the histories are made of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from backend.features.triggers.state import Subscription
from tests.alarms import CLOSES, COLD, OPENS, WARM, Watch
from tests.automation import profile
from tests.strategies import usually

TRIGGERS: tuple[Mapping[str, Any], ...] = (
    {"owner": "scale-1"},
    {"source": {"topic": "hall/motion"}, "off_after_s": 12.0},
    {"kind": "pulse", "owner": "bot"},
    {"owner": "printer-1", "name": "The door of the printer", "off_after_s": 3.0},
    {"source": {"topic": "hall/light"}},
    {"kind": "pulse", "source": {"topic": "hall/bell"}},
)
NAMES = ("cam1", "cam10", "bell")
PROFILES = {
    "greeter": profile("start"),
    "guard": profile("start", "repeat", "end"),
    "lamp": {**profile("start", "end"), "name": "The lamp"},
    "siren": profile("end"),
    "log": profile("repeat"),
    "nothing": profile(),
}
WHEN = {"field": "$.t", "op": ">", "value": WARM, "until": COLD}
WINDOW = dict(
    zip(
        ("begin", "end"),
        (datetime.fromtimestamp(edge).astimezone().strftime("%H:%M") for edge in (OPENS, CLOSES)),
        strict=True,
    )
)

names = st.sampled_from(NAMES)
profiles = st.sampled_from(["greeter", "guard", "guard", "guard", "lamp", "siren", "log", "nothing"])
users = st.sampled_from(["alice", "alice", "bob", "root"])
levels = st.sampled_from([None, None, 3, 7, 12])
plans = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["monitoring", "one_shot"]),
        "run": st.sampled_from(["single", "restart", "queued", "queued", "parallel", "parallel", "latest"]),
        "cooldown_s": st.sampled_from([0.0, 0.0, 5.0]),
        "for_s": st.sampled_from([0.0, 0.0, 0.0, 3.0]),
    },
    optional={
        "most": st.sampled_from([1, 2, 3]),
        "every_s": st.sampled_from([None, 2.0, 6.0]),
        "max_s": st.sampled_from([None, 3.0, 10.0]),
        "warm": st.booleans(),
        "windowed": st.sampled_from([False, False, False, True]),
        "enabled": usually,
    },
).map(lambda plan: plan if plan["mode"] == "monitoring" else {**plan, "every_s": None})
changes = plans.flatmap(
    lambda plan: st.sets(st.sampled_from(sorted(plan))).map(lambda keys: {k: plan[k] for k in keys})
)
outcomes = st.sampled_from([(1, None), (1, None), (2, None), (0, "timed_out"), (1, "action_failed"), (0, None)])
slots = st.sampled_from([1, 1, 2, 3, 5])


def wire(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan, or a part of it, as it is asked for."""
    asked = {key: value for key, value in plan.items() if key not in ("warm", "windowed")}
    if "warm" in plan:
        asked["when"] = [WHEN] if plan["warm"] else []
    if "windowed" in plan:
        asked["windows"] = [WINDOW] if plan["windowed"] else []
    return asked


def stands(subscription: Subscription) -> dict[str, Any]:
    """Return how a subscription stands, as the model has it."""
    counts = subscription.counts
    return {
        "owner": subscription.owner,
        "active": (subscription.active, subscription.holds_since, subscription.stopped),
        "leaving": subscription.leaving is not None,
        "runs": [
            (run.phase, run.admitted, run.begun, run.ending, run.next_at, run.ends_at, run.started_at)
            for run in subscription.runs
        ],
        "waiting": len(subscription.waiting),
        "counts": {
            "activations": counts.activations,
            "started": counts.started,
            "ended": counts.ended,
            "delivered": counts.delivered,
            "repeated": counts.repeated,
            "failed": counts.failed,
            "coalesced": counts.coalesced,
        },
        "dropped": {f"dropped {why}": number for why, number in counts.dropped if number},
    }


def predicted(watch: Watch) -> dict[str, Any]:
    """Return the same of the model."""
    return {
        "owner": watch.owner,
        "active": (watch.active, watch.since, watch.stopped),
        "leaving": watch.leaving,
        "runs": [
            (task.doing, task.at_work, task.begun, task.ending, task.next_at, task.ends_at, task.began)
            for task in watch.tasks
        ],
        "waiting": watch.waiting,
        "counts": {
            name: watch.counts[name]
            for name in ("activations", "started", "ended", "delivered", "repeated", "failed", "coalesced")
        },
        "dropped": {name: number for name, number in watch.counts.items() if name.startswith("dropped") and number},
    }
