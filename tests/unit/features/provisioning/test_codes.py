"""What a code is made of, and what is made of it: the same as firmware makes."""

import hashlib
import hmac

from backend.core.ids import is_id
from backend.features.provisioning.codes import ALPHABET, account, password, secret, shown

CODE = "k7qm29xpd41tzqa8rwn3"
DEVICE, NONCE, SERVER_NONCE = "scale-1", "0" * 32, "f" * 32


def test_the_first_group_names_an_account_and_the_others_are_its_password() -> None:
    assert shown(CODE) == "k7qm2-9xpd4-1tzqa-8rwn3"
    assert account(CODE) == "claim-k7qm2"
    assert is_id(account(CODE))
    assert password(CODE) == "9xpd41tzqa8rwn3"
    assert shown(CODE).replace("-", "") == account(CODE).removeprefix("claim-") + password(CODE)


def test_no_character_is_taken_for_another_one() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("ilou") & set(ALPHABET)


def test_a_secret_is_the_one_that_a_board_makes() -> None:
    known = "1b1dd147c87e4b1f4c5bed01c8acbd96a8b43cd5f3cd8c8ffbb3196019a10f55"  # also by openssl dgst -sha256 -hmac
    assert secret(CODE, DEVICE, NONCE, SERVER_NONCE) == known


def test_a_secret_is_an_hmac_as_the_standard_spells_it_out() -> None:
    """RFC 2104, without the library's help."""
    message = f"talkstick:{DEVICE}:{NONCE}:{SERVER_NONCE}".encode()
    key = CODE.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + message).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()
    assert hmac.compare_digest(secret(CODE, DEVICE, NONCE, SERVER_NONCE), outer)


def test_whatever_changes_makes_another_secret() -> None:
    one = (CODE, DEVICE, NONCE, SERVER_NONCE)
    others = [
        ("k7qm29xpd41tzqa8rwn4", DEVICE, NONCE, SERVER_NONCE),
        (CODE, "scale-2", NONCE, SERVER_NONCE),
        (CODE, DEVICE, "1" + NONCE[1:], SERVER_NONCE),
        (CODE, DEVICE, NONCE, "e" + SERVER_NONCE[1:]),
        (CODE, DEVICE, SERVER_NONCE, NONCE),
    ]
    assert len({secret(*parts) for parts in (one, *others)}) == len(others) + 1
