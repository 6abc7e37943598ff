"""What happens to a session when devices, accounts, the server or the broker change."""

from typing import Any

import pytest

from backend.core.effects import Publish
from backend.core.facts import DirectoryChanged, FenceTold, FloorChanged, MessageRefused, PublishRefused, Resumed
from backend.core.refusals import Code
from backend.features.sessions.policy import Policy
from tests.histories import DEVICE, DIRECTORY, SessionHistory, refusals
from tests.people import ALICE, BOB, CAROL, EVERYBODY

SESSION = f"devices/{DEVICE}/session"
STATUS = f"devices/{DEVICE}/status"
GONE = DirectoryChanged(frozenset(), frozenset(EVERYBODY))
EVERY_KEY = {"state", "in_use", "session", "type", "holder", "holder_name", "client", "fence", "started_at"} | {
    *("last_activity", "expires_in_s", "timeout", "input", "output", "complete", "queue", "reason", "revision")
}


# The device comes and goes


def test_a_lost_device_ends_the_session_without_a_grace_and_keeps_the_queue() -> None:
    history = SessionHistory(Policy(grace_s=0))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.is_lost()
    assert history.endings == [("alice", "device_lost")]
    (document,) = history.documents
    assert (document["state"], document["reason"], document["timeout"]) == ("free", "device_lost", False)
    assert [(place["user"], place["eta_s"]) for place in document["queue"]] == [("bob", None)]
    history.is_back()
    assert history.session.holder == "bob"
    assert history.running.fence == 2


def test_a_device_that_is_away_is_not_granted_but_can_be_waited_for() -> None:
    history = SessionHistory(reachable=False)
    reply = history.claims(ALICE)
    assert (reply["ok"], reply["code"]) == (False, "device_offline")
    waiting = history.claims(ALICE, wait=True)
    assert (waiting["code"], waiting["position"]) == ("queued", 1)
    assert "eta_s" not in waiting
    history.is_back()
    assert history.answers["alice"]["code"] == "granted"


def test_a_device_lost_without_a_session_grants_nothing() -> None:
    history = SessionHistory()
    history.is_lost()
    assert history.events == []
    assert history.claims(ALICE)["code"] == "device_offline"


def test_a_device_that_comes_back_twice_takes_the_device_from_nobody() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.is_back()
    assert (history.session.holder, history.session.fence) == ("alice", 1)


# The device has seen a higher fence: an older database was restored


def tells_fence(history: SessionHistory, fence: int) -> None:
    """Let the device say which fence it has seen."""
    history.happens(FenceTold(DEVICE, fence, STATUS))


def test_a_free_device_is_granted_above_the_fence_that_it_has_seen() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.asks(ALICE, "release")
    tells_fence(history, 7)
    (document,) = history.documents
    assert (document["state"], document["fence"], document["reason"]) == ("free", 8, "released")
    assert history.claims(BOB)["fence"] == 9


def test_a_session_ends_whose_fence_the_device_refuses_and_who_waits_is_next() -> None:
    history = SessionHistory(Policy(cooling_s=60))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    tells_fence(history, 7)
    assert history.endings == [("alice", "stale_fence")]
    assert history.happened("user", "fence") == [("ended", "alice", 1), ("granted", "bob", 9)]
    (document,) = history.documents
    assert (document["holder"], document["fence"]) == ("bob", 9)
    assert history.answers["bob"]["fence"] == 9
    assert refusals(history.commands(fence=1)) == ["stale_fence"]
    assert refusals(history.results(fence=1, weight_kg=70.5)) == ["stale_fence"]
    assert history.running.output == {}


def test_a_session_whose_fence_the_device_refuses_ends_also_if_nobody_waits() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    tells_fence(history, 2)
    (document,) = history.documents
    assert (document["state"], document["fence"], document["reason"]) == ("free", 3, "stale_fence")


def test_a_device_that_cleans_confirms_with_the_fence_that_it_is_told() -> None:
    history = SessionHistory()
    history.declares(cleans=True)
    history.claims(ALICE)
    tells_fence(history, 7)
    assert history.documents[0]["state"] == "resetting"
    assert refusals(history.results(fence=1, reset=True)) == ["stale_fence"]
    assert history.results(fence=8, reset=True) != []
    assert history.state == "free"


@pytest.mark.parametrize("fence", [0, 1, 2])
def test_a_fence_that_is_not_above_the_last_one_changes_nothing(fence: int) -> None:
    history = SessionHistory()
    history.claims(BOB)
    history.asks(BOB, "release")
    history.claims(ALICE)
    before = history.session
    tells_fence(history, fence)
    assert (history.session, history.said) == (before, [])


def test_a_fence_that_is_told_twice_is_heard_once() -> None:
    history = SessionHistory()
    tells_fence(history, 7)
    history.claims(ALICE)
    for fence in (7, 7, 8, 9):
        tells_fence(history, fence)
    assert (history.session.holder, history.session.fence) == ("alice", 9)


