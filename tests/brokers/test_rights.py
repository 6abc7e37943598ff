"""May A publish, subscribe, receive X? The same answers at both brokers, and they are the rulebook's."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import product

import aiomqtt

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.principals import Principal, Role, Roster
from backend.core.topics import overlaps
from backend.features.voice.frames import Codec, Flag, Frame
from tests.brokers.brokers import CODE, EVERYBODY, PEOPLE, Site
from tests.brokers.guest import Guest, content, guest, text
from tests.rig import WITHIN_S

RULES = Rulebook(TABLE, roster=Roster(EVERYBODY))
CLAIM = {"action": "claim", "mac": "a4cf128b3f9e", "nonce": "0" * 32}
DEVICES = ("scale-1", "printer-1")
OUTSIDE = (
    "anything",
    "zigbee2mqtt/bridge/state",
    "homeassistant/switch/plug/config",
    "homeassistant/switch/plug",
    "devices",
    "devices/scale-1",
    "devices/scale-1/nonsense",
    "devices/scale-1/status/x",
    "devices/scale-1/session/request",
    "backend/request",
    "$SYS/broker/version",
    "$CONTROL/dynamic-security/v1",
    "/devices/scale-1/status",
)
FILTERS = (
    "#",
    "+/#",
    "devices/#",
    "devices/+/status",
    "devices/scale-1/#",
    "devices/printer-1/session",
    "devices/+/session/reply/+",
    "devices/+/session/reply/alice",
    "devices/scale-1/session/request/bob",
    "devices/scale-1/command/+",
    "channels/#",
    "channels/+/broadcast",
    "channels/stage/session",
    "channels/stage/data/+",
    "backend/#",
    "backend/stats",
    "backend/reply/alice",
    "+/+/presence",
    "users/bob/#",
    "provision/#",
    "provision/reply/claim-1",
    "triggers/#",
    "triggers/pir/profiles/reply/+",
    "users/alice/clients/phone/status",
    "nothing/like/this",
    "zigbee2mqtt/#",
    "homeassistant/#",
    "$SYS/#",
    "$CONTROL/#",
    "$share/all/#",
)


def topics() -> Iterator[str]:
    """Yield a topic of each route for each device and principal, and some that are of no route."""
    for route in TABLE.routes:
        names = route.topic.names
        values = {
            "device": DEVICES,
            "channel": ("stage",),
            "principal": ("alice", "bob", "ears", "scale-1", "admin", CODE.name),
            "name": ("tare",),
            "client": ("phone",),
            "turn": ("7",),
            "trigger": ("pir", "door"),
            "profile": ("greet",),
        }
        for levels in product(*(values[name] for name in names)):
            yield route.topic.at(**dict(zip(names, levels, strict=True)))
    yield from OUTSIDE


def may_publish(who: Principal, topic: str) -> bool:
    """Return the rulebook's answer while nobody holds anything."""
    verdict = RULES.publish(who, topic, retain=False, size=2)
    return verdict.code is None and verdict.guard is None


async def everybody(site: Site, stack: AsyncExitStack, *filters: str) -> dict[str, Guest]:
    """Let everybody log in."""
    return {name: await stack.enter_async_context(guest(site, name, *filters)) for name in EVERYBODY}


async def in_order(people: dict[str, Guest]) -> None:
    """Return when what was published before, and what the server says of it, has reached all who may have it."""
    await people["admin"].is_answered()
    for number, device in enumerate(DEVICES):
        sentinel = f"{number} {asyncio.get_running_loop().time()}"
        await people[device].publish(f"devices/{device}/telemetry", {"sentinel": sentinel})
        for who in people.values():
            if RULES.receive(EVERYBODY[who.name], f"devices/{device}/telemetry"):
                await who.body(f"devices/{device}/telemetry", sentinel=sentinel)


