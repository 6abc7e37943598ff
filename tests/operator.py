"""The operator, who types commands in this process: quicker than the installed command, and just as real."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click.testing

from backend.cli.main import talkstick


def typed(*arguments: str, ok: bool = True, environment: Mapping[str, str] | None = None) -> str:
    """Run a command; return what it printed. *ok* False: it must fail, and what it complained of is returned too."""
    done = click.testing.CliRunner().invoke(talkstick, arguments, env=environment, catch_exceptions=False)
    assert (done.exit_code == 0) == ok, done.output
    return done.stdout if ok else done.output


class Operator:
    """Who types commands on one data directory."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def run(self, *arguments: str, ok: bool = True) -> str:
        """Run a command; return what it printed. *ok* False: it must fail."""
        return typed("--data", str(self._data), *arguments, ok=ok)

    def record(self, *arguments: str) -> Any:
        """Return what a command printed as JSON."""
        return json.loads(self.run(*arguments, "--json"))

    def rule(self, what: str, name: str, rule: str) -> tuple[object, object, str]:
        """Return value, default and origin of a rule."""
        (found,) = (each for each in self.record(what, "policy", name) if each["rule"] == rule)
        return found["value"], found["default"], found["from"]
