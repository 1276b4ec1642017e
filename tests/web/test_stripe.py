"""Paying through Stripe's real SDK: the running server against the stand-in, whose webhooks come to its own door or are lost (M2, M7, R-107, R-108)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.payment import OrderStatus
from bridge.domain.session import SessionStatus
from bridge.errors import UpstreamFailed
from bridge.ports import DeliveryState
from bridge.usecases import checkout
from web import payments
from web.keys import JOBS
from web.standins.stripe import StripeStandin, signed

from ..skipping import played
from .house import AGREED, House, running, until_none

KEY, SECRET = "sk_test_standin", "whsec_standin"
PRICE = 14_900
BY_RECONCILER_SECONDS = 60.0
"""M2's number; that of a webhook, five seconds, is measured in real time (`tests.acceptance.test_paying`)."""
WAITING = (0, OrderStatus.PENDING, SessionStatus.AWAITING_PAYMENT)
CREDITED = (PRICE, OrderStatus.COMPLETED, SessionStatus.READY)
"""Credit, order and interview before and after; nothing between."""


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

    async def stands(self, session_id: str, payment_id: str) -> tuple[int, OrderStatus, SessionStatus]:
        """Credit, order and interview, in one read."""
        async with self.house.store.read() as tx:
            order, session, lines = await tx.order(payment_id), await tx.session(session_id), await tx.lines_of_order(payment_id)
        assert order is not None
        assert session is not None
        return sum(line.amount for line in lines if line.kind == "credit"), order.status, session.status

    async def tell(self, event: dict[str, Any]) -> int:
        """Deliver an event; the status of the answer."""
        raw = json.dumps(event).encode()
        headers = {"Stripe-Signature": signed(raw, SECRET, at=datetime.now(UTC).timestamp())}
        return (await self.house.call("POST", "/api/webhooks/stripe", data=raw, headers=headers))[0]

    async def taken_in(self) -> None:
        """Wait until every event that was kept has been looked at."""

        async def wait() -> bool:
            async with self.house.store.read() as tx:
                return any(kept.state is DeliveryState.STORED for kept in await tx.deliveries("pay:stripe"))

        await until_none(wait, BY_RECONCILER_SECONDS)

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
    """M2, on a clock of its own: whenever somebody pays, the next round to begin is over within a minute, though each is as slow as it may be and some fail."""
    slow, rounds = checkout.ROUND_SECONDS, [0.0]
    ends = iter([None, UpstreamFailed("Away.", reason="away"), None, None, RuntimeError("broken"), None, None])

    async def look() -> None:
        rounds.append(asyncio.get_running_loop().time())
        end = next(ends)
        await asyncio.sleep(slow)
        if end is not None:
            raise end

    async def reconciling() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(payments._for_ever(look, payments.RECONCILE_SECONDS, stop))
        await asyncio.sleep(5 * (slow + payments.RECONCILE_SECONDS) + payments.RECONCILE_SECONDS + 1)
        stop.set()
        await task

    played(reconciling())
    assert 7 == len(rounds), "a round that failed ends nothing"
    # Who pays right after a round has looked waits for its end, the pause, and all of the next.
    assert max(begins - before + slow for before, begins in pairwise(rounds)) <= BY_RECONCILER_SECONDS - 5


async def test_the_reconciler_comes_by_itself(tmp_path: Path, no_rate_limit: None) -> None:
    """M2, webhook never: nobody comes back, every event is lost, and nobody calls the reconciler: the interview can be started, paid for once."""
    async with selling(tmp_path, payments.RECONCILE_SECONDS / 100) as stall:
        session_id, payment_id, page = await stall.bought()
        stall.stand.account.pay(page)
        await stall.startable(session_id)
        assert [PRICE] == await stall.credited(payment_id)
        assert 200 == (await stall.house.call("POST", f"/api/interviews/{session_id}/start", json=AGREED))[0]


