"""What holds for all commands, whichever runs."""

from typing import Any

import click

from backend.cli.context import Context, said


class Root(click.Group):
    """Says in one line, for all commands, that the database is not to be changed: full, read-only, locked."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - it takes a moment

            if not isinstance(error, OperationalError):
                raise
            where = ctx.find_object(Context)
            data = where.settings.data if where is not None else "the data directory"
            raise click.ClickException(f"the database in {data} cannot be changed: {said(error)}") from error
