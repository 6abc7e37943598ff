"""Who is really there: births, wills, silence, naps, restarts."""

from typing import Any

import pytest
from sqlalchemy import Engine as Database

from backend.core.clock import DAY_S
from backend.core.effects import Publish
from backend.core.facts import (
    DeviceBooted,
    DeviceHeard,
    DeviceLost,
    DeviceOnline,
    DirectoryChanged,
    FenceTold,
    MessageRefused,
    Resumed,
    SecretsChanged,
)
from backend.core.liveness import Limits
from backend.core.refusals import Code
from backend.features.presence.machine import Presence, keys, until
from tests.histories import DEVICE, DIRECTORY, START, PresenceHistory
from tests.house import House, memory_database

HEARD = DeviceHeard(DEVICE)
ONLINE = DeviceOnline(DEVICE)
LOST = DeviceLost(DEVICE)
STALE = MessageRefused(Code.STALE_BOOT, f"devices/{DEVICE}/status")
LIMITS = Limits(debounce_s=2, heartbeat_s=120)


def online(boot: int = 5) -> PresenceHistory:
    """Return the history of a device that was born a moment ago."""
    history = PresenceHistory(LIMITS)
    history.says("online", boot)
    return history


# Secrets that are void


@pytest.mark.parametrize("before", ["online", "lost", "sleeping"])
def test_who_was_locked_out_is_lost_at_once(before: str) -> None:
    """Also while a last will is doubted, and while it sleeps: it cannot come back with what it knows."""
    history = online()
    history.passes(10)
    history.says(before, 5, wake_in_s=100 if before == "sleeping" else None)
    history.happens(SecretsChanged(frozenset({DEVICE}), since=history.now + 0.1))
    (document,) = history.documents
    assert (document["state"], document["reason"], document["since"]) == (
        "lost",
        "secret_changed",
        "1970-01-12T13:46:50.000Z",
    )
    assert history.facts == [LOST]
    assert until(history.presence) is None


def test_whoever_is_not_there_is_not_lost_again() -> None:
    for history in (PresenceHistory(), online()):
        if history.state == "online":
            history.says("disconnected", 5)
        history.passes(1)
        assert history.happens(SecretsChanged(frozenset({DEVICE}), since=history.now)) == []


def test_after_a_restart_it_is_lost_without_waiting_for_its_silence() -> None:
    history = online()
    history.happens(Resumed())
    assert history.happens(SecretsChanged(frozenset({DEVICE}), since=history.now + 0.1))[-1] == LOST


@pytest.mark.parametrize("boot", [1, 5, 6])
def test_with_the_new_secret_it_is_back(boot: int) -> None:
    history = online()
    history.passes(1)
    history.happens(SecretsChanged(frozenset({DEVICE}), since=history.now))
    history.says("online", boot)
    assert history.documents[-1]["state"] == "online"
    assert ONLINE in history.facts


@pytest.mark.parametrize(("age", "is_spared"), [(0, True), (3, True), (5, False)])
def test_a_birth_with_the_new_secret_is_not_overtaken_by_what_became_of_the_old_one(age: int, is_spared: bool) -> None:
    history = online()
    history.passes(10)
    history.says("online", 6)
    history.passes(age)
    history.happens(SecretsChanged(frozenset({DEVICE}), since=history.now - 4))
    assert (history.state == "online") is is_spared


def test_a_sign_of_life_may_be_of_the_old_secret() -> None:
    history = online()
    history.passes(10)
    history.happens(HEARD)
    history.happens(SecretsChanged(frozenset({DEVICE}), since=history.now - 4))
    assert history.state == "lost"


def test_a_new_secret_concerns_its_device() -> None:
    assert keys(SecretsChanged(frozenset({DEVICE, "alice"}), since=0.0), ["probe-1", DEVICE]) == [DEVICE]


# Births and goodbyes


def test_a_provisioned_device_is_unknown_until_it_is_seen() -> None:
    history = PresenceHistory()
    (document,) = history.documents
    assert (document["state"], document["reason"], document["boot"]) == ("unknown", "provisioned", None)
    assert history.facts == []
    assert until(history.presence) is None


def test_a_birth_makes_it_online() -> None:
    history = online(boot=17)
    (document,) = history.documents
    assert (document["state"], document["reason"], document["boot"]) == ("online", "birth", 17)
    assert document["since"] == "1970-01-12T13:46:40.000Z"
    assert history.facts == [DeviceBooted(DEVICE, 17), ONLINE]


def test_any_sign_of_life_makes_it_online() -> None:
    history = PresenceHistory()
    assert history.happens(HEARD)[-1] == ONLINE
    assert history.documents[0]["reason"] == "heard"
    assert history.happens(HEARD) == [], "nothing new"


