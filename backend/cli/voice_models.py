"""``talkstick voice models``: the speech models that the server hears with."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from backend.cli.context import Context, json_option, pass_context, show, show_all, show_one
from backend.shell.voice import models as shelf
from backend.shell.voice.catalogue import KNOWN, MODELS, Model
from backend.shell.voice.fetching import Source, fetch
from backend.shell.voice.models import Installed, ModelError

_RESTART = "a server that runs takes it when it starts again"


@click.command("list")
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the models that are known or here, and which of them hear."""
    show_all(list(_listed(context)), as_json=as_json, empty="")


def _listed(context: Context) -> Iterator[dict[str, Any]]:
    here, used = shelf.all_fetched(context.settings), shelf.found(context.settings)
    by_name = {model.name: model for model in used}
    for known in MODELS:
        yield _line(known.name, known.language, f"{known.mib} MiB", by_name.get(known.name), here)
    for name in here:
        if name not in KNOWN:
            yield _line(name, None, None, by_name.get(name), here)
    for model in used:
        if model.name not in KNOWN and model.name not in here:
            yield _line(model.name, model.language, None, model, here)


def _line(name: str, language: str | None, size: str | None, used: Installed | None, here: list[str]) -> dict[str, Any]:
    if used is not None:
        state = "used" if used.problem is None else "broken"
        return {"model": name, "language": used.language, "size": size, "state": state}
    return {"model": name, "language": language, "size": size, "state": "here" if name in here else "known"}


@click.command("explain")
@click.argument("name")
@json_option
@pass_context
def explain(context: Context, name: str, as_json: bool) -> None:
    """Say how large a model is, how well it hears, and what it needs."""
    known, used = KNOWN.get(name), {model.name: model for model in shelf.found(context.settings)}.get(name)
    if known is None and used is None and name not in shelf.all_fetched(context.settings):
        raise click.ClickException(f"there is no model {name}; see `talkstick voice models list`")
    record: dict[str, Any] = {"model": name} | (_facts(known) if known is not None else {})
    record["here"] = str(used.path) if used is not None else name in shelf.all_fetched(context.settings)
    record["hears"] = None if used is None else used.language
    record["problem"] = None if used is None else used.problem
    show_one(record, as_json=as_json)


def _facts(known: Model) -> dict[str, Any]:
    return {
        "language": known.language,
        "download": f"{known.mib} MiB",
        "memory": known.memory,
        "errors": f"word error rate in per cent, as published: {known.word_error_rate}",
        "good for": known.good_for,
        "licence": known.licence,
        "url": known.url,
        "sha256": known.sha256,
    }


@click.command("fetch")
@click.argument("name")
@click.option("--url", help="Another place to have it from: a ZIP file.")
@click.option("--sha256", help="What it must be; without, only where it comes from is certain.")
@click.option("--language", help="What it hears, where the name is not one that `list` knows.")
@json_option
@pass_context
def fetch_(
    context: Context, name: str, url: str | None, sha256: str | None, language: str | None, as_json: bool
) -> None:
    """Download a model, check it, and hear its language with it. Goes on with what an earlier try has left."""
    known = KNOWN.get(name)
    language = language or (known.language if known is not None else None)
    if language is None or (known is None and url is None):
        raise click.ClickException(
            f"{name} is none that `talkstick voice models list` knows: give --url and --language"
        )
    if known is None or url is not None:
        source = Source(name, url or "", sha256)
    else:
        source = Source(name, known.url, sha256 or known.sha256, known.size)
    try:
        place = fetch(context.settings, source, _progress)
        shelf.use(context.settings, language, place)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    record = {"model": name, "language": language, "directory": str(place)}
    show(record, as_json=as_json, text=lambda: f"{language} is heard with {name} in {place}; {_RESTART}.")


def _progress(there: int, size: int | None) -> None:
    if sys.stderr.isatty():
        of = f" of {size // 2**20}" if size else ""
        click.echo(f"\r{there // 2**20}{of} MiB", err=True, nl=there == size)


@click.command("add")
@click.argument("language")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True))
@json_option
@pass_context
def add(context: Context, language: str, directory: Path, as_json: bool) -> None:
    """Hear LANGUAGE with a model that is on the disk already; it stays where it is."""
    try:
        shelf.use(context.settings, language, directory)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    record = {"language": language, "directory": str(directory.resolve())}
    show(record, as_json=as_json, text=lambda: f"{language} is heard with {directory.resolve()}; {_RESTART}.")


@click.command("use")
@click.argument("name")
@click.option("--language", help="What it hears, where the name is not one that `list` knows.")
@json_option
@pass_context
def use(context: Context, name: str, language: str | None, as_json: bool) -> None:
    """Hear with another of the models that are here."""
    language = language or (KNOWN[name].language if name in KNOWN else None)
    if language is None:
        raise click.ClickException(f"nobody knows what {name} hears: give --language")
    try:
        place = shelf.fetched(context.settings, name)
        shelf.use(context.settings, language, place)
    except ModelError as error:
        raise click.ClickException(f"{error}; see `talkstick voice models list`") from error
    record = {"model": name, "language": language, "directory": str(place)}
    show(record, as_json=as_json, text=lambda: f"{language} is heard with {name}; {_RESTART}.")


@click.command("remove")
@click.argument("name", metavar="NAME|LANGUAGE")
@json_option
@pass_context
def remove(context: Context, name: str, as_json: bool) -> None:
    """Remove a model that was fetched; or stop hearing a LANGUAGE, whose model then stays on the disk."""
    try:
        without = shelf.remove(context.settings, name)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    deaf = f" Nothing hears {' and '.join(without)} any more; a server that runs still does." if without else ""
    show({"removed": name, "languages": without}, as_json=as_json, text=lambda: f"Removed {name}.{deaf}")