async def test_a_webhook_before_the_return_page(tmp_path: Path, no_rate_limit: None) -> None:
    """M2: nobody comes back and no reconciler comes round: at the first read after its 200 each of five events is kept with its look enqueued; every one
    of the purchases is credited and startable, and no read ever sees one of both without the other."""
    seen: set[tuple[int, OrderStatus, SessionStatus]] = set()
    async with selling(tmp_path, 3600.0) as stall:
        purchases = [await stall.bought() for _ in range(5)]
        for session_id, payment_id, page in purchases:
            stall.stand.account.pay(page)
            event = stall.stand.account.events[-1]
            assert 200 == await stall.tell(event)
            async with stall.house.store.read() as tx:
                (kept,) = [each for each in await tx.deliveries("pay:stripe") if each.key == event["id"]]
            runs = await stall.house.app[JOBS].recent(failed_only=False, limit=50)
            assert [str(kept.id)] == [run.key for run in runs if run.kind == checkout.LOOK_JOB and run.key == str(kept.id)]
            seen.add(await stall.stands(session_id, payment_id))

        async def wait() -> bool:
            stand = [await stall.stands(session_id, payment_id) for session_id, payment_id, _ in purchases]
            seen.update(stand)
            return {CREDITED} != set(stand)

        await until_none(wait, BY_RECONCILER_SECONDS)
        await stall.taken_in()
        starts = [
            await stall.house.call("POST", f"/api/interviews/{session_id}/start", json=AGREED) for session_id, *_ in purchases
        ]
    assert seen <= {WAITING, CREDITED}
    assert {200} == {status for status, _ in starts}


async def test_the_return_page_first_and_the_webhook_after(tmp_path: Path, no_rate_limit: None) -> None:
    """M2, webhook after the return page: the page itself asks and says that it was charged once; what is told afterwards, twice, changes nothing."""
    async with selling(tmp_path, 3600.0) as stall:
        _, payment_id, page = await stall.bought()
        stall.stand.account.pay(page)
        _, receipt = await stall.house.fetch("GET", f"/payments/{payment_id}")
        assert "₹149 was charged once." in receipt
        assert stall.stand.account.events
        for event in stall.stand.account.events * 2:
            assert 200 == await stall.tell(event)
        await stall.taken_in()
        assert [PRICE] == await stall.credited(payment_id)


async def test_a_renewal_that_does_not_match_is_shown_to_an_admin(tmp_path: Path, no_rate_limit: None) -> None:
    """M5: the page about money names payment and reason, the list of webhooks has both events as failed, the receipt says that a person looks; a payment that merely failed is nobody's riddle."""
    async with selling(tmp_path, 3600.0) as stall:
        account = stall.stand.account
        _, failed, other = await stall.bought()
        _, answer = await stall.house.call("POST", "/api/payments/create", json={"plan": "pro"})
        page = account.things[answer["checkoutUrl"].rsplit("/", 1)[-1]]
        account.pay(page["id"])
        shown = await stall.house.fetch("GET", f"/payments/{answer['paymentId']}")
        assert "₹499 was charged once." in shown[1]
        account.renew(page["subscription"])
        account.all("invoice")[0]["amount_paid"] = 100
        account.pay(other, later=True)
        account.settle(other, ok=False)
        for event in account.events[-4:]:
            assert 200 == await stall.tell(event)
        await stall.taken_in()

        async with stall.house.store.read() as tx:
            states = {kept.type: kept.state for kept in await tx.deliveries("pay:stripe")}
        _, money = await stall.house.fetch("GET", "/operator/money")
        _, webhooks = await stall.house.fetch("GET", "/operator/deliveries?state=failed")
        _, receipt = await stall.house.fetch("GET", f"/payments/{answer['paymentId']}")
        _, declined = await stall.house.fetch("GET", f"/payments/{failed}")
    apart = {"invoice.paid", "customer.subscription.updated"}
    assert apart == {kind for kind, state in states.items() if state is DeliveryState.FAILED}
    assert "Needs a look" in money
    assert f"{answer['paymentId']}</span>, ₹499: A payment for the plan is of 100 and not of 49900" in money
    assert failed not in money
    assert all(kind in webhooks for kind in apart)
    assert "Paid, and being checked" in receipt
    assert "Nothing was charged" in declined
