"""Names that may stand in a topic: one rule for principals, devices, channels and commands."""

import re
import unicodedata

MAX_ID = 63
ID_PATTERN = rf"[a-z0-9][a-z0-9_-]{{0,{MAX_ID - 1}}}"

_ID = re.compile(ID_PATTERN)
_MAC = re.compile(r"[0-9a-f]{2}(?:[: -]?[0-9a-f]{2}){5}")
_ALMOST_MAC = re.compile(  # of five or more pairs one is in doubt; what has two colons is no name
    r"[0-9a-z]{2}(?:[: -][0-9a-z]{1,3}){4,}:?|[0-9a-f]{1,3}(?::[0-9a-f]{1,3}){2,}:?"
)
_NOT_ALLOWED = re.compile(r"[^a-z0-9_-]+")


def check_name(text: str) -> None:
    """Insist on a name that may stand as one topic level. Raises ValueError, which says what one is."""
    if not is_id(text):
        raise ValueError(f"{text!r} is no name: use 1 to {MAX_ID} of a-z, 0-9, '-' and '_', not first '-' or '_'")


def is_id(text: str) -> bool:
    """Tell whether *text* may stand as one topic level."""
    return _ID.fullmatch(text) is not None


def mac_digits(text: str) -> str | None:
    """Return the 12 hexadecimal digits of a MAC, in lower case; None: it is none."""
    plain = text.strip().lower()
    return re.sub("[: -]", "", plain) if _MAC.fullmatch(plain) else None


def device_id(text: str) -> str:
    """Make a device id from a MAC, a UUID or a name.

    ``A4:CF:12:8B:3F:9E`` becomes ``esp32-a4cf128b3f9e``; a UUID stays itself in lower case; ``Lab scale 1`` becomes
    ``lab-scale-1``.

    Raises ValueError where nothing usable is left, or more than 63 characters; and for what seems to be a mistyped MAC.
    """
    plain = unicodedata.normalize("NFKD", text.strip()).encode("ascii", "ignore").decode().lower().strip("-_ ")
    if (mac := mac_digits(plain)) is not None:
        return f"esp32-{mac}"
    if _ALMOST_MAC.fullmatch(plain):
        raise ValueError(f"{text!r} seems to be a MAC, but a MAC has six pairs of 0-9 and a-f: A4:CF:12:8B:3F:9E")
    made = _NOT_ALLOWED.sub("-", plain).strip("-_")
    if not is_id(made):
        raise ValueError(f"{text!r} makes no id: give 1 to {MAX_ID} letters, digits, '-' or '_'")
    return made
