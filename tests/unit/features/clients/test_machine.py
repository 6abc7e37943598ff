"""Which apps of a person are there: births, wills, restarts, too many of them."""

from typing import Any

import pytest

from backend.core.desk import Effect
from backend.core.effects import Publish
from backend.core.facts import (
    AccountsConnected,
    DirectoryChanged,
    Fact,
    MessageRefused,
    Resumed,
    SecretsChanged,
    UserHeard,
    UserLost,
    UserOnline,
)
from backend.core.liveness import Limits
from backend.core.refusals import Code
from backend.features.clients.machine import MOST_CLIENTS, ClientSaid, User, keys, step, until
from backend.features.clients.messages import ClientStatus
from tests.histories import START, published, refusals

ONLINE, LOST, HEARD = UserOnline("alice"), UserLost("alice"), UserHeard("alice")
LIMITS = Limits(debounce_s=2, heartbeat_s=120)
PRESENCE = "users/alice/presence"
AT_START = "1970-01-12T13:46:40.000Z"


def status(client: str) -> str:
    return f"users/alice/clients/{client}/status"


class ClientsHistory:
    """The apps of one person."""

    def __init__(self) -> None:
        self.now = START
        self.user = User("alice")
        self.said: list[Effect] = []

    def happens(self, event: object) -> list[Effect]:
        """Let the machine hear of something; return what it says."""
        self.user, self.said = step(LIMITS, self.user, event, self.now)
        return self.said

    def passes(self, seconds: float) -> list[Effect]:
        """Let time pass."""
        self.now += seconds
        return self.happens(None)

    def says(self, client: str, state: Any, boot: int | None = None, *, retained: bool = False) -> list[Effect]:
        """Let an app (or the broker in its name) say how it is."""
        return self.happens(ClientSaid("alice", client, ClientStatus(state=state, boot=boot), retained))

    @property
    def facts(self) -> list[Fact]:
        """What other features heard last."""
        return [said for said in self.said if isinstance(said, Fact)]

    @property
    def document(self) -> dict[str, Any]:
        """The presence said last."""
        (found,) = published(self.said, PRESENCE)
        return found

    @property
    def states(self) -> dict[str, str]:
        """How each app is."""
        return {name: client.state for name, client in self.user.clients.items()}


def online(boot: int | None = 5) -> ClientsHistory:
    """Return the history of a person whose phone was born a moment ago."""
    history = ClientsHistory()
    history.says("phone", "online", boot)
    return history


# Births and goodbyes


def test_a_birth_makes_the_person_online() -> None:
    history = online(boot=17)
    assert history.document == {
        "state": "online",
        "since": AT_START,
        "clients": [{"client": "phone", "state": "online", "since": AT_START, "boot": 17}],
    }
    assert history.facts == [ONLINE]
    assert until(history.user) is None, "an app that is connected may be silent for as long as it likes"


def test_a_person_is_there_while_one_app_is() -> None:
    history = online()
    history.passes(10)
    history.says("laptop", "online")
    assert history.facts == []
    assert (history.document["since"], [each["client"] for each in history.document["clients"]]) == (
        AT_START,
        ["laptop", "phone"],
    )
    history.says("phone", "disconnected", 5)
    assert (history.document["state"], history.facts) == ("online", [])
    history.says("laptop", "disconnected")
    assert (history.document["state"], history.facts) == ("disconnected", [LOST])
    assert history.document["since"] == "1970-01-12T13:46:50.000Z"


def test_a_birth_that_is_said_again_changes_nothing() -> None:
    history = online()
    history.passes(10)
    assert history.says("phone", "online", 5) == []
    history.says("phone", "online", 6)
    assert (history.facts, history.document["clients"][0]["boot"], history.document["since"]) == ([], 6, AT_START)


def test_a_goodbye_counts_at_once_and_a_will_after_it_changes_nothing() -> None:
    history = online()
    history.says("phone", "disconnected", 5)
    assert history.facts == [LOST]
    assert history.says("phone", "lost", 5) == []
    assert history.passes(1000) == []
    assert history.user.state == "disconnected"


def test_of_those_that_are_gone_the_last_one_counts() -> None:
    history = online()
    history.says("laptop", "online")
    history.says("phone", "disconnected", 5)
    history.says("laptop", "lost")
    history.passes(2)
    assert (history.user.state, history.facts) == ("lost", [LOST])
    history.says("phone", "online", 6)
    assert history.facts == [ONLINE]


def test_who_comes_back_is_there_since_then() -> None:
    history = online()
    history.says("phone", "disconnected", 5)
    history.passes(60)
    history.says("phone", "online", 6)
    assert history.document["since"] == history.document["clients"][0]["since"] == "1970-01-12T13:47:40.000Z"


# Last wills are doubted


@pytest.mark.parametrize("boot", [5, None])
def test_a_will_is_believed_after_a_moment(boot: int | None) -> None:
    history = online(boot)
    assert history.says("phone", "lost", boot) == []
    assert history.passes(1.999) == []
    history.passes(0.001)
    assert (history.document["state"], history.facts) == ("lost", [LOST])
    assert until(history.user) is None


