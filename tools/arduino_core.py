"""Copy the portable core into the Arduino library, which must be whole by itself; make the ZIP that the IDE installs.

Arduino adds nothing but the library's own ``src`` to the include path, so the core's headers stand beside its sources
in ``esp32/arduino/src/core``, where ``#include "…"`` finds them. ``python -m tools.arduino_core`` brings the copy in
step. With ``--check`` it writes nothing, names each file that is out of step, and exits with 1 if there is one. With
``--zip talkstick.zip`` it writes the library, checked, as one file.
"""

import argparse
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools import in_step

ROOT = Path(__file__).parents[1]
LIBRARY = Path("esp32/arduino")
CORE = LIBRARY / "src" / "core"
PROPERTIES = LIBRARY / "library.properties"
_SOURCES = ("esp32/core/include/*.h", "esp32/core/src/*.[ch]", "schemas/talkstick_contract.h")
_PACKED = (
    "library.properties",
    "keywords.txt",
    "README.md",
    "src/**/*.h",
    "src/**/*.c",
    "src/**/*.cpp",
    "examples/*/*.ino",
)
_INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same library is the same file


def wanted(root: Path) -> dict[Path, bytes]:
    """Return what the files that are copied, and the version of the library, should be, by their path under *root*.

    Raises ValueError where two files have the same name, or one includes what the library will not have.
    """
    files: dict[Path, bytes] = {}
    for pattern in _SOURCES:
        for source in sorted(root.glob(pattern)):
            if CORE / source.name in files:
                raise ValueError(f"two files of the core are called {source.name}")
            files[CORE / source.name] = source.read_bytes()
    for path, text in files.items():
        for include in _INCLUDE.findall(text):
            if CORE / include.decode() not in files:
                raise ValueError(f"{path.name} includes {include.decode()}, which is not beside it")
    return files | {PROPERTIES: _properties(root)}


def out_of_step(root: Path) -> dict[Path, str]:
    """Return what is wrong with which file of the library: stale, missing or superfluous."""
    wrong = in_step.out_of_step(_by_path(root), _copies(root))
    return {path.relative_to(root): what for path, what in wrong.items()}


def write(root: Path) -> None:
    """Bring the library in step. What stands in the folder of the copies and is none is removed."""
    in_step.bring(_by_path(root), _copies(root))


def pack(root: Path, target: Path) -> None:
    """Write the library to the ZIP file *target*: one folder, as the Arduino IDE wants it."""
    library = root / LIBRARY
    members = {path for pattern in _PACKED for path in library.glob(pattern)}
    with zipfile.ZipFile(target, "w") as archive:
        for name, path in [("LICENSE", root / "LICENSE"), *((str(p.relative_to(library)), p) for p in sorted(members))]:
            entry = zipfile.ZipInfo(f"Talkstick/{name}", date_time=_WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Copy, check or pack; return the exit code."""
    parser = argparse.ArgumentParser(prog="arduino_core", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a copy is out of step")
    parser.add_argument("--zip", type=Path, metavar="FILE", help="write the library as one file, if it is in step")
    options = parser.parse_args(arguments)
    try:
        if not (options.check or options.zip):
            write(root)
        wrong = out_of_step(root)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path, what in sorted(wrong.items()):
        print(f"{path} is {what}; run: python -m tools.arduino_core", file=sys.stderr)
    if options.zip and not wrong:
        pack(root, options.zip)
    return 1 if wrong else 0


def _properties(root: Path) -> bytes:
    """Return library.properties with the version of the project."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    text = (root / PROPERTIES).read_text(encoding="utf-8")
    return re.sub(r"^version=.*$", f"version={version}", text, flags=re.MULTILINE).encode()


def _by_path(root: Path) -> dict[Path, bytes]:
    return {root / path: content for path, content in wanted(root).items()}


def _copies(root: Path) -> Iterable[Path]:
    """Return what stands in the folder of the copies."""
    return (path for path in (root / CORE).rglob("*") if not path.is_dir())


if __name__ == "__main__":
    sys.exit(main())
