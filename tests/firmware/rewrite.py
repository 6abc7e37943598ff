"""Writes into transcripts what the core does and the server sends, so that a person can read and judge it.

``python -m tests.firmware.rewrite schemas/transcripts/session.txt``: a `message` event may be a draft (``message ?``),
and no actions need be there. Read what comes out: it is what the code does, not what it should do.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.firmware import native
from tests.firmware.play import Difference, Play
from tests.firmware.script import NotATranscript, parse

_ROUNDS = 60
"""A message comes of what the board did before it: each round knows more of both."""


def rewrite(path: Path, runner: Path) -> str | None:
    """Bring one file in step; return what is wrong with it all the same, or None."""
    wrong: str | None = None
    for _round in range(_ROUNDS):
        before = path.read_text()
        done = subprocess.run([runner, "--print", path], capture_output=True, text=True, check=False)
        wrong = done.stdout[-300:] if done.returncode else None
        text = before if wrong else done.stdout
        try:
            play = Play(parse(path, text), fills=True)
            play.run()
        except (Difference, NotATranscript) as difference:
            wrong = wrong or str(difference)
        lines = text.split("\n")
        for number, line in play.filled.items():
            lines[number - 1] = line
        path.write_text("\n".join(lines))
        if path.read_text() == before:
            return wrong
    return "no end"


def main(names: list[str]) -> int:
    """Bring the named files in step; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        runner = native.build(Path(folder))
        wrong = {name: found for name in names if (found := rewrite(Path(name), runner)) is not None}
    for name, found in wrong.items():
        sys.stderr.write(f"{name}: {found}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
