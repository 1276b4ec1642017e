"""One visit to the file's thread a statement, and nothing left open there (M1, performance.md: a turn is written in milliseconds beside many calls)."""

import asyncio
import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from storage import engines
from storage.sqlite_connection import connect

MADE = "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"
ADDED = "INSERT INTO things (name) VALUES (?)"


@pytest.fixture
async def connection(tmp_path):
    """To a new file with one table."""
    made = await connect(str(tmp_path / "things.db"), timeout=1)
    await made.cursor().execute(MADE)
    await made.commit()
    yield made
    await made.close()


async def test_a_transaction_visits_once_a_statement(sqlite_url, monkeypatch):
    """Begin, two statements of which one gives rows, commit; and what the pool does when it takes the connection back."""
    engine = engines.writer_engine(engines.parse(sqlite_url))
    visits = []
    async with engine.connect() as opened:
        raw = (await opened.get_raw_connection()).driver_connection
    execute = raw._execute

    async def noted(function, *args, **kwargs):
        visits.append(args[1:3] if args else function.__name__)
        return await execute(function, *args, **kwargs)

    monkeypatch.setattr(raw, "_execute", noted)
    async with engine.begin() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = version_num"))
        assert (await tx.execute(text("SELECT 1, 2"))).all() == [(1, 2)]
    await engine.dispose()

    assert visits[:4] == [
        ("execute", "BEGIN IMMEDIATE"),
        ("execute", "UPDATE alembic_version SET version_num = version_num"),
        ("execute", "SELECT 1, 2"),
        "commit",
    ]
    assert set(visits[4:]) <= {"rollback", "close"}


async def test_a_cursor_knows_what_sqlite_said(connection):
    """Rows, how many were changed, and the newest row's id."""
    cursor = connection.cursor()
    await cursor.execute(ADDED, ("a",))
    assert (cursor.rowcount, cursor.lastrowid, cursor.description) == (1, 1, None)
    await cursor.executemany(ADDED, [("b",), ("c",)])
    assert cursor.rowcount == 2
    await cursor.execute("DELETE FROM things WHERE id > ? RETURNING name", (1,))
    assert (list(await cursor.fetchall()), cursor.rowcount) == ([("b",), ("c",)], 2)
    assert [column[0] for column in cursor.description] == ["name"]


async def test_what_sqlite_refuses_is_raised_as_it_is(connection, sqlite_url):
    """To whoever asks the driver, and through SQLAlchemy as its own kind."""
    await connection.cursor().execute(ADDED, ("a",))
    with pytest.raises(sqlite3.IntegrityError):
        await connection.cursor().execute(ADDED, ("a",))
    engine = engines.writer_engine(engines.parse(sqlite_url))
    with pytest.raises(OperationalError):
        async with engine.begin() as tx:
            await tx.execute(text("SELECT nothing FROM nowhere"))
    with pytest.raises(IntegrityError):
        async with engine.begin() as tx:
            await tx.execute(text("INSERT INTO alembic_version SELECT version_num FROM alembic_version"))
    await engine.dispose()


async def test_nobody_leaves_the_file_locked(connection, tmp_path):
    """A writer cancelled within its statement, and one whose error somebody keeps: once their connection is closed the next one writes at once."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO things (name) SELECT i FROM n RETURNING id"
    no_text = "SELECT CAST(x'ff' AS TEXT) UNION ALL SELECT 'more'"
    kept = []
    for statement, cancelled in ((numbers, True), (no_text, False)):
        other = await connect(str(tmp_path / "things.db"), timeout=1)
        await other.cursor().execute("BEGIN IMMEDIATE")
        doing = asyncio.create_task(other.cursor().execute(statement))
        if cancelled:
            await asyncio.sleep(0.02)
            doing.cancel()
        with pytest.raises(asyncio.CancelledError if cancelled else sqlite3.OperationalError) as error:
            await doing
        kept.append(error.value)
        await other.close()
        async with asyncio.timeout(1):
            await connection.cursor().execute("BEGIN IMMEDIATE")
        await connection.rollback()

    cursor = connection.cursor()
    await cursor.execute("SELECT count(*) FROM things")
    assert await cursor.fetchall() == [(0,)]
