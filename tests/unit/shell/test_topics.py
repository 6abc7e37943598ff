"""Topics of accounts outside of the tree, as the command line stores them and as a server sees them."""

import pytest
from sqlalchemy import Engine as Database

from backend.core.outside import MAX_FILTERS
from backend.core.principals import Principal, Role
from backend.shell.accounts import AccountError, Accounts
from backend.shell.revision import revision
from backend.shell.watcher import loaded
from tests.people import ALICE, BOT, EARS, ROOT, SCALE

MANY = tuple(f"x/{number}" for number in range(MAX_FILTERS))


@pytest.fixture
def accounts(database: Database) -> Accounts:
    """The accounts of one of each kind."""
    made = Accounts(database)
    for who in (ROOT, ALICE, BOT, EARS, SCALE):
        made.add(who, "secret", 0.0, generated=True)
    return made


def topics(accounts: Accounts, name: str) -> tuple[str, ...]:
    """Return an account's topics, as they are shown and as a server sees them."""
    shown = accounts.get(name).topics
    assert accounts.principals()[name].topics == shown
    return shown


@pytest.mark.parametrize("name", ["alice", "bot", "ears", "scale-1"])
def test_topics_are_given_and_taken(accounts: Accounts, database: Database, name: str) -> None:
    assert topics(accounts, name) == ()
    seen = [revision(database)]
    accounts.change_topics(name, ("zigbee2mqtt/#", "a", "a"), ())
    seen.append(revision(database))
    assert topics(accounts, name) == loaded(database).principals[name].topics == ("zigbee2mqtt/#", "a")
    accounts.change_topics(name, ("b", "zigbee2mqtt/#"), ("a",))
    seen.append(revision(database))
    assert topics(accounts, name) == ("zigbee2mqtt/#", "b")
    accounts.change_topics(name, (), ("b", "zigbee2mqtt/#"))
    assert topics(accounts, name) == ()
    assert accounts.principals()[name] == next(who for who in (ALICE, BOT, EARS, SCALE) if who.name == name)
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("name", "more", "fewer", "why"),
    [
        ("nobody", ("a",), (), "no account nobody"),
        ("root", ("a",), (), "an admin may use all topics"),
        ("bot", (), ("b",), "bot has no topics b"),
        ("bot", ("kept",), ("kept",), "add it or remove it, not both"),
        ("bot", MANY, (), "at most 32 topic filters"),
    ],
)
def test_what_cannot_be_given_or_taken(
    accounts: Accounts, database: Database, name: str, more: tuple[str, ...], fewer: tuple[str, ...], why: str
) -> None:
    accounts.change_topics("bot", ("kept",), ())
    before = revision(database)
    with pytest.raises(AccountError, match=why):
        accounts.change_topics(name, more, fewer)
    assert topics(accounts, "bot") == ("kept",)
    assert revision(database) == before


def test_as_many_as_there_may_be(accounts: Accounts) -> None:
    accounts.change_topics("bot", MANY, ())
    assert topics(accounts, "bot") == MANY
    accounts.change_topics("bot", ("y",), MANY[:1])
    assert topics(accounts, "bot") == (*MANY[1:], "y")


def test_an_account_comes_with_topics_and_they_go_with_it(accounts: Accounts) -> None:
    zigbee = Principal("zigbee2mqtt", Role.INTEGRATION, "Zigbee2MQTT", topics=("zigbee2mqtt/#",))
    accounts.add(zigbee, "secret", 0.0, generated=True)
    assert accounts.principals()["zigbee2mqtt"] == zigbee
    accounts.remove("zigbee2mqtt")
    accounts.add(Principal("zigbee2mqtt", Role.INTEGRATION, "Another"), "secret", 0.0, generated=True)
    assert topics(accounts, "zigbee2mqtt") == ()
    with pytest.raises(AccountError, match="an admin may use all topics"):
        accounts.add(Principal("boss", Role.ADMIN, "Boss", topics=("a",)), "secret", 0.0, generated=True)
    with pytest.raises(AccountError, match="at most 32"):
        accounts.add(Principal("bot-2", Role.INTEGRATION, "Bot", topics=(*MANY, "y")), "secret", 0.0, generated=True)


def test_another_broker_is_told_them_with_a_secret(database: Database) -> None:
    told: list[Principal] = []

    class Mirror:
        def insist(self, name: str) -> None:
            assert name == "alice"
            assert told == [], "first"

        def put(self, who: Principal, secret: str) -> None:
            assert secret == "secret"
            told.append(who)

        def remove(self, name: str) -> None:
            raise AssertionError(name)

    accounts = Accounts(database, Mirror())
    accounts.add(Principal("alice", Role.USER, "Alice", topics=("a",)), "secret", 0.0, generated=True)
    accounts.change_topics("alice", ("b",), ())
    accounts.set_secret("alice", "secret", generated=True)
    assert [who.topics for who in told] == [("a",), ("a", "b")]
