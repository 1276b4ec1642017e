"""Who has the full report: the free interview of the month shows the basic view in every form, a plan opens it (C-10, R-089)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.domain.entitlement import Source, Subscription, SubscriptionStatus
from bridge.domain.holding import Hold, HoldState
from bridge.domain.pricing import Plan
from bridge.domain.session import InterviewSession

from .house import House, running


async def paid_with(house: House, session: InterviewSession, source: Source) -> None:
    """Note what paid for an interview, as its start does."""
    now = datetime.now(UTC)
    hold = Hold(session.id, house.user, source, HoldState.CONSUMED, 1, 0, "INR", f"{now:%Y-%m}", now, now)
    async with house.store.begin() as tx:
        await tx.save_hold(hold)


async def test_the_free_interview_shows_the_basic_report_until_there_is_a_plan(tmp_path: Path) -> None:
    """JSON, page and share link are locked together and opened together; nothing is written anew."""
    async with running(tmp_path, payments="fake") as house:
        free, paid = await house.finished(), await house.finished()
        await paid_with(house, free, Source.FREE)
        await paid_with(house, paid, Source.CREDIT)
        where = f"/api/interviews/{free.id}"
        _, link = await house.call("POST", f"{where}/share", json={"hideAudio": False})
        shared = link["url"].removeprefix(house.origin)
        _, basic = await house.call("GET", f"{where}/report")
        _, shown = await house.call("GET", where)
        _, page = await house.fetch("GET", f"/interviews/{free.id}/report")
        _, theirs = await house.fetch("GET", shared)

        assert "basic" == basic["tier"]
        assert basic == shown["report"]
        assert len(basic["strengths"]) <= 1
        assert "questionAnalysis" not in basic
        assert 'href="/plans"' in page
        assert "Question by question" not in page + theirs
        assert "questionAnalysis" in (await house.call("GET", f"/api/interviews/{paid.id}/report"))[1]

        now = datetime.now(UTC)
        plan = Subscription("fake", str(uuid4()), house.user, Plan.PRO, SubscriptionStatus.ACTIVE, now, now + timedelta(days=30))
        async with house.store.begin() as tx:
            await tx.save_subscription(plan)
        _, full = await house.call("GET", f"{where}/report")
        assert (basic["reportId"], basic["overallScore"]) == (full["reportId"], full["overallScore"])
        assert "questionAnalysis" in full
        assert "Question by question" in (await house.fetch("GET", shared))[1]


@pytest.mark.parametrize("payments", ["off", "credits"])
async def test_where_nothing_is_sold_nothing_is_locked(tmp_path: Path, payments: str) -> None:
    """There would be no way to open it."""
    async with running(tmp_path, payments=payments) as house:
        session = await house.finished()
        await paid_with(house, session, Source.FREE)

        assert "questionAnalysis" in (await house.call("GET", f"/api/interviews/{session.id}/report"))[1]
