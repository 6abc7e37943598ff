"""Claim codes as rows. Nothing of them is in memory: they are asked for seldom."""

from sqlmodel import Field, SQLModel

from backend.features.provisioning.state import ClaimCode


class ClaimRow(SQLModel, table=True):
    """One claim code; see `ClaimCode`. ``is_closed``: its account is removed, and what was secret is forgotten."""

    account: str = Field(primary_key=True)
    device: str = Field(index=True)
    made_at: float
    made_by: str | None = None
    expires_at: float
    mac: str | None = None
    code: str | None = None
    used_at: float | None = None
    used_mac: str | None = None
    nonce: str | None = None
    server_nonce: str | None = None
    is_revoked: bool = False
    is_closed: bool = False


def claim_code(row: ClaimRow) -> ClaimCode:
    """Return what a row says."""
    return ClaimCode(**row.model_dump(exclude={"is_closed"}))
