"""Channels, and the rules of devices and channels, in the database: the command line writes, a server watches."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine as Database
from sqlmodel import Session, select

from backend.core.floors import Rule, Rules, channel_floor, id_of, is_channel, rules_of
from backend.core.ids import check_name
from backend.core.principals import Role
from backend.features.directory.feature import AccountRow, ChannelRow, RulesRow, rules
from backend.features.sessions.policy import CHANNEL, Policy, PolicyError, check, effective
from backend.shell.revision import changing
from backend.shell.settings import Settings


class FloorError(Exception):
    """A channel cannot be made or found, or rules cannot be set; the message says why."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A floor with no hardware behind it, and how people call it."""

    name: str
    display_name: str
    created_at: float


def default_policy(settings: Settings, floor: str) -> Policy:
    """Return how a floor is shared that has no rules of its own."""
    return CHANNEL if is_channel(floor) else settings.policy


class Floors:
    """The channels of one database, and the rules of its floors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_channel(self, channel: Channel, given: Mapping[str, Rule]) -> None:
        """Add a channel with rules of its own, if any. Raises FloorError."""
        try:
            check_name(channel.name)
        except ValueError as error:
            raise FloorError(str(error)) from error
        with changing(self._database) as session:
            if session.get(ChannelRow, channel.name) is not None:
                raise FloorError(f"there is a channel {channel.name} already")
            session.add(ChannelRow(name=channel.name, display_name=channel.display_name, created_at=channel.created_at))
            _store(session, channel_floor(channel.name), CHANNEL, rules_of(given))

    def remove_channel(self, name: str) -> None:
        """Remove a channel and its rules. Raises FloorError where there is none."""
        with changing(self._database) as session:
            session.delete(_channel(session, name))
            forget_rules(session, channel_floor(name))

    def channel(self, name: str) -> Channel:
        """Return one channel. Raises FloorError where there is none."""
        with Session(self._database) as session:
            return _shown(_channel(session, name))

    def channels(self) -> list[Channel]:
        """Return all channels by name."""
        with Session(self._database) as session:
            return [_shown(row) for row in session.exec(select(ChannelRow).order_by(ChannelRow.name))]

    def rules_of(self, floor: str) -> Rules:
        """Return the rules of one floor. Raises FloorError where there is no such device or channel."""
        with Session(self._database) as session:
            _insist_on(session, floor)
            row = session.get(RulesRow, floor)
            return rules(row) if row is not None else ()

    def rules(self) -> Mapping[str, Rules]:
        """Return the rules of all floors that have some of their own."""
        with Session(self._database) as session:
            return {row.floor: rules(row) for row in session.exec(select(RulesRow))}

    def change_rules(self, floor: str, default: Policy, given: Mapping[str, Rule], unset: Collection[str]) -> None:
        """Set rules of a device or channel, and take others back to the *default*. Raises FloorError."""
        with changing(self._database) as session:
            _insist_on(session, floor)
            row = session.get(RulesRow, floor)
            before = dict(rules(row)) if row is not None else {}
            kept = {name: value for name, value in before.items() if name not in unset}
            _store(session, floor, default, rules_of({**kept, **given}))


def forget_rules(session: Session, floor: str) -> None:
    """Remove the rules of a floor, if it has any."""
    row = session.get(RulesRow, floor)
    if row is not None:
        session.delete(row)


def _store(session: Session, floor: str, default: Policy, wanted: Rules) -> None:
    try:
        check(floor, effective(default, wanted))
    except PolicyError as error:
        raise FloorError(str(error)) from error
    if wanted:
        session.merge(RulesRow(floor=floor, rules=json.dumps(dict(wanted))))
    else:
        forget_rules(session, floor)


def _insist_on(session: Session, floor: str) -> None:
    """Insist that there is such a device or channel. Raises FloorError."""
    name = id_of(floor)
    if is_channel(floor):
        _channel(session, name)
        return
    account = session.get(AccountRow, name)
    if account is None or account.role != Role.DEVICE.value:
        raise FloorError(f"there is no device {name}")


def _channel(session: Session, name: str) -> ChannelRow:
    row = session.get(ChannelRow, name)
    if row is None:
        raise FloorError(f"there is no channel {name}")
    return row


def _shown(row: ChannelRow) -> Channel:
    return Channel(row.name, row.display_name, row.created_at)
