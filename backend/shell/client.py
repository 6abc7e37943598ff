"""A client of the broker's, for as long as a question takes: all it needs is where the broker is, and a login there."""

import secrets
from collections.abc import Iterable

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from backend.shell.address import Address
from backend.shell.operator import Login

_STRANGER = (134, 135)  # CONNACK: bad user name or password; not authorized, which is what MQTT 3.1.1 says of both
_REFUSED = 0x80  # SUBACK: the codes from which on it did not work


def client_at(
    where: Address, login: Login, name: str, protocol: aiomqtt.ProtocolVersion | None = None
) -> aiomqtt.Client:
    """Return a client that is not connected yet. Its id begins with *name*; nobody else has the same."""
    return aiomqtt.Client(
        where.host,
        where.port,
        username=login.user,
        password=login.password,
        identifier=f"{name}-{secrets.token_hex(6)}",
        protocol=protocol,
        tls_context=where.context(),
    )


def is_stranger(error: aiomqtt.MqttCodeError) -> bool:
    """Tell whether the broker refused the login itself."""
    return any(error.rc == code for code in _STRANGER)


def refused(filters: Iterable[str], suback: Iterable[int | ReasonCode]) -> list[str]:
    """Return the filters that a broker refuses, by its answer."""
    codes = (code if isinstance(code, int) else code.value for code in suback)
    return [topic for topic, code in zip(filters, codes, strict=True) if code >= _REFUSED]
