"""``talkstick device code`` and ``codes``: boards that come to their secret with a one-time code."""

import functools
import getpass
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from backend.cli import flashing, names
from backend.cli.boards import broker as broker_of
from backend.cli.boards import broker_lines, host_option
from backend.cli.context import Context, day, json_option, pass_context, show, show_all
from backend.cli.flashing import Flash, Wanted, nvs_options
from backend.cli.users import existing
from backend.core.clock import iso
from backend.core.flash import Key
from backend.core.ids import mac_digits
from backend.features.provisioning.feature import ClaimCode, group
from backend.shell.accounts import AccountError
from backend.shell.claims import LONGEST_S, Made

_ANY = "any"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_LIFE = re.compile(r"(\d+(?:\.\d+)?)([smh])")


@dataclass(frozen=True, slots=True)
class WantedCode:
    """What code was asked for: for which board, if for one, and for how long."""

    mac: str | None
    life_s: float


def _life(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
    found = _LIFE.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < seconds <= LONGEST_S:
        raise click.BadParameter(f"{text!r}: say 90s, 15m or 2h, and at most {LONGEST_S / 3600:.0f}h")
    return seconds


def _mac(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    if text is None or text == _ANY:
        return text
    found = mac_digits(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no MAC, like A4:CF:12:8B:3F:9E, and not {_ANY!r}")
    return found


_mac_option = click.option(
    "--mac",
    metavar=f"MAC|{_ANY}",
    callback=_mac,
    help="The board that may use the code. [default: the device's MAC, if it was added by one]",
)
_life_option = click.option(
    "--for", "life_s", metavar="TIME", default="15m", show_default=True, callback=_life, help="How long it is good."
)


def code_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give `device add` the options of a code; it gets them as ``wanted_code``, which is None without ``--code``."""

    @functools.wraps(command)
    def bundled(*arguments: Any, is_code: bool, mac: str | None, life_s: float, **options: Any) -> None:
        if mac is not None and not is_code:
            raise click.UsageError("--mac is about a claim code: say --code, too")
        command(*arguments, wanted_code=WantedCode(mac, life_s) if is_code else None, **options)

    flag = click.option("--code", "is_code", is_flag=True, help="Make a claim code, and no secret.")
    return flag(_mac_option(_life_option(bundled)))


@click.command("code")
@click.argument("name", type=names.DEVICE)
@_mac_option
@_life_option
@click.option("--revoke", is_flag=True, help="Make none; revoke the one that is open.")
@host_option
@nvs_options
@json_option
@pass_context
def code(
    context: Context,
    name: str,
    mac: str | None,
    life_s: float,
    revoke: bool,
    host: str | None,
    wanted: Wanted | None,
    as_json: bool,
) -> None:
    """Make a claim code for a device, shown once, or put into an image (--nvs).

    A board that knows the code, and where the broker is, logs in with it once and becomes the device. Both sides make
    the new secret, and nobody sees it; until then the old one stays valid. A new code revokes the one before.
    """
    existing(context, name, device=True)
    if revoke and (mac is not None or wanted is not None):
        raise click.UsageError("--revoke makes no code: say it without --mac and --nvs")
    try:
        if revoke:
            context.told_claims.revoke(name, context.now())
            show({"device": name, "revoked": True}, as_json=as_json, text=lambda: f"Revoked the claim code of {name}.")
            return
        broker = broker_of(context, host)
        with flashing.flash(context, wanted, name, broker) as flash:
            made = make_code(context, name, WantedCode(mac, life_s), flash)
    except AccountError as error:
        raise click.ClickException(str(error)) from error
    show_code(context, made, broker, flash, as_json=as_json)


@click.command("codes")
@json_option
@pass_context
def codes(context: Context, as_json: bool) -> None:
    """List the claim codes of the last 30 days, the newest first: who made and used which, and when."""
    moment: Callable[[float], str] = iso if as_json else day
    records = [_record(each, context.now(), moment) for each in context.told_claims.all()]
    show_all(records, as_json=as_json, empty="No claim codes: talkstick device code NAME")


def make_code(context: Context, name: str, wanted: WantedCode, flash: Flash | None) -> Made:
    """Make a code, and put it into the image, if one is made. Raises AccountError."""
    mac = mac_digits(context.accounts.get(name).hardware or "") if wanted.mac is None else wanted.mac
    made = context.told_claims.make(name, None if mac == _ANY else mac, wanted.life_s, context.now(), _who_types())
    if flash is not None:
        flash.fill({Key.CODE: made.text})
    return made


def _who_types() -> str:
    """Return how the system calls whoever typed the command, also behind ``sudo``."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


def show_code(context: Context, made: Made, broker: dict[str, Any], flash: Flash | None, *, as_json: bool) -> None:
    """Show a code, and what the board needs to know besides."""
    record = {
        "device": made.about.device,
        "code": flashing.visible(flash, made.text),
        "mac": made.about.mac,
        "expires_at": iso(made.about.expires_at),
        **flashing.where(broker, flash),
        "prefix": context.settings.prefix,
        **({"password": None} if flash is not None else {}),
    }
    show(record, as_json=as_json, text=lambda: _text(record, made.about))


def _text(record: dict[str, Any], about: ClaimCode) -> str:
    for_whom = f"the board with the MAC {about.mac}" if about.mac is not None else "any board"
    head = f"Claim code for {about.device}, good for {for_whom} until {day(about.expires_at)}."
    shown = [f"  code        {record['code']}   (shown once)"] if record["code"] is not None else []
    if "nvs" in record:
        return "\n".join([head, *shown, flashing.text(record)])
    prefix = [f"  prefix      {record['prefix']}"] if record["prefix"] else []
    lines = [head, "What the board needs to know:", *broker_lines(record["host"], record["port"], record["tls"])]
    return "\n".join([*lines, *prefix, *shown])


def _record(about: ClaimCode, now: float, moment: Callable[[float], str]) -> dict[str, Any]:
    return {
        "code": group(about.account),
        "device": about.device,
        "state": about.state(now),
        "mac": about.mac,
        "made_at": moment(about.made_at),
        "made_by": about.made_by,
        "expires_at": moment(about.expires_at),
        "used_at": moment(about.used_at) if about.used_at is not None else None,
        "used_by": about.used_mac,
    }
