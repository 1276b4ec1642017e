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


@pytest.mark.parametrize(
    ("settings", "plan", "where"),
    [
        ({"payments": "fake"}, None, 0),
        ({"payments": "fake", "ad_slot": True, "ad_text": WORDS, "ad_link": "https://books.example/1"}, None, 4),
        ({"payments": "fake", "ad_slot": True, "ad_text": WORDS}, Plan.PRO, 0),
        ({"payments": "off", "ad_slot": True, "ad_text": WORDS}, None, 0),
        ({"payments": "credits", "ad_slot": True}, None, 0),
    ],
    ids=["off", "free", "pro", "nothing is sold", "credits"],
)
async def test_who_sees_it(tmp_path: Path, no_rate_limit: None, settings: dict[str, Any], plan: Plan | None, where: int) -> None:
    """R-104: four pages of somebody without a plan, where plans are sold and the operator wants it; words stay words, the policy stays as strict."""
    async with running(tmp_path, auth_mode=AuthMode.LOCAL, **settings) as house:
        found = await pages(house, plan) if settings["payments"] == "fake" else {
            path: ("", (await (await signed_in(house)).page(path))[1]) for path in ("/", "/history")
        }  # fmt: skip
    assert ["/", "/history", "/progress", "/interviews/{id}/report"][:where] == places(found)
    if where:
        policies = {policy for policy, _ in found.values()}
        assert 1 == len(policies), "a page with the place has the policy of one without"
        assert all(SHOWN in found[path][1] and WORDS not in found[path][1] for path in places(found))
        assert 'href="https://books.example/1" rel="sponsored noopener noreferrer"' in found["/"][1]
        assert "books.example" not in policies.pop()


@pytest.mark.parametrize("link", ["http://books.example", "javascript:alert(1)", "//books.example", "https://a b"])
def test_where_it_may_lead(link: str) -> None:
    """R-104: an https address, nothing else."""
    with pytest.raises(SettingsError, match="PREPKIT_AD_LINK"):
        load({"PREPKIT_AD_LINK": link})
