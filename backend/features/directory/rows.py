"""Accounts as rows: one table for people, integrations and devices, since each is a name that can log in."""

from sqlmodel import Field, SQLModel

from backend.core.principals import Principal, Role


class AccountRow(SQLModel, table=True):
    """One account.

    ``verifier`` is what is stored instead of the secret; ``hardware`` is what a device's id was made from.
    """

    name: str = Field(primary_key=True)
    role: str
    display_name: str
    verifier: str
    created_at: float
    hardware: str | None = None


class DirectoryRow(SQLModel, table=True):
    """Rises with every change of the accounts, so that a running server notices."""

    id: int = Field(primary_key=True)
    revision: int


def principal(row: AccountRow) -> Principal:
    """Return the account without its secret."""
    return Principal(row.name, Role(row.role), row.display_name)
