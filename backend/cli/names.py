"""Names that complete with the tab key."""

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from backend.shell.directory import data_directory
from backend.shell.names import Kind, names


class Name(StringParamType):
    """What somebody or something is called. Any text is taken: the command says of what there is not that it is not."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def shell_complete(self, ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that there are and that begin so. A group has not run, so nothing is known but `--data`."""
        there = names(data_directory(ctx.find_root().params.get("data")), self.kind)
        return [CompletionItem(name) for name in there if name.startswith(incomplete)]


ACCOUNT, DEVICE, USER, OWNER = Name("account"), Name("device"), Name("user"), Name("owner")
CHANNEL, FLOOR, TRIGGER, PROFILE = Name("channel"), Name("floor"), Name("trigger"), Name("profile")
