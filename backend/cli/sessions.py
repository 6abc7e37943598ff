"""``talkstick session …``: who holds what, and taking part in it."""

import json
from typing import Any

import click

from backend.cli import mqtt
from backend.cli.context import Context, as_option, device_argument, json_option, pass_context, show, show_all, text_of
from backend.features.presence.messages import PRESENCE
from backend.features.sessions.messages import SESSION


@click.group()
def session() -> None:
    """Who holds which device, and who waits."""


@session.command("list")
@as_option
@json_option
@pass_context
def list_(context: Context, name: str | None, as_json: bool) -> None:
    """List the sessions of all devices."""
    found = mqtt.documents(context, context.login(name), [SESSION.filter, PRESENCE.filter])
    devices = sorted({levels["device"] for topic in found if (levels := SESSION.match(topic)) is not None})
    rows = [_row(device, found) for device in devices]
    show_all(rows, as_json=as_json, empty="No devices yet: talkstick device add NAME")


@session.command("show")
@click.argument("device", callback=device_argument)
@as_option
@json_option
@pass_context
def show_(context: Context, device: str, name: str | None, as_json: bool) -> None:
    """Show the session document of a device."""
    topic = SESSION.at(device=device)
    document = mqtt.documents(context, context.login(name), [topic]).get(topic)
    if document is None:
        raise click.ClickException(f"no device {device}")
    show(
        document,
        as_json=as_json,
        text=lambda: "\n".join(f"{key:14} {text_of(value)}" for key, value in document.items()),
    )


@session.command("claim")
@click.argument("device", callback=device_argument)
@click.option("--type", "type_", help="What the session is for.")
@click.option("--input", "data", default="{}", help="Parameters for the device, a JSON object.")
@click.option("--lease", type=float, help="Seconds the session lasts without activity.")
@click.option("--wait", is_flag=True, help="Wait in the queue, and here, until the device is granted.")
@as_option
@json_option
@pass_context
def claim(
    context: Context,
    device: str,
    type_: str | None,
    data: str,
    lease: float | None,
    wait: bool,
    name: str | None,
    as_json: bool,
) -> None:
    """Claim a device. The session lasts as long as its lease, also when this command has ended."""
    body = {"action": "claim", "type": type_, "input": _object(data), "lease_s": lease, "wait": wait}
    given = {key: value for key, value in body.items() if value is not None}
    _ask(context, device, given, name, until=["granted"], as_json=as_json)


@session.command("release")
@click.argument("device", callback=device_argument)
@as_option
@json_option
@pass_context
def release(context: Context, device: str, name: str | None, as_json: bool) -> None:
    """Give a device back."""
    _ask(context, device, {"action": "release"}, name, until=["released"], as_json=as_json)


@session.command("kick")
@click.argument("device", callback=device_argument)
@click.option("--user", help="Whom. [default: the holder]")
@as_option
@json_option
@pass_context
def kick(context: Context, device: str, user: str | None, name: str | None, as_json: bool) -> None:
    """End the holder's session, or take somebody out of the queue. For admins."""
    body = {"action": "kick", **({"user": user} if user else {})}
    _ask(context, device, body, name, until=["kicked"], as_json=as_json)


def _ask(
    context: Context, device: str, body: dict[str, Any], name: str | None, *, until: list[str], as_json: bool
) -> None:
    reply = mqtt.request(context, context.login(name), device, body, until=until)
    if not reply["ok"] and not as_json:
        raise click.ClickException(f"{reply['code']}: {reply.get('message', '')}")
    facts = (f"{key} {value}" for key, value in reply.items() if key not in ("id", "ok", "code"))
    show(reply, as_json=as_json, text=lambda: ", ".join([reply["code"], *facts]))
    if not reply["ok"]:
        raise SystemExit(1)


def _row(device: str, found: dict[str, Any]) -> dict[str, Any]:
    document, presence = found[SESSION.at(device=device)], found.get(PRESENCE.at(device=device), {})
    return {
        "device": device,
        "presence": presence.get("state"),
        "state": document["state"],
        "holder": document["holder"],
        "type": document["type"],
        "until": document["expires_at"],
        "waiting": [place["user"] for place in document["queue"]],
        "fence": document["fence"],
    }


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--input") from error
    if not isinstance(data, dict):
        raise click.BadParameter("not a JSON object", param_hint="--input")
    return data
