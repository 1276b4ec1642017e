"""An order and what its provider says of it: the one reducer behind webhook, return page and reconciler (R-107, R-108, M1…M5).

A provider's event is only a hint to look: `judge` compares the order with what the provider says now and gives the ledger lines that
follow. Each line has the provider's own id, so that lines are booked once whatever comes how often and in whatever order; the status is what the
lines add up to. What does not match the order in amount, currency, mode or owner credits nothing. Read next: `bridge.usecases.checkout`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from .pricing import Money, Plan


class OrderStatus(StrEnum):
    """Where an order stands."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    """The payment was refused or never made; nothing was charged."""
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    QUARANTINED = "quarantined"
    """The provider's account does not match the order: a person must look."""


@dataclass(frozen=True)
class Order:
    """Something a person wants to pay: an interview or a plan."""

    id: str
    user_id: str | None
    provider: str
    amount: Money
    created_at: datetime
    session_id: str | None = None
    plan: Plan | None = None
    status: OrderStatus = OrderStatus.PENDING
    checkout_ref: str | None = None
    """The provider's own id of its checkout page."""
    checkout_url: str = ""
    expires_at: datetime | None = None
    payment_ref: str | None = None
    subscription_ref: str | None = None
    customer_ref: str = ""
    paid_at: datetime | None = None
    refunded: int = 0
    fee: int | None = None
    """What the provider kept, as it says; None until it does."""
    problem: str = ""
    """For people: why it is in quarantine, or why it failed."""
    seen: int = 0
    """The newest event that was kept before the provider was last asked: up to it nothing is new."""

    @property
    def needs_a_look(self) -> bool:
        """Whether a person must look at it: in quarantine, or paid and something that came later does not match."""
        return self.status is OrderStatus.QUARANTINED or bool(self.problem and self.paid_at)


class MovementState(StrEnum):
    """Where a refund or a dispute stands."""

    PENDING = "pending"
    DONE = "done"
    """Refunded, or the dispute lost."""
    UNDONE = "undone"
    """The refund failed, or the dispute was won."""


@dataclass(frozen=True)
class Movement:
    """Money on its way back, by the provider's own id."""

    kind: str
    """refund or dispute."""
    ref: str
    amount: int
    state: MovementState
    of: str = ""
    """The payment it gives back, by its id in `Facts.payments`; empty where there can be only one."""


@dataclass(frozen=True)
class Record:
    """Another of the provider's records behind a checkout page: its plan, or what was paid for a month of it. Empty where it says nothing."""

    ref: str
    livemode: bool
    currency: str
    amount: int | None = None
    """None for the plan itself, which takes nothing."""
    reference: str = ""
    """Whose it is: our order id."""
    customer_ref: str = ""
    subscription_ref: str = ""


@dataclass(frozen=True)
class Facts:
    """What the provider says of an order when asked. Amounts in minor units."""

    checkout_ref: str
    reference: str
    """Whose it is: our order id, as the provider has it."""
    livemode: bool
    amount: int
    currency: str
    paid: bool
    over: bool = False
    """Expired, cancelled or failed: it will not be paid any more."""
    payment_ref: str | None = None
    subscription_ref: str | None = None
    customer_ref: str = ""
    fee: int | None = None
    payments: tuple[tuple[str, int], ...] = ()
    """What was taken, by the provider's id of it: one for an interview, one a month for a plan."""
    movements: tuple[Movement, ...] = ()
    records: tuple[Record, ...] = ()
    """Of a plan: itself and its paid months, the newest first."""
    problem: str = ""


class Account(StrEnum):
    """The two accounts of the ledger."""

    CASH = "cash"
    """What was taken through a provider, and given back."""
    CREDIT = "credit"
    """What a person has for interviews."""


@dataclass(frozen=True)
class Line:
    """One line of the money ledger; (`kind`, `ref`) is unique and no line is ever changed."""

    account: Account
    kind: str
    """payment, refund, dispute, credit, grant, referral, voucher, hold, release, consume …"""
    ref: str
    user_id: str | None
    amount: int
    currency: str
    at: datetime
    order_id: str | None = None
    session_id: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Judged:
    """The order as it stands now, and the lines to book."""

    order: Order
    lines: tuple[Line, ...] = ()
    recognised: bool = True
    """Whether what the provider says of a plan's newest month is what was agreed."""


ANOTHER_S = "The provider's record belongs to another order."


def mismatch(order: Order, facts: Facts, *, livemode: bool) -> str:
    """What does not match of the checkout page, in words; empty when all does."""
    if facts.reference != order.id or (order.checkout_ref and facts.checkout_ref != order.checkout_ref):
        return ANOTHER_S
    if facts.paid and bool(facts.subscription_ref) is (order.plan is None):
        return "The payment is for a plan and not for an interview, or the other way round."
    if facts.livemode != livemode:
        return f"The payment was made in {'live' if facts.livemode else 'test'} mode, this server runs in the other."
    if facts.currency.upper() != order.amount.currency:
        return f"The currency is {facts.currency.upper()} and not {order.amount.currency}."
    if facts.amount != order.amount.amount:
        return f"The amount is {facts.amount} and not {order.amount.amount}."
    return ""


