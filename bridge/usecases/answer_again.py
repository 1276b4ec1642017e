"""Answer one question of a finished interview again: a short interview of that question alone, linked to the old answer (M15).

The question is asked as it stood, with the follow-ups it has; neither answer changes the other's report. Repeats are practice: they are left out of
statistics, trends and comparison (`storage.progress`). Read next: `reporting.branching`, which sets the two beside each other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import ceil
from uuid import uuid4

from ..domain.branch import Branch
from ..domain.catalog import OPENING_AND_CLOSING_MINUTES
from ..domain.session import ENDED, InterviewSession, SessionStatus
from ..errors import Conflict, NotFound
from ..ports import Store
from .calling import owned


async def answer_again(store: Store, user_id: str, session_id: str, order: int, now: datetime) -> InterviewSession:
    """A new session, ready to start, of question `order` (1 is the first). Raises NotFound, Conflict while the interview runs."""
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id)
        if session.status not in ENDED:
            raise Conflict("This interview is not over yet.")
        if not 1 <= order <= len(session.questions):
            raise NotFound("This interview has no such question.")
        question = session.questions[order - 1]
        minutes = ceil(question.minutes) + OPENING_AND_CLOSING_MINUTES
        made = InterviewSession(
            id=str(uuid4()),
            user_id=user_id,
            setup=replace(session.setup, duration_minutes=minutes, question_count=1),
            questions=(question,),
            status=SessionStatus.READY,
            created_at=now,
        )
        await tx.add_session(made)
        await tx.add_branch(Branch(made.id, session.id, question.id))
        return made
