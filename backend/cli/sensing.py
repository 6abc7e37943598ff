"""``talkstick trigger test``: how a message would be read."""

import sys
from typing import Any

import click

from backend.app.table import TABLE
from backend.cli import names
from backend.cli.context import Context, json_option, pass_context, show, text_of
from backend.core.refusals import Refused
from backend.core.routing import parse_object
from backend.features.triggers.definitions import DefinitionError, TriggerDefinition, trigger_definition
from backend.features.triggers.mapping import sensed
from backend.features.triggers.messages import TRIGGER, TriggerStatus
from backend.shell.triggers import TriggerError


@click.command("test")
@click.argument("trigger_id", type=names.TRIGGER, metavar="ID")
@click.argument("message", required=False)
@click.option("--payload", help="The same as MESSAGE.")
@json_option
@pass_context
def test(context: Context, trigger_id: str, message: str | None, payload: str | None, as_json: bool) -> None:
    """Show how a message would be read: active, inactive, or nothing told; and its data.

    Without MESSAGE, it is read from standard input. No server is needed.
    """
    if message is not None and payload is not None:
        raise click.UsageError("MESSAGE or --payload, not both")
    given = payload if message is None else message
    raw = given.encode() if given is not None else sys.stdin.buffer.read()
    try:
        definition = trigger_definition(context.triggers.get("trigger", trigger_id).definition)
        active, data = _sensed(definition, raw)
    except (TriggerError, DefinitionError) as error:
        raise click.ClickException(str(error)) from error
    except Refused as refused:
        raise click.ClickException(f"{refused.code}: {refused.message}") from refused
    record = {"active": active, "data": data}
    meaning = {True: "active", False: "inactive", None: "not told"}[active]
    show(record, as_json=as_json, text=lambda: f"{meaning:9} data {text_of(data)}")


def _sensed(definition: TriggerDefinition, raw: bytes) -> tuple[bool | None, dict[str, Any]]:
    """Return what a message of the source, or of the owner, says. Raises Refused."""
    if definition.source is not None:
        return sensed(definition.source, raw, definition.kind)
    found = TABLE.find(TRIGGER.at(trigger="any"))
    status = found[0].validate(parse_object(raw)) if found is not None else None
    return (status.active, status.data) if isinstance(status, TriggerStatus) else (None, {})
