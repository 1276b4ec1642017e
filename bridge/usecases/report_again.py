"""Have a report that could not be written tried again: the failure stays a state until somebody asks (C-60).

The new job is enqueued with the new status in one transaction; writing is idempotent, so one too many does no harm. Read next:
`reporting.write`.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from ..domain.session import InterviewSession, ReportStatus
from ..errors import Conflict
from ..ports import Store
from .calling import REPORT_JOB, owned

UNDER_WAY = (ReportStatus.QUEUED, ReportStatus.RUNNING, ReportStatus.STALE)


async def try_again(store: Store, user_id: str, session_id: str) -> InterviewSession:
    """Enqueue a failed report; one that is under way is left alone. Raises NotFound, Conflict where nothing has failed."""
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        if session.report_status in UNDER_WAY:
            return session
        if session.report_status is not ReportStatus.FAILED:
            raise Conflict("There is no failed report to try again.")
        session = replace(session, report_status=ReportStatus.QUEUED)
        await tx.save_session(session)
        # A job's key is one job for ever, and the first one has failed.
        await tx.enqueue(REPORT_JOB, f"{session.id}:{secrets.token_hex(6)}", {"sessionId": session.id})
        return session
