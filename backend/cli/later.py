"""Commands that are imported when they are run, so that help, and completion in the shell, need not wait for them."""

from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from backend.cli.names import Name


class Later(click.Command):
    """Stands in for a command of ``backend.cli``, which is at *place* (``module:attribute``).

    Where commands are listed, the first sentence of its help is all that is known of it, and all that is shown. Of its
    arguments those are known that complete as *names*, which are its first ones.
    """

    def __init__(self, name: str, place: str, sentence: str, *names: Name) -> None:
        arguments = [click.Argument([f"name_{number}"], type=each) for number, each in enumerate(names)]
        super().__init__(name, params=[*arguments], help=sentence)
        self._place = place

    def real(self) -> click.Command:
        """Return the command itself."""
        module, _, attribute = self._place.partition(":")
        command: click.Command = getattr(import_module(f"backend.cli.{module}"), attribute)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of the command itself, which runs; or completes what is not known here."""
        only_names = len(args) < len(self.params) and not any(word.startswith("-") for word in args)
        if extra.get("resilient_parsing") and only_names:
            return super().make_context(info_name, args, parent, **extra)
        return self.real().make_context(info_name, args, parent, **extra)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the options of the command itself."""
        real = self.real()
        with real.make_context(self.name, [], parent=ctx.parent, resilient_parsing=True) as context:
            return real.shell_complete(context, incomplete)
