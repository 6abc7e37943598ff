"""Claim codes in the database: the command line makes and revokes them, a server judges who claims with one.

A server needs the code itself to make the same secret as the board. So its characters are stored, beside the verifiers
of all accounts, until it is used, revoked or too old: who steals the database meanwhile can claim what nobody has
claimed yet.
"""

import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Engine as Database
from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select, update

from backend.core.clock import DAY_S
from backend.core.principals import Principal, Role
from backend.core.refusals import EXPLAINED, Code, Refused
from backend.features.directory.feature import AccountRow, principal
from backend.features.provisioning import feature as provisioning
from backend.features.provisioning.feature import ClaimCode, ClaimRow, claim_code
from backend.shell import verifier
from backend.shell.accounts import AccountError, Mirror, unless_told
from backend.shell.codes import close, void
from backend.shell.database import overwrite
from backend.shell.revision import changing

MOST_OPEN = 100
LONGEST_S = DAY_S
KEPT_S = 30 * DAY_S
"""How long one can look up what became of a code."""


class ClaimError(AccountError):
    """A code cannot be made or found; the message says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new code, as people read it: it is shown once."""

    text: str
    about: ClaimCode


class Claims:
    """The claim codes of one database, and of the *mirror* that checks logins by itself."""

    def __init__(self, database: Database, mirror: Mirror | None = None) -> None:
        self._database = database
        self._mirror = mirror
        self._is_stale = True  # a server that was killed may have left something
        """Whether the database's log may still hold a code that was used."""

    def make(self, device: str, mac: str | None, life_s: float, now: float, by: str | None = None) -> Made:
        """Make a code for a device, in place of those it had; with a *mac*, it is for that board only.

        *by* tells who makes it. Raises ClaimError where there is no such device, or too many are open; AccountError
        where the mirror cannot be told.
        """
        with Session(self._database) as session:
            _insist_on_room(session, device, now)
            code = _new_code(session)
        who = Principal(provisioning.account(code), Role.CLAIM, f"claim code of {device}", since=now)
        password = provisioning.password(code)
        if self._mirror is not None:
            self._mirror.insist(who.name)
        row = ClaimRow(
            account=who.name, device=device, mac=mac, made_at=now, made_by=by, expires_at=now + life_s, code=code
        )
        with changing(self._database) as session:
            gone = void(session, device)
            _insist_on_room(session, device, now)
            session.add(row)
            session.add(_account(who, verifier.made(password, generated=True)))
            about = claim_code(row)
        if self._mirror is not None:
            with unless_told(lambda: self._void(device)):
                self._mirror.put(who, password)
        self._remove(gone)
        return Made(provisioning.shown(code), about)

    def revoke(self, device: str, now: float) -> None:
        """Revoke the open code of a device. Raises ClaimError where there is none, and AccountError."""
        with Session(self._database) as session:
            if not any(each.device == device for each in _open(session, now)):
                raise ClaimError(f"{device} has no open claim code")
        self._remove(self._void(device))

    def all(self) -> list[ClaimCode]:
        """Return all codes of the last time, the newest first."""
        with Session(self._database) as session:
            return [claim_code(row) for row in session.exec(select(ClaimRow).order_by(col(ClaimRow.made_at).desc()))]

    def claim(self, account: str, mac: str, nonce: str, now: float) -> ClaimCode:
        """Let the board with that *mac* use a code, or tell it again; return the code as it is then.

        The secret of the device is another one when this returns. Raises Refused; AccountError where the mirror cannot
        be told: the board shall ask again.
        """
        found = self._insist(account, mac, nonce, now)
        if found.used_at is None:
            self._burn(found, mac, nonce, now)
            found = self._insist(account, mac, nonce, now)
        if found.code is not None and self._mirror is not None:
            self._settle(found, self._mirror)
        return found

    def tidy(self, now: float) -> list[ClaimCode]:
        """Close the codes whose time is over, and forget those of long ago; return those that are not closed.

        It is to be called every second or so: only then is a code that was used overwritten for good.
        """
        self._settle_all()
        is_settled = or_(col(ClaimRow.used_at).is_(None), col(ClaimRow.code).is_(None))
        is_over = func.abs(now - col(ClaimRow.made_at)) >= col(ClaimRow.expires_at) - col(ClaimRow.made_at)
        over = and_(col(ClaimRow.is_closed).is_(False), is_over, is_settled)
        forgotten = col(ClaimRow.expires_at) <= now - KEPT_S
        with Session(self._database) as session:
            is_due = session.exec(select(ClaimRow).where(or_(over, forgotten))).first() is not None
        if is_due:
            with changing(self._database) as session:
                for row in session.exec(select(ClaimRow).where(over)):
                    close(session, row)
                for row in session.exec(select(ClaimRow).where(forgotten)):
                    session.delete(row)
        if self._is_stale:
            self._is_stale = False
            overwrite(self._database)  # not with each claim: it waits for whoever reads
        with Session(self._database) as session:
            return _standing(session)

    def _void(self, device: str) -> list[str]:
        with changing(self._database) as session:
            return void(session, device)

    def _remove(self, accounts: Iterable[str]) -> None:
        if self._mirror is not None:
            for account in accounts:
                self._mirror.remove(account)

    def _insist(self, account: str, mac: str, nonce: str, now: float) -> ClaimCode:
        """Return a code that this board may use, or has used. Raises Refused."""
        with Session(self._database) as session:
            row = session.get(ClaimRow, account)
            if row is None:
                raise Refused(Code.CODE_EXPIRED, EXPLAINED[Code.CODE_EXPIRED])
            found = claim_code(row)
        why = found.refusal(mac, nonce, now)
        if why is not None:
            raise Refused(why, EXPLAINED[why])
        return found

    def _burn(self, found: ClaimCode, mac: str, nonce: str, now: float) -> None:
        """Let a board have used a code, unless somebody was quicker, and give the device its secret.

        With it and the nonces, anybody could make that secret; so it is kept only for a mirror that is to be told.
        """
        server_nonce = secrets.token_hex(provisioning.NONCE_BYTES)
        secret = provisioning.secret(str(found.code), found.device, nonce, server_nonce)
        is_open = (
            col(ClaimRow.account) == found.account,
            col(ClaimRow.used_at).is_(None),
            col(ClaimRow.is_closed).is_(False),
        )
        used = {"used_at": now, "used_mac": mac, "nonce": nonce, "server_nonce": server_nonce}
        kept = {"code": found.code if self._mirror is not None else None}
        with changing(self._database) as session:
            if session.connection().execute(update(ClaimRow).where(*is_open).values(**used, **kept)).rowcount:
                _device(session, found.device).verifier = verifier.made(secret, generated=True)
        self._is_stale = True

    def _settle_all(self) -> None:
        """Tell the mirror what it could not be told when a code was used: the secret before it is still good there."""
        if self._mirror is None:
            return
        with Session(self._database) as session:
            used = [each for each in _standing(session) if each.used_at is not None and each.code is not None]
        for each in used:
            with suppress(AccountError):  # it is away still; the next time
                self._settle(each, self._mirror)

    def _settle(self, found: ClaimCode, mirror: Mirror) -> None:
        """Tell the mirror, and forget the code."""
        with Session(self._database) as session:
            who = principal(_device(session, found.device))
        made_of = (str(found.code), found.device, str(found.nonce), str(found.server_nonce))
        mirror.put(who, provisioning.secret(*made_of))
        this = col(ClaimRow.account) == found.account
        with Session(self._database) as session, session.begin():
            session.connection().execute(update(ClaimRow).where(this).values(code=None))
        self._is_stale = True


