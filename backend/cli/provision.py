"""``talkstick device add`` and ``rotate``: what a board needs to know."""

from typing import Any

import click

from backend.cli import flashing, names
from backend.cli.boards import broker as broker_of
from backend.cli.boards import broker_lines, host_option
from backend.cli.codes import WantedCode, code_options, make_code, show_code
from backend.cli.context import Context, json_option, pass_context, show
from backend.cli.flashing import Flash, Wanted, nvs_options
from backend.cli.users import change_secret, existing
from backend.core.flash import Key
from backend.core.ids import device_id
from backend.core.principals import Principal, Role
from backend.features.presence.messages import HEARTBEAT, INFO, STATUS
from backend.features.sessions.messages import COMMAND, RESULT, SESSION
from backend.features.voice.messages import AUDIO, CONVERSATION, SPEECH
from backend.shell.accounts import AccountError, new_secret


@click.command("add")
@click.argument("what", metavar="MAC|UUID|NAME")
@click.option("--name", "display_name", help="How people call it. [default: the id]")
@click.option("--owner", type=names.OWNER, metavar="NAME", help="Whose it is; see `device owner`. [default: nobody's]")
@host_option
@code_options
@nvs_options
@json_option
@pass_context
def add(
    context: Context,
    what: str,
    display_name: str | None,
    owner: str | None,
    host: str | None,
    wanted: Wanted | None,
    wanted_code: WantedCode | None,
    as_json: bool,
) -> None:
    """Provision a board; print what it needs to know, its secret once, or put it into an image (--nvs).

    With --code there is no secret yet: the board makes one, by a claim code that it is given; see `device code`.
    """
    secret, broker, made = new_secret(), broker_of(context, host), None
    try:
        name = device_id(what)
        who = Principal(name, Role.DEVICE, display_name or name, owner)
        with flashing.flash(context, wanted, name, broker) as flash:
            context.told_accounts.add(who, secret, context.now(), hardware=what, generated=True)
            made = make_code(context, name, wanted_code, flash) if wanted_code is not None else None
            if made is None:
                _fill(flash, name, secret)
    except (AccountError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if made is not None:
        show_code(context, made, broker, flash, as_json=as_json)
    else:
        _show_board(context, name, secret, broker, flash, as_json=as_json)


@click.command("rotate")
@click.argument("name", type=names.DEVICE)
@host_option
@nvs_options
@json_option
@pass_context
def rotate(context: Context, name: str, host: str | None, wanted: Wanted | None, as_json: bool) -> None:
    """Give a board a new secret, shown once, or put into an image (--nvs); the old one is void."""
    existing(context, name, device=True)
    secret, broker = new_secret(), broker_of(context, host)
    with flashing.flash(context, wanted, name, broker) as flash:
        change_secret(context, name, secret, generated=True)
        _fill(flash, name, secret)
    _show_board(context, name, secret, broker, flash, as_json=as_json)


def _fill(flash: Flash | None, name: str, secret: str) -> None:
    if flash is not None:
        flash.fill({Key.ID: name, Key.SECRET: secret})


def _show_board(
    context: Context, name: str, secret: str, broker: dict[str, Any], flash: Flash | None, *, as_json: bool
) -> None:
    prefix, status = context.settings.prefix, STATUS.at(device=name)
    record: dict[str, Any] = {
        "device": name,
        **flashing.where(broker, flash),
        "client_id": name,
        "username": name,
        "password": flashing.visible(flash, secret),
        "publishes": {
            "status": prefix + status,
            "heartbeat": prefix + HEARTBEAT.at(device=name),
            "result": prefix + RESULT.at(device=name),
            "info": prefix + INFO.at(device=name),
        },
        "subscribes": {"session": prefix + SESSION.at(device=name), "commands": prefix + COMMAND.bound(device=name)},
        "voice": {
            "publishes": prefix + AUDIO.at(device=name, turn="TURN"),
            "subscribes": [prefix + SPEECH.bound(device=name), prefix + CONVERSATION.at(device=name)],
        },
        "last_will": {"topic": prefix + status, "payload": '{"state":"lost","boot":N}', "qos": 1, "retain": True},
    }
    show(record, as_json=as_json, text=lambda: (_board_text if flash is None else flashing.text)(record))


def _board_text(record: dict[str, Any]) -> str:
    lines = [
        f"Device {record['device']}. What the board needs to know:",
        *broker_lines(record["host"], record["port"], record["tls"]),
        f"  client id   {record['client_id']}",
        f"  username    {record['username']}",
        f"  password    {record['password']}   (shown once)",
        f"  last will   {record['last_will']['topic']}   {record['last_will']['payload']}   QoS 1, retained",
    ]
    lines += [f"  publishes   {topic}" for topic in record["publishes"].values()]
    lines += [f"  subscribes  {topic}" for topic in record["subscribes"].values()]
    lines += ["One that people talk to, besides:", f"  publishes   {record['voice']['publishes']}"]
    lines += [f"  subscribes  {topic}" for topic in record["voice"]["subscribes"]]
    return "\n".join(lines)
