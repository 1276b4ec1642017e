"""Have a person review an interview: asked for by its candidate, taken on by one reviewer, handed in once (R-106, C-58).

The candidate asks for each one, because then a person reads what was said. A review that was handed in is told by letter where there is an
address and a mail server: the job is in the transaction that keeps it. Read next: `bridge.domain.reviewing`, `reporting.reviewed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..domain.entitlement import month_of, plan_of
from ..domain.pricing import Tariff
from ..domain.reviewing import Mark, Review, allowance, check_free, check_marks, check_mine
from ..domain.session import InterviewSession
from ..errors import Conflict, NotFound, PaymentRequired
from ..ports import Store, Tx
from .calling import owned

LETTER_JOB = "review-letter"
NOT_ASKED = "Nobody has asked for a review of this interview."


@dataclass(frozen=True)
class Offer:
    """What a candidate may have this month."""

    included: int
    used: int

    @property
    def left(self) -> int:
        """Still to be had."""
        return max(0, self.included - self.used)


async def offer(tx: Tx, user_id: str, tariff: Tariff | None, now: datetime) -> Offer:
    """By the person's plan and the price list."""
    if tariff is None or not tariff.plans:
        return Offer(0, 0)
    included = allowance(plan_of(await tx.subscriptions(user_id), now, tariff.grace_days), tariff)
    return Offer(included, await tx.reviews_in(user_id, month_of(now)) if included else 0)


async def ask(store: Store, tariff: Tariff | None, user_id: str, session_id: str, days: int, now: datetime) -> Review:
    """Put an interview into the queue; a repeat finds it there. Raises NotFound, PaymentRequired, Conflict."""
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        if (before := await tx.review(session.id)) is not None:
            return before
        # One plan, one place: two clicks at once use one review of the month.
        await tx.lock_purse(user_id)
        has = await offer(tx, user_id, tariff, now)
        if not has.included:
            raise PaymentRequired("A review by a person is part of the Premium plan.")
        if not has.left:
            raise Conflict("The reviews of this month are used. There is a new one from the first of the next month (UTC).")
        report = await tx.report(session.id)
        if report is None or report.overall_score is None:
            raise Conflict("There is nothing to review yet: the report is not there, or no question was answered.")
        review = Review(session.id, user_id, month_of(now), now, now + timedelta(days=days))
        await tx.add_review(review)
        await tx.audit(user_id, "review.asked", session.id)
        return review


async def take(tx: Tx, session: InterviewSession, person_id: str, now: datetime, *, alone: bool = False) -> Review:
    """One reviewer has it for a day; a repeat begins the day anew. `alone`: nobody else is here (`single` mode). Raises NotFound, Conflict."""
    review = await _asked(tx, session)
    check_free(review, person_id, now, alone=alone)
    review = replace(review, reviewer_id=person_id, taken_at=now)
    await tx.save_review(review)
    return review


async def give_up(tx: Tx, session: InterviewSession, person_id: str) -> Review:
    """Leave it to another. Raises NotFound, Conflict."""
    review = await _asked(tx, session)
    check_mine(review, person_id)
    review = replace(review, reviewer_id=None, taken_at=None)
    await tx.save_review(review)
    return review


async def hand_in(
    tx: Tx, session: InterviewSession, person_id: str, marks: Sequence[Mark], comment: str, now: datetime
) -> Review:
    """Keep scores and comments beside the model's, for good. Raises NotFound, Conflict, InvalidInput."""
    review = await _asked(tx, session)
    check_mine(review, person_id)
    report = await tx.report(session.id)
    if report is None:
        raise NotFound(NOT_ASKED)
    review = replace(review, marks=check_marks(marks, report.body), comment=comment, done_at=now)
    await tx.save_review(review)
    await tx.enqueue(LETTER_JOB, session.id, {"sessionId": session.id})
    return review


async def _asked(tx: Tx, session: InterviewSession) -> Review:
    review = await tx.review(session.id, for_update=True)
    if review is None:
        raise NotFound(NOT_ASKED)
    return review
