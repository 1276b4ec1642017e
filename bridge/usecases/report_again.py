"""Have a report that could not be written tried again, or one that is there graded again beside the old one (C-60, M3).

A failure stays a state until somebody asks. The new job is enqueued with the new status in one transaction; writing is idempotent, so one
too many does no harm. Read next: `reporting.job`.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from ..domain.session import InterviewSession, ReportStatus
from ..errors import Conflict
from ..ports import Store
from .calling import REPORT_JOB, owned

UNDER_WAY = (ReportStatus.QUEUED, ReportStatus.RUNNING, ReportStatus.STALE)


MOST_VERSIONS = 5
"""A report is not graded again beyond these; each grading is paid for."""


async def try_again(store: Store, user_id: str, session_id: str, *, can_grade: bool = False) -> InterviewSession:
    """Enqueue a failed report, or with `can_grade` a finished one for another grading; one that is under way is left alone.

    Raises NotFound, and Conflict where there is nothing to be done again.
    """
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        if session.report_status in UNDER_WAY:
            return session
        token = secrets.token_hex(6)
        payload = {"sessionId": session.id}
        if session.report_status is ReportStatus.READY and can_grade:
            if len(await tx.reports(session.id)) >= MOST_VERSIONS:
                raise Conflict(f"This interview has {MOST_VERSIONS} versions of its report already; it is not graded again.")
            payload["asking"] = token
        elif session.report_status is not ReportStatus.FAILED:
            raise Conflict("There is no failed report to try again.")
        session = replace(session, report_status=ReportStatus.QUEUED)
        await tx.save_session(session)
        # A job's key is one job for ever, and the first one is over.
        await tx.enqueue(REPORT_JOB, f"{session.id}:{token}", payload)
        return session
