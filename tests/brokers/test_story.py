"""A server and a Mosquitto that both run, with people who come and go."""

import asyncio
import json
import signal
import ssl
from pathlib import Path

import aiomqtt
import pytest

from backend.shell import mosquitto_control
from backend.shell.address import parsed
from backend.shell.mosquitto_control import ControlError
from backend.shell.mosquitto_inventory import taken
from tests.brokers.brokers import Site, with_mosquitto
from tests.brokers.guest import Guest, content, guest, text
from tests.rig import WITHIN_S
from tools.ports import free_port

SESSION = "devices/scale-1/session"
COMMAND = "devices/scale-1/command/tare"


def test_a_device_is_shared_over_mosquitto(tmp_path: Path) -> None:
    with with_mosquitto(tmp_path) as site:
        asyncio.run(_only_the_holder_commands(site))
        asyncio.run(_accounts_come_and_go(site))
        asyncio.run(_everything_starts_again(site))


async def command(who: Guest, by: str) -> None:
    """Send a command that the tests can tell from others."""
    await who.publish(COMMAND, {"fence": 1, "by": by})


async def reaches(who: Guest, scale: Guest, by: str) -> None:
    """Insist that a command arrives."""
    await command(who, by)
    await scale.body(COMMAND, by=by)


async def _only_the_holder_commands(site: Site) -> None:
    async with (
        guest(site, "scale-1", "devices/scale-1/#") as scale,
        guest(site, "alice", "#") as alice,
        guest(site, "bob", "#") as bob,
    ):
        await scale.publish("devices/scale-1/status", {"state": "online", "boot": 1}, retain=True)
        await alice.body("devices/scale-1/presence", state="online")
        await command(alice, "too early")
        assert (await alice.ask("scale-1", id="1", action="claim"))["code"] == "granted"
        await reaches(alice, scale, "alice")
        assert (await bob.ask("scale-1", id="1", action="claim", wait=True))["code"] == "queued"
        await command(bob, "who waits")
        await alice.publish("devices/scale-1/session/request/bob", {"id": "x", "action": "leave"})

        assert (await alice.ask("scale-1", id="2", action="release"))["code"] == "released"
        await bob.body(f"{SESSION}/reply/bob", code="granted")
        await reaches(bob, scale, "bob")
        await command(alice, "too late")
        await reaches(bob, scale, "bob again")
        came = [content(message)["by"] for message in scale.got if str(message.topic) == COMMAND]
        assert came == ["alice", "bob", "bob again"]
        assert not alice.ended.is_set(), "a grant ends no connection"
        assert not bob.ended.is_set()


async def _accounts_come_and_go(site: Site) -> None:
    async with guest(site, "alice", "#") as alice, guest(site, "bob", "#") as bob:
        await alice.body(SESSION, holder="bob")
        await asyncio.to_thread(site.talkstick.run, "user", "rm", "bob", "--yes")
        async with asyncio.timeout(WITHIN_S):
            await bob.ended.wait()
        await alice.body(SESSION, in_use=False)
        with pytest.raises(aiomqtt.MqttError):
            async with guest(site, "bob"):
                pass

        await asyncio.to_thread(site.talkstick.device, "probe-1")
        await alice.body("devices/probe-1/session", state="free")
        async with guest(site, "probe-1") as probe:
            await probe.publish("devices/probe-1/status", {"state": "online", "boot": 1}, retain=True)
            await alice.body("devices/probe-1/presence", state="online")
            old = site.talkstick.passwords["probe-1"]
            await asyncio.to_thread(site.talkstick.run, "device", "rotate", "probe-1")
            async with asyncio.timeout(WITHIN_S):
                await probe.ended.wait()
        with pytest.raises(aiomqtt.MqttError):
            async with guest(site, "probe-1", password=old):
                pass


async def _everything_starts_again(site: Site) -> None:
    mosquitto = site.mosquitto
    assert mosquitto is not None
    async with guest(site, "alice", "#") as alice:
        await alice.body("backend/status", state="online")
        assert (await alice.ask("scale-1", id="3", action="claim"))["code"] == "granted"
    await asyncio.to_thread(mosquitto.stop)
    await asyncio.to_thread(mosquitto.start)
    async with guest(site, "scale-1", "devices/scale-1/#") as scale, guest(site, "alice", "#") as alice:
        await reaches(alice, scale, "after Mosquitto came back")
        await alice.wait_for(
            lambda got: str(got.topic) == "backend/stats" and not got.retain, "that the server is back"
        )
        await asyncio.to_thread(site.talkstick.stop, signal.SIGKILL)
        await reaches(alice, scale, "while the server is away")
        await asyncio.to_thread(site.talkstick.start)
        assert (await alice.ask("scale-1", id="4", action="release"))["code"] == "released"
        await command(alice, "released")
        await scale.publish("devices/scale-1/telemetry", {"after": True})
        await scale.body("devices/scale-1/telemetry", after=True)
        assert not any('"by": "released"' in text(message) for message in scale.got)


