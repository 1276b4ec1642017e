"""A process that ends itself with SIGKILL at the N-th instant of its work, for tests of what a kill leaves.

Instants are right before and right after everything that leaves a trace, so that each N is another point of the work.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.ports import Tx
from storage.database import Database


class Fuse:
    """Kills the process at its N-th instant; with N of 0 never."""

    def __init__(self, at: int) -> None:
        self._left = at

    def instant(self, *_: object) -> None:
        """One more."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class FusedStore:
    """A database with instants around its commits and its scrubbing."""

    def __init__(self, database: Database, fuse: Fuse) -> None:
        self._database, self._fuse = database, fuse
        self.read = database.read
        self.ping = database.ping

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """As the database's."""
        async with self._database.begin() as tx:
            yield tx
            self._fuse.instant()
        self._fuse.instant()

    async def scrub(self) -> None:
        """As the database's."""
        await self._database.scrub()
        self._fuse.instant()
