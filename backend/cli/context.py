"""What the commands share: where the data is, and how things are shown."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import warnings
from functools import cached_property
from getpass import GetPassWarning
from typing import TYPE_CHECKING, Any

import click

from backend.cli import names
from backend.core.ids import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Engine as Database

    from backend.shell.accounts import Accounts
    from backend.shell.address import Address
    from backend.shell.claims import Claims
    from backend.shell.floors import Floors
    from backend.shell.mosquitto_accounts import Mosquitto
    from backend.shell.mosquitto_rights import Rights
    from backend.shell.operator import Login
    from backend.shell.settings import Settings
    from backend.shell.triggers import Triggers
    from backend.shell.voice.memory import Memory
    from backend.shell.voices import Voices


class Context:
    """Imported and opened on demand, so that a command touches only what it needs."""

    def __init__(self, data: Path | None) -> None:
        self._data = data

    @cached_property
    def settings(self) -> Settings:
        """Return the settings, or end with what is wrong in them."""
        from backend.shell.settings import SettingsError, load

        try:
            return load(self._data)
        except SettingsError as error:
            raise click.ClickException(f"settings: {error}") from error

    @cached_property
    def accounts(self) -> Accounts:
        """Return the accounts, or end with why the database cannot be opened."""
        from backend.shell.accounts import Accounts

        return Accounts(self._database)

    @cached_property
    def told_accounts(self) -> Accounts:
        """Return the accounts for who changes them: a broker that is not embedded is told at once."""
        from backend.shell.accounts import Accounts

        return Accounts(self._database, self._mirror)

    @cached_property
    def told_claims(self) -> Claims:
        """Return the claim codes, of which a broker that is not embedded is told, too."""
        from backend.shell.claims import Claims

        return Claims(self._database, self._mirror)

    @cached_property
    def floors(self) -> Floors:
        """Return the channels, and the rules of channels and devices."""
        from backend.shell.floors import Floors

        return Floors(self._database)

    @cached_property
    def voices(self) -> Voices:
        """Return the voice settings of devices."""
        from backend.shell.voices import Voices

        return Voices(self._database)

    @cached_property
    def triggers(self) -> Triggers:
        """Return the triggers and profiles."""
        from backend.app.table import TABLE
        from backend.features.triggers.source_topics import check_source_topic
        from backend.shell.triggers import Triggers

        return Triggers(self._database, lambda topic: check_source_topic(topic, TABLE, self.settings.prefix))

    @cached_property
    def memory(self) -> Memory:
        """Return what is remembered of conversations."""
        from backend.shell.voice.memory import Memory

        return Memory(self._database)

    @cached_property
    def broker(self) -> tuple[Address, Login] | None:
        """Return where the broker is, and the server's login there; None: it is embedded."""
        from backend.shell.address import AddressError, parsed, remembered

        url = self.settings.broker or remembered(self.settings.data)
        if not url:
            return None
        try:
            found = parsed(url, self.settings.broker_file)
            found[0].context()
        except AddressError as error:
            raise click.ClickException(f"settings: {error}") from error
        return found

    def use_broker(self, url: str) -> None:
        """Take another broker than the settings say."""
        self.settings = self.settings.model_copy(update={"broker": url})

    @property
    def rights(self) -> Rights:
        """Return the access rules."""
        from backend.app.rights import rights

        return rights(self.settings)

    @property
    def _mirror(self) -> Mosquitto | None:
        if self.broker is None:
            return None
        from backend.shell.mosquitto_accounts import Mosquitto

        return Mosquitto(*self.broker, self.rights)

    @property
    def address(self) -> Address:
        """Return where people log in."""
        from backend.shell.address import Address

        embedded = Address(self.settings.reachable_host, self.settings.port)
        return self.broker[0] if self.broker is not None else embedded

    def make_data(self) -> None:
        """Make the data directory and its database, where there are none."""
        self._opened().dispose()

    @cached_property
    def _database(self) -> Database:
        """Return the database. Where there is none, somebody looks in the wrong place, and shall not find it empty."""
        from backend.shell.directory import DATABASE

        if not (self.settings.data / DATABASE).exists():
            raise click.ClickException(
                f"there is no database in {self.settings.data}: make one with `talkstick init`, or say --data DIRECTORY"
            )
        return self._opened()

    def _opened(self) -> Database:
        from sqlalchemy.exc import SQLAlchemyError

        from backend.shell.database import WrongSchemaError, open_database

        try:
            return open_database(self.settings.data)
        except (OSError, SQLAlchemyError, WrongSchemaError) as error:
            raise click.ClickException(f"cannot open the database in {self.settings.data}: {said(error)}") from error

    def login(self, name: str | None) -> Login:
        """Return how to log in as *name* (default: ``TALKSTICK_USER``, or the operator)."""
        from backend.shell.operator import Login, read

        name = name or os.environ.get("TALKSTICK_USER")
        kept = read(self.settings.data)
        if kept is not None and name in (None, kept.user):
            return kept
        if name is None:
            raise click.ClickException(f"no login in {self.settings.data}: run `talkstick init`, or give --as NAME")
        password = os.environ.get("TALKSTICK_PASSWORD")
        if password is None:
            password = ask_secret(f"Password of {name}", "TALKSTICK_PASSWORD")
        return Login(name, password)

    @staticmethod
    def now() -> float:
        """Return seconds since the epoch."""
        return time.time()


