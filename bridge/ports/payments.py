"""A transaction's part about money, and the port to whoever takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..domain.entitlement import Subscription
from ..domain.holding import Hold
from ..domain.payment import Facts, Line, Order
from ..domain.pricing import Money, Plan


@dataclass(frozen=True)
class Refund:
    """A wish to give money back: one row for (`order_id`, `cause`), sent with its id as the idempotency key."""

    id: str
    order_id: str
    cause: str
    amount: int
    asked_at: datetime
    provider_ref: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class Earned:
    """What one interview cost and brought."""

    session_id: str
    at: datetime
    type: str
    difficulty: str
    engine: str
    elapsed_ms: int
    cost_micros: int
    """Millionths of a dollar, measured."""
    estimated_micros: int
    """The same, foreseen where nothing was measured."""
    cost_paise: int
    """Both, in paise at the rates they were booked at (C-08)."""
    brought: int
    """What its hold used up, in minor units."""
    source: str = ""
    """What paid: free, plan, credit; empty for nothing."""


class PaymentTx(Protocol):
    """Money."""

    # Orders -------------------------------------------------------------------------------------------------------------
    async def add_order(self, order: Order) -> None:
        """Insert."""

    async def order(self, order_id: str, *, for_update: bool = False) -> Order | None:
        """One order, or None."""

    async def order_by(
        self, provider: str, *, checkout_ref: str = "", payment_ref: str = "", subscription_ref: str = ""
    ) -> Order | None:
        """The order with one of the provider's ids, or None."""

    async def orders_of(self, user_id: str) -> list[Order]:
        """A person's, newest first."""

    async def open_orders(self, provider: str) -> list[Order]:
        """Pending ones, newest first."""

    async def pending_order(self, user_id: str, *, session_id: str | None = None, plan: Plan | None = None) -> Order | None:
        """The newest pending order for the same thing."""

    async def quarantined(self) -> list[Order]:
        """Orders a person must look at."""

    async def save_order(self, order: Order) -> None:
        """Write every mutable field. Raises NotFound."""

    async def order_counts(self) -> dict[str, int]:
        """How many orders have which status (R-111)."""

    # The money ledger ---------------------------------------------------------------------------------------------------
    async def lock_purse(self, user_id: str) -> None:
        """Nobody else spends this person's credit until the transaction ends."""

    async def add_line(self, line: Line) -> bool:
        """Book a line once; False when (kind, ref) is there already."""

    async def line(self, kind: str, ref: str) -> Line | None:
        """One line, or None."""

    async def lines_of_order(self, order_id: str) -> list[Line]:
        """An order's, in order of booking."""

    async def lines_of(self, user_id: str) -> list[Line]:
        """A person's, in order of booking."""

    async def balance(self, user_id: str, currency: str) -> int:
        """A person's credit."""

    async def paid_in(self, user_id: str) -> list[Money]:
        """What a person has paid and not got back, by currency."""

    # Holds --------------------------------------------------------------------------------------------------------------
    async def hold(self, session_id: str, *, for_update: bool = False) -> Hold | None:
        """What pays for an interview, or None."""

    async def save_hold(self, hold: Hold) -> bool:
        """Insert or replace; False when the month's free interview is taken by another."""

    async def held_in(self, user_id: str, month: str) -> list[Hold]:
        """A person's holds of a month that were not released."""

    async def mark_faults(self, session_ids: Sequence[str], *, fault: bool) -> None:
        """A crash of ours cut these off, or their candidates are back."""

    # Plans --------------------------------------------------------------------------------------------------------------
    async def save_subscription(self, subscription: Subscription) -> bool:
        """Insert or replace; False when what is kept was asked for later, or is final."""

    async def subscriptions(self, user_id: str) -> list[Subscription]:
        """A person's, newest first."""

    async def subscription(self, provider: str, ref: str) -> Subscription | None:
        """One, or None."""

    # Refunds ------------------------------------------------------------------------------------------------------------
    async def add_refund(self, refund: Refund) -> bool:
        """Keep the wish once; False when (order, cause) is there already."""

    async def refund(self, refund_id: str) -> Refund | None:
        """One, or None."""

    async def refunds_of(self, order_id: str) -> list[Refund]:
        """An order's, in order of asking."""

    async def save_refund(self, refund: Refund) -> None:
        """Write what came of it."""

    # Cost against price -------------------------------------------------------------------------------------------------
    async def earnings(self, *, limit: int) -> list[Earned]:
        """The newest interviews with their costs and what they brought."""

    # The demonstration's provider ---------------------------------------------------------------------------------------
    async def demo_payment(self, ref: str) -> tuple[str, dict[str, Any]] | None:
        """Order id and state that the pretended provider knows of a checkout."""

    async def save_demo_payment(self, ref: str, order_id: str, state: dict[str, Any]) -> None:
        """Keep what the pretended provider knows."""


@dataclass(frozen=True)
class CheckoutAsk:
    """What a checkout page is opened for."""

    order: Order
    title: str
    return_url: str
    cancel_url: str
    customer_ref: str = ""


@dataclass(frozen=True)
class Checkout:
    """A checkout page that is open."""

    ref: str
    url: str
    expires_at: datetime | None


@dataclass(frozen=True)
class Hint:
    """A provider's event: where to look, and what is kept of it. None of its amounts is believed."""

    id: str
    type: str
    livemode: bool
    body: dict[str, Any]
    """Ids only, no personal data."""
    order_id: str = ""
    checkout_ref: str = ""
    payment_ref: str = ""
    subscription_ref: str = ""
    customer_ref: str = ""


class CheckoutGateway(Protocol):
    """Whoever takes the money. Every call may raise UpstreamFailed and may be repeated."""

    name: str
    livemode: bool

    def read_event(self, headers: Mapping[str, str], raw: bytes, now: float) -> Hint:
        """An authenticated event. Raises BadSignature for whatever is not surely the provider's, InvalidInput for what cannot be read."""

    def hint_of(self, body: dict[str, Any]) -> Hint:
        """A kept event again."""

    async def open(self, ask: CheckoutAsk) -> Checkout:
        """Open a checkout page; the order's id is the idempotency key."""

    async def facts(self, order: Order) -> Facts:
        """What the provider says of the order now."""

    async def find(self, hint: Hint) -> str:
        """The id of the order an event is about, as the provider has it; empty when it is none of ours."""

    async def subscription(self, ref: str, now: datetime) -> Subscription | None:
        """A plan as it stands now."""

    async def refund(self, order: Order, refund: Refund) -> str:
        """Give money back once; the provider's id of it."""

    async def portal(self, customer_ref: str, return_url: str) -> str:
        """A page of the provider's where a person changes or ends a plan."""

    async def events(self, since: datetime) -> list[Hint]:
        """Events since a moment, for those that were never delivered."""

    async def close(self) -> None:
        """Let go of connections."""
