"""The voice settings of devices in the database: the command line writes, a server watches."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Engine as Database
from sqlmodel import Session, select

from backend.core.facts import Voice
from backend.core.principals import Role
from backend.features.directory.feature import AccountRow, VoiceRow, voice
from backend.features.voice.settings import SettingError, checked, settings_of
from backend.shell.revision import changing


class VoiceError(Exception):
    """There is no such device, or a setting cannot be made; the message says why."""


class Voices:
    """How the devices of one database converse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Mapping[str, Voice]:
        """Return the settings of all devices that have some of their own."""
        with Session(self._database) as session:
            return {row.device: voice(row) for row in session.exec(select(VoiceRow))}

    def of(self, device: str) -> Voice:
        """Return the settings that were made for one device. Raises VoiceError where there is no such device."""
        with Session(self._database) as session:
            _insist_on(session, device)
            row = session.get(VoiceRow, device)
            return voice(row) if row is not None else {}

    def change(self, device: str, given: Mapping[str, Any], unset: Collection[str]) -> None:
        """Make settings for a device, and take others back to the default. Raises VoiceError."""
        with changing(self._database) as session:
            _insist_on(session, device)
            row = session.get(VoiceRow, device)
            before = voice(row) if row is not None else {}
            kept = {name: value for name, value in before.items() if name not in unset}
            _store(session, device, {**kept, **given})


def opened(session: Session) -> frozenset[str]:
    """Return the devices whose conversations all people may read along."""
    return frozenset(row.device for row in session.exec(select(VoiceRow)) if settings_of(voice(row)).heard == "holder")


def forget_voice(session: Session, device: str) -> None:
    """Remove the settings of a device, if it has any."""
    row = session.get(VoiceRow, device)
    if row is not None:
        session.delete(row)


def _store(session: Session, device: str, wanted: Voice) -> None:
    try:
        stored = checked(wanted)
    except SettingError as error:
        raise VoiceError(str(error)) from error
    if stored:
        session.merge(VoiceRow(device=device, settings=json.dumps(stored)))
    else:
        forget_voice(session, device)


def _insist_on(session: Session, device: str) -> None:
    account = session.get(AccountRow, device)
    if account is None or account.role != Role.DEVICE.value:
        raise VoiceError(f"there is no device {device}")
