"""Claim codes: ``k7qm2-9xpd4-1tzqa-8rwn3``. The first group names an account, the other three are its password.

Inside, a code is its 20 characters: lower case, without dashes. 75 of its 100 bits are secret.
"""

import hmac

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base32: no letter that is taken for a digit, or for another one."""
CHARACTERS, GROUP = 20, 5


def shown(code: str) -> str:
    """Return a code as people read it aloud."""
    return "-".join(code[first : first + GROUP] for first in range(0, CHARACTERS, GROUP))


_PREFIX = "claim-"


def account(code: str) -> str:
    """Return the name that a board logs in with."""
    return _PREFIX + code[:GROUP]


def group(account: str) -> str:
    """Return the first group of the code that an account is of: it names the code, and is no secret."""
    return account.removeprefix(_PREFIX)


def password(code: str) -> str:
    """Return what a board logs in with."""
    return code[GROUP:]


def secret(code: str, device: str, nonce: str, server_nonce: str) -> str:
    """Return the secret that board and server make of a code and their nonces, for it is never sent."""
    message = f"talkstick:{device}:{nonce}:{server_nonce}"
    return hmac.digest(code.encode(), message.encode(), "sha256").hex()
