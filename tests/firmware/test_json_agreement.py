"""Boards and server take the same payloads for JSON objects, whatever comes."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from backend.core.refusals import Refused
from backend.core.routing import MAX_DEPTH, parse_object

SEEDS = sorted((Path(__file__).parents[2] / "schemas" / "examples").rglob("*.json"))
TOKENS = rb"""{ } [ ] : , " \ true false null nul NaN Infinity 0 -0 01 1. .5 1e5 1E+ -1e-9 1e400 -1e310 1e-400 0e999
    \u0041 \ud83d\ude00 \ud83d \ude00\ud83d \u12 \x \n \/ {} [] "" {"a":1} [[[[ ]]]]"""
CONTROLS = [b"\x00", b"\x1f", b"\x7f", b"\n", b"\t", b" ", b"\x0b"]
CHARACTERS = [b"\xef\xbb\xbf", b"\xc3\xa4", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80"]
NO_CHARACTERS = [b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\x80", b"\xe2\x82"]
PIECES = [*TOKENS.split(), *CONTROLS, *CHARACTERS, *NO_CHARACTERS, b"9" * 400]


def mutated(rng: random.Random, seed: bytes) -> bytes:
    """Return *seed* with some of its bytes gone, changed or doubled, and with pieces in between."""
    payload = bytearray(seed)
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(payload))
        match rng.randrange(4):
            case 0:
                payload[at:at] = rng.choice(PIECES)
            case 1:
                del payload[at : at + rng.randint(1, 4)]
            case 2:
                payload[at : at + 1] = bytes([rng.randrange(256)])
            case _:
                payload[at:at] = payload[at : at + rng.randint(1, 9)]
    return bytes(payload)


def payloads(count: int) -> Iterator[bytes]:
    rng = random.Random(7)  # noqa: S311 - the same payloads each time
    seeds = [path.read_bytes() for path in SEEDS] + [b"{}", b'{"a":[1,2.5e3,"\\u00e4"]}']
    yield from seeds
    for levels in (MAX_DEPTH - 1, MAX_DEPTH):
        yield b'{"a":' + b"[" * levels + b"]" * levels + b"}"
    for _ in range(count):
        yield mutated(rng, rng.choice(seeds))
        yield b'{"a":' + b"".join(rng.choices(PIECES, k=rng.randint(1, 4))) + b"}"


def accepted(payload: bytes) -> bool:
    """Tell whether the server takes *payload*."""
    try:
        parse_object(payload)
    except Refused:
        return False
    return True


def test_boards_and_server_take_the_same_payloads(firmware_build: Path) -> None:
    asked = list(payloads(10_000))
    framed = b"".join(len(payload).to_bytes(4, "big") + payload for payload in asked)
    judged = subprocess.run([firmware_build / "json_judge"], input=framed, capture_output=True, check=True).stdout
    assert len(judged) == len(asked)
    verdicts = [verdict == ord("1") for verdict in judged]
    assert [payload for payload, verdict in zip(asked, verdicts, strict=True) if verdict != accepted(payload)] == []
    assert 0.1 < sum(verdicts) / len(verdicts) < 0.9, "both kinds were tried"
