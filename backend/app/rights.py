"""The access rules of all features together."""

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.shell.mosquitto_rights import Rights
from backend.shell.settings import Settings


def rights(settings: Settings) -> Rights:
    """Return the access rules as Mosquitto wants them."""
    return Rights(Rulebook(TABLE, settings.prefix), settings.prefix)
