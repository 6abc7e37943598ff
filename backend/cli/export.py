"""``talkstick export …``: the same rules for another broker."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from backend.app.rights import rights
from backend.cli.context import Context, json_option, pass_context, show
from backend.core.principals import Principal, Role, Roster
from backend.shell import verifier
from backend.shell.accounts import RESERVED, new_secret
from backend.shell.certificates import CertificateError
from backend.shell.mosquitto_export import CONFIGURATION, MADE_BY, SECURITY, configuration, plugin, security
from backend.shell.operator import Login


@click.command("mosquitto")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--plugin", "library", type=click.Path(path_type=Path), help="Where the dynamic-security plugin is.")
@json_option
@pass_context
def mosquitto(context: Context, directory: Path, library: Path | None, as_json: bool) -> None:
    """Write a configuration for Mosquitto 2.0 or later: listeners, limits, all accounts, and who may do what.

    Stop a Mosquitto that runs on DIRECTORY first, since it writes there too. From then on, Talkstick keeps Mosquitto in
    step while both run.
    """
    library = library or plugin()
    if library is None:
        raise click.ClickException("no dynamic-security plugin here: install Mosquitto, or say --plugin PATH")
    directory, login = directory.expanduser().absolute(), _server_login(context)
    is_first = not (directory / SECURITY).exists()
    people = {**context.accounts.principals(), login.user: Principal(login.user, Role.BACKEND, "Talkstick")}
    verifiers = {**context.accounts.verifiers(), login.user: verifier.made(login.password, generated=True)}
    allowed = rights(context.settings)
    allowed.rules.roster = Roster(people)
    try:
        text = configuration(context.settings, directory, library)
        _check_ours(directory / CONFIGURATION)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(directory / CONFIGURATION, text)
        _write(directory / SECURITY, json.dumps(security(allowed, people, verifiers), indent="\t"))
    except (CertificateError, OSError) as error:
        raise click.ClickException(str(error)) from error
    record = {
        "configuration": str(directory / CONFIGURATION),
        "accounts": len(people) - 1,
        "broker": f"mqtt://{login.user}:{quote(login.password, safe='')}@"
        f"{context.settings.reachable_host}:{context.settings.port}",
    }
    show(record, as_json=as_json, text=lambda: _text(context, record, is_first=is_first))


def _server_login(context: Context) -> Login:
    """Return the server's login at the broker: the one that is in use, or a new one."""
    if context.broker is not None:
        return context.broker[1]
    (name,) = RESERVED
    return Login(name, new_secret())


def _check_ours(file: Path) -> None:
    """Insist that a configuration that is there was made by us. Raises ClickException."""
    if file.exists() and not file.read_text(errors="replace").startswith(MADE_BY):
        raise click.ClickException(f"{file} is somebody else's; nothing was written. Name another directory")


def _write(file: Path, text: str) -> None:
    """Write a file that only its owner reads; whole or not at all."""
    new = file.with_name(file.name + ".new")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    new.rename(file)


def _text(context: Context, record: dict[str, Any], *, is_first: bool) -> str:
    lines = [
        f"Wrote {record['configuration']} for {record['accounts']} accounts.",
        f"Start it:  mosquitto -c {record['configuration']}",
    ]
    if context.broker is not None:
        return "\n".join([*lines, "The server's login there is the one that `broker` says."])
    file = context.settings.data / "talkstick.toml"
    lines += [f"Tell Talkstick in {file}:", f'  broker = "{record["broker"]}"', "Then: talkstick serve"]
    void = "" if is_first else "The URL of the export before is void: the server's password is a new one."
    return "\n".join([*lines, void]).rstrip()
