"""What a board keeps in its flash memory: the names that firmware and command line share, and what fits."""

from enum import StrEnum

NAMESPACE = "talkstick"
"""Of the non-volatile storage (NVS) of ESP-IDF; Arduino calls it the name of the Preferences."""


class Key(StrEnum):
    """Keys of that namespace. All values are text, but for those of ``NUMBERS``: unsigned, of 32 bits."""

    URI = "uri"
    CA = "ca"
    PREFIX = "prefix"
    ID = "id"
    SECRET = "secret"  # noqa: S105 - a name
    CODE = "code"
    WIFI_SSID = "wifi_ssid"
    WIFI_PASS = "wifi_pass"  # noqa: S105 - a name
    BOOT = "boot"
    NONCE = "nonce"
    TIME = "time"


NUMBERS = frozenset({Key.BOOT, Key.TIME})
"""The last boot number, and the last known time: seconds since the epoch."""
OWN = frozenset({Key.BOOT, Key.NONCE, Key.TIME})
"""What a board writes by itself."""
