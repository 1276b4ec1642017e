"""Sessions and their questions: rows to domain and back, and the queries over them. Read next: `log`.

A session is written in full once (`add_session`); afterwards only what changes in its life is (`save_session`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, func, insert, select, update

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.questions import FollowUp, KeyPoint, Question
from bridge.domain.session import LIVE, InterviewSession, ReportStatus, SessionStatus
from bridge.domain.setup import FollowUpStyle, InterviewSetup, Mode, Pace, Voice
from bridge.errors import NotFound
from bridge.ports import HistoryRow

from . import tables
from .columns import as_uuid
from .pdfs import key_owner
from .personal import OF_AN_INTERVIEW
from .tables import engine_calls, interview_questions, interview_reports, interview_sessions, webhook_deliveries
from .transaction import TransactionPart

_MAX_OFFSET = 2**31
_NOT_FOUND = "There is no such interview."


class SessionRows(TransactionPart):
    """The session part of a transaction."""

    async def add_session(self, session: InterviewSession) -> None:
        """Insert the session with its questions. Raises Conflict for a taken id, NotFound for an unknown user."""
        if as_uuid(session.id) is None or as_uuid(session.user_id) is None:
            raise ValueError("session and user ids are UUIDs")
        row = {
            "id": session.id,
            "user_id": session.user_id,
            "type": session.setup.type,
            "difficulty": session.setup.difficulty,
            "configuration": asdict(session.setup),
            "created_at": session.created_at,
            **self._life(session),
        }
        await self.change(
            insert(interview_sessions), [row], taken="This interview exists already.", missing="There is no such user."
        )
        await self._add_questions(session)

    async def _add_questions(self, session: InterviewSession) -> None:
        questions = [
            {"session_id": session.id, "position": position, **_question_row(question)}
            for position, question in enumerate(session.questions, 1)
        ]
        if questions:
            await self.change(insert(interview_questions), questions, taken="A question is in this interview twice.")

    async def finish_set_up(self, session: InterviewSession) -> None:
        """Write the questions, the configuration and what changes in its life, of a session stored without questions. Raises NotFound."""
        values = {"configuration": asdict(session.setup), **self._life(session)}
        statement = update(interview_sessions).where(interview_sessions.c.id == as_uuid(session.id)).values(values)
        if (await self.change(statement)).rowcount == 0:
            raise NotFound(_NOT_FOUND)
        await self._add_questions(session)

    async def save_session(self, session: InterviewSession) -> None:
        """Write what changes in a session's life. Raises NotFound for an unknown one."""
        statement = update(interview_sessions).where(interview_sessions.c.id == as_uuid(session.id))
        result = await self.change(statement.values(self._life(session)), taken="Another interview has this engine's call id.")
        if result.rowcount == 0:
            raise NotFound(_NOT_FOUND)
        if session.status is SessionStatus.DELETED:
            # A deleted interview is in nobody's statistics from this very moment.
            await self.connection.execute(
                delete(tables.report_facts).where(tables.report_facts.c.session_id == as_uuid(session.id))
            )

    def _life(self, session: InterviewSession) -> dict[str, Any]:
        return {
            "status": session.status,
            "report_status": session.report_status,
            "engine": session.engine,
            "call_id": session.call_id,
            "has_recording": session.has_recording,
            "elapsed_ms": session.elapsed_ms,
            "end_reason": session.end_reason,
            "updated_at": self.now(),
            "started_at": session.started_at,
            "interrupted_at": session.interrupted_at,
            "ended_at": session.ended_at,
        }

    async def session(self, session_id: str, *, for_update: bool = False) -> InterviewSession | None:
        """The session whatever its owner or status, or None when unknown or no UUID."""
        known = as_uuid(session_id)
        if known is None:
            return None
        statement = select(interview_sessions).where(interview_sessions.c.id == known)
        if for_update:
            statement = statement.with_for_update()
        row = (await self.connection.execute(statement)).one_or_none()
        if row is None:
            return None
        return (await self._with_questions([row], interview_sessions.c.id == known))[0]

    async def sessions_with(self, statuses: Collection[SessionStatus]) -> list[InterviewSession]:
        """Every session in one of the statuses, oldest first."""
        chosen = interview_sessions.c.status.in_(list(statuses))
        order = (interview_sessions.c.created_at, interview_sessions.c.id)
        rows = (await self.connection.execute(select(interview_sessions).where(chosen).order_by(*order))).all()
        return await self._with_questions(rows, chosen)

    async def _with_questions(self, rows: Sequence[Row[Any]], chosen: ColumnElement[bool]) -> list[InterviewSession]:
        if not rows:
            return []
        ids = select(interview_sessions.c.id).where(chosen)
        statement = select(interview_questions).where(interview_questions.c.session_id.in_(ids))
        questions: dict[str, list[Question]] = {}
        for row in await self.connection.execute(statement.order_by(interview_questions.c.position)):
            questions.setdefault(row.session_id, []).append(_question(row))
        return [_session(row, tuple(questions.get(row.id, ()))) for row in rows]

    async def history(
        self, user_id: str, *, page: int, limit: int, type: str | None = None, difficulty: str | None = None
    ) -> tuple[list[HistoryRow], int]:
        """Newest first, deleted ones left out; the total beside the page."""
        s = interview_sessions.c
        if (type is not None and type not in set(InterviewType)) or (
            difficulty is not None and difficulty not in set(Difficulty)
        ):
            return [], 0
        wanted = [s.user_id == as_uuid(user_id), s.status != SessionStatus.DELETED]
        wanted += [s.type == InterviewType(type)] if type is not None else []
        wanted += [s.difficulty == Difficulty(difficulty)] if difficulty is not None else []
        total = await self.connection.scalar(select(func.count()).select_from(interview_sessions).where(*wanted))
        r = interview_reports.c
        score = select(r.overall_score).where(r.session_id == s.id).order_by(r.version.desc()).limit(1)
        statement = (
            select(
                s.id, s.type, s.difficulty, s.created_at, s.elapsed_ms, s.status, s.report_status,
                score.scalar_subquery().label("score"),
            )
            .where(*wanted)
            .order_by(s.created_at.desc(), s.id.desc())
            .limit(max(0, limit))
            .offset(min(max(0, page - 1) * max(0, limit), _MAX_OFFSET))
        )  # fmt: skip
        return [_history_row(row) for row in await self.connection.execute(statement)], total or 0

    async def recent_question_ids(self, user_id: str, type: str, *, sessions: int) -> frozenset[str]:
        """Question ids of the user's last started interviews of this type (R-037)."""
        return frozenset(await self._recent(interview_questions.c.question_id, user_id, type, sessions))

    async def recent_question_texts(self, user_id: str, type: str, *, sessions: int) -> list[str]:
        """Their texts."""
        return await self._recent(interview_questions.c.text, user_id, type, sessions)

    async def _recent(self, column: ColumnElement[str], user_id: str, type: str, sessions: int) -> list[str]:
        if type not in set(InterviewType):
            return []
        s = interview_sessions.c
        latest = (
            select(s.id)
            .where(s.user_id == as_uuid(user_id), s.type == InterviewType(type), s.started_at.is_not(None))
            .order_by(s.started_at.desc(), s.id.desc())
            .limit(sessions)
        )
        statement = select(column).where(interview_questions.c.session_id.in_(latest))
        return list((await self.connection.scalars(statement)).all())

    async def ended_without_report(self) -> list[str]:
        """Ids of completed and partial sessions that have neither a report nor a failed one."""
        s = interview_sessions.c
        statement = select(s.id).where(
            s.status.in_([SessionStatus.COMPLETED, SessionStatus.PARTIAL]),
            s.report_status.in_([ReportStatus.NONE, ReportStatus.QUEUED, ReportStatus.RUNNING, ReportStatus.STALE]),
            ~exists().where(interview_reports.c.session_id == s.id),
        )
        return list((await self.connection.scalars(statement.order_by(s.created_at, s.id))).all())

    async def kept_since(self, before: datetime, *, limit: int) -> list[str]:
        """Ids of sessions made before the moment that are neither live nor deleted nor held, oldest first."""
        s = interview_sessions.c
        held = select(tables.legal_holds.c.session_id)
        statement = select(s.id).where(s.created_at < before, s.status.not_in([*LIVE, SessionStatus.DELETED]), s.id.not_in(held))
        return list((await self.connection.scalars(statement.order_by(s.created_at, s.id).limit(limit))).all())

    async def purge_session(self, session_id: str) -> None:
        """Remove everything said, asked and written, webhook bodies too; keep the bare row without its free text. Safe to repeat.

        The vendors' calls stay, because their copies are deleted by those ids; so do the costs. An emptied webhook keeps its key:
        a repeat of it is still none.
        """
        session = await self.session(session_id)
        if session is None:
            return
        for table in OF_AN_INTERVIEW:
            await self.connection.execute(delete(table).where(table.c.session_id == session.id))
        keys = tables.data_keys
        await self.connection.execute(delete(keys).where(keys.c.owner_id == key_owner(session.id)))
        # A finished review stays counted for its month, without what was said.
        asked = tables.reviews.c.session_id == session.id
        await self.connection.execute(delete(tables.reviews).where(asked, tables.reviews.c.done_at.is_(None)))
        await self.connection.execute(update(tables.reviews).where(asked).values(scores=[], comment=""))
        calls = select(engine_calls.c.call_id).where(engine_calls.c.session_id == session.id)
        await self.connection.execute(update(webhook_deliveries).where(webhook_deliveries.c.call_id.in_(calls)).values(body={}))
        bare = replace(
            session.setup, other_areas=(), specific_requirements="", company="", role="", level="", cv="", job_description=""
        )
        await self.connection.execute(
            update(interview_sessions)
            .where(interview_sessions.c.id == session.id)
            .values(configuration=asdict(bare), updated_at=self.now())
        )


