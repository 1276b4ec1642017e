"""`/operator/reviews`: what waits for a reviewer, one interview to score, and what a reviewer hands in (R-106, C-58).

A reviewer reads the words and the model's scores with their evidence, hears no sound and sees no name. Every look and act is audited for the
interview's candidate. Read next: `bridge.usecases.reviewing`, `door`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.config import AuthMode
from bridge.domain.account import Role
from bridge.domain.catalog import DIFFICULTIES, TYPES
from bridge.domain.reviewing import CLAIM, Mark, Review
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.errors import NotFound
from bridge.ports import Tx
from bridge.usecases import reviewing
from bridge.usecases.access import NOT_THERE
from reporting.render import report_context

from .. import reports, schemas
from ..api.interviews import json_body, rfc3339
from ..auth import current
from ..keys import SETTINGS, STORE
from ..pages import render
from .bodies import ReviewWish
from .door import audited
from .tabs import tabs_for

PAGE = 50


@audited("reviews.list", role=Role.REVIEWER)
async def queue(request: web.Request) -> web.Response:
    """`/operator/reviews`: the earliest deadline first, then one's own finished ones."""
    me, now = current(request), datetime.now(UTC)
    async with request.app[STORE].read() as tx:
        waiting = [await _row(request, tx, review, now) for review in await tx.open_reviews(limit=PAGE)]
        done = [await _row(request, tx, review, now) for review in await tx.reviews_by(me.id, limit=PAGE)]
        open_count, late = await tx.review_counts(now)
    return render(
        request,
        "operator_reviews.html",
        tabs=tabs_for(request),
        waiting=[row for row in waiting if row],
        done=[row for row in done if row],
        open_count=open_count,
        late=late,
        hours=int(CLAIM.total_seconds() // 3600),
    )


async def _row(request: web.Request, tx: Tx, review: Review, now: datetime) -> dict[str, Any] | None:
    me = current(request).id
    session = await tx.session(review.session_id)
    if session is None or session.status is SessionStatus.DELETED:
        return None
    held = review.taken_at is not None and now < review.taken_at + CLAIM
    return {
        "id": session.id,
        "title": TYPES[session.setup.type].title,
        "difficulty": DIFFICULTIES[session.setup.difficulty].title,
        "questions": len(session.questions),
        "asked": review.asked_at,
        "due": review.due_at,
        "done": review.done_at,
        "late": review.late(now),
        "own": review.user_id == me and not _alone(request),
        "mine": held and review.reviewer_id == me,
        "others": held and review.reviewer_id not in (None, me),
    }


@audited("reviews.view", role=Role.REVIEWER)
async def show(request: web.Request) -> web.Response:
    """`/operator/reviews/{id}`: only what was handed in for review."""
    async with request.app[STORE].read() as tx:
        session, review = await _asked(request, tx)
        stored = await tx.report(session.id)
        if stored is None:
            raise NotFound(reviewing.NOT_ASKED)
        body = await reports.placed(request.app, tx, session, stored)
        row = await _row(request, tx, review, datetime.now(UTC))
    return render(
        request,
        "operator_review.html",
        tabs=tabs_for(request),
        session_id=session.id,
        row=row,
        state=review.state.value,
        marks={mark.question_id: mark for mark in review.marks},
        comment=review.comment,
        **report_context(body),
    )


async def _asked(request: web.Request, tx: Tx) -> tuple[InterviewSession, Review]:
    """The interview and its review. Raises NotFound."""
    session = await tx.session(request.match_info["session_id"])
    if session is None or session.status is SessionStatus.DELETED:
        raise NotFound(NOT_THERE)
    review = await tx.review(session.id)
    if review is None:
        raise NotFound(reviewing.NOT_ASKED)
    return session, review


@audited("reviews.take", role=Role.REVIEWER)
async def take(request: web.Request) -> web.Response:
    """`POST /api/operator/reviews/{sessionId}/take`: have it alone for a day; 409 while another reviewer has it."""
    await json_body(request)
    async with request.app[STORE].begin() as tx:
        session, _ = await _asked(request, tx)
        review = await reviewing.take(tx, session, current(request).id, datetime.now(UTC), alone=_alone(request))
    return web.json_response(_told(review))


@audited("reviews.release", role=Role.REVIEWER)
async def release(request: web.Request) -> web.Response:
    """`POST /api/operator/reviews/{sessionId}/release`: leave it to another."""
    await json_body(request)
    async with request.app[STORE].begin() as tx:
        session, _ = await _asked(request, tx)
        review = await reviewing.give_up(tx, session, current(request).id)
    return web.json_response(_told(review))


@audited("reviews.submit", role=Role.REVIEWER)
async def submit(request: web.Request) -> web.Response:
    """`POST /api/operator/reviews/{sessionId}` `{scores: [{questionId, score, comment}], comment}` → 201, once and for good."""
    wish = schemas.validate(ReviewWish, await json_body(request))
    marks = [Mark(each.question_id, each.score, each.comment) for each in wish.scores]
    async with request.app[STORE].begin() as tx:
        session, _ = await _asked(request, tx)
        review = await reviewing.hand_in(tx, session, current(request).id, marks, wish.comment, datetime.now(UTC))
    return web.json_response(_told(review), status=201)


def _alone(request: web.Request) -> bool:
    return request.app[SETTINGS].auth_mode is AuthMode.SINGLE


def _told(review: Review) -> dict[str, Any]:
    return {"state": review.state.value, "dueAt": rfc3339(review.due_at), "doneAt": rfc3339(review.done_at)}
