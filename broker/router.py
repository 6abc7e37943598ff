"""Where messages go: subscriptions, retained messages, sessions. Knows no sockets, and costs what matches, not more."""

import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from broker import guard
from broker.keeper import Keeper
from broker.limits import Limits
from broker.messages import Message
from broker.outgoing import Outgoing
from broker.packets import publish_bytes
from broker.ports import Door
from broker.session import Session
from broker.trie import Subscriptions, Topics

log = logging.getLogger(__name__)

REFUSED = 0x80  # the return code of a SUBACK

Take = Callable[[str, bytes], None]
"""Is handed topic and payload of a message."""


class Router:
    """The switchboard of the broker. ``now`` is seconds since the epoch, wherever it is asked for."""

    def __init__(self, door: Door, limits: Limits, keeper: Keeper) -> None:
        self._door = door
        self._limits = limits
        self._keeper = keeper
        self._keeps_nothing = Keeper(None)
        self.sessions: dict[str, Session] = {}
        self._accounts: dict[str, str] = {}
        self._dropped = 0
        self.revoked = 0  # how often rights were revoked
        self._by_name: dict[str, dict[str, Session]] = {}
        self._absent: dict[str, dict[str, Session]] = {}  # by account, those that were left first come first
        self._subscriptions: Subscriptions[Session | Take] = Subscriptions(self._may_read)
        self._retained: Topics[Message] = Topics()

    # Sessions

    def open(self, name: str, client_id: str, *, clean: bool) -> tuple[Session, bool]:
        """Return the session of a client that connects, and whether it was there before.

        A client id is its account's own. A connection that has it already is ended, with its last will [MQTT-3.1.4-2].
        """
        client = f"{name}/{client_id or uuid.uuid4()}"
        known = self.sessions.get(client)
        if known is not None and known.wire is not None:
            known.wire.end("taken over")
            known = self.sessions.get(client)
        if known is not None and clean:
            self.forget(known)
            known = None
        session = known or self._add(client, name, clean=clean)
        self._is_back(session)
        if not clean:
            self._keeper.put("session", (client,), name, None)
        return session, known is not None

    def _add(self, client: str, name: str, *, clean: bool) -> Session:
        keeper = self._keeps_nothing if clean else self._keeper
        session = Session(client, name, self._limits, partial(self._readable, name), keeper, clean=clean)
        self.sessions[client] = self._by_name.setdefault(name, {})[client] = session
        return session

    def leave(self, session: Session, now: float) -> None:
        """Note that the connection of a session is gone."""
        session.suspend()
        if session.is_clean:
            self.forget(session)
        elif self.sessions.get(session.client) is session:
            self._keeper.put("session", (session.client,), session.name, now)
            self._is_away(session, now)

    def _is_away(self, session: Session, since: float) -> None:
        """Keep the session of a client that is away; of too many of one account, forget the one that was left first."""
        session.left_at = since
        absent = self._absent.setdefault(session.name, {})
        absent[session.client] = session
        if len(absent) > self._limits.kept_sessions:
            self.forget(next(iter(absent.values())))

    def _is_back(self, session: Session) -> None:
        session.left_at = None
        absent = self._absent.get(session.name, {})
        absent.pop(session.client, None)
        if not absent:
            self._absent.pop(session.name, None)

    def forget(self, session: Session) -> None:
        """End a session: its subscriptions, and what waits for it."""
        if self.sessions.get(session.client) is not session:
            return
        for topic_filter in session.subscriptions:
            self._subscriptions.remove(topic_filter, session)
        session.forget()
        self._dropped += session.dropped
        del self.sessions[session.client]
        self._is_back(session)
        siblings = self._by_name[session.name]
        del siblings[session.client]
        if not siblings:
            del self._by_name[session.name]

    def expire(self, now: float) -> None:
        """Forget the sessions whose clients were away for too long."""
        oldest = now - self._limits.session_expiry_s
        for absent in list(self._absent.values()):
            for session in [each for each in absent.values() if each.left_at is not None and each.left_at < oldest]:
                self.forget(session)

    def know(self, accounts: Mapping[str, str]) -> set[str]:
        """Learn which accounts there are, each with a mark that changes when its secret does; return who is locked out.

        Whose mark is another than at last, or gone, loses connections and sessions; what those left behind that are
        gone is cleared, since nobody else could. It holds over a restart: an account may change while nobody serves.
        """
        self._subscriptions.forget_answers()
        void = {name for name, mark in self._accounts.items() if accounts.get(name) != mark}
        self._drop(void)
        self._clear(void - accounts.keys())
        for name in void:
            self._keeper.remove("account", name)
        for name, mark in accounts.items():
            if self._accounts.get(name) != mark:
                self._keeper.put("account", (name,), mark)
        self._accounts = dict(accounts)
        return void

    def _drop(self, names: Collection[str]) -> None:
        """End all connections and sessions of these accounts, without a last will: their rights are gone."""
        self.revoked += 1
        for name in names:
            for session in list(self._by_name.get(name, {}).values()):
                if session.wire is not None:
                    session.wire.end("the account or its secret changed", will=False)
                self.forget(session)

    def _clear(self, names: Collection[str]) -> None:
        """Clear the retained messages that these accounts published, as they might have done themselves."""
        for message in [each for each in self._retained.values() if each.owner in names]:
            self._pass_on(replace(message, payload=b""))

    def figures(self) -> dict[str, int]:
        """Return how many sessions and retained messages there are, and how many messages were dropped so far."""
        dropped = self._dropped + sum(session.dropped for session in self.sessions.values())
        return {"sessions": len(self.sessions), "retained": len(self._retained), "dropped": dropped}

    def connected(self) -> set[str]:
        """Return the accounts that have a connection."""
        return {session.name for session in self.sessions.values() if session.wire is not None}

    # Subscriptions

    def subscribe(self, session: Session, asked: list[tuple[str, int]]) -> list[int]:
        """Return the codes of the SUBACK."""
        most = self._limits.subscriptions
        codes = [self._subscribe(session, topic_filter, qos) for topic_filter, qos in asked[:most]]
        return codes + [REFUSED] * len(asked[most:])

    def _subscribe(self, session: Session, topic_filter: str, qos: int) -> int:
        full = len(session.subscriptions) >= self._limits.subscriptions and topic_filter not in session.subscriptions
        if full or topic_filter.count("/") >= self._limits.levels:
            return REFUSED
        if not self._door.may_subscribe(session.name, topic_filter):
            log.info("subscription refused: %r to %r", session.name, topic_filter[:200])
            return REFUSED
        session.subscribe(topic_filter, qos)
        self._subscriptions.add(topic_filter, session, qos)
        return qos

    def replay(self, session: Session, topic_filter: str) -> None:
        """Send the retained messages that a new subscription finds [MQTT-3.3.1-6]."""
        session.replay(topic_filter, self._retained.match(topic_filter))

    def _readable(self, name: str, topic: str) -> Message | None:
        message = self._retained.get(topic)
        return message if message is not None and self._door.may_receive(name, topic) else None

    def unsubscribe(self, session: Session, filters: list[str]) -> None:
        """End subscriptions; a filter without one is fine [MQTT-3.10.4-5]."""
        for topic_filter in filters:
            if session.unsubscribe(topic_filter):
                self._subscriptions.remove(topic_filter, session)

    # The embedder

    def attach(self, filters: Iterable[str], take: Take) -> Iterator[Message]:
        """Hand every message on these topics to *take*, from now on; return those that are retained there.

        Each is looked up when its turn comes: one that changes meanwhile comes as it is by then, or twice.
        """
        filters = tuple(filters)
        for topic_filter in filters:
            self._subscriptions.add(topic_filter, take, 0)
        topics = (topic for topic_filter in filters for topic in self._retained.match(topic_filter))
        return (found for topic in topics if topic is not None and (found := self._retained.get(topic)) is not None)

    def detach(self, filters: Iterable[str], take: Take) -> None:
        """Hand over no more of what only these filters cover."""
        for topic_filter in filters:
            self._subscriptions.remove(topic_filter, take)

    def announce(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Pass on a message of the embedder, which may say everything."""
        self._pass_on(Message(topic, payload, 1, retain))

    # Messages

    def may_leave(self, name: str, will: Message) -> bool:
        """Judge a last will: it will be published unasked, so nothing may depend on what is true by then."""
        judged = self._door.judge(name, will.topic, retain=will.retain, size=len(will.payload))
        if judged.code is None and judged.guard is None and not will.topic.startswith("$"):
            return True
        self._door.refused(name, will.topic, judged.code or "forbidden")
        return False

    def publish(self, message: Message) -> None:
        """Judge a message of a client, and pass it on; what is refused is counted and goes no further."""
        code = self._refusal(message)
        if code is None:
            self._pass_on(message)
        else:
            self._door.refused(message.owner, message.topic, code)

    def _refusal(self, message: Message) -> str | None:
        name, topic = message.owner, message.topic
        judged = self._door.judge(name, topic, retain=message.retain, size=len(message.payload))
        if judged.code is not None:
            return judged.code
        if topic.startswith("$"):
            return "unknown_topic"  # the broker's own [MQTT-4.7.2-1]
        if judged.guard is None:
            return None
        document = self._retained.get(judged.guard)
        return guard.refusal(document.payload if document is not None else None, name, message.payload)

    def _pass_on(self, message: Message) -> None:
        if message.retain:
            self._retain(message)
        encoded = None
        for who, wanted in self._subscriptions.match(message.topic).items():
            if not isinstance(who, Session):
                who(message.topic, message.payload)
                continue
            qos = min(wanted, message.qos)  # [MQTT-3.8.4-6]
            if qos == 0 and encoded is None:
                encoded = publish_bytes(message, 0, retain=False)
            who.deliver(message, qos, encoded)

    def _may_read(self, who: Session | Take, topic: str) -> bool:
        return not isinstance(who, Session) or self._door.may_receive(who.name, topic)

    def _retain(self, message: Message) -> None:
        """Keep a message for who subscribes later; an empty one clears [MQTT-3.3.1-10].

        What the embedder retains is not kept over a restart: it says it again.
        """
        before = self._retained.get(message.topic)
        if message.payload:
            self._retained.put(message.topic, message)
        else:
            self._retained.remove(message.topic)
        if message.payload and message.owner:
            self._keeper.put("retained", (message.topic,), message.payload, message.qos, message.owner)
        elif before is not None and before.owner:
            self._keeper.remove("retained", message.topic)
        else:
            self._keeper.touch()

    def restore(self, now: float) -> None:
        """Take back what was kept over a restart. Whose client was connected then is away since *now*."""
        self._accounts = dict(self._keeper.rows("account"))
        for topic, payload, qos, owner in self._keeper.rows("retained"):
            self._retained.put(topic, Message(topic, payload, qos, retain=True, owner=owner))
        rows = [(left_at or now, client, name) for client, name, left_at in self._keeper.rows("session")]
        for _, client, name in rows:
            self._add(client, name, clean=False)
        for client, topic_filter, qos, replayed in self._keeper.rows("subscription"):
            self.sessions[client].subscriptions[topic_filter] = qos
            self._subscriptions.add(topic_filter, self.sessions[client], qos)
            if not replayed:
                self.replay(self.sessions[client], topic_filter)
        for row in self._keeper.rows("outgoing"):
            self.sessions[row[0]].restore(Outgoing.kept(*row[1:]))
        for client, packet_id in self._keeper.rows("incoming"):
            self.sessions[client].restore_incoming(packet_id)
        # Last, since one may be too many, and is forgotten with all that is its.
        for left_at, client, _ in sorted(rows):
            self._is_away(self.sessions[client], left_at)
