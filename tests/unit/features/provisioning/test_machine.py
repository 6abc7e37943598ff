"""Claims are judged one at a time for each code, and answered as often as they are asked."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine as Database

from backend.core.facts import ClaimJudged
from backend.core.refusals import Code
from backend.features.provisioning.machine import JudgeClaim
from backend.features.provisioning.state import ClaimCode
from backend.features.sessions.policy import Limits
from tests.house import BOUNDLESS, House
from tests.people import CODE, EVERYBODY

NOW = 1_700_000_000.0
MAC, OTHER_MAC = "a4cf128b3f9e", "a4cf128b3fa0"
NONCE, OTHER_NONCE, SERVER_NONCE = "0" * 32, "1" * 32, "f" * 32
REQUEST, REPLY = f"provision/request/{CODE.name}", f"provision/reply/{CODE.name}"
MADE = ClaimCode(CODE.name, "scale-1", NOW, NOW + 900.0, code="k7qm29xpd41tzqa8rwn3")


class Office:
    """A server that has one claim code; what the shell is to judge, a test judges."""

    def __init__(self, database: Database, quotas: Limits = BOUNDLESS) -> None:
        self.house = House(database, quotas=quotas)
        self.house.knows({**EVERYBODY, CODE.name: CODE})
        self.house.commit()

    def claims(self, nonce: str = NONCE, **more: object) -> list[dict[str, Any]]:
        """Claim; return the answers."""
        self.house.receive(REQUEST, {"id": "1", "action": "claim", "mac": MAC, "nonce": nonce, **more})
        return self.answers()

    def judged(self, **outcome: Any) -> list[dict[str, Any]]:
        """Judge the claim that waits; return the answers."""
        asked = self.house.performed.pop(0)
        assert isinstance(asked, JudgeClaim)
        self.house.hears(ClaimJudged(asked.account, asked.asked, **outcome))
        return self.answers()

    def answers(self) -> list[dict[str, Any]]:
        """Return what the board is told by now."""
        return [json.loads(send.payload) for send in self.house.commit() if send.topic == REPLY]


@pytest.fixture
def office(database: Database) -> Office:
    """A server that has one claim code."""
    return Office(database)


GRANTED = {"device": "scale-1", "nonce": SERVER_NONCE}
CLAIMED = {"id": "1", "ok": True, "code": "claimed", **GRANTED}


def test_a_board_is_told_who_it_is_once_the_shell_has_seen_to_it(office: Office) -> None:
    assert office.claims() == []
    (asked,) = office.house.performed
    assert isinstance(asked, JudgeClaim)
    assert (asked.account, asked.mac, asked.nonce) == (CODE.name, MAC, NONCE)
    assert office.judged(**GRANTED) == [CLAIMED]


def test_the_same_id_is_another_claim(office: Office) -> None:
    """All boards say id 1; an answer that is remembered would be another board's."""
    office.claims()
    assert office.judged(code=Code.WRONG_MAC)[0]["code"] == "wrong_mac"
    assert office.claims(OTHER_NONCE) == []
    assert office.judged(**GRANTED) == [CLAIMED]


def test_who_asks_again_meanwhile_is_told_to_wait(office: Office) -> None:
    office.claims()
    (answer,) = office.claims()
    assert (answer["id"], answer["code"], answer["retry_in_s"]) == ("1", "rate_limited", 1.0)
    assert len(office.house.performed) == 1
    office.judged(**GRANTED)
    assert office.claims() == []
    assert office.judged(**GRANTED) == [CLAIMED]


def test_a_code_asks_no_oftener_than_a_person(database: Database) -> None:
    office = Office(database, Limits(requests_per_minute=2))
    for _ in range(2):
        office.claims()
        office.judged(code=Code.WRONG_MAC)
    sent = office.house.receive(REQUEST, {"id": "3", "action": "claim", "mac": MAC, "nonce": NONCE})
    (answer,) = (json.loads(send.payload) for send in sent)
    assert (answer["code"], answer["retry_in_s"] > 1.0) == ("rate_limited", True)
    office.house.commit()
    assert office.house.performed == []


@pytest.mark.parametrize("code", [Code.CODE_USED, Code.CODE_EXPIRED, Code.WRONG_MAC, Code.NOT_STORED])
def test_a_refusal_says_why(office: Office, code: Code) -> None:
    office.claims()
    (answer,) = office.judged(code=code)
    assert (answer["id"], answer["ok"], answer["code"]) == ("1", False, code.value)
    assert answer["message"]
    assert "device" not in answer


