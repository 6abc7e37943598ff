"""Commands that are imported when they are run, so that help, and completion in the shell, need not wait for them."""

from importlib import import_module
from typing import Any

import click


class Later(click.Command):
    """Stands in for a command of ``backend.cli``, which is at *place* (``module:attribute``).

    Where commands are listed, the first sentence of its help is all that is known of it, and all that is shown.
    """

    def __init__(self, name: str, place: str, sentence: str) -> None:
        super().__init__(name, help=sentence)
        self._place = place

    def real(self) -> click.Command:
        """Return the command itself."""
        module, _, attribute = self._place.partition(":")
        command: click.Command = getattr(import_module(f"backend.cli.{module}"), attribute)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of the command itself: from here on it is what runs."""
        return self.real().make_context(info_name, args, parent, **extra)
