"""The broker under fire, in a process of its own: ``python -m tests.fuzz.broker PORT WS_PORT STORE``.

Its door lets in who knows the secret, and lets them do nearly everything: what is refused cannot break anything.
"""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from broker.limits import Limits
from broker.ports import Judgement
from broker.server import Listener, running
from tests.fuzz.inputs import SECRET
from tools.brokers import OpenDoor, Passed, allow_open_files, run
from tools.ports import HOST

_ENDLESS = 10**9
# Whoever floods a broker is stopped by these: here the flood shall come through.
LIMITS = Limits(
    packet_bytes=128 * 1024, connect_s=2.0, connects_per_s=_ENDLESS, failed_logins=_ENDLESS, flapping=_ENDLESS
)


class FuzzDoor(OpenDoor):
    """Nothing but a few topics is retained, else memory would grow, and rightly so."""

    async def authenticate(self, _name: str, secret: str) -> bool:
        """Let in who knows the secret."""
        return secret == SECRET

    def judge(self, _name: str, topic: str, *, retain: bool, size: int) -> Judgement:
        """Refuse most retained messages."""
        del size
        may_stay = len(topic) < 8 and topic.startswith("kept/")
        return Passed("retained" if retain and not may_stay else None)


async def _serve(port: int, ws_port: int, store: Path) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with running([Listener("tcp", HOST, port), Listener("ws", HOST, ws_port)], FuzzDoor(), LIMITS, store):
        await over.wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    allow_open_files()
    run(_serve(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
