"""Generate schemas/ from the route table: a JSON Schema per message, the AsyncAPI document and the topic reference.

``python -m tools.gen_schemas`` writes them, and removes the schemas of messages that are gone. With ``--check`` it
writes nothing, names each file that is out of step, and exits with 1 if there is one.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from backend.app.table import TABLE, VERSION
from tools import in_step
from tools.schemas import asyncapi, c_header, reference
from tools.schemas.contract import messages, schema_of

FOLDER = Path(__file__).parents[1] / "schemas"
_SUFFIX = ".schema.json"


def generate() -> dict[str, str]:
    """Return the text of every generated file by its name."""
    schemas = {name + _SUFFIX: _json(schema_of(route)) for name, route in messages(TABLE).items()}
    return schemas | {
        "asyncapi.json": _json(asyncapi.document(TABLE, VERSION)),
        "talkstick_contract.h": c_header.header(TABLE),
        "README.md": reference.page(TABLE),
    }


def write(folder: Path, files: dict[str, str]) -> None:
    """Bring *folder* in step."""
    in_step.bring(_by_path(folder, files), _schemas(folder))


def _by_path(folder: Path, files: dict[str, str]) -> dict[Path, bytes]:
    return {folder / name: text.encode() for name, text in files.items()}


def _schemas(folder: Path) -> Iterable[Path]:
    """Return the schemas that are there, also of messages that are gone."""
    return folder.glob(f"*{_SUFFIX}")


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.gen_schemas", description="Generate schemas/.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of step")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files are (default: schemas/)")
    options = parser.parse_args(arguments)
    files = generate()
    if not options.check:
        write(options.folder, files)
        return 0
    wrong = in_step.out_of_step(_by_path(options.folder, files), _schemas(options.folder))
    for path, what in sorted(wrong.items()):
        print(f"{options.folder.name}/{path.name} is {what}; run: make schemas")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