def test_a_goodbye_counts_at_once() -> None:
    history = online()
    history.says("disconnected", 5)
    assert (history.documents[0]["state"], history.documents[0]["reason"]) == ("disconnected", "goodbye")
    assert history.facts == [LOST]
    assert until(history.presence) is None


def test_after_a_goodbye_a_will_changes_nothing() -> None:
    history = online()
    history.says("disconnected", 5)
    assert history.says("lost", 5) == []
    assert history.passes(1000) == []
    assert history.state == "disconnected"


def test_born_again_at_once_after_a_reset_is_no_loss_but_a_newer_boot() -> None:
    history = online(boot=5)
    history.passes(10)
    history.says("online", 6)
    assert history.facts == [DeviceBooted(DEVICE, 6)]
    assert (history.documents[0]["boot"], history.documents[0]["since"]) == (6, "1970-01-12T13:46:40.000Z")


# Last wills are doubted


def test_a_will_is_believed_after_a_moment() -> None:
    history = online()
    assert history.says("lost", 5) == []
    assert history.passes(1.999) == []
    history.passes(0.001)
    assert (history.documents[0]["state"], history.documents[0]["reason"]) == ("lost", "last_will")
    assert history.facts == [LOST]


@pytest.mark.parametrize("sign", ["birth", "newer birth", "heard", "nap"])
def test_a_device_that_comes_back_at_once_was_never_gone(sign: str) -> None:
    history = online()
    history.says("lost", 5)
    history.passes(1)
    match sign:
        case "birth":
            history.says("online", 5)
        case "newer birth":
            history.says("online", 6)
        case "heard":
            history.happens(HEARD)
        case "nap":
            history.says("sleeping", 5, wake_in_s=100)
    assert history.facts == ([DeviceBooted(DEVICE, 6)] if sign == "newer birth" else [])
    history.passes(10)
    assert history.facts == []
    assert history.state == ("sleeping" if sign == "nap" else "online")


def test_a_second_will_does_not_prolong_the_doubt() -> None:
    history = online()
    history.says("lost", 5)
    history.passes(1.5)
    history.says("lost", 5)
    history.passes(0.5)
    assert history.state == "lost"


def test_a_goodbye_ends_the_doubt() -> None:
    history = online()
    history.says("lost", 5)
    history.says("disconnected", 5)
    assert history.state == "disconnected"
    assert history.passes(10) == []


def test_back_later_than_the_doubt_it_was_lost_and_is_online_again() -> None:
    history = online()
    history.says("lost", 5)
    history.passes(2)
    history.says("online", 6)
    assert history.facts == [DeviceBooted(DEVICE, 6), ONLINE]
    assert history.documents[0]["since"] == "1970-01-12T13:46:42.000Z"


# Older boots


@pytest.mark.parametrize("state", ["lost", "disconnected"])
def test_a_will_or_goodbye_of_an_older_boot_never_overwrites_a_newer_birth(state: str) -> None:
    history = online(boot=6)
    before = history.presence
    assert history.says(state, 5) == [STALE]
    assert history.says(state, 5, retained=True) == [STALE]
    assert history.presence == before
    history.passes(10)
    assert history.state == "online"


@pytest.mark.parametrize("state", ["online", "sleeping"])
def test_a_retained_copy_of_an_older_boot_is_late(state: str) -> None:
    history = online(boot=6)
    before = history.presence
    assert history.says(state, 5, retained=True) == [STALE]
    assert history.presence == before


@pytest.mark.parametrize("gone", ["disconnected", "lost", None])
def test_a_board_whose_memory_was_erased_counts_from_the_start(gone: str | None) -> None:
    history = online(boot=500)
    if gone is not None:
        history.says(gone, 500)
        history.passes(2)
        assert history.state == gone
    assert history.says("lost", 0) == [STALE], "a will of an older boot tells nothing"
    history.says("online", 1)
    assert (history.state, history.presence.boot) == ("online", 1)
    history.says("disconnected", 1)
    assert history.state == "disconnected"


# Silence


def test_silence_makes_it_lost_whatever_the_broker_says() -> None:
    history = online()
    history.passes(119.999)
    assert history.state == "online"
    history.passes(0.001)
    assert (history.documents[0]["state"], history.documents[0]["reason"]) == ("lost", "silent")
    assert history.facts == [LOST]


def test_heartbeats_prove_life_without_a_word() -> None:
    history = online()
    for _ in range(10):
        history.passes(100)
        assert history.happens(HEARD) == []
    assert history.state == "online"


