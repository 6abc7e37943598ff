"""``talkstick voice …``: how devices hear and speak."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import click

from backend.cli import names
from backend.cli.context import Context, json_option, pass_context, show_all
from backend.cli.policies import check_unset, explained, unset_option
from backend.core.principals import Role
from backend.features.voice.settings import SettingError, VoiceSettings, meanings, read_setting, settings_of
from backend.shell.voice.audition import AuditionError, WorkerError, audition
from backend.shell.voice.models import installed
from backend.shell.voice.worker import Voice
from backend.shell.voices import VoiceError

_AT_A_GLANCE = ("enabled", "language", "responder", "heard", "voice", "speed")


def _read(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    try:
        return dict(map(read_setting, values))
    except SettingError as error:
        raise click.BadParameter(str(error)) from error


def _settings_text() -> str:
    defaults = _shown(VoiceSettings())
    lines = (f"  {name:12} {about} [{_word(defaults[name])}]" for name, about in meanings().items())
    return "\n".join(["\b", "Settings:", *lines])


def _word(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value or "none")


def _shown(settings: VoiceSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json")


@click.command("set", epilog=_settings_text())
@click.argument("device", type=names.DEVICE)
@click.argument("given", metavar="[SETTING=VALUE]...", nargs=-1, callback=_read)
@unset_option
@json_option
@pass_context
def set_(context: Context, device: str, given: dict[str, Any], unset: tuple[str, ...], as_json: bool) -> None:
    """Make voice settings for one device; a server that runs follows within a second.

    `talkstick voice set speaker-1 language=es voice=es+f2 heard=holder`; a list of sentences has commas between them.
    A voice, and a language, must be one that somebody here speaks or hears.
    """
    if not given and not unset:
        raise click.UsageError("say what to set: SETTING=VALUE, or --unset SETTING")
    try:
        check_unset("setting", unset, given, meanings().keys() | context.voices.of(device).keys(), VoiceError)
        hears = {each.partition("-")[0] for each in installed(context.settings)}
        _insist_on_speech(given, hears)
        context.voices.change(device, given, unset)
        rows = [row for row in _rows(context, device) if row["setting"] in {*given, *unset}]
        now = settings_of(context.voices.of(device))
    except VoiceError as error:
        raise click.ClickException(str(error)) from error
    show_all(rows, as_json=as_json, empty=f"{device} has no such settings any more.")
    language = given.get("language")
    if language is not None and language.partition("-")[0] not in hears:
        click.echo(f"No model hears {language!r} yet: see `talkstick voice models list`.", err=True)
    if {"voice", "language"} & {*given, *unset} and now.voice and _tongue(now.voice) != _tongue(now.language):
        help_ = f"`talkstick voice set {device} --unset voice` takes one that is"
        click.echo(f"It speaks with {now.voice}, by its name no voice of {now.language!r}: {help_}.", err=True)


def _tongue(tag: str) -> str:
    """Return the language of a tag, or of a voice: `es` of `es-419`, and of `es+f2`."""
    return tag.lower().partition("+")[0].partition("-")[0]


def _insist_on_speech(given: Mapping[str, Any], hears: Collection[str]) -> None:
    """Insist that somebody speaks with the voice, and speaks or hears the language. Raises VoiceError."""
    wanted = {name: given[name] for name in ("voice", "language") if given.get(name)}
    if wanted.get("language", "").partition("-")[0] in hears:
        del wanted["language"]
    for name, value in wanted.items():
        try:
            asyncio.run(audition(Voice(name=value) if name == "voice" else Voice(language=value)))
        except AuditionError as error:
            raise VoiceError(f"{name}: {error}") from error
        except WorkerError as error:
            click.echo(f"Nothing speaks here, so nobody knows whether there is {name} {value!r}: {error}", err=True)


@click.command("show")
@click.argument("device", required=False, type=names.DEVICE)
@json_option
@pass_context
def show_(context: Context, device: str | None, as_json: bool) -> None:
    """Show the voice settings of a device, and what each is about; or of all devices at a glance."""
    if device is None:
        show_all(_glance(context), as_json=as_json, empty="No devices yet: talkstick device add NAME")
        return
    try:
        show_all(_rows(context, device), as_json=as_json, empty="")
    except VoiceError as error:
        raise click.ClickException(str(error)) from error


def _rows(context: Context, device: str) -> list[dict[str, Any]]:
    own = context.voices.of(device)
    return list(explained("setting", _shown(settings_of(own)), _shown(VoiceSettings()), own, meanings()))


def _glance(context: Context) -> list[dict[str, Any]]:
    made = context.voices.all()
    return [
        {
            "device": account.name,
            **{name: getattr(settings_of(made.get(account.name, {})), name) for name in _AT_A_GLANCE},
        }
        for account in context.accounts.all()
        if account.role is Role.DEVICE
    ]
