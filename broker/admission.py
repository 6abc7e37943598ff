"""Who is let in: the answer to a CONNECT."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from amqtt.mqtt.connack import CONNECTION_ACCEPTED, IDENTIFIER_REJECTED, NOT_AUTHORIZED, SERVER_UNAVAILABLE
from amqtt.mqtt.connect import ConnectPacket

from broker.backpressure import Turns
from broker.keeper import Keeper
from broker.limits import Gate, Limits
from broker.messages import Message
from broker.ports import Door
from broker.router import Router

log = logging.getLogger(__name__)

_WRONG = "no such account, or another password"


@dataclass(frozen=True, slots=True)
class House:
    """What all connections share."""

    router: Router
    door: Door
    keeper: Keeper
    gate: Gate
    turns: Turns
    limits: Limits
    now: Callable[[], float]  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Peer:
    """Who connects. ``certified`` is the name in its certificate, where it had to show one."""

    address: str
    certified: str | None


async def refusal(house: House, peer: Peer, name: str, connect: ConnectPacket) -> int:
    """Return the return code of the CONNACK, and log why; 0 lets it in."""
    code, why = await _judged(house, peer, name, connect)
    if why and house.gate.complaints.passes((peer.address, name, why), _now()):
        log.warning("%r from %s is not let in: %s", name[:80], peer.address, why)
    return code


async def _judged(house: House, peer: Peer, name: str, connect: ConnectPacket) -> tuple[int, str]:
    if not connect.client_id and not connect.clean_session_flag:
        return IDENTIFIER_REJECTED, "a session to be kept needs a client id"  # [MQTT-3.1.3-8]
    revoked = None
    while revoked != house.router.revoked:  # the secret may become void while the door thinks
        revoked = house.router.revoked
        code, why = await _doubt(house, peer, name, connect.password)
        if why:
            return code, why
    if why := _crowd(house, name, connect.client_id or ""):
        return SERVER_UNAVAILABLE, why
    will = will_of(connect, name)
    if will is not None and not house.router.may_leave(name, will):
        return NOT_AUTHORIZED, f"it may not leave a last will on {will.topic[:160]!r}"
    return CONNECTION_ACCEPTED, ""


def _crowd(house: House, name: str, client_id: str) -> str:
    """Return why there is no place for one more, or for this one once more."""
    if house.gate.inside >= house.limits.connections:
        return f"all {house.limits.connections} connections are taken (max_connections)"
    if client_id and not house.gate.clients.passes(f"{name}/{client_id}", _now()):
        return f"client id {client_id[:80]!r} connects too often (flapping); are there two of that name?"
    return ""


async def _doubt(house: House, peer: Peer, name: str, password: str | None) -> tuple[int, str]:
    """Return why it is not known to be who it says, if so. A certificate speaks for its own name only.

    Where nobody looked at its secret, it is told to come again: a board takes a secret that was refused to be void.
    """
    if not name:
        return NOT_AUTHORIZED, "no user name"
    if peer.certified not in (None, name):
        return NOT_AUTHORIZED, f"its certificate is of {peer.certified!r}"
    failures, key = house.gate.failed_logins, (peer.address, name)
    if failures.is_shut(key, _now()):
        return SERVER_UNAVAILABLE, "too many wrong logins (failed_logins); for a minute no password is looked at"
    is_certified = not password and peer.certified is not None
    door = house.door
    is_it = await (door.vouched(name) if is_certified else door.authenticate(name, password or ""))
    if is_it is None:
        return SERVER_UNAVAILABLE, "it cannot be told at the moment who it is"
    if not is_it:
        failures.passes(key, _now())
        return NOT_AUTHORIZED, "no account of the name in its certificate" if is_certified else _WRONG
    return CONNECTION_ACCEPTED, ""


def will_of(connect: ConnectPacket, name: str) -> Message | None:
    """Return the last will of a client, or None where it leaves none."""
    if not connect.will_flag:
        return None
    payload = bytes(connect.will_message or b"")
    return Message(connect.will_topic or "", payload, connect.will_qos, bool(connect.will_retain_flag), name)


def _now() -> float:
    return asyncio.get_running_loop().time()
