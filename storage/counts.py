"""How often somebody has asked, counted once for all servers on a database: a storage of the `limits` library with one row a window.

One upsert a request, by the database's clock: three processes let through what one would. Windows are fixed, so across a boundary up to twice the rate may pass,
which the library's moving windows in one process do not allow. Read next: `web.limiting`.
"""

from __future__ import annotations

from datetime import timedelta

from limits.aio.storage import Storage
from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from .database import Database
from .tables import rate_counts


class PostgresCounts(Storage):
    """Implements `limits.aio.storage.Storage` for fixed windows."""

    STORAGE_SCHEME = None

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._engine = database.engine

    @property
    def base_exceptions(self) -> type[Exception]:
        """What goes wrong below."""
        return SQLAlchemyError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to the window, a new one when the last has run out; its count."""
        now = func.clock_timestamp()
        ends = now + timedelta(seconds=expiry)
        over = rate_counts.c.expires_at <= now
        new = insert(rate_counts).values(key=key, n=amount, expires_at=ends)
        statement = new.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "n": case((over, amount), else_=rate_counts.c.n + amount),
                "expires_at": case((over, ends), else_=rate_counts.c.expires_at),
            },
        ).returning(rate_counts.c.n)
        async with self._engine.begin() as connection:
            count = int(await connection.scalar(statement) or 0)
            if count == amount:
                await connection.execute(delete(rate_counts).where(rate_counts.c.expires_at <= now, rate_counts.c.key != key))
        return count

    async def get(self, key: str) -> int:
        """The window's count."""
        statement = select(rate_counts.c.n).where(rate_counts.c.key == key, rate_counts.c.expires_at > func.clock_timestamp())
        async with self._engine.connect() as connection:
            return int(await connection.scalar(statement) or 0)

    async def get_expiry(self, key: str) -> float:
        """When the window ends, in seconds since 1970; now when there is none."""
        ends = select(func.extract("epoch", rate_counts.c.expires_at)).where(rate_counts.c.key == key)
        async with self._engine.connect() as connection:
            found = await connection.scalar(ends)
            return float(found if found is not None else await connection.scalar(select(func.extract("epoch", func.now()))) or 0)

    async def check(self) -> bool:
        """Whether it can count."""
        async with self._engine.connect() as connection:
            return await connection.scalar(select(1)) == 1

    async def reset(self) -> int | None:
        """Forget everything."""
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(rate_counts))).rowcount

    async def clear(self, key: str) -> None:
        """Forget one."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(rate_counts).where(rate_counts.c.key == key))
