"""The database: opens it, hands out transactions, says whether it is fit for use. Read next: `unit_of_work`, `engines`.

One act is one `async with database.begin() as tx`. Writers take the write lock at once (`BEGIN IMMEDIATE`), so a transaction that reads
and then writes never loses an update; a nested `begin` inside one would wait for itself and fail after 30 s.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Self
from uuid import uuid4

from sqlalchemy import URL, Connection, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from bridge.domain.pricing import ExchangeRate
from bridge.errors import Conflict, SettingsError

from . import engines
from .job_queue import JobQueue
from .migrate import newest_revision
from .unit_of_work import Transaction

SCRUB_TRIES = 5
SCRUB_WAIT_SECONDS = 0.2
LOCAL = "local"
"""The one process that works with an SQLite file; its jobs and calls are found again under this name."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Database:
    """Implements `bridge.ports.Store` on SQLite and PostgreSQL. Made by `await Database.open(url)`."""

    def __init__(self, url: URL, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.url = url
        self.engine = engines.writer_engine(url)
        self.jobs_engine = engines.jobs_engine(url)
        self.jobs = JobQueue(self.jobs_engine)
        self._readers = engines.reader_engine(url, self.engine)
        self._clock = clock
        self._scrubbing = asyncio.Lock()
        self.rate = ExchangeRate()
        """What a dollar is; whoever opens it for a server says what the settings do (C-08)."""
        self.node = LOCAL if engines.is_sqlite(url) else f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid4().hex[:8]}"
        """This process among those on the database. Never twice the same over PostgreSQL: the job engine runs every job of a shared id in both."""

    @classmethod
    async def open(cls, url: str, *, clock: Callable[[], datetime] = utc_now) -> Self:
        """Open an existing or new database; `migrate` must have made its tables. Raises SettingsError when out of reach."""
        parsed = engines.parse(url)
        if engines.is_sqlite(parsed):
            engines.make_file(parsed)
        database = cls(parsed, clock=clock)
        try:
            async with database.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            await database.close()
            raise SettingsError("PREPKIT_DATABASE_URL: the database cannot be reached.") from error
        return database

    def time_statements(self, note: Callable[[float], None]) -> None:
        """Have the seconds of every statement from now on noted."""

        def began(connection: Connection, *_: object) -> None:
            connection.info["prepkit_began"] = time.perf_counter()

        def ended(connection: Connection, *_: object) -> None:
            note(time.perf_counter() - connection.info.pop("prepkit_began", time.perf_counter()))

        for engine in {self.engine.sync_engine, self._readers.sync_engine}:
            event.listen(engine, "before_cursor_execute", began)
            event.listen(engine, "after_cursor_execute", ended)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return engines.is_sqlite(self.url)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """A read-write transaction: commits when its block ends well, rolls back when it raises."""
        async with self.engine.begin() as connection:
            tx = Transaction(connection, self.jobs, now=self._clock, node=self.node, rate=self.rate)
            yield tx
            tx.check_sound()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A read-only snapshot that never waits for a writer."""
        async with self._readers.connect() as connection:
            yield Transaction(connection, self.jobs, now=self._clock, node=self.node, read_only=True, rate=self.rate)

    def is_away(self, error: BaseException) -> bool:
        """PostgreSQL that restarts or cannot be reached; an SQLite file that somebody else has locked."""
        if self.is_sqlite:
            return isinstance(error, OperationalError) and "locked" in str(error.orig)
        return isinstance(error, OperationalError | InterfaceError) or (
            isinstance(error, DBAPIError) and error.connection_invalidated
        )

    async def ping(self) -> None:
        """Raise SettingsError when the database cannot be written or is not at the newest migration."""
        if self.is_sqlite:
            engines.check_file(self.url)
        try:
            async with self.engine.connect() as connection:
                # A real write, never committed: a full disk, a read-only file and a standby server all refuse it.
                await connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
                current = await connection.scalar(text("SELECT version_num FROM alembic_version"))
                await connection.rollback()
        except SQLAlchemyError as error:
            raise SettingsError("The database cannot be written, or has no tables yet: run prepkit migrate.") from error
        if current != newest_revision():
            raise SettingsError(
                f"The database is at migration {current}, this version needs {newest_revision()}: run prepkit migrate."
            )

    async def scrub(self) -> None:
        """Empty SQLite's log of changes into the file, where deleted rows are overwritten with zeros; nothing to do on a server.

        A reader that stays longer than the wait keeps it from being emptied: raises Conflict, to be tried again.
        """
        if not self.is_sqlite:
            return
        # One at a time: a second one is turned away at once, however long it would wait.
        async with self._scrubbing:
            for _ in range(SCRUB_TRIES):
                if await asyncio.to_thread(engines.empty_log, self.url):
                    return
                await asyncio.sleep(SCRUB_WAIT_SECONDS)
        raise Conflict("The database is too busy to be cleaned at this moment.")

    async def close(self) -> None:
        """Close every connection. Jobs must have been stopped."""
        await self._readers.dispose()
        await self.engine.dispose()
        self.jobs.close()
        self.jobs_engine.dispose()
