"""What a board keeps in its flash memory: the names that firmware and command line share, and what fits."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from backend.core.ids import MAX_ID

NAMESPACE = "talkstick"
"""Of the non-volatile storage (NVS) of ESP-IDF; Arduino calls it the name of the Preferences."""


class Key(StrEnum):
    """Keys of that namespace. All values are text, but for those of ``NUMBERS``."""

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
"""Unsigned numbers of 32 bits: the last boot number, and the last known time in seconds since the epoch."""

MOST: Final[Mapping[Key, int]] = {
    Key.URI: 191,
    Key.CA: 3967,
    Key.PREFIX: 64,
    Key.ID: MAX_ID,
    Key.SECRET: 128,
    Key.CODE: 31,
    Key.WIFI_SSID: 32,
    Key.WIFI_PASS: 64,
}
"""How many bytes of text there may be: the contract header tells the firmware, too. A longer authority would not fit
into a sector of flash memory."""

SECTOR = 4096
LEAST_SIZE, USUAL_SIZE, MOST_SIZE = 4 * SECTOR, 5 * SECTOR, 256 * SECTOR
"""Bytes of a partition: two sectors hold all of this, the board writes to others, and NVS keeps one free. The usual
size is that of Arduino's partition tables, and of Talkstick's own."""

PARTITION, OFFSET = "nvs", 0x9000
"""Where the image goes, on boards of ESP-IDF and of Arduino."""

_SIZE = re.compile(r"(0x[0-9a-f]+|[0-9]+)(k?)", re.IGNORECASE)
_WIFI_PASSWORD = re.compile(r"[ -~]{8,63}|[0-9A-Fa-f]{64}")


def check(values: Mapping[Key, str | int]) -> None:
    """Insist on what a board can read. Raises ValueError, which does not repeat what is secret."""
    for key, value in values.items():
        if isinstance(value, int):
            continue
        size = len(value.encode())
        if size > MOST[key]:
            raise ValueError(f"{key} has {size} bytes, and a board takes {MOST[key]}")
        if "\0" in value:
            raise ValueError(f"{key} has a character that ends text: NUL")
    password = values.get(Key.WIFI_PASS)
    if isinstance(password, str) and not _WIFI_PASSWORD.fullmatch(password):
        raise ValueError("a Wi-Fi password has 8 to 63 ASCII characters, or 64 hexadecimal digits")


def partition_size(text: str) -> int:
    """Read the size of a partition in bytes: ``0x5000``, ``20480`` or ``20K``. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    size = int(found[1], 0 if found[1][:2].lower() == "0x" else 10) * (1024 if found[2] else 1) if found else 0
    if not LEAST_SIZE <= size <= MOST_SIZE or size % SECTOR:
        raise ValueError(f"{text!r}: a partition has {LEAST_SIZE:#x} to {MOST_SIZE:#x} bytes, in steps of {SECTOR:#x}")
    return size
