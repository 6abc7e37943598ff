"""MQTT over TLS, by clients that are strict about it."""

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import pytest

from backend.app.sites import listeners
from backend.core.principals import Principal, Role
from backend.shell.authority import Authority, Made
from backend.shell.settings import Settings
from tests.rig import PEOPLE, WITHIN_S, Subscriber, Talkstick, provisioned
from tools.ports import free_port

STATUS, ONLINE = "devices/scale-1/status", '{"state":"online","boot":1}'
PROBE = Principal("probe-1", Role.DEVICE, "probe-1")
CONNECT = bytes.fromhex("100c00044d5154540402003c0000")


@dataclass
class Secure:
    """A server with TLS, its authority, and its ports."""

    talkstick: Talkstick
    authority: Authority
    ca: Path
    tls: int
    wss: int

    def subscribe(self, user: str, *topics: str) -> Subscriber:
        """Subscribe over TLS."""
        password = self.talkstick.passwords[user]
        return Subscriber(self.tls, user, password, *topics, options=("--cafile", str(self.ca)))

    def publish(self, *options: str, ca: Path | None = None, user: str = "scale-1", secret: bool = True) -> str:
        """Publish over TLS that the scale is online; return what mosquitto_pub complains of."""
        login = ["-u", user] if user else []
        login += ["-P", self.talkstick.passwords[user]] if secret else []
        return mosquitto_pub(self.tls, "--cafile", str(ca or self.ca), *login, *options)


