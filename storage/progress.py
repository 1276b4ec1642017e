"""Facts of reports and sums over them: statistics, trends and comparison without opening a single report. Read next: `reports`.

Interviews that answer one question of another again are practice and count nowhere (M15).
Every query here walks one index, so that it takes the same few milliseconds with a hundred thousand interviews stored.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Exists, Row, exists, func, select

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.session import SessionStatus
from bridge.domain.standing import Points, ReportFacts, Scores, TypeTotals
from bridge.ports import StoredReport

from .columns import as_uuid
from .reports import stored_report
from .tables import interview_reports, interview_sessions, report_facts, session_branches
from .transaction import TransactionPart

HELD = (SessionStatus.COMPLETED, SessionStatus.PARTIAL)
NO_UUID = "00000000-0000-0000-0000-000000000000"


class ProgressRows(TransactionPart):
    """The progress part of a transaction."""

    async def save_facts(self, facts: ReportFacts) -> None:
        """Keep a report's facts in place of the session's older ones; of a repeat none are kept. Raises NotFound for an unknown session."""
        if await self.connection.scalar(select(_repeats(as_uuid(facts.session_id)))):
            return
        row = {
            "session_id": facts.session_id,
            "user_id": facts.user_id,
            "report_id": facts.report_id,
            "type": facts.type,
            "difficulty": facts.difficulty,
            "at": facts.at,
            "overall_score": facts.overall_score,
            "facts": {
                "dimensions": dict(facts.dimensions),
                "areas": dict(facts.areas),
                "concepts": {slug: asdict(points) for slug, points in facts.concepts.items()},
            },
        }
        await self.change(self.upsert(report_facts, ["session_id"]).values(row))

    async def facts(self, user_id: str, *, limit: int, type: InterviewType | None = None) -> list[ReportFacts]:
        """The person's newest facts, newest first."""
        f = report_facts.c
        wanted = [f.user_id == as_uuid(user_id), *([f.type == type] if type else [])]
        statement = select(report_facts).where(*wanted).order_by(f.at.desc(), f.session_id.desc()).limit(limit)
        return [_facts(row) for row in await self.connection.execute(statement)]

    async def facts_before(self, user_id: str, type: InterviewType, before: datetime) -> ReportFacts | None:
        """Those of the person's last interview of this type with a score that was held before the moment."""
        f = report_facts.c
        wanted = (f.user_id == as_uuid(user_id), f.type == type, f.at < before, f.overall_score.is_not(None))
        row = (await self.connection.execute(select(report_facts).where(*wanted).order_by(f.at.desc()).limit(1))).one_or_none()
        return _facts(row) if row else None

    async def reports_without_facts(self, *, after: str, limit: int) -> list[StoredReport]:
        """Newest versions of reports whose facts are not kept: an older version of this program wrote them.

        In order of session id, from the one after `after` (empty for the first).
        """
        s, f = interview_sessions.c, report_facts.c
        newer = interview_reports.alias()
        wanted = (
            s.id > (as_uuid(after) or NO_UUID),
            s.status.in_(HELD),
            ~exists().where(f.session_id == s.id),
            ~_repeats(s.id),
            ~exists().where(newer.c.session_id == s.id, newer.c.version > interview_reports.c.version),
        )
        joined = select(interview_reports).join(interview_sessions, s.id == interview_reports.c.session_id)
        rows = await self.connection.execute(joined.where(*wanted).order_by(s.id).limit(limit))
        return [stored_report(row) for row in rows]

    async def changed_at(self, user_id: str) -> datetime | None:
        """When anything last changed in the person's interviews; None without any. What is summed over them may be kept until then."""
        s = interview_sessions.c
        moment: datetime | None = await self.connection.scalar(
            select(func.max(s.updated_at)).where(s.user_id == as_uuid(user_id))
        )
        return moment

    async def type_totals(self, user_id: str) -> list[TypeTotals]:
        """Sums over the interviews that were held, by type; types without one are left out."""
        s, f = interview_sessions.c, report_facts.c
        held = (
            select(s.type, func.count().label("n"), func.sum(s.elapsed_ms).label("ms"), func.max(s.started_at).label("last"))
            .where(s.user_id == as_uuid(user_id), s.status.in_(HELD), ~_repeats(s.id))
            .group_by(s.type)
        )
        scored = (
            select(
                f.type, func.count().label("n"), func.sum(f.overall_score).label("sum"), func.max(f.overall_score).label("best")
            )
            .where(f.user_id == as_uuid(user_id), f.overall_score.is_not(None))
            .group_by(f.type)
        )
        scores = {row.type: row for row in await self.connection.execute(scored)}
        totals = []
        for row in await self.connection.execute(held):
            own = scores.get(row.type)
            average = int(own.sum) / own.n if own else None
            totals.append(
                TypeTotals(
                    row.type, row.n, int(row.ms) // 1000, row.last, own.n if own else 0, average, own.best if own else None
                )
            )
        return sorted(totals, key=lambda total: list(InterviewType).index(total.type))

    async def scores(self, type: InterviewType, difficulty: Difficulty) -> Scores:
        """Scores of everybody's interviews of one type and difficulty."""
        f = report_facts.c
        wanted = (f.type == type, f.difficulty == difficulty, f.overall_score.is_not(None))
        people = await self.connection.scalar(select(func.count(f.user_id.distinct())).where(*wanted))
        counted = select(f.overall_score, func.count()).where(*wanted).group_by(f.overall_score).order_by(f.overall_score)
        return Scores(people or 0, {row[0]: row[1] for row in await self.connection.execute(counted)})


def _repeats(session_id: Any) -> Exists:
    """Whether an interview answers one question of another again: practice, which counts in no number."""
    return exists().where(session_branches.c.session_id == session_id)


def _facts(row: Row[Any]) -> ReportFacts:
    kept = row.facts
    return ReportFacts(
        session_id=row.session_id,
        user_id=row.user_id,
        report_id=row.report_id,
        type=row.type,
        difficulty=row.difficulty,
        at=row.at,
        overall_score=row.overall_score,
        dimensions=kept["dimensions"],
        areas=kept["areas"],
        concepts={slug: Points(**points) for slug, points in kept["concepts"].items()},
    )
