"""The command line: `prepkit serve | demo | rehearse | migrate | doctor`. Heavy imports stay inside the commands.

Every command reads its settings from the environment (`bridge.config`); problems are said in one sentence, without a traceback.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge import __version__
from bridge.errors import PrepkitError

if TYPE_CHECKING:
    from bridge.config import Settings


class Sentences(click.Group):
    """Says our own errors as a sentence and exits with 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PrepkitError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="prepkit")
def main() -> None:
    """Practise technical interviews out loud, on your own server."""


def _settings() -> Settings:
    from bridge import config, log

    settings = config.load(os.environ)
    log.configure(settings.log_level, settings.log_format)
    return settings


@main.command()
def serve() -> None:
    """Migrate, start the server and print its URL."""
    settings = _settings()
    from .server import run

    asyncio.run(run(settings))


@main.command()
def migrate() -> None:
    """Bring the database to the newest version."""
    settings = _settings()
    from storage.migrate import migrate as upgrade

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(upgrade(settings.database))
    click.echo("The database is at the newest version.")


if __name__ == "__main__":
    sys.exit(main())
