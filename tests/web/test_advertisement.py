"""The place for an advertisement: off unless it is asked for, for people without a plan, without anybody's code (R-104, R-105, C-09)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.config import AuthMode, load
from bridge.domain.entitlement import Subscription, SubscriptionStatus
from bridge.domain.pricing import Plan
from bridge.errors import SettingsError

from .house import House, finished_session, running
from .visitors import Visitor, signed_in

WORDS = "Read <b>our</b> book"
SHOWN = "Read &lt;b&gt;our&lt;/b&gt; book"


async def pages(house: House, plan: Plan | None = None) -> dict[str, tuple[str, str]]:
    """Policy and text of each page that may have the place, as somebody with that plan sees it."""
    visitor: Visitor = await signed_in(house)
    assert visitor.account is not None
    if plan is not None:
        async with house.store.begin() as tx:
            who = visitor.account.id
            await tx.save_subscription(Subscription("fake", who, who, plan, SubscriptionStatus.ACTIVE, datetime.now(UTC)))
    session = await finished_session(house.store, visitor.account.id)
    found = {}
    for path in ("/", "/history", "/progress", f"/interviews/{session.id}/report", "/billing", "/account"):
        response, body = await visitor.send("GET", path)
        assert response.status == 200, path
        found[path.replace(session.id, "{id}")] = (response.headers["Content-Security-Policy"], body.decode())
    return found


def places(found: dict[str, tuple[str, str]]) -> list[str]:
    """Which of the pages have it."""
    return [path for path, (_, text) in found.items() if "ad-slot" in text]


async def test_people_without_a_plan_see_it(tmp_path: Path, no_rate_limit: None) -> None:
    """R-104, R-105: four pages of somebody without a plan, none of somebody with one; words stay words, the policy stays as strict."""
    settings: dict[str, Any] = {"payments": "fake", "ad_slot": True, "ad_text": WORDS, "ad_link": "https://books.example/1"}
    async with running(tmp_path, auth_mode=AuthMode.LOCAL, **settings) as house:
        found, with_plan = await pages(house), await pages(house, Plan.PRO)
    assert ["/", "/history", "/progress", "/interviews/{id}/report"] == places(found)
    assert [] == places(with_plan)
    policies = {policy for policy, _ in (*found.values(), *with_plan.values())}
    assert 1 == len(policies), "a page with the place has the policy of one without"
    assert "books.example" not in policies.pop()
    assert all(SHOWN in found[path][1] and WORDS not in found[path][1] for path in places(found))
    assert 'href="https://books.example/1" rel="sponsored noopener noreferrer"' in found["/"][1]


@pytest.mark.parametrize(
    "settings", [{"payments": "fake"}, {"payments": "credits", "ad_slot": True}], ids=["off", "nothing is sold"]
)
async def test_it_is_off_unless_it_is_asked_for(tmp_path: Path, no_rate_limit: None, settings: dict[str, Any]) -> None:
    """R-104: by default, and where there is no plan to have."""
    async with running(tmp_path, auth_mode=AuthMode.LOCAL, **settings) as house:
        visitor = await signed_in(house)
        for path in ("/", "/history", "/progress"):
            assert "ad-slot" not in (await visitor.page(path))[1], path


@pytest.mark.parametrize("link", ["http://books.example", "javascript:alert(1)", "//books.example", "https://a b"])
def test_where_it_may_lead(link: str) -> None:
    """R-104: an https address, nothing else."""
    with pytest.raises(SettingsError, match="PREPKIT_AD_LINK"):
        load({"PREPKIT_AD_LINK": link})
