"""A copy of the database while the server writes to it, and its way back: SQLite by `VACUUM INTO`, PostgreSQL by its own tools on one snapshot.

Both say how many rows each table held at that very moment, so that a restore can be checked. Read next: `web.commands.backup`, which puts it in an archive.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from bridge.errors import SettingsError

from . import engines

SQLITE_NAME = "prepkit.db"
POSTGRES_NAME = "prepkit.pgdump"
Rows = dict[str, int]
"""Rows by table, the job engine's tables included."""


def name_of(url: URL) -> str:
    """What the copy is called in an archive."""
    return SQLITE_NAME if engines.is_sqlite(url) else POSTGRES_NAME


def copy_database(url: URL, target: Path, environ: Mapping[str, str]) -> Rows:
    """Write a consistent copy to `target`. Raises SettingsError when there is no database or no tool to copy it."""
    return _copy_sqlite(engines.file_of(url), target) if engines.is_sqlite(url) else _copy_postgres(url, target, environ)


def _copy_sqlite(file: Path, target: Path) -> Rows:
    if not file.exists():
        raise SettingsError("There is no database yet: nothing to back up.")
    target.touch(mode=0o600)
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=engines.BUSY_SECONDS)) as connection:
        # VACUUM INTO takes an empty file: the copy is made with the rights this one has.
        connection.execute("VACUUM INTO ?", (str(target),))
    return check_sqlite(target)


def check_sqlite(file: Path) -> Rows:
    """Rows of an SQLite file that is sound. Raises SettingsError for a damaged one."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if verdict != "ok":
                raise SettingsError("The copy of the database is damaged (integrity_check).")
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in sorted(names)}  # noqa: S608
    except sqlite3.DatabaseError as error:
        raise SettingsError("The copy of the database is damaged: it is no SQLite file.") from error


def _copy_postgres(url: URL, target: Path, environ: Mapping[str, str]) -> Rows:
    with _postgres(url) as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        # The dump and our counts see the same moment.
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        rows = _count(connection)
        _run(url, "pg_dump", ["--format=custom", f"--snapshot={snapshot}", "--no-owner", f"--file={target}"], environ)
    target.chmod(0o600)
    return rows


def restore_database(url: URL, source: Path, environ: Mapping[str, str], *, replace: bool) -> Rows:
    """Put a checked copy in place. Raises SettingsError when a database is there and `replace` is not set."""
    if not engines.is_sqlite(url):
        return _restore_postgres(url, source, environ, replace=replace)
    rows, file = check_sqlite(source), engines.file_of(url)
    if file.exists() and not replace:
        raise SettingsError("There is a database already. Use --replace to put the backup in its place.")
    # The old file's log would be applied to the new file.
    for old in (file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        old.unlink(missing_ok=True)
    source.chmod(0o600)
    source.replace(file)
    return rows


def _restore_postgres(url: URL, source: Path, environ: Mapping[str, str], *, replace: bool) -> Rows:
    with _postgres(url) as connection:
        if inspect(connection).get_table_names() and not replace:
            raise SettingsError("The database has tables already. Use --replace to put the backup in their place.")
    _run(
        url,
        "pg_restore",
        [
            "--clean",
            "--if-exists",
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            f"--dbname={url.database}",
            str(source),
        ],
        environ,
    )
    with _postgres(url) as connection:
        return _count(connection)


def _count(connection: Connection) -> Rows:
    found = connection.execute(
        text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'dbos') ORDER BY schemaname, tablename")
    )
    names = [(schema, name) for schema, name in found]
    return {
        f"{schema}.{name}": int(connection.scalar(text(f'SELECT count(*) FROM "{schema}"."{name}"')) or 0)  # noqa: S608
        for schema, name in names
    }


@contextmanager
def _postgres(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, pool_size=1, max_overflow=0)
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise SettingsError("PREPKIT_DATABASE_URL: the database cannot be reached or read.") from error
    finally:
        engine.dispose()


def _run(url: URL, tool: str, arguments: list[str], environ: Mapping[str, str]) -> None:
    """One of PostgreSQL's tools; the password goes by environment, where other users cannot read it."""
    program = shutil.which(tool, path=environ.get("PATH"))
    if program is None:
        raise SettingsError(f"{tool} is not installed here (apt-get install postgresql-client).")
    query = dict(url.query)
    where = {
        "PGHOST": str(query.get("host") or url.host or ""),
        "PGPORT": str(query.get("port") or url.port or ""),
        "PGUSER": url.username or "",
    }
    where |= {"PGDATABASE": url.database or "", "PGPASSWORD": str(url.password or "")}
    ran = subprocess.run(  # noqa: S603
        [program, *arguments],
        env={**environ, **{name: value for name, value in where.items() if value}},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        # Its last line, without the values of rows that a failed statement may show.
        said = ran.stderr.strip().splitlines() or ["it said nothing"]
        raise SettingsError(f"{tool} failed: {said[0][:200]}")