def test_publishing(site: Site) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            people = await everybody(site, stack)
            assert await people["admin"].subscribe("#")
            cases = [(who, topic) for who in EVERYBODY for topic in topics() if RULES.receive(PEOPLE["admin"], topic)]
            for number, (who, topic) in enumerate(cases):
                await people[who].publish(topic, {"case": number})
            assert await people["scale-1"].subscribe("devices/scale-1/#")
            assert await people["printer-1"].subscribe("devices/printer-1/#")
            await in_order({name: people[name] for name in ("admin", *DEVICES)})
            arrived = {message.payload for message in people["admin"].got}
        came = {case for number, case in enumerate(cases) if b'{"case": %d}' % number in arrived}
        expected = {case for case in cases if may_publish(EVERYBODY[case[0]], case[1])}
        assert came == expected
        assert len(expected) > 10

    asyncio.run(story())


def test_receiving(site: Site) -> None:
    """What everybody who subscribes to everything gets of a day in which each route is used."""

    async def story() -> None:
        async with AsyncExitStack() as stack:
            people = await everybody(site, stack, "#")
            for name in PEOPLE:
                await people[name].body("backend/status", state="online")
            await a_day(people)
            await people["admin"].body("backend/stats")
            await in_order(people)
            await a_claim(people[CODE.name])  # before it, all else would have come
            seen = {topic for who in people.values() for topic in who.topics()}
            unseen = [route for route in TABLE.routes if all(route.topic.match(topic) is None for topic in seen)]
            assert [route.topic.template for route in unseen] == ["provision/request/{principal}"]
            for name, who in people.items():
                assert who.topics() == {topic for topic in seen if RULES.receive(EVERYBODY[name], topic)}, name

    asyncio.run(story())


async def a_day(people: dict[str, Guest]) -> None:
    """Let something be published on each route."""
    scale, alice = people["scale-1"], people["alice"]
    for device in DEVICES:
        await people[device].publish(f"devices/{device}/status", {"state": "online", "boot": 1}, retain=True)
        await people[device].publish(f"devices/{device}/info", {"model": "m"}, retain=True)
        await people[device].publish(f"devices/{device}/heartbeat", {})
        await people["admin"].body(f"devices/{device}/presence", state="online")
    await alice.publish("users/alice/clients/phone/status", {"state": "online"}, retain=True)
    await people["admin"].body("users/alice/presence", state="online")
    granted = await alice.ask("scale-1", id="a", action="claim")
    assert granted["code"] == "granted"
    await alice.publish("devices/scale-1/command/tare", {"fence": granted["fence"]})
    await scale.body("devices/scale-1/command/tare", fence=granted["fence"])
    await scale.publish("devices/scale-1/result", {"fence": granted["fence"], "output": {"kg": 7}})
    assert (await people["bob"].ask("scale-1", id="b", action="claim"))["code"] == "busy"
    assert (await scale.ask("scale-1", id="s", action="claim"))["code"] == "busy"
    assert (await alice.ask("scale-1", id="r", action="release"))["code"] == "released"
    await people["zigbee2mqtt"].publish("zigbee2mqtt/bridge/state", {"state": "online"})
    await a_trigger(people["scale-1"], people["alice"])
    await a_show(people)
    await a_talk(people)
    assert (await people["admin"].ask_at("backend", id="x", action="broadcast", message="Good night"))["ok"]


async def a_claim(board: Guest) -> None:
    """Claim with a code that is none of the server's."""
    answer = await board.ask_at("provision", id=str(len(board.got)), **CLAIM)
    assert answer["code"] == "code_expired"


async def a_trigger(owner: Guest, alice: Guest) -> None:
    """Let a trigger become active, to which a profile is subscribed."""
    await alice.ask_at("triggers/pir/profiles", action="subscribe", profile="greet", mode="one_shot")
    for active in (False, True):
        await owner.publish("triggers/pir", {"active": active}, retain=True)
    await alice.body("triggers/pir/event", event="activated")


