"""What virtual devices and people share: one thread, and one MQTT connection, made again whenever it breaks."""

import json
import logging
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

_BACKOFF_S = (0.5, 30.0)  # the first and the longest pause before connecting again
_KEEPALIVE_S = 30
_GOODBYE_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Login:
    """Where the server is, and as whom to log in."""

    name: str
    password: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 1883


@dataclass(frozen=True, slots=True)
class Message:
    """A JSON object to be published."""

    topic: str
    body: Mapping[str, Any]
    retain: bool = False
    qos: int = 1


class Actor:
    """Somebody at the other end of the broker. Everything but the public methods here runs in one thread: no locks."""

    def __init__(self, login: Login, filters: Sequence[str]) -> None:
        self.login = login
        self.connected = threading.Event()
        """Set while connected and subscribed."""
        self._filters = tuple(filters)
        self._client: mqtt.Client | None = None
        self._thread: threading.Thread | None = None
        self._calls: deque[Callable[[], None]] = deque()
        self._wake = threading.Event()
        self._over = False
        self._connect_at = 0.0
        self._pause_s = _BACKOFF_S[0]

    def start(self) -> None:
        """Connect, and stay connected until `stop` or `crash`."""
        self._calls.clear()
        self._over, self._connect_at, self._pause_s = False, time.monotonic(), _BACKOFF_S[0]
        self._thread = threading.Thread(target=self._run, name=self.login.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye and disconnect cleanly."""
        self._finish(self._leave)

    def crash(self) -> None:
        """Be gone at once, as after a power cut: no goodbye, no DISCONNECT, so the last will speaks."""
        self._finish(self._vanish)

    def drop_connection(self) -> None:
        """Lose the connection without DISCONNECT, as a board at the edge of the WLAN does, and come back later."""
        self.post(self._hang_up)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    # What the kinds of actors differ in

    def prepare(self) -> Message | None:
        """Get ready for a new connection; return its last will."""
        return None

    def introduce(self) -> None:
        """Act on being connected and subscribed."""

    def hear(self, topic: str, payload: bytes) -> None:
        """Take a message as it came."""
        self.receive(topic, _json_object(payload))

    def receive(self, topic: str, body: Mapping[str, Any]) -> None:
        """Take a message; *body* is empty where the payload is no JSON object, or the topic was cleared."""

    def farewell(self) -> Sequence[Message]:
        """Return the last messages before a clean disconnect."""
        return ()

    def due(self) -> float | None:
        """Return when `pass_time` must be called, by the monotonic clock."""
        return None

    def pass_time(self, now: float) -> None:
        """Do what is due."""

    # The thread

    def publish(self, *messages: Message) -> None:
        """Send to the broker; lost where there is no connection."""
        if self._client is not None:
            for message in messages:
                self._client.publish(message.topic, json.dumps(message.body), message.qos, message.retain)

    def send(self, topic: str, payload: bytes, qos: int = 0) -> None:
        """Send bytes to the broker, likewise."""
        if self._client is not None:
            self._client.publish(topic, payload, qos)

    def _run(self) -> None:
        while not self._over:
            self._wake.wait(self._patience())
            self._wake.clear()
            while self._calls and not self._over:
                self._calls.popleft()()
            if not self._over:
                self._pass_time(time.monotonic())

    def _patience(self) -> float | None:
        """Return for how many seconds nothing is due."""
        moments = (self.due(), self._connect_at if self._client is None else None)
        now = time.monotonic()
        return min((max(0.0, moment - now) for moment in moments if moment is not None), default=None)

    def _pass_time(self, now: float) -> None:
        if self._client is None and self._connect_at <= now:
            self._connect()
        due = self.due()
        if due is not None and due <= now:
            self.pass_time(now)

    def post(self, call: Callable[[], None]) -> None:
        """Do something in the actor's thread."""
        self._calls.append(call)
        self._wake.set()

    def _finish(self, how: Callable[[], None]) -> None:
        if self._thread is not None:
            self.post(how)
            self._thread.join()
            self._thread = None

    # The connection. A new client each time, since a will is fixed at connect and old messages must not come again.

    def _connect(self) -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self.login.name, reconnect_on_failure=False)
        client.username_pw_set(self.login.name, self.login.password)
        will = self.prepare()
        if will is not None:
            client.will_set(will.topic, json.dumps(will.body), will.qos, will.retain)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_subscribe, client.on_message = self._on_subscribe, self._on_message
        self._client = client
        try:
            client.connect(self.login.host, self.login.port, _KEEPALIVE_S)
        except OSError as error:
            self._lost(client, str(error))
        else:
            client.loop_start()

    def _lost(self, client: mqtt.Client, why: str) -> None:
        """Come back after a pause of random length, lest all come back at once."""
        if client is not self._client:
            return
        self._client = None
        self.connected.clear()
        pause_s = self._pause_s * random.uniform(0.5, 1.5)
        log.warning("%s: no connection (%s); again in %.1f s", self.login.name, why, pause_s)
        self._connect_at = time.monotonic() + pause_s
        self._pause_s = min(_BACKOFF_S[1], self._pause_s * 2)

    def _subscribed(self) -> None:
        self._pause_s = _BACKOFF_S[0]
        self.introduce()
        self.connected.set()

    def _leave(self) -> None:
        client, last = self._client, self.farewell()
        self._over = True
        if client is None or not client.is_connected():
            self._vanish()  # who were let in after this would stay, and shut out the next one of that name
            return
        for message in last:
            info = client.publish(message.topic, json.dumps(message.body), message.qos, message.retain)
            with suppress(RuntimeError, ValueError):  # the connection broke meanwhile
                info.wait_for_publish(_GOODBYE_WITHIN_S)
        gone = threading.Event()
        client.on_disconnect = lambda *_: gone.set()
        client.disconnect()
        gone.wait(_GOODBYE_WITHIN_S)
        self._forget()

    def _vanish(self) -> None:
        self._over = True
        self._hang_up()
        self._forget()

    def _forget(self) -> None:
        self._client = None
        self.connected.clear()

    def _hang_up(self) -> None:
        line = self._client.socket() if self._client is not None else None
        if isinstance(line, socket.socket):
            with suppress(OSError):  # the other side was quicker
                line.shutdown(socket.SHUT_RDWR)

    # Called by paho, in its thread

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: mqtt.ConnectFlags, code: ReasonCode, _more: Properties | None
    ) -> None:
        if code.is_failure:
            log.error("%s may not log in: %s", self.login.name, code)
        else:
            client.subscribe([(topic_filter, 1) for topic_filter in self._filters])

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _mid: int, codes: list[ReasonCode], _more: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            log.error("%s may not subscribe to all of %s", self.login.name, ", ".join(self._filters))
        self.post(self._subscribed)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.post(partial(self.hear, message.topic, bytes(message.payload)))

    def _on_disconnect(
        self,
        client: mqtt.Client,
        _data: Any,
        _flags: mqtt.DisconnectFlags,
        code: ReasonCode,
        _more: Properties | None,
    ) -> None:
        self.post(partial(self._lost, client, str(code)))


def _json_object(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
