"""Run amqtt's own broker: ``python -m tests.conformance.plain TCP_PORT WS_PORT``, until a signal ends it."""

import asyncio
import logging
import sys

from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from tests.conformance import rules


class KnowsTheSecret(BaseAuthPlugin):
    """Lets in who knows the secret."""

    async def authenticate(self, *, session: Session) -> bool:
        """Compare the secret."""
        return session.password == rules.SECRET


class NothingForbidden(BaseTopicPlugin):
    """Keeps everybody out of the forbidden topics."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Compare the topic."""
        del action
        return rules.allowed((session.username if session else None) or "", topic or "")


async def _serve(port: int, ws_port: int) -> None:
    broker = Broker(
        {
            "listeners": {
                "default": {"type": "tcp", "bind": f"127.0.0.1:{port}"},
                "ws": {"type": "ws", "bind": f"127.0.0.1:{ws_port}"},
            },
            "plugins": {f"{__spec__.name}.{plugin.__name__}": {} for plugin in (KnowsTheSecret, NothingForbidden)},
        }
    )
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.disable()  # it has much to say about what the cases do to it
    asyncio.run(_serve(*map(int, sys.argv[1:3])))
