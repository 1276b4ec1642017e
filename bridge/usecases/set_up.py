"""Make an interview from a choice: its questions, its minutes, its quote (R-018, R-037, C-40).

Questions come from the bundled bank; the candidate's recent ones are left out while others last. Read next: `calling`.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import uuid4

from .. import bank
from ..domain.catalog import question_count
from ..domain.questions import choose
from ..domain.session import InterviewSession, SessionStatus
from ..domain.setup import InterviewSetup
from ..ports import Store

RECENT_SESSIONS = 3
"""Interviews of the same type whose questions are not asked again (R-037)."""


async def set_up(store: Store, user_id: str, setup: InterviewSetup, now: datetime) -> InterviewSession:
    """Choose the questions and store the session, ready to start."""
    async with store.read() as tx:
        recent = await tx.recent_question_ids(user_id, setup.type.value, sessions=RECENT_SESSIONS)
    questions = choose(
        bank.load(setup.type),
        interview_type=setup.type,
        difficulty=setup.difficulty,
        focus_areas=setup.focus_areas,
        count=question_count(setup.difficulty, setup.duration_minutes, setup.question_count),
        duration_minutes=setup.duration_minutes,
        recent=recent,
        seed=secrets.randbits(32),
    )
    session = InterviewSession(
        id=str(uuid4()),
        user_id=user_id,
        setup=setup,
        questions=questions,
        status=SessionStatus.READY,
        created_at=now,
    )
    async with store.begin() as tx:
        await tx.add_session(session)
    return session
