"""What every part of a transaction shares: the connection, the clock, and statements that refuse politely. Read next: `unit_of_work`.

A unique constraint that bites becomes Conflict, a missing parent NotFound. Either one spoils the transaction: it can only roll back,
even when the error is caught inside its block, because PostgreSQL would turn the commit into a silent rollback.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import CursorResult, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import Executable

from bridge.domain.pricing import ExchangeRate
from bridge.errors import Conflict, NotFound, PrepkitError

_UNIQUE = {"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}
_FOREIGN_KEY = {"23503", "SQLITE_CONSTRAINT_FOREIGNKEY"}


class TransactionPart:
    """Base of the parts a transaction is made of."""

    def __init__(
        self,
        connection: AsyncConnection,
        *,
        now: Callable[[], datetime],
        node: str = "local",
        read_only: bool = False,
        rate: ExchangeRate | None = None,
    ) -> None:
        self.connection = connection
        self.node = node
        """This process among those on the database."""
        self.now = now
        self.read_only = read_only
        self.rate = rate or ExchangeRate()
        """What a dollar is, for what is booked now."""
        self._spoilt: PrepkitError | None = None

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.connection.dialect.name

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT."""
        return _insert(self.dialect, table)

    def upsert(self, table: Table, key: Sequence[str]) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that updates every other column of a row with the same key."""
        return _upsert(self.dialect, table, tuple(key))

    async def change(
        self,
        statement: Executable,
        rows: Sequence[Mapping[str, Any]] | None = None,
        *,
        taken: str = "It exists already.",
        missing: str = "There is no such interview.",
    ) -> CursorResult[Any]:
        """Execute. Raises Conflict(taken) for a unique constraint and NotFound(missing) for a foreign key."""
        try:
            return await self.connection.execute(statement, rows)
        except IntegrityError as error:
            code = _code(error)
            if code not in _UNIQUE | _FOREIGN_KEY:
                raise
            self._spoilt = Conflict(taken) if code in _UNIQUE else NotFound(missing)
            raise self._spoilt from error

    def check_sound(self) -> None:
        """Raise, once more, the error that spoilt this transaction."""
        if self._spoilt is not None:
            raise self._spoilt


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@cache
def _upsert(dialect: str, table: Table, key: tuple[str, ...]) -> sqlite.Insert | postgresql.Insert:
    # Made once: to name the row that is in the way, SQLAlchemy copies every column of the table.
    statement = _insert(dialect, table)
    kept = {*key, *(column.name for column in table.primary_key)}
    changed = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in kept}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


def _code(error: IntegrityError) -> str:
    driver = error.driver_exception
    return str(getattr(driver, "sqlstate", None) or getattr(driver, "sqlite_errorname", ""))