def test_after_a_restart_a_claim_that_was_being_judged_may_be_asked_again(office: Office) -> None:
    office.claims()
    office.house.restart()
    office.house.performed.clear()
    assert office.claims() == []
    assert office.judged(**GRANTED) == [CLAIMED]


def test_what_a_commit_that_fails_takes_back_can_be_asked_again(office: Office) -> None:
    office.house.receive(REQUEST, {"id": "1", "action": "claim", "mac": MAC, "nonce": NONCE})
    office.house.fail()
    assert office.claims() == []
    assert office.judged(**GRANTED) == [CLAIMED]


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("provision/request/alice", "forbidden"),
        ("provision/request/scale-1", "forbidden"),
        ("provision/request/claim-2", "unknown_principal"),
    ],
)
def test_only_a_claim_code_claims(office: Office, topic: str, code: str) -> None:
    sent = office.house.receive(topic, {"id": "1", "action": "claim", "mac": MAC, "nonce": NONCE})
    assert [json.loads(send.payload)["code"] for send in sent] == [code]
    office.house.commit()
    assert office.house.performed == []


@pytest.mark.parametrize(
    "topic",
    [
        f"devices/scale-1/session/request/{CODE.name}",
        f"devices/scale-1/conversation/request/{CODE.name}",
        f"backend/request/{CODE.name}",
    ],
)
def test_a_claim_code_does_nothing_else(office: Office, topic: str) -> None:
    """The rules are asked again behind the broker's back."""
    sent = office.house.receive(topic, {"id": "1", "action": "claim"})
    assert [json.loads(send.payload)["code"] for send in sent] == ["forbidden"]


def test_nobody_holds_anything_with_a_claim_code(office: Office) -> None:
    office.house.receive("devices/scale-1/status", {"state": "online", "boot": 1})
    badge = {"action": "claim", "for": CODE.name}
    sent = office.house.receive("devices/scale-1/session/request/scale-1", badge)
    assert [json.loads(send.payload)["code"] for send in sent if "/reply/" in send.topic] == ["forbidden"]


# Which board may use a code


def used(**changes: Any) -> ClaimCode:
    """Return the code after it was used."""
    use: dict[str, Any] = {"used_at": NOW + 1.0, "used_mac": MAC, "nonce": NONCE, "server_nonce": SERVER_NONCE}
    return replace(MADE, **{**use, "code": None, **changes})


@pytest.mark.parametrize(
    ("code", "mac", "nonce", "at", "expected"),
    [
        (MADE, MAC, NONCE, 0.0, None),
        (MADE, MAC, NONCE, 899.9, None),
        (MADE, MAC, NONCE, 900.0, "code_expired"),
        (ClaimCode("c", "d", NOW, NOW + 900.0, mac=MAC), MAC, NONCE, 0.0, None),
        (ClaimCode("c", "d", NOW, NOW + 900.0, mac=MAC), OTHER_MAC, NONCE, 0.0, "wrong_mac"),
        (ClaimCode("c", "d", NOW, NOW + 900.0, mac=MAC), OTHER_MAC, NONCE, 900.0, "code_expired"),
        (ClaimCode("c", "d", NOW, NOW + 900.0, is_revoked=True), MAC, NONCE, 0.0, "code_expired"),
        (used(), MAC, NONCE, 2.0, None),
        (used(), MAC, OTHER_NONCE, 2.0, "code_used"),
        (used(), OTHER_MAC, NONCE, 2.0, "code_used"),
        (used(mac=OTHER_MAC), OTHER_MAC, NONCE, 2.0, "code_used"),
        (used(), MAC, NONCE, 900.0, "code_expired"),
        (used(is_revoked=True), MAC, NONCE, 2.0, "code_expired"),
    ],
)
def test_who_may_use_a_code(code: ClaimCode, mac: str, nonce: str, at: float, expected: str | None) -> None:
    assert code.refusal(mac, nonce, NOW + at) == expected


@pytest.mark.parametrize(
    ("code", "at", "expected"),
    [
        (MADE, 0.0, "open"),
        (MADE, 900.0, "expired"),
        (used(), 2.0, "used"),
        (used(), 9000.0, "used"),
        (used(is_revoked=True), 2.0, "used"),
        (ClaimCode("c", "d", NOW, NOW + 900.0, is_revoked=True), 0.0, "revoked"),
        (ClaimCode("c", "d", NOW, NOW + 900.0, is_revoked=True), 9000.0, "revoked"),
    ],
)
def test_how_a_code_stands(code: ClaimCode, at: float, expected: str) -> None:
    assert code.state(NOW + at) == expected


def test_a_code_is_not_shown_where_it_is_logged() -> None:
    assert MADE.code is not None
    assert MADE.code not in repr(MADE)
