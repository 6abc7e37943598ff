"""Topics outside of the tree at both brokers: as Zigbee2MQTT uses them, and while they are given and taken away."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from tests.brokers.brokers import Site
from tests.brokers.guest import Guest, content, guest
from tests.operator import Operator
from tests.rig import WITHIN_S

PIR, STATE = "zigbee2mqtt/pir", "zigbee2mqtt/bridge/state"


@dataclass
class Company:
    """Everybody who is connected, subscribed to everything."""

    site: Site
    people: dict[str, Guest]
    _numbers: Iterator[int] = field(default_factory=lambda: count(100))

    async def run(self, *arguments: str) -> None:
        """Type a command."""
        await asyncio.to_thread(Operator(self.site.talkstick.data).run, *arguments)

    async def reached(self, sender: str, topic: str, number: int) -> set[str]:
        """Let somebody say something; return whom it reaches."""
        await self.people[sender].publish(topic, {"said": number})
        await self.people["scale-1"].publish("devices/scale-1/telemetry", {"over": number})
        for who in self.people.values():
            await who.body("devices/scale-1/telemetry", over=number)
        return {name for name, who in self.people.items() if said(who, topic, number)}

    async def until(self, sender: str, topic: str, *names: str) -> None:
        """Let somebody say something until it reaches these, and nobody else."""
        found: set[str] = set()
        try:
            async with asyncio.timeout(WITHIN_S):
                while True:
                    found = await self.reached(sender, topic, next(self._numbers))
                    if found == set(names):
                        return
        except TimeoutError:
            raise AssertionError(f"what {sender} says on {topic} reaches {found}, not {names}") from None


def said(who: Guest, topic: str, number: int) -> bool:
    """Tell whether it came."""
    found = (content(message) for message in who.got if str(message.topic) == topic and message.payload)
    return {"said": number} in found


@asynccontextmanager
async def company(site: Site) -> AsyncIterator[Company]:
    """Let them in."""
    async with AsyncExitStack() as stack:
        names = ("admin", "alice", "bob", "ears", "scale-1", "zigbee2mqtt")
        yield Company(site, {name: await stack.enter_async_context(guest(site, name, "#")) for name in names})


def test_what_zigbee2mqtt_says_and_hears(site: Site) -> None:
    async def story() -> None:
        async with company(site) as all_of_them:
            both = {"admin", "zigbee2mqtt"}
            assert await all_of_them.reached("zigbee2mqtt", PIR, 1) == both
            assert await all_of_them.reached("zigbee2mqtt", "homeassistant/binary_sensor/pir/config", 2) == both
            assert await all_of_them.reached("admin", f"{PIR}/set", 3) == both
            assert await all_of_them.reached("admin", "frigate/available", 4) == {"admin"}
            assert await all_of_them.reached("admin", "devices/scale-1/nonsense", 5) == set()
            for stranger in ("alice", "bob", "ears", "scale-1"):
                assert await all_of_them.reached(stranger, f"{PIR}/set", 6) == set()
            assert await all_of_them.reached("zigbee2mqtt", "zigbee2mqttx", 7) == set()
            assert await all_of_them.reached("zigbee2mqtt", "devices/scale-1/status", 8) == set()

    asyncio.run(story())


def test_what_is_retained_there(site: Site) -> None:
    async def story() -> None:
        async with guest(site, "zigbee2mqtt") as zigbee, guest(site, "bob") as bob:
            await zigbee.publish(STATE, {"state": "online"}, retain=True)
            await bob.publish(f"{STATE}/bob", {"state": "online"}, retain=True)
            await bob.publish(STATE, {"state": "spoilt"}, retain=True)
        async with (
            guest(site, "zigbee2mqtt", "zigbee2mqtt/#") as zigbee,
            guest(site, "admin", "zigbee2mqtt/#") as admin,
            guest(site, "bob", "#") as bob,
        ):
            for who in (zigbee, admin):
                assert (await who.body(STATE)) == {"state": "online"}
            await admin.publish(STATE, b"", retain=True)
            await zigbee.wait_for(lambda message: not message.payload, "the clearing")
            assert not any(topic.startswith("zigbee2mqtt") for topic in await bob.kept(twice=True))
            assert zigbee.topics() == {STATE}

    asyncio.run(story())


def test_topics_are_given_and_taken_while_everybody_is_connected(site: Site) -> None:
    async def story() -> None:
        async with company(site) as all_of_them:
            assert await all_of_them.reached("zigbee2mqtt", PIR, 1) == {"admin", "zigbee2mqtt"}
            await all_of_them.run("user", "topics", "bob", "--add", "zigbee2mqtt/+", "--add", "shed/#")
            await all_of_them.run("user", "topics", "ears", "--add", PIR)
            await all_of_them.run("device", "topics", "scale-1", "--add", "tele/scale-1/+")
            await all_of_them.until("zigbee2mqtt", PIR, "admin", "zigbee2mqtt", "bob", "ears")
            await all_of_them.until("scale-1", "tele/scale-1/STATE", "admin", "scale-1")
            assert await all_of_them.reached("bob", PIR, 2) == {"admin", "zigbee2mqtt", "bob", "ears"}
            assert await all_of_them.reached("bob", "shed/lamp", 3) == {"admin", "bob"}
            assert await all_of_them.reached("ears", PIR, 4) == set()

            await all_of_them.run("user", "topics", "bob", "--remove", "zigbee2mqtt/+")
            await all_of_them.run("user", "topics", "ears", "--remove", PIR)
            await all_of_them.until("zigbee2mqtt", PIR, "admin", "zigbee2mqtt")
            assert await all_of_them.reached("bob", PIR, 5) == set()
            assert await all_of_them.reached("bob", "shed/lamp", 6) == {"admin", "bob"}

            await all_of_them.run("user", "topics", "bob", "--remove", "shed/#")
            await all_of_them.run("device", "topics", "scale-1", "--remove", "tele/scale-1/+")
            await all_of_them.until("bob", "shed/lamp")
            await all_of_them.until("scale-1", "tele/scale-1/STATE")
            assert not any(who.ended.is_set() for who in all_of_them.people.values())

    asyncio.run(story())


def test_who_comes_with_topics_of_its_own(site: Site) -> None:
    async def story() -> None:
        made = await asyncio.to_thread(
            site.talkstick.run, "user", "add", "frigate", "--role", "integration", "--topics", "frigate/#", "--json"
        )
        site.talkstick.passwords["frigate"] = json.loads(made)["password"]
        try:
            async with guest(site, "frigate", "frigate/#") as frigate:
                await frigate.publish("frigate/front/motion", {"said": 1})
                await frigate.body("frigate/front/motion", said=1)
        finally:
            await asyncio.to_thread(site.talkstick.run, "user", "rm", "frigate", "--yes")

    asyncio.run(story())
