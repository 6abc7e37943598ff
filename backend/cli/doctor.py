"""``talkstick doctor``: says what is missing, and how to get it."""

import asyncio
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from ctypes.util import find_library
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import aiomqtt
import click
import espeakng_loader
from sqlalchemy.exc import SQLAlchemyError

from backend.app.table import TABLE
from backend.cli import mqtt
from backend.cli.context import Context, json_option, pass_context, said
from backend.cli.flashing import WIFI_PASSWORD
from backend.core.nearest import nearest
from backend.core.principals import PEOPLE, Role
from backend.core.topics import overlaps
from backend.features.stats.messages import STATUS
from backend.shell import certificates, operator, settings
from backend.shell.address import Address
from backend.shell.certificates import CertificateError
from backend.shell.mosquitto_control import connected
from backend.shell.mosquitto_inventory import taken
from backend.shell.mosquitto_link import refuses
from backend.shell.operator import Login
from backend.shell.settings import Settings
from backend.shell.voice import models as shelf
from backend.shell.voice.ffmpeg import ffmpeg

_NEEDED_FREE = 100 * 1024 * 1024  # bytes
_RENEW_DAYS = 30
_NO_SETTINGS = {"TALKSTICK_USER", "TALKSTICK_PASSWORD", WIFI_PASSWORD}  # which commands read themselves


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "warn", "fail"]
    found: str
    help: str = ""


@click.command()
@json_option
@pass_context
def doctor(context: Context, as_json: bool) -> None:
    """Look at the installation; exit with 1 if it needs mending."""
    findings = list(_findings(context))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    for finding in [] if as_json else findings:
        colour = {"ok": "green", "warn": "yellow", "fail": "red"}[finding.state]
        click.echo(f"{click.style(f'{finding.state:4}', fg=colour)}  {finding.what:16} {finding.found}")
        if finding.help:
            click.echo(f"{'':24}-> {finding.help}")
    if any(finding.state == "fail" for finding in findings):
        raise SystemExit(1)


def _findings(context: Context) -> Iterator[Finding]:
    """Yield what is found. What ends a check may end others, too: it is told once."""
    told: set[str] = set()
    for check in _CHECKS:
        try:
            yield from check(context)
        except (click.ClickException, SQLAlchemyError) as error:
            why = (
                error.message
                if isinstance(error, click.ClickException)
                else f"the database cannot be read: {said(error)}"
            )
            if why not in told:
                told.add(why)
                yield Finding(check.__name__.strip("_"), "fail", why)


def _python(_context: Context) -> Iterator[Finding]:
    yield Finding("python", "ok", sys.version.split()[0])


def _data(context: Context) -> Iterator[Finding]:
    directory = context.settings.data
    if not directory.exists():
        yield Finding("data directory", "fail", f"{directory} does not exist", "talkstick init")
        return
    mode = stat.S_IMODE(directory.stat().st_mode)
    open_to_others = mode & 0o077
    yield Finding(
        "data directory",
        "warn" if open_to_others else "ok",
        f"{directory} ({mode:o})",
        f"others may look into it: chmod 700 {directory}" if open_to_others else "",
    )
    free = shutil.disk_usage(directory).free
    yield Finding(
        "disk",
        "ok" if free >= _NEEDED_FREE else "fail",
        f"{free // 2**20} MiB free",
        "" if free >= _NEEDED_FREE else "make room: changes that cannot be stored are refused with not_stored",
    )


def _settings(context: Context) -> Iterator[Finding]:
    file = context.settings.data / settings.FILE
    yield Finding("settings", "ok", str(file) if file.exists() else "defaults and environment")
    known = {f"{settings.PREFIX}{name.upper()}" for name in Settings.model_fields} | _NO_SETTINGS
    for name in sorted(name for name in os.environ if name.upper().startswith(settings.PREFIX)):
        if name.upper() not in known:
            near = nearest(name, known)
            help_ = f"did you mean {near[0]}?" if near else "see `talkstick serve --help`"
            yield Finding("settings", "warn", f"{name} in the environment is no setting", help_)


def _accounts(context: Context) -> Iterator[Finding]:
    if not context.settings.data.exists():
        return
    accounts = context.accounts.all()
    people = sum(account.role in PEOPLE for account in accounts)
    devices, channels = sum(account.role is Role.DEVICE for account in accounts), len(context.floors.channels())
    yield Finding(
        "accounts",
        "ok" if accounts else "warn",
        f"{people} people and integrations, {devices} devices, {channels} channels",
        "" if accounts else "talkstick init",
    )
    kept = context.settings.data / operator.FILE
    if kept.exists() and stat.S_IMODE(kept.stat().st_mode) & 0o077:
        yield Finding("operator login", "fail", f"{kept} can be read by others", f"chmod 600 {kept}")
    elif operator.read(context.settings.data) is None:
        yield Finding("operator login", "warn", "none kept", "the commands that ask a server need --as NAME")
    else:
        yield Finding("operator login", "ok", str(kept))


def _tls(context: Context) -> Iterator[Finding]:
    if context.broker is not None:
        return  # then it is that broker's
    try:
        files = certificates.checked(certificates.tls(context.settings), context.now())
    except CertificateError as error:
        yield Finding("TLS", "fail", str(error))
        return
    if files is None:
        yield _without_tls(context.settings)
        return
    if stat.S_IMODE(files.key.stat().st_mode) & 0o077:
        yield Finding("TLS", "fail", f"{files.key} can be read by others", f"chmod 600 {files.key}")
        return
    for file in (files.certificate, files.client_ca):
        if file is not None:
            days = certificates.read(file).days_left(context.now())
            soon = days < _RENEW_DAYS
            help_ = "renew it; Talkstick's own: talkstick certs init --renew" if soon else ""
            yield Finding("TLS", "warn" if soon else "ok", f"{file} is good for {days} days", help_)
    if not certificates.is_shown(context.settings, files.certificate):
        help_ = "start the server again: it reads certificates when it starts"
        yield Finding("TLS", "warn", f"the server does not show {files.certificate}", help_)


