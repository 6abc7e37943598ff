"""The side of the server for a board that has nothing but a claim code: codes in a database, judged as in earnest."""

import hmac
import secrets
from unittest.mock import patch

from backend.core.facts import ClaimJudged
from backend.core.principals import Principal, Role
from backend.core.refusals import Refused
from backend.features.provisioning.feature import JudgeClaim, account
from backend.shell import claims
from backend.shell.accounts import Accounts, verify
from tests.firmware.hub import Hub
from tests.firmware.script import Line
from tests.house import memory_database
from tests.people import DEVICES, EVERYBODY

_LIFE_S = 3600.0
_SERVER_NONCE = "fedcba9876543210" * 2
"""In earnest it is random; what is random cannot stand in a transcript."""


class ClaimHub(Hub):
    """Broker and backend of one board that claims. *code* is what it was given, as people type it."""

    def __init__(self, code: str) -> None:
        database = memory_database()
        self.accounts = Accounts(database)
        self._claims = claims.Claims(database)
        normal = code.lower().replace("-", "")
        super().__init__(Principal(account(normal), Role.CLAIM, "A board with a code"))
        for who in DEVICES:
            self.accounts.add(who, f"secret of {who.name}", self.house.now, generated=True)

    def prepares(self, line: Line) -> None:
        """Make a code, or let another board use it, before the first event."""
        first, _space, second = line.rest.partition(" ")
        if line.verb == "code":
            with patch.object(claims, "_new_code", lambda _session: first):
                self._claims.make(second, None, _LIFE_S, self.house.now)
        elif line.verb == "unknown":
            self.house.knows(EVERYBODY)
        else:
            self._claims.claim(self.board.name, first, second, self.house.now)

    def learns(self) -> None:
        """Let the server notice the code, which the broker knows already."""
        self.house.knows({**EVERYBODY, self.board.name: self.board})

    def logs_in(self, name: str, password: str) -> bool:
        """Tell whether the broker would let somebody in."""
        return verify(self.accounts.verifier_of(name), password)

    def has_claimed(self, device: str, key: str, message: str) -> bool:
        """Tell whether the secret that the board makes is now the device's."""
        return self.logs_in(device, hmac.digest(key.encode(), message.encode(), "sha256").hex())

    def _serves(self) -> None:
        wanted = [each for each in self.house.performed if isinstance(each, JudgeClaim)]
        self.house.performed.clear()
        for claim in wanted:
            self.house.hears(self._judged(claim))
            self._performs(self.house.commit())

    def _judged(self, asked: JudgeClaim) -> ClaimJudged:
        try:
            with patch.object(secrets, "token_hex", lambda _bytes: _SERVER_NONCE):
                found = self._claims.claim(asked.account, asked.mac, asked.nonce, self.house.now)
        except Refused as refused:
            return ClaimJudged(asked.account, asked.asked, code=refused.code)
        return ClaimJudged(asked.account, asked.asked, found.device, found.server_nonce)
