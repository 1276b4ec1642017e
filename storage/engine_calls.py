"""Vendors' calls of a session: which there were, where each stands, which are still open accounts (R-051…R-055). Read next: `inbox`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from bridge.domain.upstream import EngineCall
from bridge.errors import NotFound

from .columns import as_uuid
from .tables import engine_calls
from .transaction import TransactionPart

_OLDEST_FIRST = (engine_calls.c.created_at, engine_calls.c.id)
_FIXED = ("engine", "call_id", "session_id", "created_at")


class EngineCallRows(TransactionPart):
    """The part of a transaction that knows vendors' calls."""

    async def add_engine_call(self, call: EngineCall) -> None:
        """Insert. Raises Conflict for a taken (engine, id), NotFound for an unknown session."""
        known = as_uuid(call.session_id)
        if known is None:
            raise NotFound("There is no such interview.")
        row = {**_row(call), "session_id": known}
        await self.change(insert(engine_calls), [row], taken="This engine's call is known already.")

    async def engine_call(self, engine: str, call_id: str, *, for_update: bool = False) -> EngineCall | None:
        """The vendor's call by its own id, or None."""
        statement = select(engine_calls).where(engine_calls.c.engine == engine, engine_calls.c.call_id == call_id)
        if for_update:
            statement = statement.with_for_update()
        row = (await self.connection.execute(statement)).one_or_none()
        return _call(row) if row is not None else None

    async def engine_calls(self, session_id: str) -> list[EngineCall]:
        """Of a session, oldest first."""
        statement = select(engine_calls).where(engine_calls.c.session_id == as_uuid(session_id))
        return [_call(row) for row in await self.connection.execute(statement.order_by(*_OLDEST_FIRST))]

    async def unsettled_calls(self, engine: str, *, before: datetime) -> list[EngineCall]:
        """Created before the moment and not settled, oldest first."""
        c = engine_calls.c
        statement = select(engine_calls).where(c.engine == engine, c.settled_at.is_(None), c.created_at < before)
        return [_call(row) for row in await self.connection.execute(statement.order_by(*_OLDEST_FIRST))]

    async def save_engine_call(self, call: EngineCall) -> None:
        """Write what changes in a call's life. Raises NotFound for an unknown one."""
        life = {column: value for column, value in _row(call).items() if column not in _FIXED}
        statement = update(engine_calls).where(engine_calls.c.engine == call.engine, engine_calls.c.call_id == call.id)
        if (await self.change(statement.values(life))).rowcount == 0:
            raise NotFound("There is no such call.")


def _row(call: EngineCall) -> dict[str, Any]:
    row = asdict(call)
    row["call_id"] = row.pop("id")
    return row


def _call(row: Row[Any]) -> EngineCall:
    return EngineCall(
        id=row.call_id,
        engine=row.engine,
        session_id=row.session_id,
        created_at=row.created_at,
        base_ms=row.base_ms,
        started_at=row.started_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        duration_seconds=row.duration_seconds,
        report_at=row.report_at,
        recording=row.recording,
        settled_at=row.settled_at,
    )
