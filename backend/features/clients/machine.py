"""Which apps of a person are really there. One machine per principal.

As with boards, a last will is doubted for a moment (``debounce_s``), one of an older boot never overwrites a newer
birth, and a retained status proves nothing. Apps need no heartbeat: that their connection broke, the broker notices.
Only after a restart, when nobody knows, silence (``heartbeat_s``) makes them lost; and any request of the person shows
that somebody is there, if not which app. Who never had an app that said something is not tracked, and never lost.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from backend.core.clock import iso
from backend.core.desk import Effect
from backend.core.effects import Publish
from backend.core.facts import (
    AccountsConnected,
    DirectoryChanged,
    MessageRefused,
    Resumed,
    SecretsChanged,
    UserHeard,
    UserLost,
    UserOnline,
)
from backend.core.liveness import GONE, Limits, is_late
from backend.core.refusals import Code
from backend.features.clients.messages import (
    PRESENCE,
    STATUS,
    ClientPresence,
    ClientState,
    ClientStatus,
    UserPresence,
)

MOST_CLIENTS = 32  # of one person; those that are gone make room


@dataclass(frozen=True, slots=True)
class ClientSaid:
    """An app, or the broker in its name, said how it is."""

    user: str
    client: str
    status: ClientStatus
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of one app. ``born_at``: when it said last that it is there, if it is."""

    state: ClientState = "unknown"
    since: float = 0.0
    born_at: float | None = None
    boot: int | None = None
    doubt_until: float | None = None


@dataclass(frozen=True, slots=True)
class User:
    """The apps of one principal, by name. ``silent_at``: when those that are unknown count as lost."""

    name: str
    clients: Mapping[str, Client] = field(default_factory=dict)
    since: float = 0.0
    silent_at: float | None = None

    @property
    def state(self) -> ClientState:
        """Return how it is with all of them: of those that are gone, the last one counts."""
        states = {client.state for client in self.clients.values()}
        if "online" in states:
            return "online"
        if "unknown" in states or not states:
            return "unknown"
        return max(self.clients.values(), key=lambda client: (client.since, client.state)).state


EVENTS = (ClientSaid, UserHeard, AccountsConnected, SecretsChanged, Resumed, DirectoryChanged)


def keys(event: object, known: Iterable[str]) -> list[str]:
    """Return the people that an event concerns."""
    match event:
        case Resumed():
            return list(known)
        case DirectoryChanged(principals=principals):
            return [user for user in known if user not in principals]
        case UserHeard(user=user):
            return [user] if user in known else []
        case AccountsConnected(names=names):
            return [user for user in known if user not in names]
        case SecretsChanged(names=names):
            return [user for user in known if user in names]
        case _:
            return [event.user]  # type: ignore[attr-defined]


def until(user: User) -> float | None:
    """Return when time alone changes the state."""
    moments = [user.silent_at, *(client.doubt_until for client in user.clients.values())]
    return min((when for when in moments if when is not None), default=None)


def durable(user: User) -> dict[str, Client]:
    """Reduce to what a restart must not forget."""
    return {name: client if client.state in GONE else Client(boot=client.boot) for name, client in user.clients.items()}


def document(user: User) -> list[Publish]:
    """Return the retained presence; none of who is not tracked."""
    if not user.clients:
        return []
    clients = [
        ClientPresence(client=name, state=client.state, since=iso(client.since), boot=client.boot)
        for name, client in sorted(user.clients.items())
    ]
    body = UserPresence(state=user.state, since=iso(user.since), clients=clients)
    return [Publish(PRESENCE.at(principal=user.name), body, retain=True)]


def step(limits: Limits, before: User, event: object, now: float) -> tuple[User, list[Effect]]:
    """Advance time to *now*, then apply *event* (None: time only)."""
    user, effects = _pass_time(before, now), list[Effect]()
    match event:
        case ClientSaid():
            user, effects = _said(limits, user, event, now)
        case UserHeard() if user.silent_at is not None:
            user = replace(user, silent_at=now + limits.heartbeat_s)
        case AccountsConnected():
            user = _connected(limits, user, event, now)
        case SecretsChanged():
            user = _locked_out(user, event, now)
        case Resumed():
            user = _resumed(limits, user, now)
        case DirectoryChanged(principals=principals) if user.name not in principals and user.clients:
            effects, user = _all_cleared(user), User(user.name)
    if user is before:
        return before, effects
    user = _dated(before, user, now)
    return user, effects + _told(before, user)


def _dated(before: User, after: User, now: float) -> User:
    """Note since when it is with all of them as it is."""
    has_changed = after.state != before.state or not before.clients
    return replace(after, since=now) if after.clients and has_changed else after


