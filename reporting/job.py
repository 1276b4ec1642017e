"""The job that makes a report and stores it: once for the same words, again where somebody asks for it, never half.

It reads in one transaction, judges and computes outside of any, writes in one. A kill at any instant leaves either no new version or a whole
one; gradings that were paid for are kept (`grading`), so starting again is cheap. A version names what it was made from by a hash; a grading
that was asked for again has its own. Read next: `write` (the report itself).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

from bridge.domain.events import Event, Speaker
from bridge.domain.segments import Segment, Turn
from bridge.domain.session import ENDED, InterviewSession, ReportStatus, SessionStatus
from bridge.errors import NotFound, WrongState
from bridge.ports import Store, StoredReport, Tx

from . import scoring
from .assess import assess
from .facts import facts_of
from .grading import Grader, Judged
from .scoring import Status
from .write import build_report


def content_hash(session: InterviewSession, turns: Sequence[Turn], segments: Sequence[Segment], asking: str = "") -> str:
    """SHA-256 of what a report is made from: transcript, questions, the rules' version, and which asking for it this is."""
    source = {
        "rubric": [scoring.RUBRIC_NAME, scoring.RUBRIC_VERSION],
        "questions": [asdict(question) for question in session.questions],
        "turns": [asdict(turn) for turn in turns],
        "segments": [asdict(segment) for segment in segments],
    } | ({"asking": asking} if asking else {})
    return hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()


async def write_report(store: Store, session_id: str, *, grader: Grader | None = None, asking: str = "") -> None:
    """Write the session's report unless there is a version made from the very same words.

    `asking` is set where somebody wants it graded again: then a new version stands beside the old ones. Does nothing for a deleted or
    unknown session, nor for one in which nothing was answered (its status says none). A failure leaves the status failed and is raised,
    so that the job is seen to fail. Raises WrongState while the interview still runs.
    """
    async with store.read() as tx:
        session = await tx.session(session_id)
        if session is None or session.status is SessionStatus.DELETED:
            return
        if session.status not in ENDED:
            raise WrongState(f"This interview is {session.status.value}; its report is written when it has ended.")
        turns, segments = await tx.turns(session_id), await tx.segments(session_id)
        events = [stored.event for stored in await tx.events(session_id)]
        versions = await tx.reports(session_id)
    if not any(turn.speaker is Speaker.CANDIDATE for turn in turns):
        await _mark(store, session_id, ReportStatus.NONE)
        return
    digest = content_hash(session, turns, segments, asking)
    if any(version.content_hash == digest for version in versions):
        await _mark(store, session_id, ReportStatus.READY)
        return
    await _mark(store, session_id, ReportStatus.RUNNING)
    try:
        judged = await _judged(store, session, turns, segments, events, grader, asking=_name(versions, asking))
        now = datetime.now(UTC)
        body = await asyncio.to_thread(build_report, session, turns, segments, events, now=now, content=digest, judged=judged)
        if not body["coverage"]["questions"][Status.ASSESSED.value]:
            await _mark(store, session_id, ReportStatus.NONE)
            return
        report = StoredReport(body["reportId"], session_id, 1, now, body["overallScore"], digest, body)
        await _mark(store, session_id, ReportStatus.READY, report, asking=asking)
    except NotFound:  # It was deleted meanwhile.
        return
    except Exception:  # whatever it was: the session says failed, the job fails with it
        await _mark(store, session_id, ReportStatus.FAILED)
        raise


def _name(versions: Sequence[StoredReport], asking: str) -> str:
    """Under which name gradings are kept: the newest version's, where some could not be had and only these are to be asked for again."""
    newest = versions[-1].body.get("grading") if versions and asking else None
    return str(newest["asking"]) if newest and newest.get("missing") else asking


async def _judged(
    store: Store,
    session: InterviewSession,
    turns: Sequence[Turn],
    segments: Sequence[Segment],
    events: Sequence[Event],
    grader: Grader | None,
    *,
    asking: str,
) -> Judged | None:
    if grader is None:
        return None
    witnessed = await asyncio.to_thread(assess, session.questions, turns, segments, events)
    if not any(a.status is Status.ASSESSED for a in witnessed):
        return None
    return await grader.grade(store, session, witnessed, asking=asking)


async def _mark(
    store: Store, session_id: str, status: ReportStatus, report: StoredReport | None = None, *, asking: str = ""
) -> None:
    """Keep the report, if any, as the next version and say where it stands, in one transaction; nothing once the session is deleted.

    A session that became stale while its report was being computed stays so: a newer transcript waits for its own job.
    """
    async with store.begin() as tx:
        session = await tx.session(session_id, for_update=True)
        if session is None or session.status is SessionStatus.DELETED:
            return
        if report is not None:
            await _keep(tx, session, report, asking=asking)
            status = ReportStatus.STALE if session.report_status is ReportStatus.STALE else status
        if status is not ReportStatus.RUNNING:
            await tx.drop_progress(session_id)
        if session.report_status is not status:
            await tx.save_session(replace(session, report_status=status))


async def _keep(tx: Tx, session: InterviewSession, report: StoredReport, *, asking: str) -> None:
    """Keep it as the newest version, unless one of a newer transcript was quicker."""
    versions = await tx.reports(session.id)
    latest = content_hash(session, await tx.turns(session.id), await tx.segments(session.id), asking)
    if report.content_hash != latest and any(version.content_hash == latest for version in versions):
        return
    report = replace(report, version=versions[-1].version + 1 if versions else 1)
    if await tx.add_report(report):
        await tx.save_facts(facts_of(session, report))