async def a_show(people: dict[str, Guest]) -> None:
    """Let somebody say something on a channel."""
    alice, floor = people["alice"], "channels/stage/session"
    assert (await alice.ask_at(floor, id="f", action="claim"))["code"] == "granted"
    await alice.publish("channels/stage/data/alice", {"id": "d"})
    assert (await alice.body(f"{floor}/reply/alice", id="d"))["code"] == "ack"
    assert (await alice.ask_at(floor, id="g", action="release"))["code"] == "released"
    await alice.publish("channels/stage/data/alice", {"id": "e"})
    assert (await alice.body(f"{floor}/reply/alice", id="e"))["reason"] == "not_holder"


async def a_talk(people: dict[str, Guest]) -> None:
    """Let a board be talked to, which the server cannot hear, and its owner let it say something."""
    scale, alice = people["scale-1"], people["alice"]
    await scale.publish("devices/scale-1/audio", b"RIFF")
    await scale.publish("devices/scale-1/audio/9", Frame(0, Flag.START | Flag.END, Codec.PCM16_16K).wire())
    await alice.body("devices/scale-1/conversation", event="error", turn=9)
    said = await alice.ask_at("devices/scale-1/conversation", id="say", action="say", text="Good night.")
    assert said["code"] == "said"
    await alice.body("devices/scale-1/conversation", event="spoken")


def test_nobody_claims_or_answers_in_the_place_of_others(site: Site) -> None:
    """Not even admins read what is said there, so the board itself tells what came of all the others' tries."""
    request, reply = f"provision/request/{CODE.name}", f"provision/reply/{CODE.name}"

    async def story() -> None:
        async with AsyncExitStack() as stack:
            people = await everybody(site, stack, "#")
            for name in PEOPLE:
                for topic in (request, reply, f"provision/request/{name}"):
                    await people[name].publish(topic, {"id": name, **CLAIM})
            board = people[CODE.name]
            await board.publish(reply, {"id": "forged", **CLAIM})
            await board.publish("provision/request/alice", {"id": "forged", **CLAIM})
            await a_claim(board)
            assert [(str(message.topic), content(message)["id"]) for message in board.got] == [(reply, "0")]
            await in_order(people)
            for name in PEOPLE:
                assert not any(topic.startswith("provision/") for topic in people[name].topics()), name

    asyncio.run(story())


def test_subscribing(site: Site) -> None:
    """Whatever is subscribed to, of the retained messages arrive those that the rulebook allows, and no others."""

    async def story() -> None:
        async with guest(site, "scale-1") as scale, guest(site, "printer-1") as printer:
            for board in (scale, printer):
                await board.publish(f"devices/{board.name}/status", {"state": "online", "boot": 2}, retain=True)
        async with guest(site, "alice") as alice:
            await alice.publish("users/alice/clients/phone/status", {"state": "online"}, retain=True)
        async with guest(site, "scale-1") as scale, guest(site, "alice", "#") as alice:
            await a_trigger(scale, alice)
        async with guest(site, "admin", "#") as admin:
            await admin.body("backend/status")
            for device in DEVICES:
                await admin.body(f"devices/{device}/presence")
                await admin.body(f"devices/{device}/status", boot=2)
            await admin.body("users/alice/presence")  # whatever it says: alice has left
            await admin.body("users/alice/clients/phone/status")
            for topic in ("triggers/pir", "triggers/pir/profiles", "triggers/pir/profiles/greet"):
                await admin.body(topic)
        async with guest(site, "admin") as admin:
            assert await admin.subscribe("#")
            there = await admin.kept(twice=True)
        for name, topic_filter in product(PEOPLE, FILTERS):
            await check_filter(site, PEOPLE[name], topic_filter, there)
        for topic_filter in FILTERS:
            await check_filter_of_a_code(site, topic_filter)

    asyncio.run(story())


async def check_filter(site: Site, who: Principal, topic_filter: str, there: set[str]) -> None:
    """Subscribe, and compare what comes with what shall."""
    async with guest(site, who.name) as client:
        accepted = await client.subscribe(topic_filter)
        assert accepted == accepts(site, who, topic_filter), (who.name, topic_filter)
        shared = topic_filter.removeprefix("$share/all/") if site.mosquitto is not None else topic_filter
        covers = {topic for topic in there if overlaps(shared, topic)}
        shall = {topic for topic in covers if RULES.receive(who, topic)} if accepted else set()
        came = await client.kept(twice="backend/status" in shall)
        assert came == shall | {"backend/status"}, (who.name, topic_filter)


