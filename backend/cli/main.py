"""The command group."""

from pathlib import Path

import click

from backend.app.table import VERSION
from backend.cli.backend import broadcast, stats
from backend.cli.certs import certs
from backend.cli.channels import channel
from backend.cli.context import Context
from backend.cli.conversations import CONVERSATIONS
from backend.cli.devices import device
from backend.cli.doctor import doctor
from backend.cli.export import export
from backend.cli.profiles import profile
from backend.cli.sensing import test
from backend.cli.server import init, serve
from backend.cli.sessions import session
from backend.cli.subscriptions import SUBSCRIPTIONS
from backend.cli.trigger_files import apply
from backend.cli.trigger_files import export as export_triggers
from backend.cli.triggers import trigger
from backend.cli.users import user
from backend.cli.voice import voice
from backend.cli.voice_models import models
from backend.cli.voice_try import try_
from backend.cli.watch import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The data directory. [default: $TALKSTICK_DATA, or ~/.talkstick]",
)
@click.version_option(VERSION, prog_name="talkstick")
@click.pass_context
def talkstick(context: click.Context, data: Path | None) -> None:
    """Share ESP32 devices over MQTT: whoever holds the talking stick may use the hardware."""
    context.obj = Context(data)


for command in (models, try_, *CONVERSATIONS):
    voice.add_command(command)
for command in (test, *SUBSCRIPTIONS, apply, export_triggers):
    trigger.add_command(command)
for command in (
    init,
    serve,
    user,
    device,
    channel,
    session,
    voice,
    trigger,
    profile,
    certs,
    export,
    stats,
    broadcast,
    watch,
    doctor,
):
    talkstick.add_command(command)
