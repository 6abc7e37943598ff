"""Where Mosquitto cannot give the embedded broker's answer: what it gives instead. README.md has the table."""

import asyncio
import json
import secrets
from typing import Any

import aiomqtt

from tests.brokers.brokers import Site
from tests.brokers.guest import Guest, content, guest, text
from tests.rig import WITHIN_S

COMMAND = "devices/scale-1/command/tare"
REPLY = "devices/scale-1/session/reply/alice"


async def claimed(alice: Guest, scale: Guest) -> int:
    """Let alice hold the scale; return the fence."""
    await scale.publish("devices/scale-1/status", {"state": "online", "boot": 7}, retain=True)
    await alice.body("devices/scale-1/presence", state="online", boot=7)
    return int((await alice.ask("scale-1", id=secrets.token_hex(4), action="claim"))["fence"])


async def released(alice: Guest) -> None:
    """Give the scale back."""
    assert (await alice.ask("scale-1", id=secrets.token_hex(4), action="release"))["ok"]


def test_the_fence_of_a_command(site: Site) -> None:
    """The embedded broker refuses an old one; over Mosquitto the board does, as it must anyway."""

    async def story() -> None:
        async with guest(site, "scale-1", "devices/scale-1/#") as scale, guest(site, "alice", "#") as alice:
            fence = await claimed(alice, scale)
            await alice.publish(COMMAND, {"fence": fence - 1, "old": True})
            await alice.publish(COMMAND, {"fence": fence})
            await scale.body(COMMAND, fence=fence)
            old = [message for message in scale.got if '"old"' in text(message)]
            assert len(old) == (0 if site.mosquitto is None else 1)
            await released(alice)

    asyncio.run(story())


def test_a_command_that_is_refused(site: Site) -> None:
    """The embedded broker answers; Mosquitto drops it and says nothing, even at QoS 1."""

    async def story() -> None:
        async with guest(site, "scale-1", "devices/scale-1/#") as scale, guest(site, "alice", "#") as alice:
            await alice.publish(COMMAND, {"fence": 1, "refused": True})
            assert (await alice.ask("scale-1", id="after", action="release"))["ok"] is False
            codes = [body(message).get("code") for message in alice.got if str(message.topic) == REPLY]
            assert codes == (["not_holder", "not_holder"] if site.mosquitto is None else ["not_holder"])
            await scale.publish("devices/scale-1/telemetry", {"after": True})
            await scale.body("devices/scale-1/telemetry", after=True)
            assert COMMAND not in scale.topics()

    asyncio.run(story())


def test_a_name_that_is_no_id(site: Site) -> None:
    """The embedded broker refuses it; over Mosquitto the holder's command arrives, and the board knows none such."""

    async def story() -> None:
        async with guest(site, "scale-1", "devices/scale-1/#") as scale, guest(site, "alice", "#") as alice:
            fence = await claimed(alice, scale)
            await alice.publish("devices/scale-1/command/No Id", {"fence": fence})
            await alice.publish(COMMAND, {"fence": fence})
            await scale.body(COMMAND, fence=fence)
            assert ("devices/scale-1/command/No Id" in scale.topics()) == (site.mosquitto is not None)
            await released(alice)

    asyncio.run(story())


def test_a_request_that_is_retained(site: Site) -> None:
    """Both refuse it, and it is not there for the next server. Mosquitto passes it on first; the backend clears it."""

    async def story() -> None:
        topic = "devices/scale-1/session/request/alice"
        async with guest(site, "admin", "devices/+/session/#", "backend/stats") as admin:
            async with guest(site, "alice", REPLY) as alice:
                await alice.publish(topic, {"id": "r", "action": "claim"}, retain=True)
                if site.mosquitto is None:
                    await admin.wait_for(lambda got: body(got).get("refused", {}).get("retained", 0) > 0)
                else:
                    assert (await alice.body(REPLY))["code"] == "retained"
                    await admin.wait_for(lambda got: str(got.topic) == topic and not got.payload, "the clearing")
            async with guest(site, "admin", topic, "backend/status") as later:
                await later.body("backend/status")
                assert topic not in later.topics()

    asyncio.run(story())


def test_a_payload_that_is_too_large(site: Site) -> None:
    async def story() -> None:
        async with guest(site, "admin", "devices/+/telemetry") as admin, guest(site, "scale-1") as scale:
            large = json.dumps({"x": "y" * 256 * 1024}).encode()
            await scale.publish("devices/scale-1/telemetry", large, qos=0)
            await scale.publish("devices/scale-1/telemetry", {"small": True})
            await admin.body("devices/scale-1/telemetry", small=True)
            assert len(admin.got) == 1

    asyncio.run(story())


def test_a_client_id_that_is_another_account_s(site: Site) -> None:
    """The embedded broker keeps accounts apart; at Mosquitto the newcomer ends the connection of the first."""

    async def story() -> None:
        async with guest(site, "alice", "backend/status", identifier="phone") as alice:
            async with guest(site, "bob", "backend/status", identifier="phone") as bob:
                await bob.body("backend/status")
                if site.mosquitto is not None:
                    async with asyncio.timeout(WITHIN_S):
                        await alice.ended.wait()
            assert alice.ended.is_set() == (site.mosquitto is not None)

    asyncio.run(story())


def test_mqtt_5(site: Site) -> None:
    """Mosquitto speaks it; the embedded broker refuses it in a way that lets a client fall back."""

    async def story() -> bool:
        try:
            async with guest(site, "alice", protocol=aiomqtt.ProtocolVersion.V5):
                return True
        except aiomqtt.MqttError:
            return False

    assert asyncio.run(story()) == (site.mosquitto is not None)


def body(message: aiomqtt.Message) -> dict[str, Any]:
    """Return a payload as JSON, and nothing where it is none."""
    try:
        return content(message)
    except ValueError:
        return {}
