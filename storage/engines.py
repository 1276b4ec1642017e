"""Database URLs and the engines made from them, with the settings that were measured (docs/decisions, one file or one server).

SQLite: WAL, `BEGIN IMMEDIATE` for writers and `BEGIN` for readers by our own events, synchronous FULL, foreign keys and secure delete on.
One writer connection, so that our writers queue in order instead of polling the file lock; readers have their own connections, which
cannot write and never wait. PostgreSQL: psycopg 3, one pool. Read next: `database`, `sqlite_connection`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bridge.errors import SettingsError

from . import sqlite_connection

BUSY_SECONDS = 30
"""How long anybody waits for SQLite's write lock or for a connection of a pool."""
SCRUB_SECONDS = 10
"""How long the log is waited for when it is to be emptied."""
POOL_SIZE = 5
_IDLE_IN_TRANSACTION = "-c idle_in_transaction_session_timeout=60000"
"""PostgreSQL ends a session that sits in an open transaction for a minute: a frozen process must not hold locks."""
_to_json = partial(json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def parse(url: str) -> URL:
    """The URL of a supported database. Raises SettingsError, without the password, for anything else."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("PREPKIT_DATABASE_URL is not a database URL.") from error
    if parsed.drivername == "sqlite+aiosqlite":
        if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
            raise SettingsError("PREPKIT_DATABASE_URL needs a file: sqlite+aiosqlite:///path/to/prepkit.db")
        return parsed
    if parsed.drivername == "postgresql+psycopg":
        return parsed
    raise SettingsError(
        f"PREPKIT_DATABASE_URL begins with {parsed.drivername}; use sqlite+aiosqlite:///… or postgresql+psycopg://…"
    )


def is_sqlite(url: URL) -> bool:
    """Whether the database is a file."""
    return url.get_backend_name() == "sqlite"


def file_of(url: URL) -> Path:
    """The SQLite file."""
    return Path(url.database or "")


def make_file(url: URL) -> None:
    """Make the SQLite file and its folder, for our eyes only. Raises SettingsError."""
    path = file_of(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"PREPKIT_DATABASE_URL: {path.name} cannot be made in its folder.") from error


def check_file(url: URL) -> None:
    """Raise SettingsError when the SQLite file was removed under us: writes would still succeed, into nothing."""
    path = file_of(url)
    if not path.exists():
        raise SettingsError(f"{path.name} is gone from its folder; stop the server and restore it.")


def empty_log(url: URL) -> bool:
    """Take all of SQLite's log of changes into the file and cut the log to nothing; False when somebody was in the way for too long."""
    with closing(sqlite3.connect(file_of(url), timeout=SCRUB_SECONDS, isolation_level=None)) as connection:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def sync_url(url: URL) -> URL:
    """The same database through a blocking driver, for migrations and jobs."""
    return url.set(drivername="sqlite") if is_sqlite(url) else url


def _opening(url: URL) -> Callable[[], Awaitable[sqlite_connection.Connection]]:
    """Opens the file that the blocking engines open, with what else the URL says."""
    [path], options = url.get_dialect()().create_connect_args(url)
    return partial(sqlite_connection.connect, path, **{**options, "timeout": BUSY_SECONDS})


def writer_engine(url: URL) -> AsyncEngine:
    """Read-write transactions."""
    if not is_sqlite(url):
        return create_async_engine(
            url,
            pool_size=POOL_SIZE,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
            json_serializer=_to_json,
            connect_args={"options": _IDLE_IN_TRANSACTION},
        )
    engine = create_async_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        json_serializer=_to_json,
        async_creator=_opening(url),
    )
    _configure_sqlite(
        engine.sync_engine,
        "BEGIN IMMEDIATE",
        ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"],
    )
    return engine


def reader_engine(url: URL, writer: AsyncEngine) -> AsyncEngine:
    """Read-only snapshots. On PostgreSQL it shares the writer's pool."""
    if not is_sqlite(url):
        return writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    engine = create_async_engine(url, pool_size=POOL_SIZE - 1, pool_timeout=BUSY_SECONDS, async_creator=_opening(url))
    _configure_sqlite(engine.sync_engine, "BEGIN", ["query_only=ON"])
    return engine


def jobs_engine(url: URL) -> Engine:
    """The blocking engine of the job engine: as its own would be, on our file or server."""
    if not is_sqlite(url):
        return create_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
            connect_args={"options": _IDLE_IN_TRANSACTION},
        )
    engine = create_engine(
        sync_url(url),
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": "IMMEDIATE", "check_same_thread": False},
    )
    _run_pragmas(engine, ["synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"])
    return engine


def migration_engine(url: URL) -> Engine:
    """One blocking connection for migrations.

    Foreign keys are off on SQLite: changing a table there copies it and drops the old one, and with foreign keys on the drop
    deletes every child row. The pragma does nothing inside a transaction, so it belongs to the connection.
    """
    engine = create_engine(sync_url(url), pool_size=1, max_overflow=0)
    if is_sqlite(url):
        pragmas = [
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=OFF",
            "secure_delete=ON",
        ]
        _configure_sqlite(engine, "BEGIN IMMEDIATE", pragmas)
    return engine


def _configure_sqlite(engine: Engine, begin: str, pragmas: list[str]) -> None:
    """Take transactions into our own hands: the driver's default loses concurrent updates without a word."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    _run_pragmas(engine, pragmas)


def _run_pragmas(engine: Engine, pragmas: list[str]) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