def _session(row: Row[Any], questions: tuple[Question, ...]) -> InterviewSession:
    return InterviewSession(
        id=row.id,
        user_id=row.user_id,
        setup=_setup(row.configuration),
        questions=questions,
        status=row.status,
        created_at=row.created_at,
        engine=row.engine,
        call_id=row.call_id,
        started_at=row.started_at,
        interrupted_at=row.interrupted_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        elapsed_ms=row.elapsed_ms,
        report_status=row.report_status,
        has_recording=row.has_recording,
    )


def _setup(stored: dict[str, Any]) -> InterviewSetup:
    return InterviewSetup(
        **stored
        | {
            "type": InterviewType(stored["type"]),
            "difficulty": Difficulty(stored["difficulty"]),
            "focus_areas": tuple(stored["focus_areas"]),
            "other_areas": tuple(stored["other_areas"]),
            "voice": Voice(stored["voice"]),
            "pace": Pace(stored["pace"]),
            "follow_up_style": FollowUpStyle(stored["follow_up_style"]),
            "mode": Mode(stored.get("mode", Mode.REAL)),
        }
    )


def _question_row(question: Question) -> dict[str, Any]:
    row = asdict(question)
    row["question_id"] = row.pop("id")
    return row


def _question(row: Row[Any]) -> Question:
    return Question(
        id=row.question_id,
        type=row.type,
        difficulty=row.difficulty,
        focus_area=row.focus_area,
        text=row.text,
        spoken=row.spoken,
        motivation=row.motivation,
        rating=row.rating,
        minutes=row.minutes,
        key_points=tuple(
            KeyPoint(point["id"], point["text"], tuple(tuple(group) for group in point["shows"])) for point in row.key_points
        ),
        follow_ups=tuple(FollowUp(**follow_up) for follow_up in row.follow_ups),
        model_answer=row.model_answer,
        lesson=row.lesson,
    )


def _history_row(row: Row[*tuple[Any, ...]]) -> HistoryRow:
    return HistoryRow(
        session_id=row.id,
        type=row.type.value,
        difficulty=row.difficulty.value,
        score=row.score,
        date=row.created_at,
        duration_seconds=row.elapsed_ms // 1000,
        status=row.status,
        report_status=row.report_status,
    )
