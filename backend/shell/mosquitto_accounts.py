"""One account, told to a running Mosquitto by the process that knows its secret."""

import asyncio
import contextlib
from collections.abc import Iterator

import aiomqtt

from backend.core.principals import Principal
from backend.shell.accounts import AccountError
from backend.shell.address import Address, AddressError
from backend.shell.mosquitto_control import Command, CommandError, Control, ControlError, connected
from backend.shell.mosquitto_rights import Rights, acls, role_refs
from backend.shell.operator import Login

NO_CLIENT, NO_ROLE = "Client not found", frozenset({"Role not found", "Role does not exist"})
CLIENT_EXISTS, ROLE_EXISTS = "Client already exists", "Role already exists"


class Mosquitto:
    """What the command line tells Mosquitto; each time over a connection of its own."""

    def __init__(self, where: Address, login: Login, rights: Rights) -> None:
        self._where = where
        self._login = login
        self._rights = rights

    def insist(self, name: str) -> None:
        """Insist that Mosquitto answers, and has nobody else of that name. Raises AccountError."""
        self._insist_on_another(name)
        with _explained():
            asyncio.run(self._insist(name))

    def put(self, who: Principal, secret: str) -> None:
        """Let an account log in with this secret, and with no older one. Raises AccountError."""
        self._insist_on_another(who.name)
        with _explained():
            asyncio.run(self._put(who, secret))

    def remove(self, name: str) -> None:
        """End the connections of an account, and let nobody log in with it. Raises AccountError."""
        with _explained():
            asyncio.run(self._remove(name))

    def _insist_on_another(self, name: str) -> None:
        if name == self._login.user:
            raise AccountError(f"{name} is the server's own name at the broker")

    async def _insist(self, name: str) -> None:
        async with connected(self._where, self._login) as control:
            await insist_on_own(control, self._rights, name)

    async def _put(self, who: Principal, secret: str) -> None:
        async with connected(self._where, self._login) as control:
            await ensure_roles(control, self._rights, who)
            try:
                await control.run([create(self._rights, who, secret)])
            except CommandError as error:
                if error.message != CLIENT_EXISTS:
                    raise
                await insist_on_own(control, self._rights, who.name)
                await control.run([{"command": "setClientPassword", "username": who.name, "password": secret}])

    async def _remove(self, name: str) -> None:
        async with connected(self._where, self._login) as control:
            await remove(control, self._rights, name)


def create(rights: Rights, who: Principal, secret: str | None) -> Command:
    """Return the command that makes a client; without a secret it cannot log in."""
    command = {"command": "createClient", "username": who.name, "textname": who.display_name}
    return {**command, "roles": role_refs(rights.names(who)), **({"password": secret} if secret is not None else {})}


def removal(rights: Rights, name: str, *, is_own: bool) -> list[Command]:
    """Return the commands that remove an account: its client first, since that ends its connections.

    Where the client of that name is somebody else's, it stays.
    """
    client = [{"command": "deleteClient", "username": name}] if is_own else []
    roles = (rights.account(name), rights.holder(name))
    return [*client, *({"command": "deleteRole", "rolename": role} for role in roles)]


async def remove(control: Control, rights: Rights, name: str) -> None:
    """Remove an account as far as it is there. Raises ControlError."""
    is_own = await _is_own(control, rights, name) is True
    await control.run(removal(rights, name, is_own=is_own), tolerate={NO_CLIENT, *NO_ROLE})


async def ensure_roles(control: Control, rights: Rights, who: Principal) -> None:
    """Make the roles of an account as far as they do not exist. Raises ControlError."""
    roles = rights.all_roles([who])
    commands = [{"command": "createRole", "rolename": role, "acls": acls(rules)} for role, rules in roles.items()]
    await control.run(commands, tolerate={ROLE_EXISTS})


async def insist_on_own(control: Control, rights: Rights, name: str) -> None:
    """Raise AccountError where a client of that name was made by somebody else."""
    if await _is_own(control, rights, name) is False:
        raise AccountError(f"Mosquitto has a client {name} that is not Talkstick's; choose another name")


async def _is_own(control: Control, rights: Rights, name: str) -> bool | None:
    """Tell whether the client of that name is Talkstick's; None: there is none."""
    (data,) = await control.run([{"command": "getClient", "username": name}], tolerate={NO_CLIENT})
    if "client" not in data:
        return None
    return rights.account(name) in [role["rolename"] for role in data["client"]["roles"]]


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ControlError as error:
        raise AccountError(str(error)) from error
    except (aiomqtt.MqttError, AddressError) as error:
        raise AccountError(f"the broker could not be told: {error}") from error
