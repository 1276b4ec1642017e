"""A review and a voucher as people meet them: in the page, by mouse and keyboard (R-106, R-110, C-58)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from bridge.config import AuthMode
from bridge.domain.account import Role
from bridge.domain.entitlement import Subscription, SubscriptionStatus
from bridge.domain.pricing import Plan

from ..web.house import finished_session, running
from ..web.visitors import Visitor, signed_in
from .rig import Candidate, axe_violations, browser, candidate, needs_browser

pytestmark = [needs_browser, pytest.mark.timeout(300)]


async def page_of(chromium: Browser, visitor: Visitor) -> Candidate:
    """Their browser."""
    context = await chromium.new_context(reduced_motion="reduce", viewport={"width": 390, "height": 844})
    await context.add_cookies(
        [{"name": name, "value": value, "url": visitor.house.origin} for name, value in visitor.cookies.items()]
    )
    return await candidate(context, rig=False)


async def test_a_review_and_a_voucher_by_hand(tmp_path: Path) -> None:
    """C-58, R-110: asked for, taken on, a missing score pointed at, handed in and seen beside the report's; a voucher made once and used; axe 0, no sideways scrolling."""
    async with running(tmp_path, auth_mode=AuthMode.LOCAL, payments="fake") as house, browser() as chromium:
        ana, rita, admin = [await signed_in(house, role) for role in (Role.CANDIDATE, Role.REVIEWER, Role.ADMIN)]
        assert ana.account is not None
        who = ana.account.id
        async with house.store.begin() as tx:
            await tx.save_subscription(Subscription("fake", who, who, Plan.PREMIUM, SubscriptionStatus.ACTIVE, datetime.now(UTC)))
        session = await finished_session(house.store, who, answers=["I would put a cache before it.", None])

        async def sound(person: Candidate) -> None:
            assert [] == await axe_violations(person.page)
            assert await person.page.evaluate("document.documentElement.scrollWidth") <= 390

        mine, reviewer, office = [await page_of(chromium, each) for each in (ana, rita, admin)]
        await mine.page.goto(f"{house.origin}/interviews/{session.id}/report")
        await mine.page.click("#review-ask")
        await mine.page.wait_for_selector("text=It waits for a reviewer")

        page = reviewer.page
        await page.goto(f"{house.origin}/operator/reviews")
        await sound(reviewer)
        await page.click(f"a[href$='{session.id}']")
        # Its script listens once the page is loaded.
        await page.wait_for_load_state("load")
        await page.click("[data-act=take]")
        await page.wait_for_selector("#score-1")
        await sound(reviewer)
        await page.fill("#comment-1", "Say how many writes it takes.")
        await page.press("#comment-1", "Tab")
        await page.click("text=Hand the review in")
        assert "score-1" == await page.evaluate("document.activeElement.id")
        await page.fill("#score-1", "64")
        await page.press("#score-1", "Enter")
        await page.wait_for_selector("text=This review is handed in")

        await mine.page.reload()
        assert "64" in await mine.page.inner_text("#review")
        assert "Reviewer: 64 of 100" in await mine.page.inner_text("#question-1")
        await sound(mine)

        asked: list[Any] = []
        office.page.on("request", lambda sent: asked.append(sent.post_data) if sent.method == "POST" else None)
        await office.page.goto(f"{house.origin}/operator/money")
        await office.page.fill("#voucher-amount", "14900")
        await office.page.click("text=Make a voucher")
        await office.page.wait_for_selector("#voucher-made:not([hidden])")
        code = (await office.page.inner_text("#voucher-made")).split("code is ")[1][:14]
        assert 1 == len(asked), "clicking into the form sends nothing"
        await mine.page.goto(f"{house.origin}/billing")
        await mine.page.fill("#voucher-code", code.lower())
        await mine.page.press("#voucher-code", "Enter")
        await mine.page.wait_for_selector("text=+₹149")
        await sound(mine)
        await office.page.reload()
        await sound(office)
        assert [] == mine.complaints + reviewer.complaints + office.complaints
        assert [] == mine.foreign + reviewer.foreign + office.foreign
