"""All that does what profiles say, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.core.access import Rulebook
from backend.core.engine import Send
from backend.core.topics import Tree
from backend.shell.automation.acting import Acting, Means
from backend.shell.automation.claiming import Claiming
from backend.shell.automation.errands import Errands
from backend.shell.automation.webhooks import Webhooks
from backend.shell.outbox import Outbox
from backend.shell.surroundings import Surroundings

_PAUSE_S = 0.5


class Workshop:
    """Automation, as the rest of the shell sees it."""

    def __init__(self, errands: Errands, claiming: Claiming) -> None:
        self.perform = errands.perform
        self.end = errands.end
        self.learn = claiming.learn


@asynccontextmanager
async def workshop(house: Surroundings, rules: Rulebook, tree: Tree, outbox: Outbox) -> AsyncIterator[Workshop]:
    """Do what profiles say. What they publish goes to the *outbox*, if the *rules* of the *tree* let its owner."""

    async def send(message: Send) -> None:
        while not await outbox.send([message]):  # noqa: ASYNC110 - the broker is away; the action has a deadline
            await asyncio.sleep(_PAUSE_S)

    claiming, webhooks = Claiming(house.deeds, house.sessions), Webhooks()
    means = Means(rules, tree, house.deeds, claiming, webhooks, send, house.now)
    errands = Errands(Acting(means), house.accounts.principal, house.inbox.add, house.now)
    try:
        yield Workshop(errands, claiming)
    finally:
        await webhooks.close()
