"""Mosquitto in the place of the embedded broker: it is told who has an account, and who has and holds which device."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from aiomqtt import MqttError

from backend.core.engine import Send
from backend.core.principals import Principal, Role, Roster
from backend.shell.address import Address
from backend.shell.mosquitto_accounts import (
    CLIENT_EXISTS,
    NO_CLIENT,
    NO_ROLE,
    ROLE_EXISTS,
    create,
    ensure_roles,
    remove,
)
from backend.shell.mosquitto_control import CommandError, Control, ControlError, connected
from backend.shell.mosquitto_inventory import Inventory, following, mending, taken, unknown
from backend.shell.mosquitto_rights import Rights, acls, commands
from backend.shell.operator import Login

log = logging.getLogger(__name__)

_NAMED = 10  # accounts in one line of the log


class Steward:
    """Keeps a running Mosquitto in step: with the accounts of the database, and with what the sessions say."""

    def __init__(
        self, where: Address, login: Login, rights: Rights, principals: Callable[[], Mapping[str, Principal]]
    ) -> None:
        self._where = where
        self._login = login
        self._rights = rights
        self._principals = principals
        self._stack = AsyncExitStack()
        self._control: Control | None = None
        self._turn = asyncio.Lock()
        self._is_fresh = False
        self._told = Roster()
        self._holders: dict[str, str | None] = {}
        """By filter: who shall be able to publish to it, by the session documents that were seen so far."""
        self._granted: dict[str, set[str]] = {}
        """By filter: who can, as far as Mosquitto was told."""
        self._unsettled: set[str] = set()

    async def start(self) -> None:
        """Connect for the first time, and bring everything in step. Raises MqttError."""
        async with self._turn:
            await self._renew()
            self._is_fresh = True

    async def ready(self) -> None:
        """Connect anew, since Mosquitto may have been away, and bring everything in step. Raises MqttError."""
        async with self._turn:
            if not self._is_fresh:
                await self._renew()
            self._is_fresh = False

    async def close(self) -> None:
        """End the connection."""
        self._control = None
        await self._stack.aclose()

    async def follow(self, _accounts: Mapping[str, str]) -> Collection[str]:
        """Bring Mosquitto in step with accounts that changed; nobody is locked out by this. Raises MqttError.

        Where a secret changed, whoever changed it told Mosquitto, which ended the connections.
        """
        await self._do(self._follow)
        return ()

    def heard(self, sends: Iterable[Send]) -> None:
        """Take note of the holders that session documents name."""
        for send in sends:
            for command in self._rights.rules.guarded_by(send.topic) if send.retain else ():
                self._holders[command] = _holder(send.payload)
                self._unsettled.add(command)

    async def settle(self) -> None:
        """Let the holders command, and nobody else any more. What fails is logged, and tried again next time."""
        if not self._wrong():
            return
        try:
            await self._do(self._settle)
        except MqttError as error:
            log.error("Mosquitto does not know who holds %s: %s", ", ".join(sorted(self._wrong())[:_NAMED]), error)

    async def _do(self, what: Callable[[Control], Awaitable[None]]) -> None:
        """Do something over the connection; where it broke unnoticed, once more over a new one."""
        async with self._turn:
            control = self._control or await self._renew()
            try:
                await what(control)
            except CommandError:
                raise
            except MqttError:
                await what(await self._renew())

    async def _renew(self) -> Control:
        """Return a new connection, which begins with everything in step."""
        await self.close()
        control = await self._stack.enter_async_context(connected(self._where, self._login))
        try:
            await self._reconcile(control)
        except BaseException:
            await self.close()
            raise
        self._control = control
        return control

    async def _reconcile(self, control: Control) -> None:
        there = await taken(control)  # before: whom it knows by now is stored, since that comes first
        roster = Roster(await asyncio.to_thread(self._principals))
        people, self._rights.rules.roster = roster.principals, roster
        server = Principal(self._login.user, Role.BACKEND, "Talkstick")
        if self._rights.account(server.name) not in there.clients.get(server.name, ()):
            raise ControlError(
                f"{server.name} is not set up as the server's account; `talkstick export mosquitto` does"
            )
        meanwhile = {NO_CLIENT, *NO_ROLE, CLIENT_EXISTS, ROLE_EXISTS}
        await control.run(mending(self._rights, people, there, server), tolerate=meanwhile)
        self._complain(*unknown(self._rights, people, there))
        self._told = roster
        self._granted = _granted(self._rights, there)
        self._unsettled |= self._holders.keys()
        await self._settle(control)

    async def _follow(self, control: Control) -> None:
        roster = Roster(await asyncio.to_thread(self._principals))
        people, known, self._rights.rules.roster = roster.principals, self._told.principals, roster
        for name in known.keys() - people.keys():
            await remove(control, self._rights, name)
        await control.run(following(self._rights, self._told, roster), tolerate=NO_ROLE)
        for name in people.keys() - known.keys():  # the command line did it, if it knew the broker
            await ensure_roles(control, self._rights, people[name])
            await control.run([create(self._rights, people[name], None)], tolerate={CLIENT_EXISTS})
        self._told = roster

    def _complain(self, missing: Sequence[str], others: Sequence[str]) -> None:
        if missing:
            shown = ", ".join(sorted(missing)[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
            log.warning("Mosquitto has no secret of %d accounts, so they cannot log in: %s", len(missing), shown)
            log.warning("give them new ones (`user passwd`, `device rotate`), or `talkstick export mosquitto` again")
        for name in others:
            log.error("Mosquitto has a client %s that is not Talkstick's; the account cannot be used", name)

    def _wrong(self) -> set[str]:
        return {each for each in self._unsettled if self._granted.get(each, set()) != _one(self._holders[each])}

    async def _settle(self, control: Control) -> None:
        """Replace the rules of all who lose or win something; those who lose come first."""
        wrong = self._wrong()
        after = {**self._granted, **{each: _one(self._holders[each]) for each in wrong}}
        losers = {name for each in wrong for name in self._granted.get(each, set()) - after[each]}
        winners = {name for each in wrong for name in after[each]}
        held = {name: {each for each, who in after.items() if name in who} for name in losers | winners}
        await control.run(
            [
                {"command": "modifyRole", "rolename": self._rights.holder(name), "acls": acls(commands(held[name]))}
                for name in [*sorted(losers), *sorted(winners - losers)]
            ],
            tolerate=NO_ROLE,
        )
        self._granted = {each: who for each, who in after.items() if who}
        self._unsettled.clear()


def _granted(rights: Rights, there: Inventory) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for role, rules in there.roles.items():
        name = rights.owner(role, "holder")
        for rule in rules if name is not None else ():
            found.setdefault(rule.topic, set()).add(str(name))
    return found


def _one(name: str | None) -> set[str]:
    return set() if name is None else {name}


def _holder(document: bytes) -> str | None:
    """Return whom a session document names; it is the backend's own."""
    body: Any = json.loads(document or b"{}")
    holder = body.get("holder")
    return holder if isinstance(holder, str) else None
