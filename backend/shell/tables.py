"""The tables of all features, for who makes the database."""

from sqlmodel import SQLModel

from backend.features.clients import feature as _clients  # noqa: F401
from backend.features.directory import feature as _directory  # noqa: F401
from backend.features.presence import feature as _presence  # noqa: F401
from backend.features.provisioning import feature as _provisioning  # noqa: F401
from backend.features.sessions import feature as _sessions  # noqa: F401
from backend.features.triggers import feature as _triggers  # noqa: F401
from backend.features.voice import feature as _voice  # noqa: F401

METADATA = SQLModel.metadata
