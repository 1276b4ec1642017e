"""Paying through Stripe's real SDK: the running server against the stand-in, whose webhooks come to its own door or are lost (M2, M7, R-107, R-108)."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.ports import DeliveryState
from bridge.usecases import checkout
from web import payments
from web.standins.stripe import StripeStandin, signed

from .house import AGREED, House, running, until_none

KEY, SECRET = "sk_test_standin", "whsec_standin"
PRICE = 14_900
BY_WEBHOOK_SECONDS, BY_RECONCILER_SECONDS = 5.0, 60.0
"""M2's numbers."""


@dataclass(frozen=True)
class Stall:
    """A server that sells through the stand-in."""

    house: House
    stand: StripeStandin

    async def bought(self) -> tuple[str, str, str]:
        """Session, payment and checkout page of a new interview."""
        made = await self.house.set_up(difficulty="medium")
        assert ("awaiting_payment", PRICE) == (made["status"], made["quote"]["amount"])
        status, answer = await self.house.call("POST", "/api/payments/create", json={"sessionId": made["sessionId"]})
        assert status == 200, answer
        return made["sessionId"], answer["paymentId"], answer["checkoutUrl"].rsplit("/", 1)[-1]

    async def startable(self, session_id: str) -> None:
        """Wait until it has been paid for, as far as its candidate sees."""

        async def waits() -> bool:
            return (await self.house.call("GET", f"/api/interviews/{session_id}"))[1]["status"] != "ready"

        await until_none(waits, BY_RECONCILER_SECONDS)

    async def credited(self, payment_id: str) -> list[int]:
        """What is booked as credit for a payment."""
        async with self.house.store.read() as tx:
            return [line.amount for line in await tx.lines_of_order(payment_id) if line.kind == "credit"]


@asynccontextmanager
async def selling(folder: Path, every_seconds: float) -> AsyncIterator[Stall]:
    """A server that sells, and whoever takes the money; its reconciler comes round so often."""
    async with StripeStandin(key=KEY, webhook_secret=SECRET) as stand:
        keys = {"stripe_secret_key": KEY, "stripe_webhook_secret": SECRET, "stripe_base_url": stand.url}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(payments, "RECONCILE_SECONDS", every_seconds)
            async with running(folder, payments="stripe", free_monthly=False, **keys) as house:
                yield Stall(house, stand)


def test_a_lost_webhook_is_made_good_within_a_minute() -> None:
    """M2: what a payment may have to wait for: the pause between two rounds, and a round that had begun and is as slow as it may be."""
    assert payments.RECONCILE_SECONDS + checkout.ROUND_SECONDS <= BY_RECONCILER_SECONDS - 10


async def test_the_reconciler_comes_by_itself(tmp_path: Path, no_rate_limit: None) -> None:
    """M2, webhook never: nobody comes back, every event is lost, and nobody calls the reconciler: the interview can be started, paid for once."""
    async with selling(tmp_path, payments.RECONCILE_SECONDS / 100) as stall:
        session_id, payment_id, page = await stall.bought()
        stall.stand.account.pay(page)
        await stall.startable(session_id)
        assert [PRICE] == await stall.credited(payment_id)
        assert 200 == (await stall.house.call("POST", f"/api/interviews/{session_id}/start", json=AGREED))[0]


async def test_a_webhook_is_seen_within_five_seconds(tmp_path: Path, no_rate_limit: None) -> None:
    """M2, webhook before the return page: without a reconciler one of five purchases is startable in five seconds, and all are in the end.

    One, because this machine may be busy with other tests; what is slow by itself is slow five times.
    """
    took: list[float] = []
    async with selling(tmp_path, 3600.0) as stall:
        stall.stand.webhook_url = f"{stall.house.origin}/api/webhooks/stripe"
        while len(took) < 5 and min(took, default=9.0) > BY_WEBHOOK_SECONDS:
            session_id, payment_id, page = await stall.bought()
            began = time.monotonic()
            stall.stand.account.pay(page)
            await stall.startable(session_id)
            took.append(time.monotonic() - began)
            assert [PRICE] == await stall.credited(payment_id)
    assert min(took) <= BY_WEBHOOK_SECONDS, took


async def test_the_return_page_first_and_the_webhook_after(tmp_path: Path, no_rate_limit: None) -> None:
    """M2, webhook after the return page: the page itself asks and says that it was charged once; what is told afterwards, twice, changes nothing."""
    async with selling(tmp_path, 3600.0) as stall:
        _, payment_id, page = await stall.bought()
        stall.stand.account.pay(page)
        _, receipt = await stall.house.fetch("GET", f"/payments/{payment_id}")
        assert "₹149 was charged once." in receipt
        assert stall.stand.account.events
        for event in stall.stand.account.events * 2:
            raw = json.dumps(event).encode()
            headers = {"Stripe-Signature": signed(raw, SECRET, at=datetime.now(UTC).timestamp())}
            assert 200 == (await stall.house.call("POST", "/api/webhooks/stripe", data=raw, headers=headers))[0]

        async def waits() -> bool:
            async with stall.house.store.read() as tx:
                return any(kept.state is DeliveryState.STORED for kept in await tx.deliveries("pay:stripe"))

        await until_none(waits, BY_RECONCILER_SECONDS)
        assert [PRICE] == await stall.credited(payment_id)
