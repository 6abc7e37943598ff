"""Claim codes as the database has them: made, used once, revoked, over, and looked up."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database

from backend.core.clock import DAY_S
from backend.core.principals import Principal, Role
from backend.core.refusals import Refused
from backend.features.provisioning.feature import ALPHABET, secret
from backend.shell.accounts import AccountError, Accounts, verify
from backend.shell.claims import MOST_OPEN, ClaimError, Claims, Made
from backend.shell.database import open_database
from backend.shell.directory import DATABASE
from backend.shell.revision import revision
from backend.shell.triggers import TriggerError, Triggers
from tests.people import ALICE, PRINTER, ROOT, SCALE

NOW = 1_700_000_000.0
LIFE_S = 900.0
MAC, OTHER_MAC = "a4cf128b3f9e", "a4cf128b3fa0"
NONCE, OTHER_NONCE = "0" * 32, "1" * 32


class Broker:
    """Stands for a Mosquitto: keeps the passwords that it is told, unless it is away."""

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}
        self.is_away = False

    def insist(self, name: str) -> None:
        self._insist()
        assert name not in self.passwords

    def put(self, who: Principal, secret: str) -> None:
        self._insist()
        self.passwords[who.name] = secret

    def remove(self, name: str) -> None:
        self._insist()
        self.passwords.pop(name, None)

    def _insist(self) -> None:
        if self.is_away:
            raise AccountError("the broker could not be told")


@pytest.fixture
def accounts(database: Database) -> Accounts:
    """The accounts of some people and two devices."""
    made = Accounts(database)
    for who in (ROOT, ALICE, SCALE, PRINTER):
        made.add(who, f"secret of {who.name}", NOW, generated=True)
    return made


@pytest.fixture
def claims(accounts: Accounts, database: Database) -> Claims:
    """The claim codes of these devices."""
    assert accounts.all()
    return Claims(database)


def logs_in(accounts: Accounts, name: str, password: str) -> bool:
    """Tell whether a password is right."""
    return verify(accounts.verifier_of(name), password)


def password_of(made: Made) -> str:
    """Return what a board logs in with."""
    return "".join(made.text.split("-")[1:])


def claimed(claims: Claims, made: Made, nonce: str = NONCE, mac: str = MAC, at: float = NOW) -> str:
    """Claim as a board does; return the secret that it makes."""
    found = claims.claim(made.about.account, mac, nonce, at)
    return secret(made.text.replace("-", ""), found.device, nonce, str(found.server_nonce))


def refused(claims: Claims, made: Made, nonce: str = NONCE, mac: str = MAC, at: float = NOW) -> str:
    """Claim in vain; return why."""
    with pytest.raises(Refused) as why:
        claims.claim(made.about.account, mac, nonce, at)
    return why.value.code.value


# Made


def test_a_code_is_an_account_that_can_do_nothing_but_claim(accounts: Accounts, claims: Claims) -> None:
    made = claims.make("scale-1", None, LIFE_S, NOW)
    assert re.fullmatch(rf"[{ALPHABET}]{{5}}(-[{ALPHABET}]{{5}}){{3}}", made.text)
    assert made.about.account == f"claim-{made.text[:5]}"
    assert accounts.principals()[made.about.account].role is Role.CLAIM
    assert logs_in(accounts, made.about.account, password_of(made))
    assert logs_in(accounts, "scale-1", "secret of scale-1")
    assert (made.about.device, made.about.expires_at, made.about.state(NOW)) == ("scale-1", NOW + LIFE_S, "open")


def test_codes_are_for_devices(claims: Claims) -> None:
    for name in ("alice", "nobody"):
        with pytest.raises(ClaimError, match=f"no device {name}"):
            claims.make(name, None, LIFE_S, NOW)


def test_a_new_code_takes_the_place_of_the_one_before(accounts: Accounts, claims: Claims) -> None:
    first, second = (claims.make("scale-1", None, LIFE_S, NOW + at) for at in (0.0, 1.0))
    assert accounts.verifier_of(first.about.account) is None
    assert refused(claims, first) == "code_expired"
    assert [(each.account, each.state(NOW)) for each in claims.all()] == [
        (second.about.account, "open"),
        (first.about.account, "revoked"),
    ]


def test_so_many_codes_are_open_at_once(accounts: Accounts, claims: Claims) -> None:
    for number in range(MOST_OPEN):
        accounts.add(Principal(f"board-{number}", Role.DEVICE, ""), "secret", NOW, generated=True)
        claims.make(f"board-{number}", None, LIFE_S, NOW)
    with pytest.raises(ClaimError, match="100 claim codes are open"):
        claims.make("scale-1", None, LIFE_S, NOW)
    claims.make("board-7", None, LIFE_S, NOW)
    assert claims.make("scale-1", None, LIFE_S, NOW + LIFE_S)


def test_a_code_owns_and_says_nothing(accounts: Accounts, claims: Claims, database: Database) -> None:
    account = claims.make("scale-1", None, LIFE_S, NOW).about.account
    with pytest.raises(AccountError, match="owns nothing"):
        accounts.set_owner("printer-1", account)
    with pytest.raises(TriggerError, match="is a claim, and publishes nothing"):
        Triggers(database).add("trigger", "pir", {"owner": account}, NOW)


# Used


def test_the_secret_of_the_board_is_the_device_s(accounts: Accounts, claims: Claims, database: Database) -> None:
    made, before = claims.make("scale-1", None, LIFE_S, NOW), revision(database)
    password = claimed(claims, made)
    assert logs_in(accounts, "scale-1", password)
    assert not logs_in(accounts, "scale-1", "secret of scale-1")
    assert revision(database) > before, "a running server is to end the old connections"
    (about,) = claims.all()
    assert (about.state(NOW), about.used_at, about.used_mac, about.code) == ("used", NOW, MAC, None)


def test_an_answer_that_was_lost_is_told_again(accounts: Accounts, claims: Claims, database: Database) -> None:
    made = claims.make("scale-1", None, LIFE_S, NOW)
    password, before = claimed(claims, made), revision(database)
    assert claimed(claims, made, at=NOW + 60.0) == password
    assert revision(database) == before
    assert logs_in(accounts, "scale-1", password)


def test_a_code_is_good_for_one_board(accounts: Accounts, claims: Claims) -> None:
    made = claims.make("scale-1", None, LIFE_S, NOW)
    password = claimed(claims, made)
    assert refused(claims, made, OTHER_NONCE) == "code_used"
    assert refused(claims, made, mac=OTHER_MAC) == "code_used"
    assert logs_in(accounts, "scale-1", password)


def test_a_code_may_be_for_one_board_only(accounts: Accounts, claims: Claims) -> None:
    made = claims.make("scale-1", MAC, LIFE_S, NOW)
    assert refused(claims, made, mac=OTHER_MAC) == "wrong_mac"
    assert logs_in(accounts, "scale-1", "secret of scale-1")
    assert logs_in(accounts, "scale-1", claimed(claims, made))


def test_a_code_that_is_not_there_is_over(claims: Claims) -> None:
    with pytest.raises(Refused, match="code_expired"):
        claims.claim("claim-aaaaa", MAC, NONCE, NOW)


# Over


@pytest.mark.parametrize("after_s", [LIFE_S, -LIFE_S])  # the clock was set back, and nobody knows how old it is
def test_an_expired_code_is_good_for_nothing_and_its_account_goes(
    accounts: Accounts, claims: Claims, after_s: float
) -> None:
    made = claims.make("scale-1", None, LIFE_S, NOW)
    assert [each.account for each in claims.tidy(NOW + LIFE_S - 1.0)] == [made.about.account]
    assert refused(claims, made, at=NOW + after_s) == "code_expired"
    assert claims.tidy(NOW + after_s) == []
    assert accounts.verifier_of(made.about.account) is None
    (about,) = claims.all()
    assert (about.state(NOW + after_s), about.code) == ("expired", None)
    assert logs_in(accounts, "scale-1", "secret of scale-1")


def test_what_became_of_a_code_can_be_looked_up_for_a_month(accounts: Accounts, claims: Claims) -> None:
    made = claims.make("scale-1", MAC, LIFE_S, NOW)
    claimed(claims, made)
    claims.tidy(NOW + 29 * DAY_S)
    (about,) = claims.all()
    assert (about.state(NOW + 29 * DAY_S), about.used_mac, about.nonce, about.server_nonce) == ("used", MAC, None, None)
    assert accounts.verifier_of(made.about.account) is None
    claims.tidy(NOW + LIFE_S + 30 * DAY_S)
    assert claims.all() == []


def test_nothing_is_written_where_nothing_is_over(claims: Claims, database: Database) -> None:
    claims.make("scale-1", None, LIFE_S, NOW)
    before = revision(database)
    claims.tidy(NOW + 1.0)
    assert revision(database) == before


def test_a_revoked_code_is_good_for_nothing(accounts: Accounts, claims: Claims) -> None:
    made = claims.make("scale-1", None, LIFE_S, NOW)
    claims.revoke("scale-1", NOW)
    assert refused(claims, made) == "code_expired"
    assert accounts.verifier_of(made.about.account) is None
    assert [each.state(NOW) for each in claims.all()] == ["revoked"]
    with pytest.raises(ClaimError, match="scale-1 has no open claim code"):
        claims.revoke("scale-1", NOW)
    with pytest.raises(ClaimError, match="printer-1 has no open claim code"):
        claims.revoke("printer-1", NOW)


def test_a_new_secret_voids_the_code(accounts: Accounts, claims: Claims) -> None:
    made = claims.make("scale-1", None, LIFE_S, NOW)
    accounts.set_secret("scale-1", "rotated", generated=True)
    assert refused(claims, made) == "code_expired"
    assert logs_in(accounts, "scale-1", "rotated")


def test_who_asks_again_is_not_told_what_is_void(accounts: Accounts, claims: Claims) -> None:
    made = claims.make("scale-1", None, LIFE_S, NOW)
    claimed(claims, made)
    accounts.set_secret("scale-1", "rotated", generated=True)
    assert refused(claims, made) == "code_expired"
    assert [each.state(NOW) for each in claims.all()] == ["used"]


def test_a_device_that_is_removed_takes_its_code_along(accounts: Accounts, claims: Claims) -> None:
    made = claims.make("scale-1", None, LIFE_S, NOW)
    accounts.remove("scale-1")
    assert refused(claims, made) == "code_expired"
    assert made.about.account not in accounts.principals()


# What a thief finds


def test_a_used_code_stands_nowhere_in_the_files(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    Accounts(database).add(SCALE, "secret", NOW, generated=True)
    claims = Claims(database)
    made = claims.make("scale-1", None, LIFE_S, NOW)
    code = made.text.replace("-", "").encode()

    def stands() -> bool:
        return any(code in path.read_bytes() for path in tmp_path.glob(f"{DATABASE}*"))

    assert stands(), "the server needs it until it is used"
    claimed(claims, made)
    claims.tidy(NOW)
    assert not stands()
    database.dispose()


# A broker that checks logins by itself


def test_the_broker_is_told_the_code_and_the_secret(accounts: Accounts, database: Database) -> None:
    broker = Broker()
    claims = Claims(database, broker)
    made = claims.make("scale-1", None, LIFE_S, NOW)
    assert broker.passwords == {made.about.account: password_of(made)}
    password = claimed(claims, made)
    assert broker.passwords["scale-1"] == password
    assert logs_in(accounts, "scale-1", password)
    other = claims.make("printer-1", None, LIFE_S, NOW)
    claims.revoke("printer-1", NOW)
    assert other.about.account not in broker.passwords


def test_a_broker_that_is_away_is_told_when_the_board_asks_again(accounts: Accounts, database: Database) -> None:
    broker = Broker()
    claims = Claims(database, broker)
    made = claims.make("scale-1", None, LIFE_S, NOW)
    broker.is_away = True
    with pytest.raises(AccountError):
        claimed(claims, made)
    assert refused(claims, made, OTHER_NONCE) == "code_used"
    broker.is_away = False
    password = claimed(claims, made)
    assert broker.passwords["scale-1"] == password
    assert logs_in(accounts, "scale-1", password)
    assert claims.all()[0].code is None


def test_a_broker_that_is_away_for_long_is_told_when_it_is_back(accounts: Accounts, database: Database) -> None:
    """A board that had the answer, or gave up, never asks again; the secret of before must not stay good."""
    broker = Broker()
    claims = Claims(database, broker)
    made = claims.make("scale-1", None, LIFE_S, NOW)
    broker.passwords["scale-1"] = "the one before"
    broker.is_away = True
    with pytest.raises(AccountError):
        claimed(claims, made)
    assert [each.account for each in claims.tidy(NOW + LIFE_S)] == [made.about.account]
    broker.is_away = False
    assert claims.tidy(NOW + LIFE_S) == []
    assert logs_in(accounts, "scale-1", broker.passwords["scale-1"])
    assert claims.all()[0].code is None


def test_who_claims_while_a_secret_is_replaced_is_too_late(accounts: Accounts, database: Database) -> None:
    class Quick(Broker):
        """A board claims before the command line has heard from the broker."""

        def put(self, who: Principal, secret: str) -> None:
            super().put(who, secret)
            if secret == "rotated":
                answers.append(refused(claims, made))

    broker, answers = Quick(), list[str]()
    claims = Claims(database, broker)
    made = claims.make("scale-1", None, LIFE_S, NOW)
    Accounts(database, broker).set_secret("scale-1", "rotated", generated=True)
    assert answers == ["code_expired"]
    assert broker.passwords == {"scale-1": "rotated"}
    assert logs_in(accounts, "scale-1", "rotated")


def test_without_the_broker_there_is_no_code(claims: Claims, database: Database) -> None:
    broker = Broker()
    broker.is_away = True
    with pytest.raises(AccountError):
        Claims(database, broker).make("scale-1", None, LIFE_S, NOW)
    assert claims.all() == []


class Deaf(Broker):
    """Answers, but cannot be told of an account; or somebody presses Ctrl-C meanwhile."""

    def __init__(self, why: BaseException, database: Database) -> None:
        super().__init__()
        self._why = why
        self._accounts = Accounts(database)

    def put(self, who: Principal, secret: str) -> None:
        assert secret
        assert who.name in self._accounts.principals(), "a server that compares now must not take it away again"
        raise self._why


@pytest.mark.parametrize("why", [AccountError("it went away"), KeyboardInterrupt()], ids=["it went away", "Ctrl-C"])
def test_what_the_broker_could_not_be_told_is_not_stored(
    accounts: Accounts, database: Database, why: BaseException
) -> None:
    before = accounts.all()
    with pytest.raises(type(why)):
        Accounts(database, Deaf(why, database)).add(Principal("bob", Role.USER, "Bob"), "secret", NOW, generated=True)
    with pytest.raises(type(why)):
        Claims(database, Deaf(why, database)).make("scale-1", None, LIFE_S, NOW)
    assert accounts.all() == before
    assert [each.state(NOW) for each in Claims(database).all()] == ["revoked"]
