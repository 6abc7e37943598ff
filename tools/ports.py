"""Ports for servers of one's own, which nobody else takes: no test beside it, and no other run of the tests."""

import random
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

HOST = "127.0.0.1"
# Below those that the system gives to clients by itself: one of them might be where a server is about to start.
BLOCK = 200
BLOCKS = range(10_000, 32_000, BLOCK)


def free_port() -> int:
    """Return a port nobody listens on, and nobody on the next. Raises StopIteration where none is left."""
    return next(_PORTS)


def ports(blocks: Sequence[int]) -> Iterator[int]:
    """Yield every second free port of one block after the other.

    A block is of whoever is bound to its first port, to the end: a server that was given one may start again.
    """
    with ExitStack() as claims:
        for block in blocks:
            if _bound(claims.enter_context(socket.socket()), block):
                yield from filter(_is_free, range(block + 2, block + BLOCK, 2))


def _is_free(port: int) -> bool:
    with socket.socket() as probe, socket.socket() as following:
        return _bound(probe, port) and _bound(following, port + 1)


def _bound(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind((HOST, port))
    except OSError:
        return False
    return True


# The system's dice: whoever seeds all others would start where everybody does.
_PORTS = ports(random.SystemRandom().sample(BLOCKS, len(BLOCKS)))
