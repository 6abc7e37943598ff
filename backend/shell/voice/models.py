"""Which speech model hears which language: what is on the disk, and how it got there.

``DATA/voice/<language>`` is the model that is used: a link into ``DATA/voice/models``, where those lie that were
fetched, or to wherever the operator has one; a directory that somebody unpacked there does as well. Links are replaced
in one step, so that a server that starts meanwhile finds the old model or the new one.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from backend.shell.settings import Settings

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_FETCHED = "models"
_ACOUSTIC = (Path("am/final.mdl"), Path("final.mdl"))  # Vosk knows two layouts: with folders, and all in one
_GRAPHS = (("HCLG.fst",), ("HCLr.fst", "Gr.fst"))


class ModelError(Exception):
    """A model cannot be had, loaded, added or removed; the message says why."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The model of one language. ``problem``: why it cannot be used, None: it can."""

    language: str
    path: Path
    problem: str | None

    @property
    def name(self) -> str:
        """What the model is called: as its directory."""
        return self.path.name


def installed(settings: Settings) -> Mapping[str, Path]:
    """Return the directories of the models that can be used, by language. Without any, voice is off."""
    return {model.language: model.path for model in found(settings) if model.problem is None}


def found(settings: Settings) -> list[Installed]:
    """Return the models of all languages that have one, in order, also those that cannot be used."""
    links = {link.name: link for link in _links(folder(settings))}
    chosen = {language: settings.data / path.expanduser() for language, path in settings.voice_models.items()}
    paths = {**links, **chosen}
    return [Installed(language, paths[language].resolve(), problem(paths[language])) for language in sorted(paths)]


def _links(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from (link for link in place.iterdir() if _LANGUAGE.fullmatch(link.name))


def folder(settings: Settings) -> Path:
    """Return where the models lie, by language."""
    return settings.data / "voice"


def fetched(settings: Settings, name: str) -> Path:
    """Return where a model of this name lies that was fetched. Raises ModelError where that is no name for a model."""
    if not _NAME.fullmatch(name):
        raise ModelError(f"{name!r} is no name for a model")
    return folder(settings) / _FETCHED / name


def all_fetched(settings: Settings) -> list[str]:
    """Return the names of the models that were fetched, used or not."""
    place = folder(settings) / _FETCHED
    return sorted(each.name for each in place.iterdir() if _NAME.fullmatch(each.name)) if place.is_dir() else []


def graph(directory: Path) -> Path:
    """Return where a model has its graph: Vosk knows two layouts."""
    return directory / "graph" if (directory / "graph").is_dir() else directory


def problem(directory: Path) -> str | None:
    """Return why this directory is no model for Vosk, as far as that can be told without loading it."""
    if not directory.is_dir():
        return f"{directory} is no directory"
    if not any((directory / each).is_file() for each in _ACOUSTIC):
        return f"{directory} is no model for Vosk: it has no {_ACOUSTIC[0]}"
    if not any(all((graph(directory) / each).is_file() for each in graphs) for graphs in _GRAPHS):
        return f"{directory} is no model for Vosk: it has neither HCLG.fst nor HCLr.fst and Gr.fst"
    return None


def use(settings: Settings, language: str, directory: Path) -> None:
    """Hear *language* with the model in *directory*, which stays where it is. Raises ModelError."""
    if not _LANGUAGE.fullmatch(language):
        raise ModelError(f"{language!r} is no language: two or three letters, like en")
    reason = problem(directory)
    if reason is not None:
        raise ModelError(reason)
    link = folder(settings) / language
    if link.is_dir() and not link.is_symlink():
        raise ModelError(f"{link} is a directory, not a link that this command made; move it away first")
    target = directory.resolve()
    if target.is_relative_to(folder(settings).resolve()):  # so that the data directory may be moved
        target = target.relative_to(folder(settings).resolve())
    new = folder(settings) / f".{language}.new"
    try:
        new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.replace(link)
    except OSError as error:
        raise ModelError(f"cannot link {link}: {error}") from error


def remove(settings: Settings, name: str) -> list[str]:
    """Remove a model that was fetched; or, by its language, only the link to one that is elsewhere.

    Return the languages that have none now. Raises ModelError where there is nothing of this name.
    """
    place = fetched(settings, name)
    links = [link for link in _links(folder(settings)) if link.is_symlink()]
    without = [link for link in links if link.name == name or link.resolve() == place.resolve()]
    if not without and not place.is_dir():
        raise ModelError(f"there is no model {name} here; see `talkstick voice models list`")
    with alone(settings):
        for link in without:
            link.unlink()
        if place.is_dir() and not place.is_symlink():
            gone = cleared(place.with_name(f".{name}.gone"))  # in one step: what is half removed might be used
            place.rename(gone)
            shutil.rmtree(gone)
    return sorted(link.name for link in without)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Let nobody else change the models meanwhile; it ends with the process. Raises ModelError where somebody does."""
    place = folder(settings) / _FETCHED
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(place / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise ModelError("another command is fetching or removing a model right now") from error


def cleared(place: Path) -> Path:
    """Return a path where nothing is: what was there, from an interrupted command for instance, is removed."""
    if place.is_symlink() or place.is_file():
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)
    return place
