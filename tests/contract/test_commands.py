"""The tree of commands says of each what the command says of itself, and is quick, since it imports none of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path

import click
import pytest

from backend.cli.later import Later
from backend.cli.main import talkstick
from backend.cli.names import Name
from tests.operator import typed

SLOW = {"aiomqtt", "amqtt", "cryptography", "httpx", "jinja2", "numpy", "pydantic", "sqlalchemy", "sqlmodel", "vosk"}
OF_A_CLIENT = {"aiomqtt", "pydantic"}
RUN = """
import json, sys
from backend.cli.main import talkstick
from tests.operator import typed
try:
    talkstick({arguments}, prog_name="talkstick")
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def tree(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield everything below a group: how it is called, and what stands there."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from tree(command, *path, name)


LATER = {" ".join(path): command for path, command in tree(talkstick) if isinstance(command, Later)}
GROUPS = {"": talkstick} | {" ".join(path): group for path, group in tree(talkstick) if isinstance(group, click.Group)}


def imported(*arguments: str, environment: Mapping[str, str] | None = None) -> tuple[str, set[str]]:
    """Run a command in a process of its own; return what it printed, and which of what is slow it imported."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(arguments=list(arguments))],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    modules = json.loads(done.stderr.splitlines()[-1])
    return done.stdout + done.stderr, {name.partition(".")[0] for name in modules} & SLOW


def test_all_that_is_no_group_comes_later() -> None:
    assert {type(command) for _, command in tree(talkstick)} == {click.Group, Later}
    assert {"serve", "voice models fetch", "session claim"} < LATER.keys()


@pytest.mark.parametrize("called", LATER)
def test_a_command_is_listed_as_it_is(called: str) -> None:
    listed = LATER[called]
    real = listed.real()
    assert real.name == listed.name
    assert real.get_short_help_str(1000) == listed.get_short_help_str(1000)


def names_of(command: click.Command) -> list[Name]:
    """Return what the first arguments of a command are names of; what is told of others, the command knows itself."""
    arguments = (each.type for each in command.params if isinstance(each, click.Argument))
    return list(takewhile(lambda each: isinstance(each, Name), arguments))  # type: ignore[arg-type]


@pytest.mark.parametrize("called", LATER)
def test_the_names_that_complete_are_those_that_the_command_takes(called: str) -> None:
    real = names_of(LATER[called].real())
    assert [each.kind for each in names_of(LATER[called])] == [each.kind for each in real]


@pytest.mark.parametrize("called", GROUPS)
def test_help_imports_no_command(called: str) -> None:
    printed, slow = imported(*called.split(), "--help")
    assert all(f"\n  {name} " in printed for name in GROUPS[called].commands)
    assert slow == set()


def test_nothing_is_cut_off_where_the_commands_are_listed() -> None:
    assert "..." not in typed("--help").partition("Commands:")[2]


@pytest.mark.parametrize("called", LATER)
def test_no_command_says_that_the_server_follows_at_once(called: str) -> None:
    """It looks twice a second: a script that goes on at once may be refused."""
    assert "follows at once" not in " ".join(typed(*called.split(), "--help").split())


def test_who_logs_in_as_somebody_is_told_how() -> None:
    said = " ".join(typed("session", "list", "--help").split())
    assert "password from $TALKSTICK_PASSWORD, or asked. [default: $TALKSTICK_USER, or the operator]" in said


def test_completion_imports_no_command() -> None:
    words = {"_TALKSTICK_COMPLETE": "zsh_complete", "COMP_WORDS": "talkstick device ro", "COMP_CWORD": "2"}
    printed, slow = imported(environment=words)
    assert "rotate\nGive a board a new secret" in printed
    assert slow == set()


def test_completion_of_names_imports_no_command(tmp_path: Path) -> None:
    typed("--data", str(tmp_path), "init")
    typed("--data", str(tmp_path), "channel", "add", "stage")
    words = {"_TALKSTICK_COMPLETE": "bash_complete", "COMP_WORDS": "talkstick session claim ", "COMP_CWORD": "3"}
    printed, slow = imported(environment=words | {"TALKSTICK_DATA": str(tmp_path)})
    assert "plain,channels/stage\n" in printed
    assert slow == set()


@pytest.mark.parametrize("called", ["session list", "session claim scale-1", "stats", "broadcast hello"])
def test_what_asks_a_server_needs_no_database(tmp_path: Path, called: str) -> None:
    (tmp_path / "talkstick.toml").write_text('plain_host = "127.0.0.1"\nport = 1\n')
    login = {"TALKSTICK_USER": "alice", "TALKSTICK_PASSWORD": "secret"}
    printed, slow = imported("--data", str(tmp_path), *called.split(), environment=login)
    assert "no broker answers" in printed
    assert slow == OF_A_CLIENT
