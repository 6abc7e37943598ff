"""Files that are made from others: are they as they should be, and how they become so."""

from collections.abc import Iterable, Mapping
from pathlib import Path


def out_of_step(files: Mapping[Path, bytes], there: Iterable[Path]) -> dict[Path, str]:
    """Return what is wrong with which file: stale, missing or superfluous.

    *there*: what stands where nothing but *files* may.
    """
    wrong = {
        path: "stale" if path.is_file() else "missing" for path, content in files.items() if not _is(path, content)
    }
    return wrong | dict.fromkeys(_superfluous(files, there), "superfluous")


def bring(files: Mapping[Path, bytes], there: Iterable[Path]) -> None:
    """Write what is stale or missing, and remove what is superfluous."""
    for path in _superfluous(files, there):
        path.unlink()
    for path, content in files.items():
        if not _is(path, content):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _is(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _superfluous(files: Mapping[Path, bytes], there: Iterable[Path]) -> list[Path]:
    return sorted(path for path in there if path not in files)
