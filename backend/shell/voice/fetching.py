"""Fetching a speech model: over HTTPS, into a file that an interrupted download goes on with, and unpacked with care.

A model appears under its name in one step, once it is whole: what a killed command leaves behind is hidden, and the
next one goes on with it, or throws it away.
"""

import hashlib
import os
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx

from backend.shell.settings import Settings
from backend.shell.voice.models import ModelError, alone, cleared, fetched, problem

MAX_BYTES = 6 * 2**30
"""The largest file that is downloaded; the largest public model has less than half of it."""
MAX_RATIO = 20
"""How much more bytes there may be unpacked; models have two to three times as many."""
MAX_FILES = 1000
_SPARE = 100 * 2**20  # bytes that must stay free on the disk
_CHUNK = 2**20
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)

Progress = Callable[[int, int | None], None]
"""Told how many bytes there are, and how many there will be, where that is known."""


@dataclass(frozen=True, slots=True)
class Source:
    """A ZIP file with one model in it. ``size``: about how many bytes, None: nobody knows."""

    name: str
    url: str
    sha256: str | None = None
    size: int | None = None


def fetch(settings: Settings, source: Source, progress: Progress) -> Path:
    """Download, check and unpack a model, unless it is there already; return where it is. Raises ModelError."""
    place = fetched(settings, source.name)
    if source.sha256 is None and httpx.URL(source.url).scheme != "https":
        raise ModelError("without https, anybody on the way could change it: give its --sha256")
    with alone(settings):
        if problem(place) is None:
            return place
        archive, new = place.with_name(f".{source.name}.zip"), cleared(place.with_name(f".{source.name}.new"))
        try:
            _download(source, archive, progress)
            _check(source, archive)
            _unpack(archive, new).rename(cleared(place))
        except httpx.HTTPError as error:
            raise ModelError(f"{source.url}: {error or type(error).__name__}; what came is kept, try again") from error
        except httpx.InvalidURL as error:
            raise ModelError(f"{source.url}: {error}") from error
        except OSError as error:
            raise ModelError(f"{place}: {error}") from error
        finally:
            cleared(new)
        _drop(archive)
    return place


def _download(source: Source, archive: Path, progress: Progress) -> None:
    """Get the whole file; go on where an earlier download ended, if it is still the same file. Raises HTTPError."""
    mark = _mark(archive)
    there = archive.stat().st_size if archive.exists() and mark.exists() else 0
    headers = {"Range": f"bytes={there}-", "If-Range": mark.read_text()} if there else {}
    with (
        httpx.Client(timeout=_TIMEOUT, follow_redirects=True, event_hooks={"response": [_stay_safe]}) as client,
        client.stream("GET", source.url, headers={**headers, "Accept-Encoding": "identity"}) as response,
    ):
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is there
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            there = 0
        length = response.headers.get("Content-Length", "")
        size = there + int(length) if length.isdecimal() else None
        _make_sure_of_room(archive, size or source.size or 0, there)
        tag = response.headers.get("ETag", "")
        if not there:
            _drop(archive)
        if tag and not tag.startswith("W/"):  # a weak one does not promise the same bytes
            mark.write_text(tag)
        with archive.open("ab") as file:
            for chunk in response.iter_raw():
                there += len(chunk)
                if there > MAX_BYTES:
                    raise ModelError(f"{source.url} has more than {MAX_BYTES // 2**30} GiB")
                _need(archive, len(chunk))
                file.write(chunk)
                progress(there, size)


def _mark(archive: Path) -> Path:
    """Return the file with the ETag to which the bytes belong that are there."""
    return archive.with_suffix(".mark")


def _drop(archive: Path) -> None:
    cleared(archive)
    cleared(_mark(archive))


def _stay_safe(response: httpx.Response) -> None:
    """Follow no redirection from https to what others could change."""
    where = response.headers.get("Location", "")
    if response.url.scheme == "https" and response.is_redirect and response.url.join(where).scheme != "https":
        raise ModelError(f"{response.url} leads to {where}, which is not https")


def _make_sure_of_room(archive: Path, size: int, there: int) -> None:
    """Raise ModelError where the disk cannot hold the file, and its contents, which have about twice its size."""
    if size > MAX_BYTES:
        raise ModelError(f"it has {size / 2**30:.1f} GiB, which is more than {MAX_BYTES // 2**30}")
    _need(archive, 3 * size - there)


def _need(where: Path, needed: int) -> None:
    free = shutil.disk_usage(where.parent).free - _SPARE
    if needed > free:
        raise ModelError(f"it needs {needed // 2**20} MiB; on the disk of {where.parent}, {free // 2**20} are free")


def _check(source: Source, archive: Path) -> None:
    """Raise ModelError where the file is another one than it should be; then it is removed."""
    if source.sha256 is None:
        return
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != source.sha256.lower():
        _drop(archive)
        raise ModelError(f"{source.url} is not what it should be: its SHA-256 is {digest}, not {source.sha256}")


def _unpack(archive: Path, new: Path) -> Path:
    """Unpack into *new*; return where in it the model is. Raises ModelError; then the file is removed."""
    new.mkdir()
    try:
        with zipfile.ZipFile(archive) as contents:
            members = [member for member in contents.infolist() if not member.is_dir()]
            for reason in _objections(members, archive.stat().st_size):
                raise ModelError(reason)
            _need(new, sum(member.file_size for member in members))
            for member in members:
                target = new / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with contents.open(member) as packed, target.open("wb") as file:
                    shutil.copyfileobj(packed, file, _CHUNK)  # never more than it says; its checksum is compared
                    file.flush()
                    os.fsync(file.fileno())
            return _root(new)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        _drop(archive)
        raise ModelError(f"this is no ZIP file, or it is broken: {error}") from error
    except ModelError:
        _drop(archive)
        raise


def _objections(members: list[zipfile.ZipInfo], packed: int) -> Iterator[str]:
    """Yield what speaks against unpacking these."""
    if len(members) > MAX_FILES:
        yield f"it holds {len(members)} files; a model has some dozens"
    size = sum(member.file_size for member in members)
    if size > MAX_RATIO * packed:
        yield f"it would be {size // 2**20} MiB unpacked, which is {size // packed} times as much as packed"
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            yield f"it holds a file with the path {member.filename!r}"
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            yield f"{member.filename!r} is a link, or a special file"
        if member.flag_bits & 1:
            yield f"{member.filename!r} is encrypted"


def _root(unpacked: Path) -> Path:
    """Return the directory with the model: it, or the only one in it. Raises ModelError where it is none."""
    inside = list(unpacked.iterdir())
    root = inside[0] if len(inside) == 1 and inside[0].is_dir() else unpacked
    reason = problem(root)
    if reason is not None:
        raise ModelError(reason.replace(str(root), "what came"))
    return root