def stray(order: Order, facts: Facts, record: Record, *, livemode: bool) -> str:
    """What does not match of a plan or of a month that was paid for it, in words; empty when all does."""
    what = "The plan" if record.amount is None else "A payment for the plan"
    others = (
        (record.reference, order.id),
        (record.customer_ref, facts.customer_ref),
        (record.subscription_ref, facts.subscription_ref),
    )
    if any(named and named != ours for named, ours in others):
        return f"{what} belongs to another order or customer ({record.ref})."
    if record.livemode != livemode:
        return f"{what} was made in {'live' if record.livemode else 'test'} mode, this server runs in the other ({record.ref})."
    if record.currency.upper() != order.amount.currency:
        return f"{what} is in {record.currency.upper()} and not in {order.amount.currency} ({record.ref})."
    if record.amount not in (None, order.amount.amount):
        return f"{what} is of {record.amount} and not of {order.amount.amount} ({record.ref})."
    return ""


def judge(order: Order, facts: Facts, now: datetime, *, livemode: bool, elsewhere: bool = False) -> Judged:
    """What follows from what the provider says; the same again follows from the same.

    `elsewhere`: its payment or plan is another order's already. A plan's month that does not match credits nothing and renews nothing.
    """
    if order.status is OrderStatus.QUARANTINED:
        return Judged(order)
    strays = {each.ref: words for each in facts.records if (words := stray(order, facts, each, livemode=livemode))}
    whole = [strays[each.ref] for each in facts.records if each.amount is None and each.ref in strays]
    months = [each.ref for each in facts.records if each.amount is not None]
    if not order.paid_at and months and strays.keys() >= set(months):
        whole.append(strays[months[0]])
    wrong = mismatch(order, facts, livemode=livemode) or (ANOTHER_S if elsewhere else "") or next(iter(whole), "")
    if wrong:
        # What has been credited stays; nothing more is.
        pending = order.status in (OrderStatus.PENDING, OrderStatus.FAILED)
        status = OrderStatus.QUARANTINED if pending else order.status
        return Judged(replace(order, status=status, problem=wrong), recognised=False)
    order = replace(
        order,
        checkout_ref=facts.checkout_ref,
        payment_ref=facts.payment_ref or order.payment_ref,
        subscription_ref=facts.subscription_ref or order.subscription_ref,
        customer_ref=facts.customer_ref or order.customer_ref,
        fee=facts.fee if facts.fee is not None else order.fee,
    )
    if facts.paid:
        order = replace(order, paid_at=order.paid_at or now, problem=next(iter(strays.values()), ""))
        return Judged(order, tuple(_lines(order, _without(facts, strays), now)), recognised=not strays.keys() & set(months[:1]))
    if facts.over and order.status is OrderStatus.PENDING:
        order = replace(order, status=OrderStatus.FAILED, problem=facts.problem)
    return Judged(order)


def _without(facts: Facts, strays: Collection[str]) -> Facts:
    return replace(
        facts,
        payments=tuple((ref, amount) for ref, amount in facts.payments if ref not in strays),
        movements=tuple(movement for movement in facts.movements if movement.of not in strays),
    )


def standing(order: Order, lines: Sequence[Line]) -> Order:
    """The order's status as its ledger lines say: they only grow, so an older answer of the provider cannot turn it back."""
    cash = [line for line in lines if line.account is Account.CASH]
    if order.status is OrderStatus.QUARANTINED or not any(line.kind == "payment" for line in cash):
        return order
    taken = sum(line.amount for line in cash if line.kind == "payment")
    refunded = -sum(line.amount for line in cash if line.kind.startswith("refund"))
    disputed = -sum(line.amount for line in cash if line.kind.startswith("dispute"))
    status = OrderStatus.COMPLETED
    if refunded >= taken:
        status = OrderStatus.REFUNDED
    elif disputed > 0:
        status = OrderStatus.DISPUTED
    return replace(order, status=status, refunded=refunded)


def _lines(order: Order, facts: Facts, now: datetime) -> list[Line]:
    def line(account: Account, kind: str, ref: str, amount: int) -> Line:
        return Line(account, kind, ref, order.user_id, amount, order.amount.currency, now, order.id, order.session_id)

    lines = [line(Account.CASH, "payment", ref, amount) for ref, amount in facts.payments]
    for_credit = order.plan is None
    if for_credit:
        lines.append(line(Account.CREDIT, "credit", order.id, order.amount.amount))
    for movement in facts.movements:
        lines.append(line(Account.CASH, movement.kind, movement.ref, -movement.amount))
        if for_credit:
            lines.append(line(Account.CREDIT, f"{movement.kind}_credit", movement.ref, -movement.amount))
        if movement.state is MovementState.UNDONE:
            lines.append(line(Account.CASH, f"{movement.kind}_undone", movement.ref, movement.amount))
            if for_credit:
                lines.append(line(Account.CREDIT, f"{movement.kind}_credit_undone", movement.ref, movement.amount))
    return lines
