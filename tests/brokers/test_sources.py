"""What other systems publish, at both brokers, makes triggers active and inactive."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from backend.shell.database import open_database
from backend.shell.triggers import Put, Triggers
from tests.brokers.brokers import Site, embedded, with_mosquitto
from tests.brokers.guest import Guest, content, guest

Definitions = dict[str, dict[str, Any] | None]

HALL = {"name": "Hall", "source": {"topic": "zigbee2mqtt/hall", "path": "$.occupancy"}}
LAMP = {"source": {"topic": "stat/lamp/POWER"}}
PORCH = {"source": {"topic": "frigate/events", "path": "$.type", "active": ["new", "update"], "inactive": ["end"]}}
FULL = {"source": {"topic": "devices/scale-1/telemetry", "path": "$.full"}}
HERE = {"source": {"topic": "devices/scale-1/presence", "path": "$.state"}}
BADGE = {"kind": "pulse", "source": {"topic": "rfid/door", "path": "$.uid"}}
ANY_BADGE = {"kind": "pulse", "source": {"topic": "rfid/+", "path": "$.uid"}}


def define(site: Site, wanted: Definitions) -> None:
    """Do what the commands do."""
    database = open_database(site.talkstick.data)
    try:
        Triggers(database).put([Put("trigger", name, definition) for name, definition in wanted.items()], 0.0)
    finally:
        database.dispose()


@asynccontextmanager
async def triggers(site: Site, wanted: Definitions) -> AsyncIterator[None]:
    """Have these triggers."""
    define(site, wanted)
    try:
        yield
    finally:
        define(site, dict.fromkeys(wanted))


async def becomes(who: Guest, trigger: str, active: bool, seen: int = 0, **data: object) -> None:
    """Insist that a trigger is told to be active, or not, with these data."""

    def is_it(message: Any) -> bool:
        if str(message.topic) != f"triggers/{trigger}" or not message.payload:
            return False
        told = content(message)
        return told["active"] is active and data.items() <= told["data"].items()

    await who.wait_for(is_it, f"{trigger} {active} {data}", seen)


def activations(who: Guest, trigger: str) -> int:
    """Return how often it was told to be activated."""
    events = [content(each) for each in who.got if str(each.topic) == f"triggers/{trigger}/event"]
    return sum(event["event"] == "activated" for event in events)


def too_large(stats: dict[str, Any]) -> int:
    """Return how many messages were too large."""
    return int(stats["refused"].get("too_large", 0))


def test_what_others_publish_makes_triggers_active(site: Site) -> None:
    async def story() -> None:
        async with guest(site, "admin", "triggers/#") as admin, guest(site, "scale-1", "devices/scale-1/#") as scale:
            await admin.publish("zigbee2mqtt/hall", {"occupancy": True, "battery": 97}, retain=True)
            wanted: Definitions = {"hall": HALL, "lamp": LAMP, "porch": PORCH, "full": FULL, "here": HERE}
            async with triggers(site, wanted):
                await becomes(admin, "hall", active=True, battery=97)
                await admin.publish("zigbee2mqtt/hall", {"battery": 96})  # says nothing of it, but is news
                await becomes(admin, "hall", active=True, battery=96)
                await admin.publish("zigbee2mqtt/hall", {"occupancy": False})
                await becomes(admin, "hall", active=False, occupancy=False)
                assert activations(admin, "hall") == 1

                await admin.publish("stat/lamp/POWER", b"ON")
                await becomes(admin, "lamp", active=True, value="ON")
                await admin.publish("stat/lamp/POWER", b"OFF")
                await becomes(admin, "lamp", active=False, value="OFF")

                await admin.publish("frigate/events", {"type": "new", "after": {"label": "person"}})
                await becomes(admin, "porch", active=True, after={"label": "person"})
                await admin.publish("frigate/events", {"type": "end", "after": {"label": "person"}})
                await becomes(admin, "porch", active=False)

                await scale.publish("devices/scale-1/telemetry", {"full": True, "grams": 900})
                await becomes(admin, "full", active=True, grams=900)
                await scale.publish("devices/scale-1/status", {"state": "online", "boot": 1}, retain=True)
                await becomes(admin, "here", active=True, state="online", boot=1)
                await admin.publish("zigbee2mqtt/hall", b"", retain=True)
                seen = len(admin.got)
                await scale.publish("devices/scale-1/status", {"state": "disconnected", "boot": 1}, retain=True)
                await becomes(admin, "here", active=False, seen=seen, state="disconnected")

    asyncio.run(story())


def test_each_message_is_one_activation_of_each_trigger_that_listens(site: Site) -> None:
    async def story() -> None:
        async with guest(site, "admin", "triggers/#") as admin:
            await admin.publish("rfid/door", {"uid": "old"}, retain=True)
            await admin.publish("stat/lamp/POWER", b"ON", retain=True)
            async with triggers(site, {"badge": BADGE, "any-badge": ANY_BADGE, "done": LAMP}):
                await becomes(admin, "done", active=True)  # so the server listens by now
                for number in range(20):
                    await admin.publish("rfid/door", {"uid": f"badge {number}"})
                    await admin.publish("rfid/gate", {"uid": f"badge {number}"})
                    await admin.publish("rfid/door", {"battery": number})
                await admin.publish("stat/lamp/POWER", b"OFF")
                await becomes(admin, "done", active=False, value="OFF")
                assert (activations(admin, "badge"), activations(admin, "any-badge")) == (20, 40)
            for topic in ("rfid/door", "stat/lamp/POWER"):
                await admin.publish(topic, b"", retain=True)

    asyncio.run(story())


def test_a_source_changes_while_the_server_runs(site: Site) -> None:
    async def story() -> None:
        async with guest(site, "admin", "triggers/#") as admin:
            await admin.publish("stat/lamp/POWER", b"ON", retain=True)
            async with triggers(site, {"fan": LAMP}):
                await becomes(admin, "fan", active=True, value="ON")
                await admin.publish("stat/fan/POWER", b"OFF", retain=True)
                seen = len(admin.got)
                define(site, {"fan": {"source": {"topic": "stat/fan/POWER"}}})
                await becomes(admin, "fan", active=False, seen=seen, value="OFF")
                seen = len(admin.got)
                await admin.publish("stat/lamp/POWER", b"ON")
                await admin.publish("stat/fan/POWER", b"1")
                await becomes(admin, "fan", active=True, seen=seen, value=1)
                heard = [content(each)["data"] for each in admin.got[seen:] if str(each.topic) == "triggers/fan"]
                assert heard == [{"value": 1}]
            for topic in ("stat/fan/POWER", "stat/lamp/POWER"):
                await admin.publish(topic, b"", retain=True)

    asyncio.run(story())


def test_what_cannot_be_read_is_counted_and_stops_nothing(site: Site) -> None:
    async def story() -> None:
        async with guest(site, "admin", "triggers/#", "backend/stats") as admin:
            await admin.publish("zigbee2mqtt/hall", {"occupancy": True}, retain=True)
            async with triggers(site, {"attic": HALL}):
                await becomes(admin, "attic", active=True)
                before = too_large(await admin.body("backend/stats", after=len(admin.got)))
                await admin.publish("zigbee2mqtt/hall", b"[" + b"1," * 20_000 + b"1]")
                await admin.publish("zigbee2mqtt/hall", {"occupancy": False})
                await becomes(admin, "attic", active=False, occupancy=False)
                await admin.wait_for(
                    lambda each: str(each.topic) == "backend/stats" and too_large(content(each)) == before + 1,
                    "the count",
                )
            await admin.publish("zigbee2mqtt/hall", b"", retain=True)

    asyncio.run(story())


def test_a_broker_that_was_away_is_listened_to_again(tmp_path: Path) -> None:
    async def hears(site: Site) -> None:
        async with guest(site, "admin", "triggers/#") as admin:
            await admin.publish("stat/lamp/POWER", b"OFF", retain=True)  # whenever it is back
            await becomes(admin, "lamp", active=False, value="OFF")  # so the server listens by now
            await admin.publish("stat/lamp/POWER", b"ON")
            await becomes(admin, "lamp", active=True, value="ON")

    with with_mosquitto(tmp_path) as site:
        assert site.mosquitto is not None
        define(site, {"lamp": LAMP})
        asyncio.run(hears(site))
        site.mosquitto.stop()
        site.mosquitto.start()
        asyncio.run(hears(site))


@pytest.mark.parametrize("broker", [embedded, with_mosquitto])
def test_under_a_prefix_the_tree_alone_has_it(
    broker: Callable[..., AbstractContextManager[Site]], tmp_path: Path
) -> None:
    async def story(site: Site) -> None:
        async with guest(site, "admin", "lab/triggers/#") as admin, guest(site, "scale-1") as scale:
            await admin.publish("stat/lamp/POWER", b"ON", retain=True)
            define(site, {"lamp": LAMP, "full": FULL})
            await admin.body("lab/triggers/lamp", active=True)
            await scale.publish("lab/devices/scale-1/telemetry", {"full": True})
            await admin.body("lab/triggers/full", active=True)

    with broker(tmp_path, prefix="lab/") as site:
        asyncio.run(story(site))
