"""What is stored instead of a secret: PBKDF2 with HMAC-SHA-512, in the form that Mosquitto checks by itself too."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass

CHOSEN = 210_000
"""Iterations for a secret that a person chose (OWASP)."""
GENERATED = 1_000
"""Iterations for a random one of 128 bits, which nobody guesses: a thousand boards come back at once, and Mosquitto
hashes in the thread that does all else."""

_MARK = "$7$"
_SALT = 12  # bytes, which Mosquitto 2.0 insists on


@dataclass(frozen=True, slots=True)
class Verifier:
    """Its parts; base64 as Mosquitto writes it."""

    iterations: int
    salt: str
    password: str


def made(secret: str, *, generated: bool) -> str:
    """Return the verifier of *secret* as one line of text. Slow on purpose, unless the secret was *generated*."""
    salt, iterations = secrets.token_bytes(_SALT), GENERATED if generated else CHOSEN
    found = _hash(secret, salt, iterations)
    return f"{_MARK}{iterations}${b64encode(salt).decode()}${b64encode(found).decode()}"


def matches(text: str, secret: str) -> bool:
    """Tell whether a line of text is the verifier of *secret*. As slow as it was made. Raises ValueError."""
    known = parsed(text)
    found = _hash(secret, b64decode(known.salt), known.iterations)
    return hmac.compare_digest(found, b64decode(known.password))


def parsed(text: str) -> Verifier:
    """Return the parts of a line of text. Raises ValueError."""
    iterations, salt, password = text.removeprefix(_MARK).split("$")
    return Verifier(int(iterations), salt, password)


def _hash(secret: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, iterations)
