"""What operators ask of the database: feedback, the facts behind the figures, sessions and webhooks found by their columns (R-135, R-140…R-155).

Read next: `bridge.domain.figures`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, delete, func, select, update

from bridge.domain.figures import WINDOW, Facts, Feedback, SessionFact
from bridge.domain.session import SessionStatus
from bridge.domain.spending import so_far
from bridge.ports import DeliveryState, StoredDelivery
from bridge.ports.operators import CallWebhook, FoundSession, SessionQuery

from .columns import as_uuid
from .inbox import delivery_of
from .ledger import entry_of
from .tables import (
    cost_entries,
    engine_calls,
    feedback,
    interview_sessions,
    orders,
    report_facts,
    session_events,
    uptime_spans,
    webhook_deliveries,
)
from .transaction import TransactionPart

MAX_OFFSET = 2**31


class OperatorRows(TransactionPart):
    """The operators' part of a transaction."""

    async def save_feedback(self, given: Feedback) -> None:
        """Keep a session's feedback in place of an older one. Raises NotFound."""
        row = {"session_id": given.session_id, "rating": given.rating, "comment": given.comment, "at": given.at}
        await self.change(self.upsert(feedback, ["session_id"]), [row])

    async def feedback(self, session_id: str) -> Feedback | None:
        """A session's."""
        statement = select(feedback).where(feedback.c.session_id == as_uuid(session_id))
        row = (await self.connection.execute(statement)).one_or_none()
        return Feedback(row.session_id, row.rating, row.comment, row.at) if row else None

    async def newest_feedback(self, *, limit: int) -> list[Feedback]:
        """Of everybody, newest first."""
        statement = select(feedback).order_by(feedback.c.at.desc(), feedback.c.session_id).limit(limit)
        rows = await self.connection.execute(statement)
        return [Feedback(row.session_id, row.rating, row.comment, row.at) for row in rows]

    async def figure_facts(self, since: datetime, now: datetime) -> Facts:
        """What the success metrics are computed from."""
        s, start = interview_sessions.c, now - WINDOW
        rows = await self.connection.execute(
            select(
                s.id, s.user_id, s.started_at, s.status, s.report_status, s.elapsed_ms, s.end_reason, report_facts.c.overall_score
            )
            .select_from(interview_sessions.outerjoin(report_facts, report_facts.c.session_id == s.id))
            .where(s.started_at >= since)
        )
        found = list(rows)
        sessions = [
            SessionFact(
                row.user_id, row.started_at, row.status, row.report_status, row.elapsed_ms, row.end_reason, row.overall_score
            )
            for row in found
        ]
        ratings = list((await self.connection.scalars(select(feedback.c.rating).where(feedback.c.at >= start))).all())
        costs = so_far(
            [entry_of(row) for row in await self.connection.execute(select(cost_entries).where(cost_entries.c.at >= start))]
        )
        o = orders.c
        counted = select(o.status, func.count(), func.sum(o.amount - o.refunded)).where(o.created_at >= start).group_by(o.status)
        by_status = {row[0].value: (int(row[1]), int(row[2] or 0)) for row in await self.connection.execute(counted)}
        u = uptime_spans.c
        spans = await self.connection.execute(select(u.since, u.until).where(u.until >= start))
        e = session_events.c
        took = await self.connection.scalars(
            select(e.data["took_ms"].as_integer()).where(
                e.kind == "tool-answered", e.stored_at >= start, e.data["source"].as_string() == "model"
            )
        )
        return Facts(
            since=since,
            now=now,
            sessions=sessions,
            ratings=ratings,
            costs=costs,
            paid=sum(by_status.get(status, (0, 0))[1] for status in ("completed", "refunded")),
            orders={status: count for status, (count, _) in by_status.items()},
            spans=[(row.since, row.until) for row in spans],
            model_ms=[value for value in took.all() if value is not None],
        )

    async def find_sessions(self, query: SessionQuery) -> tuple[list[FoundSession], int]:
        """Newest first, deleted ones left out; the total beside the page."""
        s, f = interview_sessions.c, feedback.c
        score = report_facts.c.overall_score
        source = interview_sessions.outerjoin(report_facts, report_facts.c.session_id == s.id).outerjoin(
            feedback, f.session_id == s.id
        )
        wanted: list[ColumnElement[bool]] = [s.status != SessionStatus.DELETED]
        for column, value in (
            (s.status, query.status), (s.type, query.type), (s.engine, query.engine), (s.report_status, query.report_status),
        ):  # fmt: skip
            if value is not None:
                wanted.append(cast(column, String) == value)
        if query.id_prefix:
            wanted.append(
                func.replace(cast(s.id, String), "-", "").startswith(query.id_prefix.replace("-", "").lower(), autoescape=True)
            )
        wanted += [s.created_at >= query.since] if query.since else []
        wanted += [s.created_at < query.before] if query.before else []
        wanted += [f.rating <= query.rating_up_to] if query.rating_up_to is not None else []
        total = await self.connection.scalar(select(func.count()).select_from(source).where(*wanted))
        rows = await self.connection.execute(
            select(
                s.id, s.type, s.difficulty, s.status, s.engine, s.end_reason, s.created_at, s.elapsed_ms, s.report_status,
                score.label("score"), f.rating,
            )
            .select_from(source)
            .where(*wanted)
            .order_by(s.created_at.desc(), s.id.desc())
            .limit(query.limit)
            .offset(min((query.page - 1) * query.limit, MAX_OFFSET))
        )  # fmt: skip
        return [_found(row) for row in rows], total or 0

    async def find_deliveries(self, *, state: DeliveryState | None, before: int | None, limit: int) -> list[StoredDelivery]:
        """Webhooks of every provider, newest first."""
        d = webhook_deliveries.c
        wanted: list[ColumnElement[bool]] = [d.state == state] if state is not None else []
        wanted += [d.id < before] if before is not None else []
        rows = await self.connection.execute(select(webhook_deliveries).where(*wanted).order_by(d.id.desc()).limit(limit))
        return [delivery_of(row) for row in rows]

    async def call_webhooks(self, session_id: str, *, after: int) -> list[CallWebhook]:
        """Webhooks about the session's calls behind row `after`, in order of arrival."""
        d, c = webhook_deliveries.c, engine_calls.c
        statement = (
            select(d.id, d.provider, d.type, d.state, d.received_at, c.created_at, c.base_ms)
            .join(engine_calls, (c.call_id == d.call_id) & (c.engine == d.provider))
            .where(c.session_id == as_uuid(session_id), d.id > after)
            .order_by(d.id)
        )
        return [
            CallWebhook(
                row.id, row.provider, row.type, row.state,
                row.base_ms + max(0, round((row.received_at - row.created_at).total_seconds() * 1000)),
            )
            for row in await self.connection.execute(statement)
        ]  # fmt: skip

    async def redo_delivery(self, delivery_id: int) -> bool:
        """Mark a delivery that failed, or that was ignored, as waiting once more; False for any other."""
        d = webhook_deliveries.c
        again = [DeliveryState.FAILED, DeliveryState.IGNORED, DeliveryState.STORED]
        statement = update(webhook_deliveries).where(d.id == delivery_id, d.state.in_(again)).values(state=DeliveryState.STORED)
        return (await self.connection.execute(statement)).rowcount > 0

    async def keep_up(self, process: str, since: datetime, until: datetime) -> None:
        """This run of a process has answered up to `until`; spans older than two windows go."""
        row = {"process": process, "since": since, "until": until}
        await self.connection.execute(self.upsert(uptime_spans, ["process"]), [row])
        await self.connection.execute(delete(uptime_spans).where(uptime_spans.c.until < until - 2 * WINDOW))


def _found(row: Any) -> FoundSession:
    return FoundSession(
        id=row.id, type=row.type.value, difficulty=row.difficulty.value, status=row.status.value, engine=row.engine,
        end_reason=row.end_reason, created_at=row.created_at, elapsed_ms=row.elapsed_ms, report_status=row.report_status.value,
        score=row.score, rating=row.rating,
    )  # fmt: skip
