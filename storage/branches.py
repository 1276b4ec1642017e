"""Questions answered again, beside what they repeat (M15). Read next: `sessions`."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import insert, select

from bridge.domain.branch import Attempt, Branch

from .columns import as_uuid
from .progress import HELD
from .tables import interview_reports, interview_sessions, session_branches
from .transaction import TransactionPart


class BranchRows(TransactionPart):
    """The part of a transaction about repeats."""

    async def add_branch(self, branch: Branch) -> None:
        """Keep the link. Raises NotFound for an unknown session, Conflict when the session has one."""
        await self.change(insert(session_branches), [asdict(branch)], taken="This interview repeats a question already.")

    async def branch(self, session_id: str) -> Branch | None:
        """What the interview repeats, if it does."""
        statement = select(session_branches).where(session_branches.c.session_id == as_uuid(session_id))
        row = (await self.connection.execute(statement)).one_or_none()
        return Branch(row.session_id, row.origin_id, row.question_id) if row else None

    async def attempts(self, origin_id: str) -> list[Attempt]:
        """Repeats of an interview's questions that were held and not deleted, oldest first."""
        b, s, r = session_branches.c, interview_sessions.c, interview_reports.c
        newest = select(r.overall_score).where(r.session_id == b.session_id).order_by(r.version.desc()).limit(1).scalar_subquery()
        statement = (
            select(b.session_id, b.question_id, s.started_at, s.created_at, newest.label("score"))
            .join(interview_sessions, s.id == b.session_id)
            .where(b.origin_id == as_uuid(origin_id), s.status.in_(HELD))
            .order_by(s.created_at, s.id)
        )
        return [
            Attempt(row.session_id, row.question_id, row.started_at or row.created_at, row.score)
            for row in await self.connection.execute(statement)
        ]