def _without_tls(settings: Settings) -> Finding:
    if Address(settings.plain_host or settings.host, settings.port).is_local:
        return Finding("TLS", "ok", "off, and only this machine reaches the server")
    return Finding("TLS", "warn", "off: passwords cross the network in the clear", "talkstick certs init")


def _server(context: Context) -> Iterator[Finding]:
    where, login = context.address, operator.read(context.settings.data)
    if login is None:
        return
    try:
        found = asyncio.run(mqtt.retained(context, login, [STATUS.at()]))
    except aiomqtt.MqttCodeError as error:
        help_ = f"it knows another {login.user}; is it of this data directory?"
        yield Finding("server", "fail", f"the server on {where} refused the login: {error}", help_)
    except TimeoutError:
        silent = f"who listens on {where} says nothing within {mqtt.ANSWER_WITHIN_S:.0f} s"
        yield Finding("server", "warn", silent, "is its disk full? Does a server run? talkstick serve")
    except aiomqtt.MqttError as error:
        yield Finding("server", "warn", f"no server on {where}: {error}", "talkstick serve")
    else:
        status = found[STATUS.at()]
        if status.get("state") == "online":
            yield Finding("server", "ok", f"version {status.get('version')} answers on {where}")
        else:  # a broker elsewhere keeps what the server said last
            yield Finding("server", "warn", f"not running: {status.get('state')}, says {where}", "talkstick serve")


def _mosquitto(context: Context) -> Iterator[Finding]:
    if context.broker is None:
        return
    try:
        missing = asyncio.run(_administer(*context.broker, _heard(context)))
    except aiomqtt.MqttError as error:
        yield Finding("Mosquitto", "fail", str(error), "is it running, on what `talkstick export mosquitto DIR` wrote?")
        return
    yield Finding("Mosquitto", "ok", f"{context.broker[0]} can be told who may do what")
    for topic in missing:
        help_ = "start the server again, which mends the rights of its login there"
        yield Finding("Mosquitto", "fail", f"it does not let the server hear {topic}", help_)


async def _administer(where: Address, login: Login, heard: Sequence[str]) -> list[str]:
    """Look whether the server could; return what of the topics that it hears is refused. Raises MqttError."""
    async with connected(where, login) as control:
        await taken(control)
    return await refuses(where, login, heard)


def _heard(context: Context) -> list[str]:
    """Return what the server listens to."""
    triggers = context.triggers.definitions("trigger").values() if context.settings.data.exists() else ()
    sources = [each["source"]["topic"] for each in triggers if "source" in each]
    tree = TABLE.tree(context.settings.prefix)
    return [tree.on_wire(topic) for topic in (*(topic for topic, _ in TABLE.subscriptions()), *sources)]


def _triggers(context: Context) -> Iterator[Finding]:
    triggers = context.triggers.definitions("trigger") if context.settings.data.exists() else {}
    if triggers:
        yield Finding("triggers", "ok", f"{len(triggers)}, with {len(context.triggers.all('profile'))} profiles")
    may = [topic for who in context.accounts.principals().values() for topic in who.topics] if triggers else []
    for name, definition in triggers.items():
        topic = definition.get("source", {}).get("topic")
        if topic is None and definition.get("owner") is None:
            help_ = f"talkstick trigger set {name} --owner NAME, or --source TOPIC"
            yield Finding("triggers", "warn", f"only admins may say whether {name} is active", help_)
        elif topic is not None and not _is_published(context, topic, may):
            help_ = f"talkstick user topics NAME --add '{topic}'"
            yield Finding("triggers", "warn", f"only admins may publish {topic}, the source of {name}", help_)


def _is_published(context: Context, topic: str, may: Sequence[str]) -> bool:
    """Tell whether anybody but admins may publish a source; a broker elsewhere may have accounts of its own."""
    is_ours = topic.partition("/")[0] in TABLE.roots
    return is_ours or context.broker is not None or any(overlaps(topic, each) for each in may)


def _voice(context: Context) -> Iterator[Finding]:
    models = shelf.found(context.settings)
    if not models:
        yield Finding("voice", "warn", "off: there is no speech model", "talkstick voice models fetch NAME; … list")
    for model in models:
        if model.problem is None:
            yield Finding("voice", "ok", f"hears {model.language} with {model.path}")
        else:
            yield Finding("voice", "fail", model.problem, f"talkstick voice models add {model.language} DIRECTORY")
    try:
        yield Finding("ffmpeg", "ok", ffmpeg())
    except RuntimeError as error:
        yield Finding("ffmpeg", "warn", f"there is none: {error}", "apt-get install ffmpeg")
    if find_library("espeak-ng") or Path(espeakng_loader.get_library_path()).exists():
        yield Finding("espeak-ng", "ok", find_library("espeak-ng") or espeakng_loader.get_library_path())
    else:
        yield Finding("espeak-ng", "warn", "there is none, so nothing speaks", "apt-get install espeak-ng")


def _tools(_context: Context) -> Iterator[Finding]:
    if shutil.which("mosquitto_sub"):
        yield Finding("mosquitto_sub", "ok", "there")
    else:
        yield Finding("mosquitto_sub", "warn", "not there; not needed, but handy", "apt-get install mosquitto-clients")


_CHECKS: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    _python,
    _data,
    _settings,
    _accounts,
    _triggers,
    _tls,
    _mosquitto,
    _server,
    _voice,
    _tools,
)