async def check_filter_of_a_code(site: Site, topic_filter: str) -> None:
    """A board that claims gets the answer to that, whatever it subscribes to."""
    async with guest(site, CODE.name) as board:
        accepted = await board.subscribe(topic_filter)
        assert accepted == accepts(site, CODE, topic_filter), topic_filter
        assert await board.subscribe(f"provision/reply/{CODE.name}")
        await a_claim(board)
        assert board.topics() == {f"provision/reply/{CODE.name}"}, topic_filter


def accepts(site: Site, who: Principal, topic_filter: str) -> bool:
    """Return what SUBACK shall say.

    Mosquitto's rules allow filters that lie within others, and know none that overlap: it accepts all, and then
    delivers what one may receive.
    """
    return site.mosquitto is not None or RULES.subscribe(who, topic_filter)


def test_logins(site: Site) -> None:
    async def is_refused(name: str | None, password: str | None) -> bool:
        try:
            async with aiomqtt.Client("127.0.0.1", site.port, username=name, password=password, timeout=WITHIN_S):
                return False
        except aiomqtt.MqttCodeError:
            return True

    async def story() -> None:
        passwords = site.talkstick.passwords
        assert not await is_refused("alice", passwords["alice"])
        for name, password in (
            ("alice", passwords["bob"]),
            ("alice", ""),
            ("alice", None),
            ("backend", passwords["admin"]),
            ("nobody", passwords["alice"]),
            (None, None),
        ):
            assert await is_refused(name, password), (name, password)

    asyncio.run(story())


def test_a_last_will_is_a_publish_like_any_other(site: Site) -> None:
    """A forged one never arrives; whether the login is refused for it is the broker's own affair."""

    async def story() -> None:
        async with guest(site, "admin", "devices/+/status", "zigbee2mqtt/#") as admin:
            for name, topic in (
                ("bob", "devices/scale-1/status"),
                ("scale-1", "devices/scale-1/status"),
                ("bob", "zigbee2mqtt/bridge/state"),
                ("zigbee2mqtt", "zigbee2mqtt/bridge/state"),
            ):
                will = aiomqtt.Will(topic, f'{{"state":"lost","boot":3,"by":"{name}"}}', qos=1)
                await cut_off(site, name, will)
            body = await admin.body("devices/scale-1/status", state="lost", boot=3)
            assert body["by"] == "scale-1"
            assert (await admin.body("zigbee2mqtt/bridge/state"))["by"] == "zigbee2mqtt"
            assert not any('"by":"bob"' in text(message) for message in admin.got)

    asyncio.run(story())


async def cut_off(site: Site, name: str, will: aiomqtt.Will) -> None:
    """Connect, and end as a power cut would."""
    try:
        async with guest(site, name, will=will) as client:
            connection = client.client._client.socket()
            assert isinstance(connection, socket.socket)
            connection.shutdown(socket.SHUT_RDWR)
            await client.ended.wait()
    except aiomqtt.MqttError:
        return


def test_the_server_may_do_everything(site: Site) -> None:
    """Nobody can log in as the server of an embedded broker; at Mosquitto it is an account like any other."""
    if site.mosquitto is None:
        assert "backend" not in site.talkstick.passwords
        return

    async def story() -> None:
        who = Principal("backend", Role.BACKEND, "")
        async with guest(site, "backend", "#") as server:
            for number, topic in enumerate(topics()):
                await server.publish(topic, {"case": number})
            await server.publish("devices/scale-1/telemetry", {"last": True})
            await server.body("devices/scale-1/telemetry", last=True)
            came = {str(message.topic) for message in server.got if '"case"' in text(message)}
            assert came == {topic for topic in topics() if RULES.publish(who, topic, retain=False, size=2).code is None}

    asyncio.run(story())