def test_no_device_can_use_up_the_fences() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    for fence in (2**31, 2**32 - 1):
        tells_fence(history, fence)
        assert [said.topic for said in history.said if isinstance(said, MessageRefused)] == [STATUS]
        assert refusals(history.said) == ["bad_message"]
    assert (history.session.holder, history.session.fence) == ("alice", 1)
    tells_fence(history, 2**31 - 1)
    assert history.claims(BOB)["fence"] == 2**31 + 1
    tells_fence(history, 2**31 + 1)
    assert (history.session.holder, refusals(history.said)) == ("bob", []), "it has seen what it was given"


# The directory


def test_a_removed_device_tells_everybody_and_clears_its_topic() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    waiting = history.claims(BOB, wait=True)
    said = history.happens(GONE)
    assert history.endings == [("alice", "device_lost")]
    assert history.answers["bob"]["id"] == waiting["id"]
    assert history.answers["bob"]["code"] == Code.UNKNOWN_DEVICE
    assert [event["user"] for event in history.events if event["event"] == "left"] == ["bob"]
    assert Publish(SESSION, None, retain=True) in said
    assert history.documents == [{}], "cleared, and not published anew"
    assert (history.session.running, history.queue, history.session.reachable) == (None, [], False)


def test_the_fence_and_the_revision_survive_the_removal() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    revision = history.session.revision
    history.happens(GONE)
    assert history.happens(GONE) == []
    history.happens(DIRECTORY)
    assert history.documents[0]["fence"] == 1
    assert history.documents[0]["revision"] > revision
    history.is_back()
    assert history.claims(BOB)["fence"] == 2


@pytest.mark.parametrize("gone", ["alice", "bob", "carol", "alice bob", "alice bob carol"])
def test_a_removed_account_neither_holds_nor_waits(gone: str) -> None:
    history = SessionHistory()
    for who in (ALICE, BOB, CAROL):
        history.claims(who, wait=True)
    history.happens(DirectoryChanged(frozenset({DEVICE}), frozenset(EVERYBODY) - set(gone.split())))
    left = [name for name in ("alice", "bob", "carol") if name not in gone]
    assert [name for name in (history.session.holder, *history.queue) if name is not None] == left
    assert history.endings == ([("alice", "kicked")] if "alice" in gone else [])


def test_a_directory_that_changes_elsewhere_changes_nothing_here() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    assert history.happens(DirectoryChanged(frozenset({DEVICE, "x"}), frozenset(EVERYBODY) | {"new"})) == []


# Restarts, refusals of the broker


def test_after_a_restart_the_holder_has_a_grace_to_renew() -> None:
    history = SessionHistory(Policy(lease_s=60, idle_s=100, restart_grace_s=15))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.now += 500
    history.happens(Resumed())
    assert (history.session.holder, history.session.fence, history.deadline) == ("alice", 1, 15)
    assert history.asks(ALICE, "renew")["code"] == "renewed"
    history.passes(15)
    assert history.endings == [("alice", "idle")]


@pytest.mark.parametrize(("grace_s", "deadline"), [(1.0, 15), (40.0, 40)])
def test_a_device_that_was_lost_with_the_broker_has_the_time_to_be_back(grace_s: float, deadline: float) -> None:
    history = SessionHistory(Policy(lease_s=60, grace_s=grace_s, restart_grace_s=15))
    history.claims(ALICE)
    history.is_lost()  # by a last will: a broker that is stopped publishes them all
    history.now += 0.5
    history.happens(Resumed())
    assert history.deadline == deadline
    history.passes(deadline - 1)
    history.is_back()
    assert (history.state, history.endings) == ("active", [])


def test_a_restart_never_shortens_a_lease_and_changes_nothing_for_free_devices() -> None:
    history = SessionHistory()
    assert history.happens(Resumed()) == []
    history.claims(ALICE)
    history.passes(1)
    assert history.happens(Resumed()) == [FloorChanged("devices/scale-1", "alice", 0)]
    assert history.deadline == 59


@pytest.mark.parametrize("topic", [f"devices/{DEVICE}/command/tare", f"devices/{DEVICE}/session/request/bob"])
def test_who_was_refused_by_the_broker_is_told_under_its_own_name(topic: str) -> None:
    history = SessionHistory()
    (said,) = history.happens(PublishRefused(Code.NOT_HOLDER, topic, "carol"))
    assert isinstance(said, Publish)
    assert said.topic == f"devices/{DEVICE}/session/reply/carol"
    assert not said.retain
    body: Any = said.body
    assert (body.ok, body.code) == (False, "not_holder")


# What can be read in the document


def test_every_document_has_every_key_and_a_higher_revision() -> None:
    history = SessionHistory(Policy(lease_s=30))
    revisions = []
    history.claims(ALICE)
    for move in (
        lambda: history.claims(BOB, wait=True),
        lambda: history.results(grams=1),
        lambda: history.asks(ALICE, "renew"),
        lambda: history.asks(BOB, "leave"),
        lambda: history.passes(30),
        history.is_lost,
        history.is_back,
    ):
        history.now += 1
        move()
        (document,) = history.documents
        assert document.keys() >= EVERY_KEY
        revisions.append(document["revision"])
    assert revisions == sorted(set(revisions))


def test_what_changes_nothing_publishes_nothing() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    before = history.session
    for who, action in [(BOB, "claim"), (BOB, "release"), (ALICE, "leave"), (BOB, "kick")]:
        history.asks(who, action)
        assert history.documents == []
        assert history.events == []
    assert history.session == before
