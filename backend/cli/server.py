"""``talkstick init`` and ``talkstick serve``."""

import logging
from typing import Any

import click

from backend.app.table import VERSION
from backend.cli.context import Context, json_option, pass_context, show
from backend.core.principals import Principal, Role
from backend.shell import certificates, operator
from backend.shell.accounts import AccountError, Accounts, new_secret
from backend.shell.operator import Login
from backend.shell.settings import Settings

ADMIN = "admin"


@click.command()
@json_option
@pass_context
def init(context: Context, as_json: bool) -> None:
    """Make the data directory, its database and the admin account. Harmless to repeat."""
    context.make_data()
    made = _make_admin(context, context.accounts)
    record: dict[str, Any] = {"data": str(context.settings.data), "admin": None}
    if made is None:
        show(
            record, as_json=as_json, text=lambda: f"{context.settings.data} has an admin already; nothing was changed."
        )
        return
    record = {**record, "admin": {"user": made.user, "password": made.password}}
    show(
        record,
        as_json=as_json,
        text=lambda: (
            f"Made {context.settings.data}.\n"
            f"Admin account: {made.user}   password: {made.password}   (shown once)\n"
            f"Kept for this command in {context.settings.data / operator.FILE}, readable by you only.\n"
            "Next: talkstick serve"
        ),
    )


def _settings_text() -> str:
    lines = ["\b", "Settings, in talkstick.toml of the data directory, or TALKSTICK_... in the environment:"]
    for name, field in Settings.model_fields.items():
        default = f" [{field.default}]" if field.default not in (None, "", {}) else ""
        lines.append(f"  {name:16} {field.description}{default}")
    return "\n".join(lines)


@click.command(epilog=_settings_text())
@click.option(
    "--broker",
    metavar="URL",
    help="Use this Mosquitto, mqtt://user:password@host:port, as `talkstick export mosquitto` sets it up. Others on"
    " this machine see a command's arguments: better write it into talkstick.toml.",
)
@pass_context
def serve(context: Context, broker: str | None) -> None:
    """Run the server: with a broker of its own, or on a Mosquitto.

    Stop it with Ctrl-C or SIGTERM.
    """
    if broker is not None:
        context.use_broker(broker)
    settings = context.settings
    _log(settings)
    context.make_data()
    if _make_admin(context, context.told_accounts if settings.broker else context.accounts) is not None:
        click.echo(f"Made {settings.data} with the account {ADMIN}; its login is in {settings.data / operator.FILE}.")

    def ready() -> None:
        places = f"Mosquitto at {context.address}" if settings.broker else _places(settings)
        click.echo(f"Talkstick {VERSION} is ready: {places}, data in {settings.data}")

    from backend.app.parts import CannotServeError  # noqa: PLC0415 - as the next
    from backend.app.serving import run  # noqa: PLC0415 - takes a second, and only a server needs it

    try:
        run(settings, ready)
    except CannotServeError as error:
        raise click.ClickException(str(error)) from error
    click.echo("Stopped; everything is stored.")


def _places(settings: Settings) -> str:
    plain = settings.plain_host or settings.host
    places = [("MQTT", plain, settings.port), ("WebSocket", plain, settings.ws_port)]
    if certificates.tls(settings) is not None:
        over = [("MQTT over TLS", settings.tls_port), ("WebSocket over TLS", settings.wss_port)]
        places += [(what, settings.host, port) for what, port in over]
    return ", ".join(f"{what} on {host}:{port}" for what, host, port in places if port)


def _make_admin(context: Context, accounts: Accounts) -> Login | None:
    """Make the first account where there is none; return its login, or None."""
    if any(account.role is Role.ADMIN for account in accounts.all()):
        return None
    login = Login(ADMIN, new_secret())
    try:
        accounts.add(Principal(ADMIN, Role.ADMIN, "Admin"), login.password, context.now(), generated=True)
    except AccountError as error:
        raise click.ClickException(str(error)) from error
    operator.write(context.settings.data, login)
    return login


def _log(settings: Settings) -> None:
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    if settings.log_level != "DEBUG":  # they tell each packet, and name no fault of ours
        for name in ("amqtt", "transitions", "websockets"):
            logging.getLogger(name).setLevel(logging.ERROR)
        logging.getLogger("mqtt").addFilter(_is_error)
        logging.getLogger("amqtt.broker").addFilter(_is_news)


def _is_error(record: logging.LogRecord) -> bool:
    """Leave out what is less. A level would not last: aiomqtt sets that of its logger when it is imported."""
    return record.levelno >= logging.ERROR


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out what this command says better, as an error message."""
    return record.getMessage() != "Broker startup failed"
