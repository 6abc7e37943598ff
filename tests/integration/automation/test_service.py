"""Errands through the real service, journal and broker: a board gets its command as from any app."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import aiomqtt

from backend.app.parts import Parts, wired
from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.automation import ErrandDone
from backend.core.desk import Desk
from backend.core.effects import Perform
from backend.core.engine import Send
from backend.core.facts import Resumed
from backend.core.principals import Principal, Role
from backend.features.directory.feature import DirectoryLoaded
from backend.features.triggers.definitions import profile_definition
from backend.features.triggers.state import CallOff, Errand, RunOver
from backend.features.voice.feature import Talkers
from backend.shell.automation.workshop import Workshop, workshop
from backend.shell.deeds import Deeds
from backend.shell.inbox import Inbox, Stop
from backend.shell.local_link import LocalLink
from backend.shell.outbox import Overheard
from backend.shell.service import Greeting, Service
from backend.shell.settings import Settings
from backend.shell.surroundings import Surroundings
from broker.server import Listener, running
from tests.integration.automation.town import command, context
from tools.ports import free_port

PEOPLE = {"alice": Role.USER, "bob": Role.USER, "scale-1": Role.DEVICE}
"""All have their name for a password."""


class Asker:
    """Stands where the machine of the triggers stands: says what is to be performed, and hears what came of it."""

    def __init__(self) -> None:
        self.wanted: list[object] = []
        self.told: asyncio.Queue[ErrandDone] = asyncio.Queue()

    def desk(self) -> Desk[Any]:
        return Desk(
            name="asker",
            events=(ErrandDone, Resumed),
            fresh=lambda key: key,
            keys=lambda _event, _known: ["asker"],
            step=self._step,
            until=lambda _state: None,
            project=lambda _state, _now: [],
        )

    def _step(self, state: str, event: object, _now: float) -> tuple[str, list[Any]]:
        if isinstance(event, ErrandDone):
            self.told.put_nowait(event)
        wanted, self.wanted = self.wanted, []
        return state, [Perform(each) for each in wanted]


class Site:
    """A backend with its broker, on a directory."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self.settings = Settings(data=data, port=self.port)
        self.parts: Parts = wired(self.settings)
        for name, role in PEOPLE.items():
            self.parts.accounts.add(Principal(name, role, name.title()), name, 0.0)
        self.asker, self.inbox = Asker(), Inbox()
        self.parts.engine.desks = (*self.parts.engine.desks, self.asker.desk())
        self.now = 1000.0

    def begins(self, *what: object) -> None:
        """Let the machine ask for something."""
        self.asker.wanted += what
        self.inbox.add(Resumed())

    async def serve(self, story: Any) -> None:
        """Serve until the story is over."""
        parts, principals = self.parts, self.parts.accounts.principals()
        parts.door.know(principals)
        parts.door.open()
        async with running([Listener("tcp", "127.0.0.1", self.port)], parts.door) as broker:
            link = LocalLink(broker, TABLE.tree(""), TABLE.subscriptions(), self.inbox)
            house = Surroundings(
                self.settings,
                parts.database,
                parts.directory,
                Talkers(parts.talkers),
                parts.sessions,
                parts.presence,
                self.inbox,
                Deeds(self.inbox),
                lambda: self.now,
            )
            self.inbox.add(DirectoryLoaded(principals))
            async with workshop(house, Rulebook(TABLE), TABLE.tree(""), link) as work:
                outbox = Overheard(link, house.deeds.learn, work.learn)
                greeting = Greeting(Send("backend/status", b"{}", retain=True), lambda: None)
                service = Service(parts.engine, parts.journal, outbox, self.inbox, lambda: self.now, greeting)
                service.perform = lambda what: work.perform(cast("Errand", what))
                tasks = [asyncio.create_task(link.run()), asyncio.create_task(service.run())]
                try:
                    await story(work)
                finally:
                    self.inbox.add(Stop())
                    await tasks[1]
                    tasks[0].cancel()
        parts.journal.close()
        parts.database.dispose()

    def client(self, name: str) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", self.port, username=name, password=name)


async def body(client: aiomqtt.Client) -> dict[str, Any]:
    """Return the next message."""
    message = await anext(aiter(client.messages))
    return {"topic": str(message.topic), **json.loads(bytes(message.payload))}


def test_a_board_works_for_a_profile_and_everybody_sees_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    profile = profile_definition(
        {
            "name": "Weigh",
            "start": [
                {"do": "session", "device": "scale-1", "input": {"for": "{{ data.who }}"}},
                command("tare", result_s=20),
            ],
            "end": [command("off")],
        }
    )
    seen = context("run-1", site.now, profile_name="Weigh")

    async def story(_work: Workshop) -> None:
        async with site.client("scale-1") as scale, site.client("bob") as bob:
            await scale.subscribe("devices/scale-1/command/#", qos=1)
            await scale.publish("devices/scale-1/status", b'{"state":"online","boot":1}', qos=1, retain=True)
            site.begins(Errand("start", profile, seen))
            tare = await body(scale)
            assert tare == {"topic": "devices/scale-1/command/tare", "fence": 1}
            await bob.subscribe("devices/scale-1/session", qos=1)
            document = await body(bob)
            assert (document["holder"], document["type"], document["client"]) == ("alice", "Weigh", "run-1")
            assert document["input"] == {"for": "Bob"}
            await bob.unsubscribe("devices/scale-1/session")
            await bob.subscribe("devices/scale-1/session/reply/bob", qos=1)
            claim = json.dumps({"id": "b1", "action": "claim", "wait": True})
            await bob.publish("devices/scale-1/session/request/bob", claim, qos=1)
            assert (await body(bob))["code"] == "queued"
            await scale.publish("devices/scale-1/result", b'{"fence":1,"output":{"kg":7},"complete":true}', qos=1)
            done = await site.asker.told.get()
            assert (done.phase, done.delivered, done.code) == ("start", 2, None)
            site.begins(Errand("end", profile, seen))
            assert await body(scale) == {"topic": "devices/scale-1/command/off", "fence": 1}
            done = await site.asker.told.get()
            assert (done.phase, done.delivered, done.code) == ("end", 1, None)
            assert (await body(bob))["code"] == "granted", "as soon as the run is over"

    asyncio.run(asyncio.wait_for(site.serve(story), 60))


def test_an_errand_that_waits_is_called_off_and_the_server_stops(tmp_path: Path) -> None:
    site = Site(tmp_path)
    profile = profile_definition({"start": [command("tare")]})

    async def story(work: Workshop) -> None:
        async with site.client("bob") as bob:
            await bob.subscribe("devices/scale-1/session/event", qos=1)
            for run in ("run-1", "run-2"):
                site.begins(Errand("start", profile, context(run, site.now)))
            assert (await body(bob))["event"] == "queued", "the board is away"
            site.begins(CallOff("run-1"))
            done = await site.asker.told.get()
            assert (done.session, done.delivered, done.code) == ("run-1", 0, None)
            assert (await body(bob))["event"] == "left"
            assert (await body(bob))["event"] == "queued", "now it is the turn of the other one"
            site.begins(CallOff("run-1"), RunOver("run-1"))
            await work.end()
            assert (await body(bob))["event"] == "left"
            assert site.asker.told.empty()

    asyncio.run(asyncio.wait_for(site.serve(story), 60))
