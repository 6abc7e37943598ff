"""What Mosquitto knows, and what is to be told so that it knows what it should."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.core.principals import PEOPLE, Principal, Roster
from backend.shell.mosquitto_accounts import create, removal
from backend.shell.mosquitto_control import Command, Control, ControlError
from backend.shell.mosquitto_rights import Acl, Rights, acls, read_acls, role_refs

_NONE: frozenset[str] = frozenset()
_MUST_DENY = ("publishClientSend", "publishClientReceive")


@dataclass(frozen=True, slots=True)
class Inventory:
    """Roles with their rules, and clients with their roles in order, by name: Talkstick's, and those of others."""

    roles: Mapping[str, frozenset[Acl]]
    clients: Mapping[str, Sequence[str]]


async def taken(control: Control) -> Inventory:
    """Ask Mosquitto. Raises ControlError, also where it allows by default what nobody forbids."""
    (found,) = await control.run([{"command": "getDefaultACLAccess"}])
    for each in found["acls"]:
        if each["allow"] and each["acltype"] in _MUST_DENY:
            raise ControlError(
                f"Mosquitto allows by default what no role allows, so that nothing is private; deny it:"
                f" mosquitto_ctrl … dynsec setDefaultACLAccess {each['acltype']} deny"
            )
    return Inventory(
        {role["rolename"]: read_acls(role["acls"]) for role in await control.pages("listRoles", "roles")},
        {client["username"]: _roles(client) for client in await control.pages("listClients", "clients")},
    )


def unknown(rights: Rights, people: Mapping[str, Principal], there: Inventory) -> tuple[list[str], list[str]]:
    """Return the accounts that Mosquitto does not know, and those whose names it knows as somebody else's."""
    return (
        [name for name in people if name not in there.clients],
        [name for name in people if name in there.clients and rights.account(name) not in there.clients[name]],
    )


def mending(rights: Rights, people: Mapping[str, Principal], there: Inventory, server: Principal) -> list[Command]:
    """Return the commands that bring Mosquitto in step; the client of the *server* itself, and of others, stay."""
    owners = {owner for role in there.roles if (owner := rights.owner(role)) is not None}
    gone = [
        command
        for name in sorted(owners - people.keys() - {server.name})
        for command in removal(rights, name, is_own=rights.account(name) in there.clients.get(name, ()))
    ]
    wanted = rights.all_roles([*people.values(), server])
    missing, others = unknown(rights, people, there)
    clients = [
        {"command": "modifyClient", "username": name, "roles": role_refs(rights.names(people[name]))}
        for name in people.keys() - {*missing, *others}
        if list(there.clients[name]) != rights.names(people[name])
    ]
    return [
        *gone,
        *_roles_to_mend(rights, wanted, there.roles),
        *clients,
        *(create(rights, people[name], None) for name in missing),
    ]


def following(rights: Rights, before: Roster, after: Roster) -> list[Command]:
    """Return the commands that change roles after devices or triggers changed hands, or what may be read or used.

    The rulebook knows *after* already. Those who may lose something come first.
    """
    kinds = {who.role: who for who in after.principals.values() if who.role in PEOPLE}
    if before.opened == after.opened:  # then only roles are wrong that the command line made, which knows no devices
        for who in before.principals.values():
            kinds.pop(who.role, None)
    owners = sorted(
        (name for name in after.principals if _has(before, name) != _has(after, name)),
        key=lambda name: all(had <= has for had, has in zip(_has(before, name), _has(after, name), strict=True)),
    )
    roles = {
        **{rights.kind(who): rights.roles(who)[rights.kind(who)] for who in kinds.values()},
        **{rights.account(name): rights.roles(after.principals[name])[rights.account(name)] for name in owners},
    }
    return [{"command": "modifyRole", "rolename": role, "acls": acls(rules)} for role, rules in roles.items()]


def _has(roster: Roster, name: str) -> tuple[frozenset[str], ...]:
    """Return what an account's own role rests on: filters, triggers, devices, and which of these are not open.

    What is open all may read, so its own role does not repeat it.
    """
    who, owned = roster.principals.get(name), roster.owned.get(name, frozenset())
    topics, triggers = (frozenset(who.topics), who.triggers) if who is not None else (_NONE, _NONE)
    return topics, triggers, owned, owned - roster.opened


def _roles_to_mend(
    rights: Rights, wanted: Mapping[str, frozenset[Acl]], there: Mapping[str, frozenset[Acl]]
) -> Iterable[Command]:
    """Yield commands for roles; what holders may do is not judged here."""
    for role, rules in wanted.items():
        if role not in there:
            yield {"command": "createRole", "rolename": role, "acls": acls(rules)}
        elif rules != there[role] and rights.owner(role, "holder") is None:
            yield {"command": "modifyRole", "rolename": role, "acls": acls(rules)}


def _roles(client: Mapping[str, Any]) -> list[str]:
    return [role["rolename"] for role in client.get("roles", ())]
