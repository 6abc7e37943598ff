"""The loop in the guide to ports is C that compiles against the core's headers, by the guide's own command line."""

import re
import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "esp32/core/README.md").read_text()
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


def blocks(language: str) -> list[str]:
    """Return the listings of the guide that are in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


def test_the_loop_of_the_guide_compiles(tmp_path: Path) -> None:
    (loop,) = blocks("c")
    (line,) = blocks("sh")
    (tmp_path / "port.c").write_text(loop)
    for folder in ("esp32", "schemas"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    compiler, *rest = shlex.split(line)
    files = [str(path) for part in rest for path in (sorted(tmp_path.glob(part)) if "*" in part else [part])]
    command = [compiler, *WARNINGS, "-fsyntax-only", *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "esp32/core/src").glob("*.c"))) > 10