def test_a_silent_device_that_is_heard_is_back() -> None:
    history = online()
    history.passes(120)
    assert history.happens(HEARD)[-1] == ONLINE


def test_time_passes_before_anything_else_happens() -> None:
    history = online()
    history.now += 120
    history.says("sleeping", 5)
    assert (history.state, history.presence.since) == ("sleeping", history.now)
    history = online()
    history.now += 500
    history.happens(HEARD)
    assert history.state == "online"
    assert history.presence.since == history.now, "it was away in between"


# Naps


def test_a_nap_is_announced_and_no_loss() -> None:
    history = online()
    history.passes(10)
    history.says("sleeping", 5, wake_in_s=3600)
    (document,) = history.documents
    assert (document["state"], document["reason"], document["wake_in_s"]) == ("sleeping", "sleeping", 3600.0)
    assert history.facts == []
    history.passes(3600 + 119)
    assert history.state == "sleeping"
    history.passes(1)
    assert (history.state, history.facts) == ("lost", [LOST])
    assert history.documents[0]["wake_in_s"] is None


def test_a_nap_without_an_end_ends_with_the_usual_patience() -> None:
    history = online()
    history.says("sleeping", 5)
    history.passes(120)
    assert history.state == "lost"


@pytest.mark.parametrize("how", ["birth", "heard"])
def test_who_wakes_up_is_online(how: str) -> None:
    history = online()
    history.says("sleeping", 5, wake_in_s=60)
    history.passes(60)
    history.says("online", 5) if how == "birth" else history.happens(HEARD)
    (document,) = history.documents
    assert (document["state"], document["wake_in_s"]) == ("online", None)
    history.passes(120)
    assert history.state == "lost"


# Restarts, and what is only retained


def test_after_a_restart_nobody_knows_until_it_is_seen() -> None:
    history = online()
    history.passes(10)
    history.happens(Resumed())
    (document,) = history.documents
    assert (document["state"], document["reason"], document["boot"]) == ("unknown", "restarted", 5)
    assert history.facts == [DeviceBooted("scale-1", 5)], "not lost yet, and nobody else remembers its boot"
    assert history.happens(HEARD)[-1] == ONLINE


@pytest.mark.parametrize("before", ["online", "sleeping", "lost", "disconnected"])
def test_who_is_not_seen_after_a_restart_is_lost(before: str) -> None:
    history = online()
    history.says(before, 5)
    history.passes(3)
    history.happens(Resumed())
    assert history.state == "unknown"
    history.passes(120)
    assert (history.state, history.facts) == ("lost", [LOST])


def test_who_was_only_heard_before_a_restart_is_lost_too_if_it_stays_silent() -> None:
    """A board that publishes no birth counts as there; so it must be able to get lost."""
    history = PresenceHistory(LIMITS)
    history.happens(HEARD)
    assert history.facts == [ONLINE]
    history.happens(Resumed())
    history.passes(120)
    assert (history.state, history.facts) == ("lost", [LOST])


def test_a_doubt_does_not_outlive_a_restart() -> None:
    history = online()
    history.says("lost", 5)
    history.happens(Resumed())
    history.passes(60)
    assert history.state == "unknown"


@pytest.mark.parametrize("state", ["online", "sleeping"])
def test_a_retained_status_proves_nothing(state: str) -> None:
    history = online()
    history.happens(Resumed())
    assert history.says(state, 5, retained=True) == []
    assert history.state == "unknown"
    history.passes(120)
    assert history.state == "lost"


def test_a_retained_status_tells_of_a_boot_that_may_get_lost() -> None:
    history = PresenceHistory(LIMITS)
    history.says("online", 7, retained=True)
    assert (history.state, history.presence.boot) == ("unknown", 7)
    history.passes(120)
    assert history.state == "lost"


def test_a_retained_status_does_not_prolong_the_patience() -> None:
    history = online()
    history.happens(Resumed())
    history.passes(100)
    history.says("online", 5, retained=True)
    history.passes(20)
    assert history.state == "lost"


def test_a_retained_goodbye_or_will_is_believed() -> None:
    for state, patience in [("disconnected", 0), ("lost", 2)]:
        history = online()
        history.happens(Resumed())
        history.says(state, 5, retained=True)
        history.passes(patience)
        assert history.state == state


def test_a_nap_that_was_announced_before_a_restart_is_no_silence() -> None:
    history = online()
    history.says("sleeping", 5, wake_in_s=3600)
    history.happens(Resumed())
    history.says("sleeping", 5, retained=True, wake_in_s=3600)
    history.passes(3600)
    assert history.state in ("unknown", "sleeping")
    history.passes(121)
    assert history.state == "lost"


