"""A connection to an SQLite file on a thread of its own, which is visited once a statement.

aiosqlite visits it for the cursor, for the statement, for its rows and for closing the cursor, and each visit ends in a turn of the event loop of its own: fourteen in a
transaction that writes a turn, while every other writer waits. Here one visit does all of it, so no statement is left open either, whoever is cancelled meanwhile.
SQLAlchemy's own wrapper stands before it. Read next: `engines`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import aiosqlite

ITER_CHUNK_SIZE = 64
"""aiosqlite asks for one; nothing here reads in chunks."""


class _Done(NamedTuple):
    """What a cursor knew when its statement was through."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: Sequence[Any] = ()


class Cursor:
    """As much of aiosqlite's cursor as SQLAlchemy uses: a statement, and then all its rows."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._done = _Done()

    async def __aenter__(self) -> Cursor:
        return self

    @property
    def description(self) -> Any:
        """The columns of the rows, None of a statement that has none."""
        return self._done.description

    @property
    def rowcount(self) -> int:
        """Rows changed; -1 of a statement that changes none."""
        return self._done.rowcount

    @property
    def lastrowid(self) -> int | None:
        """Of the row inserted last."""
        return self._done.lastrowid

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """One statement. Raises sqlite3's errors, and ValueError once the connection is closed."""
        self._done = await self._connection.visit("execute", sql, parameters)

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        """The statement once for each of these, in the one visit."""
        self._done = await self._connection.visit("executemany", sql, parameters)

    async def fetchall(self) -> Sequence[Any]:
        """The rows, which are here already, once."""
        rows = self._done.rows
        self._done = self._done._replace(rows=())
        return rows

    async def close(self) -> None:
        """Nothing is open."""


class Connection(aiosqlite.Connection):
    """aiosqlite's, but for its cursors."""

    def cursor(self) -> Cursor:  # type: ignore[override]  # of another class, and made without a visit
        """A cursor, which costs nothing yet."""
        return Cursor(self)

    async def visit(self, method: str, sql: str, parameters: Sequence[Any]) -> _Done:
        """Have the statement done on the thread."""
        done: _Done = await self._execute(_statement, self._conn, method, sql, parameters)  # type: ignore[no-untyped-call]
        return done


def _statement(connection: sqlite3.Connection, method: str, sql: str, parameters: Sequence[Any]) -> _Done:
    cursor = connection.cursor()
    try:
        getattr(cursor, method)(sql, parameters)
        rows = cursor.fetchall() if cursor.description else ()
        return _Done(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    finally:
        # Left to the garbage collector, an open one would keep the file locked after its connection was closed.
        cursor.close()


async def connect(path: str, **options: Any) -> Connection:
    """Open the file, with options of `sqlite3.connect`. Raises sqlite3.OperationalError."""
    connection = Connection(partial(sqlite3.connect, path, **options), ITER_CHUNK_SIZE)
    # A process that ends does not wait for whoever forgot to close.
    connection._thread.daemon = True
    await connection
    return connection
