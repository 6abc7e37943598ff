"""The rulebook in the words of Mosquitto's dynamic-security plugin: roles with lists of what they allow.

An account has three roles. One is that of its kind (``role:user``) and holds what all of them may do; one is its own
(``account:alice``) and holds what is bound to its name, or to a device that it owns; and one changes with the sessions
that it holds (``holder:alice``). Mosquitto 2.0 ends a client's connections when it is given another role, or when one
of its roles gets or loses a rule by ``addRoleACL`` or ``removeRoleACL``, but not when the rules of a role are replaced
as a whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from backend.core.access import Rulebook
from backend.core.principals import Principal, Role

CONTROL = "$CONTROL/dynamic-security/v1"
ANSWERS = f"{CONTROL}/response"

Acl = tuple[str, str]
"""What is allowed, and the filter for which."""

_SEND, _RECEIVE = "publishClientSend", "publishClientReceive"
_SUBSCRIBE, _UNSUBSCRIBE = "subscribePattern", "unsubscribePattern"
_NOBODY = "*"  # no account has this name, and no filter this level

DEFAULT_ACCESS = {"publishClientSend": False, "publishClientReceive": False, "subscribe": False, "unsubscribe": True}


class Rights:
    """Roles and clients of a rulebook, whose tree begins with *prefix*; the prefix keeps two Talksticks apart."""

    def __init__(self, rules: Rulebook, prefix: str) -> None:
        self.rules = rules
        self._prefix = prefix

    def roles(self, who: Principal) -> Mapping[str, frozenset[Acl]]:
        """Return the roles of an account whose rules do not change with the sessions, by name."""
        everybody = self._allowed(replace(who, name=_NOBODY))
        kind = frozenset(acl for acl in everybody if _NOBODY not in acl[1].split("/"))
        shared = {(_SUBSCRIBE, "#"), (_UNSUBSCRIBE, "#"), *(_control() if who.role is Role.BACKEND else ())}
        return {
            self.kind(who): kind | shared,
            self.account(who.name): self._allowed(who) - kind,
        }

    def all_roles(self, everybody: Iterable[Principal]) -> dict[str, frozenset[Acl]]:
        """Return the roles of many accounts; those of holders are empty."""
        found: dict[str, frozenset[Acl]] = {}
        for who in everybody:
            found |= {**self.roles(who), self.holder(who.name): frozenset()}
        return found

    def names(self, who: Principal) -> list[str]:
        """Return the names of all roles of an account."""
        return [*self.roles(who), self.holder(who.name)]

    def kind(self, who: Principal) -> str:
        """Return the name of the role that all of its kind have."""
        return f"{self._prefix}role:{who.role.value}"

    def account(self, name: str) -> str:
        """Return the name of an account's own role."""
        return f"{self._prefix}account:{name}"

    def holder(self, name: str) -> str:
        """Return the name of the role of an account that holds what it holds."""
        return f"{self._prefix}holder:{name}"

    def owner(self, role: str, kind: str = "account") -> str | None:
        """Return whose role that is; None where it is none of Talkstick's."""
        mark = f"{self._prefix}{kind}:"
        return role.removeprefix(mark) if role.startswith(mark) else None

    def _allowed(self, who: Principal) -> frozenset[Acl]:
        grants = self.rules.grants(who)
        return frozenset({(_SEND, each) for each in grants.publish} | {(_RECEIVE, each) for each in grants.receive})


def commands(filters: Iterable[str]) -> frozenset[Acl]:
    """Return the rules of a role that may publish to *filters*."""
    return frozenset((_SEND, each) for each in filters)


def acls(rules: Iterable[Acl]) -> list[dict[str, Any]]:
    """Return rules as the plugin wants them."""
    return [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in sorted(rules)]


def read_acls(found: Iterable[Mapping[str, Any]]) -> frozenset[Acl]:
    """Return rules as the plugin tells them; a rule that forbids makes them differ from any of ours."""
    return frozenset((each["acltype"] if each["allow"] else "forbidden", each["topic"]) for each in found)


def role_refs(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return role names as the plugin wants them in a client."""
    return [{"rolename": name} for name in names]


def _control() -> set[Acl]:
    return {(_SEND, CONTROL), (_RECEIVE, ANSWERS), (_SUBSCRIBE, ANSWERS)}
