"""Transactions, snapshots, fitness, on both databases."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bridge.errors import SettingsError
from bridge.ports import Store
from storage.database import Database

from .samples import stored


async def test_it_is_the_store_of_the_ports(database: Database):
    """M1: the type checker reads this test; a transaction that raises leaves nothing."""
    store: Store = database
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - it is raised inside the transaction
        async with store.begin() as tx:
            await tx.single_user()
            raise ZeroDivisionError

    async with database.read() as tx:
        assert await tx.connection.scalar(text("SELECT count(*) FROM users")) == 0


async def test_no_update_is_lost(database: Database):
    """R-155: 100 transactions at once that read and then write all count."""
    made = await stored(database)

    async def count_up() -> None:
        async with database.begin() as tx:
            found = await tx.session(made.id, for_update=True)
            assert found is not None
            await tx.save_session(replace(found, elapsed_ms=found.elapsed_ms + 1))

    await asyncio.gather(*(count_up() for _ in range(100)))

    async with database.read() as tx:
        found = await tx.session(made.id)
    assert found is not None
    assert found.elapsed_ms == 100


async def test_a_reader_sees_one_moment_and_waits_for_nobody(database: Database):
    """R-155: while a writer holds its lock, a reader reads what was; its snapshot does not change under it."""
    made = await stored(database)
    async with database.begin() as writer:
        await writer.save_session(replace(made, elapsed_ms=1))
        started = time.perf_counter()
        async with database.read() as tx:
            assert made == await tx.session(made.id)
        assert time.perf_counter() - started < 1

    async with database.read() as tx:
        before = await tx.session(made.id)
        async with database.begin() as writer:
            await writer.save_session(replace(made, elapsed_ms=2))
        assert before == await tx.session(made.id)


async def test_many_readers_and_waiting_writers(database: Database):
    """R-155: writers that queue do not use up the readers' connections."""
    made = await stored(database)

    async def write() -> None:
        async with database.begin() as tx:
            await tx.save_session(made)

    async with database.begin() as tx:
        await tx.save_session(made)
        writers = [asyncio.create_task(write()) for _ in range(5 if database.is_sqlite else 2)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5), database.read() as reader:
            assert made == await reader.session(made.id)
    await asyncio.gather(*writers)


async def test_a_reader_cannot_write(database: Database):
    """M1: a snapshot refuses writes on both databases, before they can lose anything."""
    made = await stored(database)

    with pytest.raises(SQLAlchemyError):
        async with database.read() as tx:
            await tx.save_session(replace(made, elapsed_ms=1))

    async with database.begin() as tx:
        assert made == await tx.session(made.id)
        await tx.save_session(made)


async def test_a_cancelled_writer_leaves_nothing_and_blocks_nobody(database: Database):
    """M1: a task killed in mid-transaction rolls back; the next writer goes on at once."""
    made = await stored(database)
    inside = asyncio.Event()

    async def write_and_hang() -> None:
        async with database.begin() as tx:
            await tx.save_session(replace(made, elapsed_ms=9))
            inside.set()
            await asyncio.Event().wait()

    async def write_for_ever() -> None:
        while True:
            async with database.begin() as tx:
                await tx.save_session(replace(made, elapsed_ms=9))
                await tx.session(made.id, for_update=True)
                await tx.save_session(made)

    for victim in (write_and_hang, write_for_ever):
        for delay in (0, 0.001, 0.003, 0.007):
            inside.clear()
            task = asyncio.create_task(victim())
            if victim is write_and_hang:
                await inside.wait()
            await asyncio.sleep(delay)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5), database.begin() as tx:
                assert made == await tx.session(made.id)


async def test_fit_for_use(database: Database):
    """R-152: ready when it can be written and is at the newest migration; asking changes nothing."""
    await database.ping()
    async with database.begin() as tx:
        await tx.connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))

    with pytest.raises(SettingsError, match="prepkit migrate"):
        await database.ping()


async def test_not_fit_without_tables(empty_url: str):
    """R-152: an empty database is reachable, but not ready."""
    database = await Database.open(empty_url)
    try:
        with pytest.raises(SettingsError, match="prepkit migrate"):
            await database.ping()
    finally:
        await database.close()


async def test_a_read_only_file_is_not_fit(sqlite_url: str):
    """R-152: a file nobody may write is not ready."""
    database = await Database.open(sqlite_url)
    try:
        async with database.engine.connect() as connection:
            await connection.execute(text("PRAGMA query_only=ON"))
        with pytest.raises(SettingsError, match="written"):
            await database.ping()
    finally:
        await database.close()


async def test_settings_of_the_file(tmp_path: Path):
    """R-115, R-155: what was measured is what runs; deleted words are overwritten; nobody else may read the file."""
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/new/folder/prepkit.db")
    try:
        async with database.engine.connect() as connection:
            pragmas = ["journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout"]
            found = [await connection.scalar(text(f"PRAGMA {pragma}")) for pragma in pragmas]
    finally:
        await database.close()

    assert found == ["wal", 2, 1, 1, 30_000]
    assert (tmp_path / "new/folder/prepkit.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new/folder").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite:///x.db", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "mysql://u:secret@h/db"],
)
async def test_a_url_of_another_kind_is_refused(url: str):
    """R-146: one sentence that names the setting and shows no password."""
    with pytest.raises(SettingsError, match="PREPKIT_DATABASE_URL") as refused:
        await Database.open(url)
    assert "secret" not in refused.value.message


async def test_a_server_that_is_not_there(tmp_path: Path):
    """R-146: refused at once, in words, without the password."""
    with pytest.raises(SettingsError, match="PREPKIT_DATABASE_URL") as refused:
        await Database.open(f"postgresql+psycopg://prepkit:secret@/prepkit?host={tmp_path}")
    assert "secret" not in refused.value.message
