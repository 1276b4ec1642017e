"""Gradings that were paid for, and how far a report in the making is. Read next: `reports`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, select

from bridge.errors import NotFound
from bridge.ports import StoredGrade

from .columns import as_uuid
from .tables import model_grades, report_progress
from .transaction import TransactionPart


class GradingRows(TransactionPart):
    """The grading part of a transaction."""

    async def add_grade(self, session_id: str, grade: StoredGrade) -> None:
        """Keep an answer of the model's; nothing happens when there is one of this key and run. Raises NotFound."""
        row = asdict(grade) | {"session_id": _known(session_id)}
        statement = self.insert(model_grades).values(row)
        await self.change(statement.on_conflict_do_nothing(index_elements=["session_id", "key", "run"]))

    async def grades(self, session_id: str) -> list[StoredGrade]:
        """All that are kept."""
        g = model_grades.c
        statement = select(model_grades).where(g.session_id == as_uuid(session_id)).order_by(g.key, g.run)
        return [
            StoredGrade(row.key, row.run, row.model, row.prompt, row.body, row.at)
            for row in await self.connection.execute(statement)
        ]

    async def set_progress(self, session_id: str, progress: dict[str, Any]) -> None:
        """Say how far the report is. Raises NotFound for an unknown session."""
        statement = self.upsert(report_progress, ["session_id"])
        await self.change(statement.values(session_id=_known(session_id), progress=progress))

    async def progress(self, session_id: str) -> dict[str, Any] | None:
        """What was said last; None while no report is being made."""
        p = report_progress.c
        found: dict[str, Any] | None = await self.connection.scalar(select(p.progress).where(p.session_id == as_uuid(session_id)))
        return found

    async def drop_progress(self, session_id: str) -> None:
        """The report is made, or given up."""
        await self.connection.execute(delete(report_progress).where(report_progress.c.session_id == as_uuid(session_id)))


def _known(session_id: str) -> str:
    known = as_uuid(session_id)
    if known is None:
        raise NotFound("There is no such interview.")
    return known
