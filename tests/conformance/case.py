"""What a case has: its own corner of a broker, and marks that say what it proves, and where."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.conformance import packets, rules
from tests.conformance.brokers import Broker
from tests.conformance.client import Client
from tests.conformance.links import Link, Tcp, WebSocket
from tests.conformance.packets import Will

_numbers = itertools.count(1)


def proves(*statements: str) -> pytest.MarkDecorator:
    """Mark a case with the normative statements of the standard that it proves."""
    return pytest.mark.proves(*statements)


def defect(number: int, form: str = "") -> pytest.MarkDecorator:
    """Mark a case that shows a defect of amqtt 0.12.1: it runs on plain amqtt too, and must fail there.

    *form*: the parameters by which it shows; the other forms do not run there.
    """
    return pytest.mark.defect(number, form)


def differs(broker: str, why: str) -> pytest.MarkDecorator:
    """Mark a case that a broker is known to fail; the README says why in the same words."""
    return pytest.mark.differs(broker, why)


def only(*brokers: str) -> pytest.MarkDecorator:
    """Mark a case that says something about these brokers alone."""
    return pytest.mark.only(*brokers)


@contextmanager
def corner(broker: Broker, within_s: float) -> Iterator["Case"]:
    """Give a case its corner of a broker, and end its connections afterwards."""
    broker.begin()
    case = Case(broker, within_s)
    try:
        yield case
    finally:
        case.end()


class Case:
    """Clients and topics that no other case uses. What does not come *within_s* seconds does not come."""

    def __init__(self, broker: Broker, within_s: float) -> None:
        self.broker = broker
        self._within_s = within_s
        self.root = f"case{next(_numbers)}"
        self._clients: list[Client] = []

    def topic(self, rest: str) -> str:
        """Return a topic, or a filter, of this case alone."""
        return f"{self.root}/{rest}"

    def client_id(self, who: str) -> str:
        """Return a client id of this case alone."""
        return f"{self.root}{who}"

    def open(self, link: Link | None = None, *, ws: bool = False) -> Client:
        """Open a connection, and say nothing yet."""
        if link is None:
            link = WebSocket(self.broker.ws_port) if ws else Tcp(self.broker.port)
        client = Client(link, self._within_s)
        self._clients.append(client)
        return client

    def connect(
        self,
        who: str = "one",
        *,
        user: str = "alice",
        clean: bool = True,
        keep_alive: int = 60,
        will: Will | None = None,
        link: Link | None = None,
        ws: bool = False,
    ) -> Client:
        """Open a connection, and let it be accepted."""
        client = self.open(link, ws=ws)
        client.connect(
            packets.connect(
                self.client_id(who), user=user, secret=rules.SECRET, clean=clean, keep_alive=keep_alive, will=will
            )
        )
        return client

    def watch(self, *filters: str, qos: int = 0, who: str = "watcher") -> Client:
        """Connect a client that hears what happens."""
        watcher = self.connect(who)
        assert watcher.subscribe(*((each, qos) for each in filters)) == [qos] * len(filters)
        return watcher

    def end(self) -> None:
        """End all connections."""
        for client in self._clients:
            client.end()


def payloads(client: Client, count: int) -> Sequence[bytes]:
    """Take so many messages, acknowledge them, and return their payloads."""
    return [client.take().payload for _ in range(count)]
