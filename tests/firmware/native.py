"""The C side of the transcripts, built for this machine."""

import os
import shutil
import subprocess
from pathlib import Path

FIRMWARE = Path(__file__).parents[2] / "esp32"
_STRICT = ("-std=c99", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
_SANE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def build(folder: Path) -> Path:
    """Compile core and replay with sanitizers; return the program."""
    program = folder / "replay"
    compiler = shutil.which(os.environ.get("CC", "cc"))
    assert compiler is not None, "a C compiler is needed: apt-get install gcc"
    sources = [*sorted((FIRMWARE / "core" / "src").glob("*.c")), *sorted((FIRMWARE / "test" / "replay").glob("*.c"))]
    headers = (FIRMWARE / "core" / "include", FIRMWARE.parent / "schemas", FIRMWARE / "test" / "replay")
    includes = [f"-I{each}" for each in headers]
    subprocess.run([compiler, *_STRICT, *_SANE, *includes, *sources, "-o", program], check=True)
    return program


def replay(program: Path, transcript: Path) -> tuple[int, str]:
    """Replay a transcript; return the exit code, and what it said."""
    done = subprocess.run([program, transcript], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
