"""Secrets in the form that Mosquitto checks by itself: PBKDF2 with HMAC-SHA-512, as in its own password files."""

import hashlib
import secrets
from base64 import b64encode
from dataclasses import dataclass

CHOSEN = 210_000
"""Iterations for a secret that a person chose (OWASP)."""
GENERATED = 1_000
"""Iterations for a random one of 128 bits, which nobody guesses: Mosquitto hashes in the thread that does all else."""

_MARK = "$7$"
_SALT = 12  # bytes, which 2.0 insists on


@dataclass(frozen=True, slots=True)
class Verifier:
    """What is stored instead of a secret; base64 as Mosquitto writes it."""

    iterations: int
    salt: str
    password: str


def made(secret: str, iterations: int) -> str:
    """Return the verifier of *secret* as one line of text. Slow on purpose."""
    salt = secrets.token_bytes(_SALT)
    found = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, iterations)
    return f"{_MARK}{iterations}${b64encode(salt).decode()}${b64encode(found).decode()}"


def parsed(text: str) -> Verifier:
    """Return the verifier in a line of text. Raises ValueError."""
    iterations, salt, password = text.removeprefix(_MARK).split("$")
    return Verifier(int(iterations), salt, password)
