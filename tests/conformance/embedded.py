"""Run the embedded broker: ``python -m tests.conformance.embedded TCP_PORT WS_PORT STORE``, until a signal ends it."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from broker.limits import Limits
from broker.ports import Judgement
from broker.server import Listener, running
from tests.conformance import rules
from tools.brokers import OpenDoor, Passed

_LIMITS = Limits(
    packet_bytes=rules.PACKET_BYTES,
    inflight=rules.INFLIGHT,
    backlog_bytes=rules.BACKLOG_BYTES,
    # The suite is one address that comes and goes a thousand times, and often with a wrong secret.
    connects_per_s=1_000_000,
    failed_logins=1_000_000,
    flapping=1_000_000,
    kept_sessions=1_000_000,
)


class RuledDoor(OpenDoor):
    """Lets everybody in who knows the secret, to everything that is not forbidden."""

    async def authenticate(self, name: str, secret: str) -> bool:
        """Compare the secret."""
        return bool(name) and secret == rules.SECRET

    def judge(self, name: str, topic: str, *, retain: bool, size: int) -> Judgement:
        """Compare the topic."""
        del retain, size
        return Passed(None if rules.allowed(name, topic) else "forbidden")

    def may_subscribe(self, name: str, topic_filter: str) -> bool:
        """Compare the filter."""
        return rules.allowed(name, topic_filter)

    def may_receive(self, name: str, topic: str) -> bool:
        """Compare the topic."""
        return rules.allowed(name, topic)


async def _serve(port: int, ws_port: int, store: Path) -> None:
    listeners = [Listener("tcp", "127.0.0.1", port), Listener("ws", "127.0.0.1", ws_port)]
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with running(listeners, RuledDoor(), _LIMITS, store):
        await ended.wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
