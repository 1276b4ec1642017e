"""Who has the full report of an interview, and who its basic view (C-10, R-089).

The full one is made for everybody and kept; an interview that the month's free offer paid for shows the basic view until its owner has a plan. Where
no plan is sold nothing is locked, because there would be no key. Read next: `reporting.basic`.
"""

from __future__ import annotations

from datetime import datetime

from ..domain.entitlement import Source, plan_of
from ..domain.pricing import Plan, Tariff
from ..domain.session import InterviewSession
from ..ports import Tx


async def has_full_report(tx: Tx, session: InterviewSession, tariff: Tariff | None, now: datetime) -> bool:
    """Whether the interview's owner sees everything."""
    if tariff is None or not (tariff.sells and tariff.plans):
        return True
    hold = await tx.hold(session.id)
    if hold is None or hold.source is not Source.FREE:
        # Held before anything had a price, or paid for.
        return True
    return plan_of(await tx.subscriptions(session.user_id), now, tariff.grace_days) is not Plan.FREE
