"""How long a payment takes to count, in real time, at a server with nothing else to do (M2)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from limits import parse
from sqlalchemy import event

from bridge.ports import DeliveryState, Store
from storage.database import Database
from web import middlewares, payments
from web.standins.stripe import StripeStandin

from ..web import house

pytestmark = pytest.mark.timeout(200)
PURCHASES = 10
KEY, SECRET = "sk_test_standin", "whsec_standin"
BY_WEBHOOK_SECONDS = 5.0
KEPT, CREDITED = "INSERT INTO webhook_deliveries", "INSERT INTO money_lines"


class Watch:
    """When, by the server's own monotonic clock, rows that name a payment were written."""

    def __init__(self, database: Database) -> None:
        self._seen: list[tuple[float, str, str]] = []
        event.listen(database.engine.sync_engine, "after_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith((KEPT, CREDITED)):
            self._seen.append((time.monotonic(), statement, repr(parameters)))

    def first(self, statement: str, *words: str) -> float | None:
        """When the first such row with all of these words was written."""
        times = (at for at, kind, row in self._seen if kind.startswith(statement) and all(word in row for word in words))
        return next(times, None)


async def waiting(store: Store) -> bool:
    """Whether an event has not been looked at to the end."""
    async with store.read() as tx:
        return any(each.state is DeliveryState.STORED for each in await tx.deliveries("pay:stripe"))


async def test_every_webhook_counts_within_five_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """M2: ten purchases at once, nobody comes back from the checkout page, no reconciler comes round: from the row of each event to its credit in the ledger."""
    monkeypatch.setattr(payments, "RECONCILE_SECONDS", 3600.0)
    monkeypatch.setattr(middlewares, "LIMIT", parse("1000000/minute"))
    async with (
        StripeStandin(key=KEY, webhook_secret=SECRET) as stand,
        house.running(
            tmp_path, payments="stripe", stripe_secret_key=KEY, stripe_webhook_secret=SECRET, stripe_base_url=stand.url, free_monthly=False
        ) as shop,
    ):  # fmt: skip
        assert isinstance(shop.store, Database)
        watch = Watch(shop.store)
        stand.webhook_url = f"{shop.origin}/api/webhooks/stripe"
        pages: dict[str, str] = {}
        for _ in range(PURCHASES):
            made = await shop.set_up(difficulty="medium")
            _, order = await shop.call("POST", "/api/payments/create", json={"sessionId": made["sessionId"]})
            pages[order["paymentId"]] = order["checkoutUrl"].rsplit("/", 1)[-1]
        for page in pages.values():
            stand.account.pay(page)
        async with asyncio.timeout(60):
            while None in (credited := {each: watch.first(CREDITED, each, "'credit'") for each in pages}).values():
                await asyncio.sleep(0.05)
        kept = {each: watch.first(KEPT, each) for each in pages}
        await house.until_none(lambda: waiting(shop.store), 60)

    took = {each: (credited[each] or 0.0) - (kept[each] or 0.0) for each in pages}
    assert {} == {each: seconds for each, seconds in took.items() if not 0 < seconds <= BY_WEBHOOK_SECONDS}
