"""Brings a database to the newest tables: ours (Alembic) and the job engine's, in the same file or server. Read next: `migrations`.

Safe to repeat and safe when many processes start together: SQLite's write lock or an advisory lock lets one work and the others find
nothing to do. A change of the tables is one new revision by hand or by `alembic revision --autogenerate`, true on both databases.
"""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbos import DBOS
from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.exc import OperationalError

from bridge.errors import SettingsError

from . import engines
from .tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK = 7_264_151_001
"""Advisory lock of PostgreSQL held while tables change."""


async def migrate(url: str) -> None:
    """Bring the database at `url` to the newest tables, making it when it is a file. Raises SettingsError."""
    await asyncio.to_thread(_migrate, engines.parse(url))


def newest_revision() -> str:
    """The migration this version of the code needs."""
    return _newest()


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether Alembic may look at a thing: the job engine's tables sit beside ours in an SQLite file."""
    return kind != "table" or name in metadata.tables


def config() -> Config:
    """Alembic's configuration, without a file."""
    from alembic.config import Config  # noqa: PLC0415

    made = Config()
    made.set_main_option("script_location", "storage:migrations")
    return made


@cache
def _newest() -> str:
    # The files are numbered in the order of the one chain; a test holds them to it.
    return max(path.name[1:5] for path in (Path(__file__).parent / "migrations" / "versions").glob("r[0-9]*.py"))


def _migrate(url: URL) -> None:
    if engines.is_sqlite(url):
        engines.make_file(url)
    engine = engines.migration_engine(url)
    try:
        with engine.begin() as connection:
            if not engines.is_sqlite(url):
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            # At almost every start there is nothing to do, and Alembic takes half a second of CPU to load.
            if _revision(connection) != newest_revision():
                _upgrade(connection)
                if engines.is_sqlite(url) and connection.execute(text("PRAGMA foreign_key_check")).first():
                    raise SettingsError("The migration would have left rows without their parents; nothing was changed.")
    except OperationalError as error:
        raise SettingsError("PREPKIT_DATABASE_URL: the database cannot be reached or written.") from error
    finally:
        engine.dispose()
    # Outside our transaction: it builds indexes concurrently, which would wait for it for ever.
    DBOS.migrate(engines.sync_url(url).render_as_string(hide_password=False))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return found[0] if len(found) == 1 else None


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    chosen = config()
    chosen.attributes["connection"] = connection
    try:
        command.upgrade(chosen, "head")
    except CommandError as error:
        raise SettingsError(f"The database was made by another version of this program: {error}") from error
