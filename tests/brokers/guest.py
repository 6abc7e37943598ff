"""Somebody who is connected, and keeps all that arrives."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt

from tests.brokers.brokers import Site
from tests.rig import WITHIN_S

REFUSED = 0x80


class Guest:
    """A client of one account. What arrives is kept in order; tests wait for what they expect."""

    def __init__(self, name: str, client: aiomqtt.Client) -> None:
        self.name = name
        self.client = client
        self.got: list[aiomqtt.Message] = []
        self.ended = asyncio.Event()
        self._changed = asyncio.Condition()

    async def subscribe(self, topic_filter: str) -> bool:
        """Subscribe at QoS 1; tell whether the broker says that it did."""
        return all(code != REFUSED for code in await self.client.subscribe(topic_filter, qos=1))

    async def publish(self, topic: str, body: object, *, retain: bool = False, qos: int = 1) -> None:
        """Publish, and wait until the broker has it."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.client.publish(topic, payload, qos=qos, retain=retain, timeout=WITHIN_S)

    async def ask(self, device: str, **body: object) -> dict[str, Any]:
        """Ask something of a device's session; return the answer."""
        return await self.ask_at(f"devices/{device}/session", **body)

    async def ask_at(self, place: str, **body: object) -> dict[str, Any]:
        """Ask something where the requests are below *place*; return the answer."""
        after = len(self.got)
        await self.publish(f"{place}/request/{self.name}", body)
        expected = {"id": body["id"]} if "id" in body else {}
        return await self.body(f"{place}/reply/{self.name}", after, **expected)

    async def is_answered(self) -> None:
        """Ask for nothing, and wait for the answer: what the server says of all that was before has come, too."""
        await self.ask_at("backend", id=secrets.token_hex(4), action="nothing")

    async def body(self, topic: str, after: int = 0, **expected: object) -> dict[str, Any]:
        """Return the first JSON body on a topic that has these keys and values."""

        def is_it(message: aiomqtt.Message) -> bool:
            return (
                str(message.topic) == topic and bool(message.payload) and expected.items() <= content(message).items()
            )

        return content(await self.wait_for(is_it, f"{topic} {expected}", after))

    async def wait_for(
        self, expected: Callable[[aiomqtt.Message], bool], what: str = "the message", after: int = 0
    ) -> aiomqtt.Message:
        """Return the first message, from index *after* on, that is as expected."""
        await self.until(lambda: any(map(expected, self.got[after:])), what)
        return next(filter(expected, self.got[after:]))

    async def until(self, look: Callable[[], bool], what: str) -> None:
        """Return when something is true of what arrived."""
        try:
            async with asyncio.timeout(WITHIN_S), self._changed:
                await self._changed.wait_for(look)
        except TimeoutError:
            shown = [(str(message.topic), message.payload) for message in self.got[-12:]]
            raise AssertionError(f"{what} did not come to {self.name}; got {shown}") from None

    def topics(self) -> set[str]:
        """Return the topics of all that arrived with content."""
        return {str(message.topic) for message in self.got if message.payload}

    async def kept(self, *, twice: bool) -> set[str]:
        """Subscribe to the server's status, and return the topics of all that was kept: what comes before, and that.

        *twice*: it comes for another filter, too. What is said live meanwhile does not count.
        """

        def found() -> list[str]:
            return [str(message.topic) for message in self.got if message.retain and message.payload]

        assert await self.subscribe("backend/status")
        await self.until(lambda: found().count("backend/status") > twice, "what was kept")
        return set(found())

    async def read(self) -> None:
        """Keep what arrives until the connection ends."""
        try:
            async for message in self.client.messages:
                async with self._changed:
                    self.got.append(message)
                    self._changed.notify_all()
        except aiomqtt.MqttError:
            self.ended.set()


async def at_rest(site: Site) -> None:
    """Return when the server has answered all that was asked before: none of it comes to who is let in from now on."""
    async with guest(site, "admin", "backend/reply/admin") as admin:
        await admin.is_answered()


def text(message: aiomqtt.Message) -> str:
    """Return a payload as text."""
    return message.payload.decode() if isinstance(message.payload, bytes) else ""


def content(message: aiomqtt.Message) -> dict[str, Any]:
    """Return a payload as JSON."""
    return dict(json.loads(text(message)))


@asynccontextmanager
async def guest(site: Site, name: str, *filters: str, **options: Any) -> AsyncIterator[Guest]:
    """Log in, subscribe, and read. Raises MqttError where the login is refused."""
    options = {
        "password": site.talkstick.passwords.get(name),
        "identifier": f"{name}-{secrets.token_hex(4)}",
        "timeout": WITHIN_S,
        **options,
    }
    client = aiomqtt.Client("127.0.0.1", site.port, username=name, **options)
    await client.__aenter__()
    here = Guest(name, client)
    reading = asyncio.create_task(here.read())
    try:
        for each in filters:
            assert await here.subscribe(each)
        yield here
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await client.__aexit__(None, None, None)