def _pass_time(user: User, now: float) -> User:
    """Believe the doubts whose time has come, and the silence."""
    silent = user.silent_at is not None and user.silent_at <= now
    gone = {
        name: _enter(client, "lost", now)
        for name, client in user.clients.items()
        if (silent and client.state == "unknown") or (client.doubt_until is not None and client.doubt_until <= now)
    }
    return _with(user, gone, user.silent_at) if gone else user


def _said(limits: Limits, user: User, said: ClientSaid, now: float) -> tuple[User, list[Effect]]:
    status, known = said.status, user.clients.get(said.client)
    if known is not None and is_late(status.state, status.boot, known.boot, retained=said.retained):
        return user, [MessageRefused(Code.STALE_BOOT, STATUS.at(principal=user.name, client=said.client))]
    effects: list[Effect] = []
    if known is None and len(user.clients) >= MOST_CLIENTS:
        oldest = _gone_first(user)
        if oldest is None:
            return user, _refused(user, said.client)
        user = replace(user, clients={name: each for name, each in user.clients.items() if name != oldest})
        effects.append(_cleared(user, oldest))
    after = _after(limits, known or Client(since=now), said, now)
    return _with(user, {said.client: after}, user.silent_at or now + limits.heartbeat_s), effects


def _after(limits: Limits, client: Client, said: ClientSaid, now: float) -> Client:
    status = said.status
    known = replace(client, boot=status.boot if status.boot is not None else client.boot)
    match status.state:
        case "online" if said.retained:  # proves nothing; but a start that nobody heard of may be true
            return _enter(known, "unknown", now) if client.state in GONE and known.boot != client.boot else known
        case "online" | "disconnected":
            return _enter(known, status.state, now)
        case _ if client.state in GONE:
            return known
        case _:
            return replace(known, doubt_until=client.doubt_until or now + limits.debounce_s)


def _connected(limits: Limits, user: User, connected: AccountsConnected, now: float) -> User:
    """Doubt apps without a connection: one that ends in good order takes its will back, and most say no goodbye."""
    if user.name in connected.names:
        return user
    doubted = {
        name: replace(client, doubt_until=now + limits.debounce_s)
        for name, client in user.clients.items()
        if client.state == "online" and client.doubt_until is None
    }
    return _with(user, doubted, user.silent_at) if doubted else user


def _locked_out(user: User, changed: SecretsChanged, now: float) -> User:
    """Believe at once that who was locked out is gone."""
    gone = {
        name: _enter(client, "lost", now)
        for name, client in user.clients.items()
        if client.state not in GONE and not changed.spares(client.born_at)
    }
    return _with(user, gone, user.silent_at) if gone else user


def _gone_first(user: User) -> str | None:
    """Return the app that is gone for longest, if one is."""
    gone = [(client.since, name) for name, client in user.clients.items() if client.state in GONE]
    return min(gone)[1] if gone else None


def _refused(user: User, client: str) -> list[Effect]:
    """Say no; a status has no reply, so what is not kept does not stay retained either."""
    return [MessageRefused(Code.TOO_MANY, STATUS.at(principal=user.name, client=client)), _cleared(user, client)]


def _resumed(limits: Limits, user: User, now: float) -> User:
    """Nobody knows who is there, until the app says so, or was silent for too long. Who was gone remains so."""
    there = {
        name: Client(since=now, boot=client.boot) for name, client in user.clients.items() if client.state not in GONE
    }
    return _with(replace(user, since=now), there, now + limits.heartbeat_s) if there else user


def _with(user: User, changed: Mapping[str, Client], silent_at: float | None) -> User:
    """Return *user* with other apps. Only who is unknown may be silent for too long."""
    clients = {**user.clients, **changed}
    unknown = any(client.state == "unknown" for client in clients.values())
    return replace(user, clients=clients, silent_at=silent_at if unknown else None)


def _enter(client: Client, state: ClientState, now: float) -> Client:
    born_at = now if state == "online" else None
    since = client.since if state == client.state else now
    return replace(client, state=state, since=since, born_at=born_at, doubt_until=None)


def _cleared(user: User, client: str) -> Publish:
    return Publish(STATUS.at(principal=user.name, client=client), None, retain=True)


def _all_cleared(user: User) -> list[Effect]:
    presence = Publish(PRESENCE.at(principal=user.name), None, retain=True)
    return [*(_cleared(user, client) for client in user.clients), presence]


def _shown(user: User) -> object:
    """Return what the retained document says."""
    return user.since, {name: (client.state, client.since, client.boot) for name, client in user.clients.items()}


def _told(before: User, after: User) -> list[Effect]:
    """Say what changed: the retained document, and the facts that other features wait for."""
    effects: list[Effect] = []
    if _shown(after) != _shown(before):
        effects += document(after)
    if after.state == "online" and before.state != "online":
        effects.append(UserOnline(after.name))
    if after.state in GONE and before.state not in GONE:
        effects.append(UserLost(after.name))
    return effects
