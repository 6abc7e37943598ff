"""The worker's program by itself: which espeak it takes, and what it leaves behind."""

import ctypes.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import espeakng_loader
import pytest

from backend.shell.voice.worker import PROGRAM
from tests.rig import WITHIN_S

REQUEST = {"text": "hello", "language": "en", "name": None, "speed": 165, "volume": 1.0}
SYSTEM = ctypes.util.find_library("espeak-ng") is not None


def started(command: list[str] | None = None, **environment: str) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    env = {**os.environ, **environment}
    return subprocess.Popen(command or list(PROGRAM), stdin=pipe, stdout=pipe, stderr=pipe, env=env)


def said(process: "subprocess.Popen[bytes]", request: dict[str, Any] | None = None) -> tuple[dict[str, Any], bytes]:
    """Return the next line, and the audio that follows it."""
    asks, answers = pipes(process)
    if request is not None:
        asks.write(json.dumps(request).encode() + b"\n")
        asks.flush()
    head = json.loads(answers.readline())
    return head, answers.read(head.get("bytes", 0))


def pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def maps(process: "subprocess.Popen[bytes]") -> str:
    return Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [list(PROGRAM), [sys.executable, "-m", "backend.shell.voice.speaker"]])
def test_it_speaks_until_its_input_ends(command: list[str]) -> None:
    with started(command) as process:
        assert "en-us" in said(process)[0]["voices"]
        for _ in range(3):
            head, pcm = said(process, REQUEST)
            assert (head["rate"], head["voice"], head["missing"]) == (22_050, "en", None)
            assert len(pcm) > 22_050 / 2
        rest, _complaints = process.communicate(timeout=WITHIN_S)
        assert rest == b""  # nothing that pyttsx3 prints
        assert process.returncode == 0


def test_an_exception_is_its_end() -> None:
    with started() as process:
        said(process)
        _rest, complaints = process.communicate(b"nonsense\n", timeout=WITHIN_S)
        assert process.returncode == 1
        assert b"JSONDecodeError" in complaints


def test_killed_it_leaves_no_file(tmp_path: Path) -> None:
    with started(TMPDIR=str(tmp_path)) as process:
        said(process)
        assert said(process, REQUEST)[1] != b""
        process.kill()
        process.wait(20)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sees in /proc which library it is")
def test_the_espeak_of_the_system_comes_first(tmp_path: Path) -> None:
    library = tmp_path / "libespeak-ng.so.1"
    shutil.copy(espeakng_loader.get_library_path(), library)
    with started(LD_LIBRARY_PATH=str(tmp_path), ESPEAK_DATA_PATH=espeakng_loader.get_data_path()) as process:
        said(process)
        assert said(process, REQUEST)[1] != b""
        assert str(library) in maps(process)
        assert espeakng_loader.get_library_path() not in maps(process)
        process.communicate(timeout=WITHIN_S)


@pytest.mark.skipif(SYSTEM, reason="this system has an espeak-ng, which comes first")
def test_the_wheel_works_wherever_it_is_installed(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a" * 50] * 4)
    deep.mkdir(parents=True)
    (deep / "espeakng_loader").symlink_to(Path(espeakng_loader.__file__).parent)
    with started(PYTHONPATH=str(deep)) as process:
        said(process)
        assert said(process, REQUEST)[1] != b""
        process.communicate(timeout=WITHIN_S)


@pytest.mark.skipif(SYSTEM, reason="this system has an espeak-ng")
def test_without_any_espeak_it_says_so(tmp_path: Path) -> None:
    fake = "def get_library_path(): return '/nowhere/libespeak-ng.so'"
    (tmp_path / "espeakng_loader.py").write_text(fake, encoding="utf-8")
    with started(PYTHONPATH=str(tmp_path)) as process:
        assert "/nowhere/libespeak-ng.so" in said(process)[0]["failed"]
        process.communicate(timeout=WITHIN_S)
        assert process.returncode == 0
