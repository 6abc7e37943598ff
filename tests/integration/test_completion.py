"""The tab key in a real shell, with the installed command."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.operator import Operator
from tests.rig import COMMAND, WITHIN_S, Talkstick

PRESS = """
eval "$(_TALKSTICK_COMPLETE=bash_source "$0")"
complete -p talkstick >/dev/null || exit 9
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_talkstick_completion "$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with something of every kind."""
    directory = tmp_path_factory.mktemp("data")
    operator = Operator(directory)
    for command in ("init", "user add alice", "user add wall --role listener", "device add scale-1"):
        operator.run(*command.split())
    for command in ("device add scales", "channel add stage", "trigger add hall --pulse"):
        operator.run(*command.split())
    profile = directory / "greeter.yaml"
    profile.write_text(json.dumps({"name": "Greeter", "start": [{"do": "publish", "topic": "a/b", "body": "hi"}]}))
    operator.run("profile", "add", "greeter", str(profile))
    return directory


def pressed(data: Path, typed: str) -> list[str]:
    """Return what the shell offers after these words, the last of which is not complete."""
    done = subprocess.run(
        ["bash", "-c", PRESS, COMMAND, "talkstick", *typed.split(" ")],
        env=Talkstick(data).environment({"PATH": f"{COMMAND.parent}:/usr/bin:/bin"}),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("session claim ", ["channels/stage", "scale-1", "scales"]),
        ("session claim chan", ["channels/stage"]),
        ("session claim --wait sc", ["scale-1", "scales"]),
        ("session offer scale-1 --to ", ["admin", "alice", "wall"]),
        ("session list --as al", ["alice"]),
        ("device show scale-", ["scale-1"]),
        ("device owner scale-1 ", ["admin", "alice"]),
        ("device rm --yes x", []),
        ("user rm ", ["admin", "alice", "wall"]),
        ("channel policy ", ["stage"]),
        ("trigger subscribe ", ["hall"]),
        ("trigger subscribe hall ", ["greeter"]),
        ("profile show g", ["greeter"]),
        ("voice set ", ["scale-1", "scales"]),
        ("session claim --w", ["--wait"]),
        ("device sh", ["show"]),
    ],
)
def test_the_tab_key(data: Path, typed: str, offered: list[str]) -> None:
    assert pressed(data, typed) == offered


def test_the_data_directory_that_is_given_counts(data: Path, tmp_path: Path) -> None:
    assert pressed(tmp_path, f"--data {data} channel show ") == ["stage"]
    assert pressed(data, f"--data {tmp_path} channel show ") == []
    assert list(tmp_path.iterdir()) == [], "who completes makes nothing"
