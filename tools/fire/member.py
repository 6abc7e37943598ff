"""Somebody who is connected, comes back whenever the connection breaks, and keeps a diary."""

import asyncio
import json
import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from tools.actor import Login
from tools.fire.history import History
from tools.lean import Hello, LeanClient

_PAUSE_S = (0.02, 0.2)  # before one comes back


class Member:
    """One account with one connection at a time."""

    filters: tuple[str, ...] = ()
    clean = True

    def __init__(self, login: Login, history: History, dice: random.Random) -> None:
        self.name = login.name
        self.here = asyncio.Event()
        """Set while connected, and subscribed."""
        self.history = history
        self.dice = dice
        self.conn = 0
        self._login = login
        self._client: LeanClient | None = None

    async def live(self) -> None:
        """Stay connected until cancelled."""
        while True:
            with suppress(OSError):  # nobody serves, or not any more
                await self._visit()
            self.here.clear()
            self.cut()
            await asyncio.sleep(self.pause_s())

    async def _visit(self) -> None:
        login = self._login
        client = await LeanClient.connect(login.port, login.name, login.password, self._hear, self.hello())
        self._client = client
        self.conn = self.history.connected(self.name, clean=self.clean)
        for topic_filter in self.filters:
            await client.subscribe(topic_filter)
        self.here.set()
        self.arrive()
        await client.gone.wait()

    def cut(self) -> None:
        """Be gone without a goodbye."""
        if self._client is not None:
            self._client.cut()
            self._client = None

    def say(self, topic: str, body: Mapping[str, Any], *, retain: bool = False) -> None:
        """Publish; nothing where there is no connection."""
        if self._client is not None:
            self._client.publish(topic, json.dumps(body).encode(), retain=retain)

    def _hear(self, topic: str, payload: bytes) -> None:
        retained = self._client.retained if self._client is not None else False
        self.hear(topic, json.loads(payload) if payload else {}, retained=retained)

    # What the kinds of members differ in

    def hello(self) -> Hello:
        """Return how to connect."""
        return Hello(f"{self.name}-app", clean=self.clean)

    def pause_s(self) -> float:
        """Return how long to stay away after a connection broke."""
        return self.dice.uniform(*_PAUSE_S)

    def arrive(self) -> None:
        """Say hello, after each connection."""

    def hear(self, topic: str, body: Mapping[str, Any], *, retained: bool) -> None:
        """Take a message."""
