"""The rulebook in the words of Mosquitto's dynamic-security plugin: roles with lists of what they allow.

An account has three roles. One is that of its kind (``role:user``) and holds what all of them may do; one is its own
(``account:alice``) and holds what is bound to its name, or to a device that it owns; and one changes with the sessions
that it holds (``holder:alice``). Mosquitto 2.0 ends a client's connections when it is given another role, or when one
of its roles gets or loses a rule by ``addRoleACL`` or ``removeRoleACL``, but not when the rules of a role are replaced
as a whole.

Mosquitto asks the roles of a client in order, and in each the rules in the order of their priority; the first that
covers a topic decides. So the role of the kind comes last: admins may use all topics, but of the tree those only that
are allowed before.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from backend.core.access import Rulebook
from backend.core.principals import Principal, Role

CONTROL = "$CONTROL/dynamic-security/v1"
ANSWERS = f"{CONTROL}/response"


class Acl(NamedTuple):
    """One rule: what is allowed, or forbidden, and the filter for which. The highest priority is asked first."""

    kind: str
    topic: str
    priority: int = 0
    allow: bool = True


_SEND, _RECEIVE = "publishClientSend", "publishClientReceive"
_SUBSCRIBE, _UNSUBSCRIBE = "subscribePattern", "unsubscribePattern"
_NOBODY = "*"  # no account has this name, and no filter this level
_NOT_THE_TREE, _BUT_ALL_ELSE = -1, -2  # priorities

DEFAULT_ACCESS = {"publishClientSend": False, "publishClientReceive": False, "subscribe": False, "unsubscribe": True}


class Rights:
    """Roles and clients of a rulebook, whose tree begins with *prefix*; the prefix keeps two Talksticks apart."""

    def __init__(self, rules: Rulebook, prefix: str) -> None:
        self.rules = rules
        self._prefix = prefix

    def roles(self, who: Principal) -> Mapping[str, frozenset[Acl]]:
        """Return the roles of an account whose rules do not change with the sessions, by name."""
        everybody = self._allowed(replace(who, name=_NOBODY, topics=(), triggers=frozenset()))
        kind = frozenset(acl for acl in everybody if _NOBODY not in acl.topic.split("/"))
        shared = {Acl(_SUBSCRIBE, "#"), Acl(_UNSUBSCRIBE, "#"), *(_control() if who.role is Role.BACKEND else ())}
        return {
            self.account(who.name): self._allowed(who) - kind,
            self.kind(who): kind | shared,
        }

    def all_roles(self, everybody: Iterable[Principal]) -> dict[str, frozenset[Acl]]:
        """Return the roles of many accounts; those of holders are empty."""
        found: dict[str, frozenset[Acl]] = {}
        for who in everybody:
            found |= {**self.roles(who), self.holder(who.name): frozenset()}
        return found

    def names(self, who: Principal) -> list[str]:
        """Return the names of all roles of an account, in the order in which Mosquitto is to ask them."""
        return [self.account(who.name), self.holder(who.name), self.kind(who)]

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
        return frozenset(
            {
                *(Acl(_SEND, each) for each in grants.publish),
                *(Acl(_RECEIVE, each) for each in grants.receive),
                *(self._elsewhere() if grants.outside else ()),
            }
        )

    def _elsewhere(self) -> Iterator[Acl]:
        for kind in (_SEND, _RECEIVE):
            yield from (Acl(kind, each, _NOT_THE_TREE, allow=False) for each in self.rules.outside.tree)
            yield Acl(kind, "#", _BUT_ALL_ELSE)


def commands(filters: Iterable[str]) -> frozenset[Acl]:
    """Return the rules of a role that may publish to *filters*."""
    return frozenset(Acl(_SEND, each) for each in filters)


def acls(rules: Iterable[Acl]) -> list[dict[str, Any]]:
    """Return rules as the plugin wants them."""
    return [
        {"acltype": kind, "topic": topic, "priority": priority, "allow": allow}
        for kind, topic, priority, allow in sorted(rules)
    ]


def read_acls(found: Iterable[Mapping[str, Any]]) -> frozenset[Acl]:
    """Return rules as the plugin tells them."""
    return frozenset(Acl(each["acltype"], each["topic"], each["priority"], each["allow"]) for each in found)


def role_refs(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return role names as the plugin wants them in a client, which is asked for the first of them first."""
    return [{"rolename": name, "priority": -number} for number, name in enumerate(names)]


def _control() -> set[Acl]:
    return {Acl(_SEND, CONTROL), Acl(_RECEIVE, ANSWERS), Acl(_SUBSCRIBE, ANSWERS)}
