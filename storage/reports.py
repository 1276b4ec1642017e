"""Reports: numbered versions of a session's report, the same content never twice (C-23, C-33). Read next: `jobs`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, select

from bridge.errors import NotFound
from bridge.ports import StoredReport

from .columns import as_uuid
from .tables import interview_reports
from .transaction import TransactionPart


class ReportRows(TransactionPart):
    """The report part of a transaction."""

    async def add_report(self, report: StoredReport) -> bool:
        """Insert a version; False when the session has this content already. Raises Conflict for a taken version."""
        known = as_uuid(report.session_id)
        if known is None:
            raise NotFound("There is no such interview.")
        statement = self.insert(interview_reports).values(asdict(report) | {"session_id": known})
        # RETURNING, because psycopg reports no row count for such an INSERT.
        result = await self.change(
            statement.on_conflict_do_nothing(index_elements=["session_id", "content_hash"]).returning(interview_reports.c.id),
            taken="This interview has another report of this version.",
        )
        return result.scalar_one_or_none() is not None

    async def report(self, session_id: str) -> StoredReport | None:
        """The newest version."""
        r = interview_reports.c
        statement = select(interview_reports).where(r.session_id == as_uuid(session_id))
        row = (await self.connection.execute(statement.order_by(r.version.desc()).limit(1))).one_or_none()
        return stored_report(row) if row else None

    async def reports(self, session_id: str) -> list[StoredReport]:
        """Every version, oldest first."""
        r = interview_reports.c
        statement = select(interview_reports).where(r.session_id == as_uuid(session_id)).order_by(r.version)
        return [stored_report(row) for row in await self.connection.execute(statement)]


def stored_report(row: Row[Any]) -> StoredReport:
    """A row as the port's report."""
    return StoredReport(
        id=row.id,
        session_id=row.session_id,
        version=row.version,
        generated_at=row.generated_at,
        overall_score=row.overall_score,
        content_hash=row.content_hash,
        body=row.body,
    )
