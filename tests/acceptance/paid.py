"""Interviews that are paid through Stripe's stand-in at a running server, and what the ledger says of each in the end (M4)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.domain.holding import Hold, HoldState
from bridge.domain.payment import Line, Order, OrderStatus
from bridge.ports import Refund
from bridge.usecases import calling
from web.keys import SUPERVISOR
from web.standins.stripe import StripeStandin

from ..web import house
from .live import ANSWER, Caller, Server

KEY, SECRET = "sk_test_standin", "whsec_standin"
PRICE = 14_900
FOUR_MINUTES_MS = 240_000
LONG = {"type": "dsa", "difficulty": "medium", "duration": 20, "questionCount": 3, "pace": "fast"}


@dataclass(frozen=True)
class End:
    """What money and credit came to for one interview."""

    hold: Hold
    order: Order
    lines: dict[str, int]
    """Sums by kind, of the order and of the interview."""
    times: dict[str, int]
    """How many lines of each kind."""
    wishes: list[Refund]


@dataclass(frozen=True)
class Shop:
    """A running server that sells interviews, and whoever takes the money."""

    house: house.House
    server: Server
    stand: StripeStandin
    door: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(3))

    async def bought(self, *, minutes_in: bool = True, **choices: Any) -> str:
        """An interview with a credit of its own, started, so that the credit is held; `minutes_in`: four minutes and an answer into it.

        Its candidate is away for long enough that nobody is in a hurry.
        """
        session_id = str((await self.server.call("POST", "/api/interviews/setup", LONG | choices, status=201))["sessionId"])
        made = await self.server.call("POST", "/api/payments/create", {"sessionId": session_id})
        self.stand.account.pay(made["checkoutUrl"].rsplit("/", 1)[-1])
        assert "completed" == (await self.server.call("GET", f"/api/payments/{made['paymentId']}"))["status"]
        _, token = await self.server.start(session_id)
        if minutes_in:
            now = datetime.now(UTC)
            admission = await calling.admit(self.house.store, session_id, token, now)
            await house.tell(self.house.store, admission.session, answers=[ANSWER], over=False)
            later = now + timedelta(hours=1)
            await calling.leave(self.house.store, session_id, elapsed_ms=FOUR_MINUTES_MS, now=later)
        return session_id

    @asynccontextmanager
    async def candidate(self, session_id: str) -> AsyncIterator[Caller]:
        """The candidate, back in the interview; few at a time come in, because a start's token is good for half a minute."""
        async with AsyncExitStack() as stack:
            async with self.door:
                caller = await stack.enter_async_context(self.server.caller(*await self.server.start(session_id)))
                await caller.noted(lambda m: m["type"] == "server-message", 90)
            yield caller

    async def end_of(self, session_id: str, seconds: float = 120) -> End:
        """What it came to, once the hold is settled and a refund that is wished has come back from the provider."""
        async with asyncio.timeout(seconds):
            while True:
                async with self.house.store.read() as tx:
                    hold = await tx.hold(session_id)
                    orders = await tx.orders_of(self.house.user)
                    order = next(each for each in orders if each.session_id == session_id)
                    wishes = await tx.refunds_of(order.id)
                    lines = [line for line in await tx.lines_of(self.house.user) if session_id == line.session_id]
                assert hold is not None
                if hold.state is not HoldState.HELD and bool(wishes) is (order.status is OrderStatus.REFUNDED):
                    return End(hold, order, sums(lines), dict(Counter(line.kind for line in lines)), wishes)
                await asyncio.sleep(0.1)

    async def balance(self) -> int:
        """The one person's credit."""
        async with self.house.store.read() as tx:
            return await tx.balance(self.house.user, "INR")

    @property
    def refunds(self) -> list[str]:
        """Idempotency keys of every wish for a refund that reached the provider."""
        return [key for path, key in self.stand.posted if path == "/v1/refunds"]


def sums(lines: list[Line]) -> dict[str, int]:
    """By kind."""
    return {kind: sum(line.amount for line in lines if line.kind == kind) for kind in {line.kind for line in lines}}


HELD = {"payment": PRICE, "credit": PRICE, "hold": -PRICE}
USED = HELD | {"consume": 0}
FREED = HELD | {"release": PRICE}
PAID_BACK = FREED | {"refund": -PRICE, "refund_credit": -PRICE}
"""Each kind once: what was paid, held, and became of it."""


def is_used(end: End) -> bool:
    """Whether the interview was held and is paid for, once."""
    return (HoldState.CONSUMED, USED, []) == (end.hold.state, end.lines, end.wishes) and {1} == set(end.times.values())


def is_given_back(end: End, *, as_money: bool) -> bool:
    """Whether all of it is back, once: as money with one wish, or as credit with none."""
    wanted = (HoldState.RELEASED, PAID_BACK if as_money else FREED, int(as_money))
    return wanted == (end.hold.state, end.lines, len(end.wishes)) and {1} == set(end.times.values())


@asynccontextmanager
async def selling(data_dir: Path, stand: StripeStandin, **settings: Any) -> AsyncIterator[Shop]:
    """A server that sells; it hears nobody by itself and has room for everybody."""
    chosen = money_settings(stand) | {"recogniser": "none", "max_calls": 60} | settings
    async with house.running(data_dir, **chosen) as up:
        # A start's token is good for half a minute: nobody's is to pass while what calls need is loaded.
        await up.app[SUPERVISOR].loading.done()
        yield Shop(up, Server(up.origin, data_dir, up.client), stand)


def money_settings(stand: StripeStandin) -> dict[str, Any]:
    """How it sells."""
    return {
        "payments": "stripe", "stripe_secret_key": KEY, "stripe_webhook_secret": SECRET, "stripe_base_url": stand.url,
        "free_monthly": False,
    }  # fmt: skip
