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
    """Return the return code of the CONNACK; 0 lets it in."""
    if not connect.client_id and not connect.clean_session_flag:
        return IDENTIFIER_REJECTED  # [MQTT-3.1.3-8]
    revoked = None
    while revoked != house.router.revoked:  # the secret may become void while the door thinks
        revoked = house.router.revoked
        if not await _is_genuine(house, peer, name, connect.password):
            return NOT_AUTHORIZED
    if not house.door.is_host(name) and not _has_place(house, name, connect.client_id or ""):
        return SERVER_UNAVAILABLE
    will = will_of(connect, name)
    if will is not None and not house.router.may_leave(name, will):
        return NOT_AUTHORIZED
    return CONNECTION_ACCEPTED


def _has_place(house: House, name: str, client_id: str) -> bool:
    """Tell whether one more is let in, and this one, if it was not here too often."""
    if house.gate.inside >= house.limits.connections:
        house.gate.tell_full(house.limits.connections)
        return False
    if client_id and not house.gate.clients.passes(f"{name}/{client_id}", _now()):
        log.warning("%r of %r connects too often; are there two of that name?", client_id[:80], name[:80])
        return False
    return True


async def _is_genuine(house: House, peer: Peer, name: str, password: str | None) -> bool:
    """Ask the door, but not for who guessed wrong too often. A certificate speaks for its own name only."""
    if not name or peer.certified not in (None, name):
        return False
    failures, key = house.gate.failed_logins, (peer.address, name)
    if failures.is_shut(key, _now()) and not house.door.is_host(name):
        return False
    if not password and peer.certified is not None:
        return await house.door.vouched(name)
    if await house.door.authenticate(name, password or ""):
        return True
    if failures.passes(key, _now()) and failures.is_shut(key, _now()):
        log.warning("too many wrong logins of %r from %s; not asked again for a minute", name[:80], peer.address)
    return False


def will_of(connect: ConnectPacket, name: str) -> Message | None:
    """Return the last will of a client, or None where it leaves none."""
    if not connect.will_flag:
        return None
    payload = bytes(connect.will_message or b"")
    return Message(connect.will_topic or "", payload, connect.will_qos, bool(connect.will_retain_flag), name)


def _now() -> float:
    return asyncio.get_running_loop().time()