def test_no_nap_lasts_for_years_when_the_clock_was_set_back() -> None:
    history = online()
    history.says("sleeping", 5, wake_in_s=3600)
    history.now -= 400 * DAY_S
    history.happens(Resumed())
    history.passes(7 * DAY_S + 121)
    assert history.state == "lost"


def test_only_a_nap_prolongs_the_patience() -> None:
    history = PresenceHistory(LIMITS)
    history.says("online", 5, retained=True, wake_in_s=3600)
    history.passes(120)
    assert history.state == "lost"


def test_what_is_stored_is_the_boot_and_the_rest_is_unknown(database: Database) -> None:
    house = House(database)
    house.receive(f"devices/{DEVICE}/status", {"state": "online", "boot": 2**32 - 1})
    house.commit()
    house.now += 1000
    house.restart()
    presence = house.presence(DEVICE)
    assert (presence.state, presence.boot, presence.provisioned) == ("unknown", 2**32 - 1, True)
    assert presence.silent_at == house.now + house.limits.heartbeat_s
    assert house.receive(f"devices/{DEVICE}/status", {"state": "lost", "boot": 2**32 - 2}) == []
    assert house.presence(DEVICE) == presence


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"state": "online", "boot": 5}, {"state": "online", "boot": 6}),
        ({"state": "online", "boot": 5}, {"state": "sleeping", "boot": 5, "wake_in_s": 3600}),
        ({"state": "sleeping", "boot": 5, "wake_in_s": 3600}, {"state": "online", "boot": 5}),
        ({"state": "online", "boot": 5}, {"state": "disconnected", "boot": 7}),
    ],
)
def test_whatever_a_restart_must_know_is_stored_when_it_changes(
    database: Database, before: dict[str, Any], after: dict[str, Any]
) -> None:
    house, one_batch = House(database), House(memory_database())
    for status in (before, after):
        house.receive(f"devices/{DEVICE}/status", status)
        house.commit()
        one_batch.receive(f"devices/{DEVICE}/status", status)
    one_batch.commit()
    house.restart()
    one_batch.restart()
    assert house.presence(DEVICE) == one_batch.presence(DEVICE)
    assert house.presence(DEVICE).boot == after["boot"]


def test_after_a_start_the_device_is_unknown_since_then_and_not_since_1970(database: Database) -> None:
    House(database).commit()
    house = House(database)
    house.now = START
    house.restart()
    assert house.presence(DEVICE).since == START


# The highest fence it has seen


def test_which_fence_it_has_seen_is_told_before_it_counts_as_there() -> None:
    """Who waits would be granted with a lower one otherwise."""
    history = PresenceHistory(LIMITS)
    history.says("online", 5, fence=7)
    told = [fact for fact in history.facts if isinstance(fact, FenceTold | DeviceOnline)]
    assert told == [FenceTold(DEVICE, 7, f"devices/{DEVICE}/status"), ONLINE]


@pytest.mark.parametrize("retained", [True, False])
def test_which_fence_it_has_seen_is_told_each_time(retained: bool) -> None:
    history = online(boot=5)
    history.says("online", 5, fence=7, retained=retained)
    assert FenceTold(DEVICE, 7, f"devices/{DEVICE}/status") in history.facts


def test_a_device_of_older_firmware_or_one_that_has_seen_none_tells_none() -> None:
    history = PresenceHistory(LIMITS)
    for fence in (None, 0):
        history.says("online", 5, fence=fence)
        assert not [fact for fact in history.facts if isinstance(fact, FenceTold)]


def test_what_the_broker_kept_of_an_older_boot_tells_no_fence() -> None:
    history = online(boot=5)
    assert history.says("online", 4, fence=7, retained=True) == [STALE]


# The directory


def test_a_removed_device_takes_its_topics_along_and_starts_anew_when_added_again() -> None:
    history = online(boot=9)
    said = history.happens(DirectoryChanged(frozenset(), frozenset()))
    assert set(said) == {
        Publish(f"devices/{DEVICE}/{topic}", None, retain=True) for topic in ("status", "presence", "info", "telemetry")
    }
    assert history.presence == Presence(DEVICE)
    assert history.passes(1000) == []
    history.happens(DIRECTORY)
    assert history.documents[0]["boot"] is None
    history.says("online", 1)
    assert history.state == "online"


def test_a_directory_that_changes_elsewhere_changes_nothing_here() -> None:
    history = online()
    assert history.happens(DirectoryChanged(frozenset({DEVICE, "other"}), frozenset())) == []