def _standing(session: Session) -> list[ClaimCode]:
    """Return the codes that are not closed."""
    return [claim_code(row) for row in session.exec(select(ClaimRow).where(col(ClaimRow.is_closed).is_(False)))]


def _open(session: Session, now: float) -> list[ClaimCode]:
    return [each for each in _standing(session) if each.state(now) == "open"]


def _insist_on_room(session: Session, device: str, now: float) -> None:
    """Insist that a code may be made for a device. Raises ClaimError."""
    _device(session, device)
    if len([each for each in _open(session, now) if each.device != device]) >= MOST_OPEN:
        raise ClaimError(f"{MOST_OPEN} claim codes are open already; revoke one, or wait until one is used or too old")


def _device(session: Session, name: str) -> AccountRow:
    row = session.get(AccountRow, name)
    if row is None or row.role != Role.DEVICE.value:
        raise ClaimError(f"there is no device {name}")
    return row


def _new_code(session: Session) -> str:
    """Return a code whose name nobody has, or had in the time that is remembered."""
    while True:
        code = "".join(secrets.choice(provisioning.ALPHABET) for _ in range(provisioning.CHARACTERS))
        name = provisioning.account(code)
        if session.get(AccountRow, name) is None and session.get(ClaimRow, name) is None:
            return code


def _account(who: Principal, stored: str) -> AccountRow:
    return AccountRow(
        name=who.name, role=who.role.value, display_name=who.display_name, verifier=stored, created_at=who.since
    )
