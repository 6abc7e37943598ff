"""The loop in the guide to ports is C that compiles against the core's headers, with all warnings."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "esp32/core/README.md"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


def test_the_loop_of_the_guide_compiles(tmp_path: Path) -> None:
    (loop,) = re.findall(r"^```c\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    source = tmp_path / "port.c"
    source.write_text(loop)
    headers = [f"-I{ROOT / folder}" for folder in ("esp32/core/include", "schemas")]
    command = ["gcc", "-std=c99", *WARNINGS, "-fsyntax-only", *headers, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
