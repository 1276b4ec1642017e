"""A lock that one process holds and that dies with it, whatever kills it. Read next: `jobs`, its only user.

The lock is SQLite's own, on an empty file beside the database: it works wherever the database does, with no per-platform code.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bridge.errors import SettingsError


class ProcessLock:
    """Held from `take` to `release`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def take(self) -> None:
        """Take it at once, or raise SettingsError when another process has it."""
        connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            connection.close()
            raise SettingsError(
                "Another prepkit process already works with this data folder (PREPKIT_DATA_DIR). Stop it first, "
                "or use PostgreSQL (PREPKIT_DATABASE_URL) for more than one."
            ) from error
        self._connection = connection

    def release(self) -> None:
        """Let go; nothing happens when it is not held."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