@pytest.mark.parametrize("boot", [5, 6, None])
def test_an_app_that_comes_back_at_once_was_never_gone(boot: int | None) -> None:
    history = online()
    history.says("phone", "lost", 5)
    history.passes(1)
    history.says("phone", "online", boot)
    assert history.facts == []
    assert history.passes(100) == []
    assert history.user.state == "online"


def test_a_second_will_does_not_prolong_the_doubt() -> None:
    history = online()
    history.says("phone", "lost", 5)
    history.passes(1.5)
    history.says("phone", "lost", 5)
    history.passes(0.5)
    assert history.facts == [LOST]


def test_each_app_is_doubted_for_itself() -> None:
    history = online()
    history.says("laptop", "online")
    history.says("phone", "lost", 5)
    history.passes(1)
    history.says("laptop", "lost")
    history.passes(1)
    assert (history.states, history.facts) == ({"phone": "lost", "laptop": "online"}, [])
    history.passes(1)
    assert (history.states, history.facts) == ({"phone": "lost", "laptop": "lost"}, [LOST])


def test_a_will_without_a_birth_counts_too() -> None:
    """With mosquitto_sub one leaves a will easily, and forgets the birth."""
    history = ClientsHistory()
    history.says("phone", "lost")
    assert history.document["state"] == "unknown"
    history.passes(2)
    assert (history.document["state"], history.facts) == ("lost", [LOST])


# Older boots


@pytest.mark.parametrize("state", ["lost", "disconnected"])
def test_a_will_or_goodbye_of_an_older_boot_never_overwrites_a_newer_birth(state: str) -> None:
    history = online(boot=6)
    before = history.user
    for retained in (False, True):
        assert history.says("phone", state, 5, retained=retained) == [MessageRefused(Code.STALE_BOOT, status("phone"))]
    assert history.user == before


def test_boots_are_each_apps_own() -> None:
    history = online(boot=6)
    history.says("laptop", "online", 1)
    history.says("laptop", "disconnected", 1)
    assert history.states == {"phone": "online", "laptop": "disconnected"}


@pytest.mark.parametrize(("born", "will"), [(6, None), (None, 5)])
def test_without_a_boot_nothing_is_late(born: int | None, will: int | None) -> None:
    history = online(born)
    assert refusals(history.says("phone", "lost", will)) == []
    history.passes(2)
    assert history.facts == [LOST]


def test_an_app_whose_memory_was_erased_counts_from_the_start() -> None:
    history = online(boot=500)
    history.says("phone", "online", 1)
    history.says("phone", "disconnected", 1)
    assert history.facts == [LOST]


# Restarts, and what is only retained


def test_after_a_restart_nobody_knows_until_the_app_says_so() -> None:
    history = online()
    history.passes(10)
    history.happens(Resumed())
    assert (history.document["state"], history.document["since"], history.facts) == (
        "unknown",
        "1970-01-12T13:46:50.000Z",
        [],
    )
    history.says("phone", "online", 5)
    assert (history.document["state"], history.facts) == ("online", [ONLINE])
    assert history.passes(1000) == []


def test_who_does_not_come_back_after_a_restart_is_lost() -> None:
    history = online()
    history.says("laptop", "online")
    history.happens(Resumed())
    history.says("laptop", "online")
    history.passes(119)
    history.says("laptop", "disconnected")
    assert (history.user.state, history.facts) == ("unknown", []), "the phone may be there"
    history.passes(1)
    assert (history.document["state"], history.facts) == ("lost", [LOST])


def test_who_asks_for_something_is_there_and_not_called_lost() -> None:
    history = online()
    history.happens(Resumed())
    for _ in range(3):
        history.passes(100)
        assert history.happens(HEARD) == []
    assert history.user.state == "unknown", "but with which app nobody knows"
    history.passes(120)
    assert history.facts == [LOST]


@pytest.mark.parametrize("state", ["online", "lost", "disconnected"])
def test_asking_changes_nothing_otherwise(state: str) -> None:
    history = online()
    history.says("phone", state, 5)
    before = history.user
    assert history.happens(HEARD) == []
    assert history.user == before


def test_who_was_gone_before_a_restart_remains_so() -> None:
    history = online()
    history.says("phone", "disconnected", 5)
    assert history.happens(Resumed()) == []
    assert history.passes(1000) == []
    assert history.says("phone", "online", 5, retained=True) == []
    assert history.user.state == "disconnected"


def test_a_retained_birth_proves_nothing() -> None:
    history = online()
    history.happens(Resumed())
    history.passes(100)
    assert history.says("phone", "online", 5, retained=True) == []
    history.passes(20)
    assert history.facts == [LOST]


@pytest.mark.parametrize("gone", [False, True])
def test_a_birth_that_nobody_heard_of_may_be_true(gone: bool) -> None:
    history = online() if gone else ClientsHistory()
    history.says("phone", "disconnected", 5) if gone else None
    history.says("phone", "online", 7, retained=True)
    assert (history.document["state"], history.document["clients"][0]["boot"], history.facts) == ("unknown", 7, [])
    assert history.document["since"] == AT_START
    history.passes(120)
    assert history.facts == [LOST]


