"""``--nvs`` of ``talkstick device``: what a board needs to know, as an image of its flash memory."""

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import click

from backend.cli.boards import board_address
from backend.cli.context import Context, ask_secret
from backend.core.flash import NAMESPACE, OFFSET, PARTITION, USUAL_SIZE, Key, partition_size
from backend.shell.accounts import new_secret
from backend.shell.certificates import CertificateError
from backend.shell.flash import authority, image, private_file

WIFI_PASSWORD = "TALKSTICK_WIFI_PASSWORD"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: a file, and what shall be in it."""

    file: Path
    size: int
    plain: bool
    wifi: str | None
    wifi_password: Path | None
    force: bool
    show: bool


@dataclass(slots=True)
class Flash:
    """An image in the making: all is in it but the board's credentials."""

    wanted: Wanted
    values: dict[Key, str | int]
    file: BinaryIO
    told: Mapping[Key, str] = field(default_factory=dict)

    def fill(self, credentials: Mapping[Key, str]) -> None:
        """Write the image with the *credentials* that are valid from now on: id and secret, or a code."""
        self.told = credentials
        self.values.update(credentials)
        self._write()

    def try_with(self, credentials: Mapping[Key, str]) -> None:
        """Write it with others of the same length, to see that they fit. Raises ValueError and OSError."""
        self.values.update(credentials)
        self._write()
        for key in credentials:
            del self.values[key]

    @property
    def record(self) -> dict[str, Any]:
        """Return what may be shown of it."""
        keys = [key.value for key in Key if key in self.values]
        return {"file": str(self.wanted.file), "bytes": self.wanted.size, "uri": self.values[Key.URI], "keys": keys}

    def _write(self) -> None:
        self.file.seek(0)
        self.file.write(image(self.values, self.wanted.size))
        self.file.flush()


def _size(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    try:
        return partition_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


_OPTIONS = (
    click.option(
        "--nvs",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write it into an image of flash memory, and do not show the secret.",
    ),
    click.option(
        "--size",
        default=f"{USUAL_SIZE:#x}",
        show_default=True,
        callback=_size,
        help="Of the image, as the board's partition has it.",
    ),
    click.option("--plain", is_flag=True, help="The board shall do without TLS, though the server has it."),
    click.option(
        "--wifi",
        metavar="SSID",
        help=f"The board's Wi-Fi, for the image; its password is asked, or in {WIFI_PASSWORD}.",
    ),
    click.option(
        "--wifi-password-file",
        "wifi_password",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="The password of the Wi-Fi, as the first line of a file.",
    ),
    click.option("--force", is_flag=True, help="Replace the image if there is one."),
    click.option("--show", is_flag=True, help="Show the secret, though it is in the image."),
)


def nvs_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of an image; it gets them as ``wanted``, which is None without ``--nvs``."""

    @functools.wraps(command)
    def bundled(*arguments: Any, nvs: Path | None, **options: Any) -> None:
        own = {key: options.pop(key) for key in ("size", "plain", "wifi", "wifi_password", "force", "show")}
        if nvs is None and (used := [key for key, value in own.items() if value and key != "size"]):
            raise click.UsageError(f"--{used[0].replace('_', '-')} is about an image: say --nvs FILE, too")
        command(*arguments, wanted=Wanted(nvs, **own) if nvs is not None else None, **options)

    return functools.reduce(lambda made, option: option(made), reversed(_OPTIONS), bundled)


@contextmanager
def flash(context: Context, wanted: Wanted | None, name: str, broker: Mapping[str, Any]) -> Iterator[Flash | None]:
    """Begin an image for the board *name*, so that what is provisioned meanwhile will find its place.

    It ends the command before anything was provisioned, where the image cannot be made; and with the secret, where
    writing failed after that.
    """
    if wanted is None:
        yield None
        return
    made: Flash | None = None
    try:
        values = _values(context, wanted, broker)
        with private_file(wanted.file, replace=wanted.force) as file:
            made = Flash(wanted, values, file)
            made.try_with({Key.ID: name, Key.SECRET: new_secret()})
            yield made
    except FileExistsError as error:
        raise click.ClickException(f"{error}; --force replaces it") from error
    except (ValueError, CertificateError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(_unwritten(wanted.file, error, made.told if made else {})) from error


def where(broker: Mapping[str, Any], flash: Flash | None) -> dict[str, Any]:
    """Return where a board connects to as JSON tells it: if there is an image, as that says."""
    return dict(broker) if flash is None else {**broker, "uri": flash.values[Key.URI], "nvs": flash.record}


def visible(flash: Flash | None, secret: str) -> str | None:
    """Return a secret as it is shown: not at all, where it went into an image, unless that was asked for."""
    return secret if flash is None or flash.wanted.show else None


def text(board: Mapping[str, Any]) -> str:
    """Return for people what an image holds, and what to do with it."""
    made = board["nvs"]
    lines = [
        f"Device {board['device']}, at {made['uri']}. All that the board needs to know is in",
        f"  {made['file']}   {made['bytes'] // 1024} KiB: {', '.join(made['keys'])} in {NAMESPACE}",
        *([f"  password    {board['password']}   (shown once)"] if board["password"] is not None else []),
        f"Write it to the board, to the partition {PARTITION}:",
        f"  esptool --port PORT write-flash {OFFSET:#x} {made['file']}   (pip install esptool)",
        "It replaces all that the board kept there, and it is secret: delete it when it is on the board.",
    ]
    if Key.WIFI_SSID not in made["keys"]:
        lines.append("No Wi-Fi is in it (--wifi SSID), so the firmware must know one.")
    return "\n".join(lines)


def _values(context: Context, wanted: Wanted, broker: Mapping[str, Any]) -> dict[Key, str | int]:
    where = board_address(context, broker, plain=wanted.plain)
    values = {Key.URI: str(where), Key.PREFIX: context.settings.prefix, **_wifi(wanted)}
    if where.ca is not None:
        values[Key.CA] = authority(where.ca)
    return {**{key: value for key, value in values.items() if value}, Key.TIME: int(context.now())}


def _wifi(wanted: Wanted) -> dict[Key, str]:
    """Return the Wi-Fi for the board; an open one has no password."""
    if wanted.wifi is None:
        if wanted.wifi_password is not None:
            raise click.UsageError("--wifi-password-file needs --wifi SSID")
        return {}
    password, source = os.environ.get(WIFI_PASSWORD), WIFI_PASSWORD
    if wanted.wifi_password is not None:
        password, source = wanted.wifi_password.read_text().partition("\n")[0].rstrip("\r"), str(wanted.wifi_password)
    if password is None:
        password = _asked(wanted.wifi)
    elif not password:
        click.echo(f"Warning: {source} is empty, so the board takes the Wi-Fi {wanted.wifi} for an open one", err=True)
    return {Key.WIFI_SSID: wanted.wifi, Key.WIFI_PASS: password}


def _asked(wifi: str) -> str:
    """Return the password that is typed in; or end with how else to say it, where nobody can be asked."""
    question = f"Password of the Wi-Fi {wifi} (none: it is open)"
    return ask_secret(question, f"{WIFI_PASSWORD}, or --wifi-password-file", default="")


def _unwritten(file: Path, error: OSError, told: Mapping[Key, str]) -> str:
    """Say that a file cannot be written, and what would be lost with it."""
    message = f"cannot write {file}: {error.strerror or error}"
    if not told:
        return message
    valid = ", ".join(f"{key} {value}" for key, value in told.items())
    return f"{message}. The board was provisioned already, so keep this: {valid}"
