"""How a claim code ends, whoever ends it: nobody logs in with it any more, and only what is no secret is kept."""

from sqlmodel import Session, col, select

from backend.features.directory.feature import AccountRow
from backend.features.provisioning.feature import ClaimRow


def void(session: Session, device: str) -> list[str]:
    """Revoke what codes of a device there are; return their accounts. Who had claimed with one is told nothing more."""
    rows = session.exec(select(ClaimRow).where(ClaimRow.device == device, col(ClaimRow.is_closed).is_(False))).all()
    for row in rows:
        row.is_revoked = True
        close(session, row)
    return [row.account for row in rows]


def close(session: Session, row: ClaimRow) -> None:
    """Remove the account of a code, and keep what an audit needs."""
    row.is_closed, row.code, row.nonce, row.server_nonce = True, None, None, None
    account = session.get(AccountRow, row.account)
    if account is not None:
        session.delete(account)