def mosquitto_pub(port: int, *options: str) -> str:
    where = ["-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", STATUS, "-m", ONLINE]
    done = subprocess.run(
        ["mosquitto_pub", *where, *options], capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert (done.returncode == 0) == (not done.stderr)
    return done.stderr


def secure(directory: Path, **settings: str) -> Iterator[Secure]:
    """Run a server that has a certificate."""
    authority = Authority(directory / "data" / "certs")
    ca = authority.establish(time.time()).certificate
    authority.server(["localhost", "127.0.0.1"], 1, time.time())
    tls, wss = free_port(), free_port()
    ports = {"TALKSTICK_TLS_PORT": str(tls), "TALKSTICK_WSS_PORT": str(wss)}
    talkstick = Talkstick(
        directory / "data", settings={**ports, **settings}, passwords=provisioned(directory / "data", (*PEOPLE, PROBE))
    )
    try:
        talkstick.start()
        yield Secure(talkstick, authority, ca, tls, wss)
    finally:
        talkstick.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """A server that asks clients for no certificates."""
    yield from secure(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def demanding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """A server to which who comes over TLS must show a certificate."""
    yield from secure(tmp_path_factory.mktemp("mtls"), TALKSTICK_TLS_CLIENT_CA="certs/ca.pem")


def test_messages_over_tls(server: Secure) -> None:
    with server.subscribe("alice", "devices/#") as alice, server.talkstick.subscribe("bob", "devices/#") as bob:
        assert server.publish() == ""
        for who in (alice, bob):
            who.body("devices/scale-1/presence", state="online", boot=1)


def test_messages_over_websocket_over_tls(server: Secure) -> None:
    async def read() -> bytes:
        context = ssl.create_default_context(cafile=server.ca)
        password = server.talkstick.passwords["alice"]
        async with (
            asyncio.timeout(WITHIN_S),
            aiomqtt.Client(
                "localhost",
                server.wss,
                username="alice",
                password=password,
                transport="websockets",
                tls_context=context,
                timeout=WITHIN_S,
            ) as client,
        ):
            await client.subscribe("backend/status", qos=1)
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                return message.payload
        raise AssertionError("the connection ended")

    assert json.loads(asyncio.run(read()))["state"] == "online"


def test_a_wrong_password_is_wrong_over_tls_too(server: Secure) -> None:
    assert "not authorised" in mosquitto_pub(server.tls, "--cafile", str(server.ca), "-u", "scale-1", "-P", "wrong")
    assert "not authorised" in mosquitto_pub(server.tls, "--cafile", str(server.ca))


def test_a_client_of_another_authority_goes_away(server: Secure, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other").establish(time.time())
    assert "TLS error" in server.publish(ca=other.certificate)


def test_plain_text_on_the_port_for_tls_harms_nobody(server: Secure) -> None:
    with server.subscribe("alice", STATUS) as alice:
        sockets = [socket.create_connection(("127.0.0.1", server.tls), timeout=WITHIN_S) for _ in range(20)]
        for knocking in sockets[:10]:
            knocking.sendall(CONNECT)
        for knocking in sockets[10:15]:
            knocking.sendall(b"\x16\x03\x01\xff\xff" + bytes(300))
        before = len(alice.got)
        assert server.publish() == ""
        alice.wait_for(lambda got: got.topic == STATUS, after=before)
        for knocking in sockets[:15]:
            try:
                answer = knocking.recv(100)
            except ConnectionResetError:
                answer = b""
            assert not answer.startswith(b"\x20"), "a CONNACK in the clear"
        for knocking in sockets:
            knocking.close()
    assert "Traceback" not in server.talkstick.log.read_text()


def test_old_tls_is_refused(server: Secure) -> None:
    context = ssl.create_default_context(cafile=server.ca)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", server.tls), timeout=WITHIN_S) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")


def identity(made: Made) -> tuple[str, ...]:
    return ("--cert", str(made.certificate), "--key", str(made.key))


def test_a_certificate_stands_for_the_password(demanding: Secure, tmp_path: Path) -> None:
    scale = identity(demanding.authority.client("scale-1", tmp_path, 1, time.time()))
    assert demanding.publish(), "without a certificate nobody comes in, password or not"
    with demanding.talkstick.subscribe("alice", STATUS) as alice:
        for user in ("scale-1", ""):
            before = len(alice.got)
            assert demanding.publish(*scale, user=user, secret=False) == ""
            alice.wait_for(lambda got: got.topic == STATUS, after=before)
    assert demanding.publish(*scale) == ""
    assert "not authorised" in demanding.publish(*scale, user="alice")
    assert "not authorised" in demanding.publish(*scale, user="alice", secret=False)
    assert "not authorised" in demanding.publish(*scale, "-P", "wrong", secret=False)


def test_a_certificate_of_nobody_opens_nothing(demanding: Secure, tmp_path: Path) -> None:
    for name in ("nobody", "backend"):
        made = demanding.authority.client(name, tmp_path, 1, time.time())
        assert "not authorised" in demanding.publish(*identity(made), user=name, secret=False)
        assert "not authorised" in demanding.publish(*identity(made), user="", secret=False)


def test_a_certificate_of_another_authority_opens_nothing(demanding: Secure, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    other.establish(time.time())
    forged = other.client("scale-1", tmp_path, 1, time.time())
    assert demanding.publish(*identity(forged), secret=False)
    own = demanding.ca.with_name("server.pem"), demanding.ca.with_name("server.key")
    assert demanding.publish(*identity(Made(*own, made=False)), secret=False), "it is for servers"


def test_with_the_account_goes_what_its_certificate_opened(demanding: Secure, tmp_path: Path) -> None:
    probe = identity(demanding.authority.client("probe-1", tmp_path, 1, time.time()))
    assert demanding.publish(*probe, user="probe-1", secret=False) == ""
    demanding.talkstick.run("device", "rm", "probe-1", "--yes")
    assert "not authorised" in demanding.publish(*probe, user="probe-1", secret=False)


def test_plain_mqtt_goes_on_as_before(demanding: Secure) -> None:
    assert (
        mosquitto_pub(demanding.talkstick.port, "-u", "scale-1", "-P", demanding.talkstick.passwords["scale-1"]) == ""
    )


def test_plain_mqtt_may_stay_on_the_machine(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, host="192.0.2.7", plain_host="127.0.0.1")
    assert places(settings) == {("tcp", "127.0.0.1", 1883, False), ("ws", "127.0.0.1", 9001, False)}
    authority = Authority(tmp_path / "certs")
    authority.establish(time.time())
    authority.server(["localhost"], 1, time.time())
    assert places(settings) == {
        ("tcp", "127.0.0.1", 1883, False),
        ("ws", "127.0.0.1", 9001, False),
        ("tcp", "192.0.2.7", 8883, True),
        ("ws", "192.0.2.7", 9443, True),
    }
    fewer = Settings(data=tmp_path, host="192.0.2.7", ws_port=0, wss_port=0)
    assert places(fewer) == {("tcp", "192.0.2.7", 1883, False), ("tcp", "192.0.2.7", 8883, True)}


def places(settings: Settings) -> set[tuple[str, str, int, bool]]:
    made = listeners(settings, time.time())
    return {(each.transport, each.host, each.port, each.tls is not None) for each in made}


@pytest.mark.parametrize(
    ("setting", "value", "complaint"),
    [
        ("TALKSTICK_TLS_CERTIFICATE", "nowhere.pem", "belong together"),
        ("TALKSTICK_TLS_CLIENT_CA", "certs/nowhere.pem", "cannot read the certificate"),
    ],
)
def test_a_server_that_cannot_serve_tls_says_why(tmp_path: Path, setting: str, value: str, complaint: str) -> None:
    authority = Authority(tmp_path / "data" / "certs")
    authority.establish(time.time())
    authority.server(["localhost"], 1, time.time())
    talkstick = Talkstick(tmp_path / "data")
    assert complaint in talkstick.installed("serve", ok=False, environment={setting: value})