@pytest.mark.parametrize(("state", "patience"), [("disconnected", 0), ("lost", 2)])
def test_a_retained_goodbye_or_will_is_believed(state: str, patience: int) -> None:
    history = online()
    history.happens(Resumed())
    history.says("phone", state, 5, retained=True)
    history.passes(patience)
    assert history.user.state == state


def test_a_doubt_does_not_outlive_a_restart() -> None:
    history = online()
    history.says("phone", "lost", 5)
    history.happens(Resumed())
    history.passes(60)
    assert history.user.state == "unknown"


# Too many


def crowded(gone: int) -> ClientsHistory:
    """Return the history of somebody with as many apps as one may have, some of them gone."""
    history = ClientsHistory()
    for number in range(MOST_CLIENTS):
        history.says(f"app-{number}", "online")
    for number in range(gone):
        history.passes(1)
        history.says(f"app-{number}", "disconnected")
    return history


def test_one_app_too_many_is_refused_and_does_not_stay_retained() -> None:
    history = crowded(gone=0)
    before = history.user
    assert history.says("one-more", "online") == [
        MessageRefused(Code.TOO_MANY, status("one-more")),
        Publish(status("one-more"), None, retain=True),
    ]
    assert history.user == before
    history.says("app-3", "online", 1)
    assert history.user.clients["app-3"].boot == 1, "those that are known may say what they like"


def test_the_app_that_is_gone_for_longest_makes_room() -> None:
    history = crowded(gone=2)
    said = history.says("one-more", "online")
    assert said[0] == Publish(status("app-0"), None, retain=True)
    assert set(history.states) == {*(f"app-{number}" for number in range(1, MOST_CLIENTS)), "one-more"}
    assert len(history.document["clients"]) == MOST_CLIENTS
    assert history.facts == []


# The directory


def test_a_removed_account_takes_its_topics_along_and_is_forgotten() -> None:
    history = online()
    history.says("laptop", "lost")
    said = history.happens(DirectoryChanged(frozenset(), frozenset({"bob"})))
    topics = (PRESENCE, status("phone"), status("laptop"))
    assert sorted(map(repr, said)) == sorted(repr(Publish(topic, None, retain=True)) for topic in topics)
    assert history.user == User("alice")
    assert history.passes(1000) == []
    assert history.happens(DirectoryChanged(frozenset(), frozenset())) == []
    history.says("phone", "online", 1)
    assert history.facts == [ONLINE]


def test_a_directory_that_changes_elsewhere_changes_nothing_here() -> None:
    history = online()
    assert history.happens(DirectoryChanged(frozenset({"scale-1"}), frozenset({"alice", "scale-1"}))) == []


def test_an_event_concerns_who_is_tracked() -> None:
    known = {"alice": None, "bob": None}
    assert keys(Resumed(), known) == ["alice", "bob"]
    assert keys(DirectoryChanged(frozenset(), frozenset({"alice", "carol"})), known) == ["bob"]
    assert keys(UserHeard("alice"), known) == ["alice"]
    assert keys(SecretsChanged(frozenset({"alice", "carol"}), since=0.0), known) == ["alice"]
    assert keys(UserHeard("carol"), known) == [], "who never had an app that said something is never lost"
    assert keys(ClientSaid("carol", "phone", ClientStatus(state="online")), known) == ["carol"]


def test_who_was_locked_out_is_lost_with_all_apps_but_those_that_may_know_the_new_secret() -> None:
    history = ClientsHistory()
    for client in ("phone", "laptop", "watch"):
        history.says(client, "online")
    history.says("watch", "disconnected")
    history.passes(10)
    history.says("laptop", "online")
    history.happens(SecretsChanged(frozenset({"alice"}), since=history.now - 1))
    assert history.states == {"phone": "lost", "laptop": "online", "watch": "disconnected"}
    assert history.facts == []
    history.passes(10)
    history.happens(SecretsChanged(frozenset({"alice"}), since=history.now))
    assert history.states == {"phone": "lost", "laptop": "lost", "watch": "disconnected"}
    assert history.facts == [UserLost("alice")]
    assert history.happens(SecretsChanged(frozenset({"alice"}), since=history.now)) == []
    history.says("phone", "online")
    assert history.facts == [UserOnline("alice")]


def test_who_has_no_connection_left_is_lost_after_a_moment_whatever_its_apps_said() -> None:
    history = ClientsHistory()
    history.says("phone", "online")
    history.happens(AccountsConnected(frozenset({"alice"})))
    assert history.passes(10) == []
    history.happens(AccountsConnected(frozenset()))
    history.passes(1)
    history.happens(AccountsConnected(frozenset()))
    assert history.user.state == "online", "it may be on its way back"
    history.passes(1)
    assert (history.user.state, history.facts) == ("lost", [UserLost("alice")])


def test_who_is_back_at_once_with_a_birth_was_never_gone_although_it_had_no_connection() -> None:
    history = ClientsHistory()
    history.says("phone", "online")
    history.happens(AccountsConnected(frozenset()))
    history.says("phone", "online")
    assert history.passes(10) == []
    assert history.user.state == "online"