def test_what_was_changed_while_the_server_was_away_is_mended(tmp_path: Path) -> None:
    """An account that was removed, one that was added without telling, a role that somebody changed."""
    with with_mosquitto(tmp_path) as site:
        talkstick = site.talkstick
        talkstick.stop(signal.SIGKILL)
        (talkstick.data / "broker.url").unlink()
        away = {"TALKSTICK_BROKER": ""}
        talkstick.run("user", "rm", "bob", "--yes", environment=away)
        made = talkstick.run("user", "add", "carol", "--json", environment=away)
        talkstick.passwords["carol"] = json.loads(made)["password"]
        talkstick.start()
        assert "carol" in talkstick.log.read_text(), "the server says who cannot log in"

        async def story() -> None:
            for name in ("bob", "carol"):
                with pytest.raises(aiomqtt.MqttError):
                    async with guest(site, name):
                        pass
            made = await asyncio.to_thread(talkstick.run, "user", "passwd", "carol", "--json")
            talkstick.passwords["carol"] = json.loads(made)["password"]
            async with guest(site, "carol", "backend/status") as carol:
                await carol.body("backend/status", state="online")

        asyncio.run(story())


def test_commands_over_mosquitto(tmp_path: Path) -> None:
    with with_mosquitto(tmp_path) as site:
        talkstick = site.talkstick
        assert f"version 0.1.0 answers on mqtt://127.0.0.1:{site.port}" in talkstick.run("doctor")
        talkstick.settings = {key: value for key, value in talkstick.settings.items() if "BROKER" not in key}
        elsewhere = {"TALKSTICK_PORT": "1"}
        assert "online" in talkstick.run("watch", "backend/status", "--count", "1", environment=elsewhere)
        shown = json.loads(talkstick.run("device", "rotate", "scale-1", "--json", environment=elsewhere))
        assert (shown["port"], shown["tls"]) == (site.port, None)
        assert site.mosquitto is not None
        site.mosquitto.stop()
        refused = talkstick.run("user", "add", "carol", ok=False)
        assert "no broker answers at" in refused
        assert "carol" not in talkstick.run("user", "list")
        assert "fail" in talkstick.run("doctor", ok=False)


def test_mosquitto_over_tls(tmp_path: Path) -> None:
    """Everybody reaches it over TLS only: server, commands and apps."""
    port, authority = free_port(), tmp_path / "data" / "certs" / "ca.pem"
    settings = {"tls_port": str(port), "wss_port": "0", "broker_ca": "certs/ca.pem"}
    with with_mosquitto(tmp_path, certificates=True, **settings) as site:
        assert f"answers on mqtts://localhost:{port}" in site.talkstick.run("doctor")
        site.talkstick.port = port
        tls = ssl.create_default_context(cafile=authority)

        async def story() -> None:
            async with guest(site, "alice", "backend/status", tls_context=tls) as alice:
                await alice.body("backend/status", state="online")

        asyncio.run(story())


def test_what_is_wrong_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosquitto_control, "_ANSWER_WITHIN_S", 0.5)
    with with_mosquitto(tmp_path) as site:
        good = site.talkstick.settings["TALKSTICK_BROKER"]
        alice = f"mqtt://alice:{site.talkstick.passwords['alice']}@127.0.0.1:{site.port}"
        for url, complaint in (
            (good.replace(f":{site.port}", ":1"), "no broker answers at mqtt://127.0.0.1:1"),
            (good.replace("backend:", "backend:x"), "refused the login of backend"),
            (alice, "is this the login that"),
        ):
            with pytest.raises(ControlError, match=complaint):
                asyncio.run(_look(url))
        site.talkstick.stop(signal.SIGKILL)
        _take_out_the_plugin(site)
        said = site.talkstick.installed("serve", ok=False)
        assert "is the plugin loaded" in said
        assert "Traceback" not in said


async def _look(url: str) -> None:
    async with mosquitto_control.connected(*parsed(url)) as control:
        await taken(control)


def _take_out_the_plugin(site: Site) -> None:
    assert site.mosquitto is not None
    site.mosquitto.stop()
    file = site.mosquitto.directory / "mosquitto.conf"
    lines = [line for line in file.read_text().splitlines() if "plugin" not in line]
    file.write_text("\n".join(lines).replace("allow_anonymous false", "allow_anonymous true"))
    site.mosquitto.start()
