"""Which process holds a live call, so that one of several servers on one database may take a call over and the other cannot write any more.

The holder's row is read with a lock in every transaction that appends to the log: taking over waits for the append before it, and every append after it is
refused. Read next: `log`, `nodes`.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, false, func, select

from bridge.errors import Conflict

from .columns import as_uuid
from .tables import call_holders, job_nodes
from .transaction import TransactionPart

SILENCE_SECONDS = 30.0
"""A process that has not said anything for this long is dead."""


class HolderRows(TransactionPart):
    """The part of a transaction about who holds a call."""

    async def hold_call(self, session_id: str) -> None:
        """Make this process the holder, whoever was it before."""
        row = {"session_id": as_uuid(session_id), "node": self.node, "since": self.now()}
        await self.change(self.upsert(call_holders, ("session_id",)), [row])

    async def release_call(self, session_id: str) -> bool:
        """Let go; False when another process has taken the call over, which is then none of ours."""
        holder = await self._holder(session_id)
        if holder not in (None, self.node):
            return False
        await self.connection.execute(delete(call_holders).where(call_holders.c.session_id == as_uuid(session_id)))
        return True

    async def held_elsewhere(self, session_id: str) -> str | None:
        """Another process that lives and holds the call, or None."""
        statement = select(call_holders.c.node).where(call_holders.c.session_id == as_uuid(session_id), self._living_others())
        node: str | None = await self.connection.scalar(statement)
        return node

    async def calls_held(self) -> frozenset[str]:
        """Session ids of all calls that this or another living process holds."""
        own = select(call_holders.c.session_id).where(call_holders.c.node == self.node)
        others = select(call_holders.c.session_id).where(self._living_others())
        return frozenset((await self.connection.scalars(own.union(others))).all())

    async def forget_own_calls(self) -> None:
        """Before this process holds any: what an earlier one of the same id held is free."""
        await self.connection.execute(delete(call_holders).where(call_holders.c.node == self.node))

    async def check_holder(self, session_id: str) -> None:
        """Raise Conflict when another process holds the call, on PostgreSQL: every process on an SQLite file goes by one name (`Database.node`), so nobody would be refused."""
        if self.dialect == "sqlite":
            return
        holder = await self._holder(session_id)
        if holder not in (None, self.node):
            raise Conflict("This interview goes on in another process.")

    async def _holder(self, session_id: str) -> str | None:
        statement = select(call_holders.c.node).where(call_holders.c.session_id == as_uuid(session_id))
        # SQLite has one writer, who has the lock already, and ignores the lock asked for here.
        node: str | None = await self.connection.scalar(statement.with_for_update(read=True))
        return node

    def _living_others(self) -> ColumnElement[bool]:
        """Held by another process that has said lately that it lives; an SQLite file has no others."""
        if self.dialect == "sqlite":
            return false()
        lately = func.clock_timestamp() - timedelta(seconds=SILENCE_SECONDS)
        living = select(job_nodes.c.id).where(job_nodes.c.id != self.node, job_nodes.c.seen_at >= lately)
        return call_holders.c.node.in_(living)