pass_context = click.make_pass_decorator(Context)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
as_option = click.option(
    "--as",
    "name",
    type=names.ACCOUNT,
    metavar="NAME",
    help="Log in as NAME; password from $TALKSTICK_PASSWORD, or asked. [default: $TALKSTICK_USER, or the operator]",
)


def show(record: Mapping[str, Any], *, as_json: bool, text: Callable[[], str]) -> None:
    """Print one record as JSON, or as *text* for people."""
    click.echo(json.dumps(record) if as_json else text())


def show_one(record: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one record as JSON, or line by line for people."""
    show(record, as_json=as_json, text=lambda: "\n".join(f"{key:9} {text_of(value)}" for key, value in record.items()))


def show_all(records: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str) -> None:
    """Print records as a JSON list, or as a table for people (*empty* where there is none)."""
    if as_json:
        click.echo(json.dumps(list(records)))
        return
    if not records:
        click.echo(empty)
        return
    columns = [[key, *(text_of(record[key]) for record in records)] for key in records[0]]
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def text_of(value: Any) -> str:
    """Return a value of a document for people: JSON, but for plain words, lists of them, and nothing."""
    if value in (None, {}, []):
        return "-"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return printable(", ".join(value))
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def printable(text: str) -> str:
    """Return *text* with control characters escaped: what comes over MQTT shall not drive the operator's terminal."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def read_name(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """Insist on what may be part of a topic."""
    try:
        if text is not None:
            check_name(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return text


def said(error: Exception) -> str:
    """Return what SQLite says, without what SQLAlchemy adds."""
    return str(getattr(error, "orig", None) or error)


def ask_secret(question: str, otherwise: str, default: str | None = None) -> str:
    """Return what is typed in, unseen. Raises ClickException where there is no terminal: how to say it *otherwise*."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            return str(click.prompt(question, default=default, show_default=False, hide_input=True, err=True))
        except GetPassWarning:
            asked = question[0].lower() + question[1:]
            raise click.ClickException(f"no terminal to ask for the {asked}: say it in {otherwise}") from None


def read_secret() -> str:
    """Return the secret on standard input. Raises ClickException where there is none."""
    secret = sys.stdin.readline().rstrip("\n")
    if not secret:
        raise click.ClickException("no password on standard input")
    return secret


def day(moment: float) -> str:
    """Return a point in time for people, in local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def own_address(bound: str) -> str:
    """Return the address under which a board reaches this machine: a guess, where the server listens everywhere."""
    if bound not in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return bound
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only picks the interface (RFC 5737 address)
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
