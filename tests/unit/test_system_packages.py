"""What is missing in a system is found, and named by its package."""

import os
import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "tools" / "system_packages.sh"


def commands_but(folder: Path, *absent: str) -> Path:
    """Fill *folder* with links to all commands of this system except some; return it."""
    commands = {command.name: command for path in reversed(os.get_exec_path()) for command in Path(path).glob("*")}
    for name in commands.keys() - set(absent):
        (folder / name).symlink_to(commands[name])
    return folder


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shell = shutil.which("sh")
    assert shell is not None
    return subprocess.run(
        [shell, SCRIPT, *arguments], env={"PATH": str(path)}, capture_output=True, text=True, check=False
    )


def test_nothing_is_missing_where_the_tests_run(tmp_path: Path) -> None:
    assert run(commands_but(tmp_path), "--missing").stdout.split() == []


def test_what_is_missing_is_named_once_by_its_package(tmp_path: Path) -> None:
    path = commands_but(tmp_path, "qemu-system-xtensa", "qemu-system-riscv32", "ninja")
    assert run(path, "--missing").stdout.split() == ["ninja-build", "qemu-system-misc"]


def test_a_system_that_is_not_debian_is_told_what_it_needs(tmp_path: Path) -> None:
    done = run(commands_but(tmp_path, "cppcheck", "apt-get"))
    assert done.returncode == 1
    assert "Debian's packages bring: cppcheck " in done.stderr
