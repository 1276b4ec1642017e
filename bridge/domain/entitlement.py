"""Who pays for an interview, and with what: the month's free one, a plan, credit, or nobody yet (R-104…R-106, C-09…C-11).

`decide` looks at what a person has and says what an interview would be paid with; it is asked for the quote and again, under a lock, when
the interview starts. A subscription counts by its provider's status through one table. Read next: `holding`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from .catalog import Difficulty
from .pricing import Money, Plan, Tariff


class SubscriptionStatus(StrEnum):
    """As Stripe names them; another provider's words are translated by its client."""

    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"


FINAL = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})


@dataclass(frozen=True)
class Subscription:
    """A person's plan at a provider. `as_of` is when the provider was asked: what was asked earlier never replaces it."""

    provider: str
    ref: str
    user_id: str | None
    plan: Plan
    status: SubscriptionStatus
    as_of: datetime
    period_end: datetime | None = None
    past_due_since: datetime | None = None
    cancels_at_end: bool = False
    customer_ref: str = ""


def gives_access(subscription: Subscription, now: datetime, grace_days: int) -> bool:
    """Whether the plan counts now. Unpaid renewals are forgiven for `grace_days`: Indian mandates may take more than a day."""
    match subscription.status:
        case SubscriptionStatus.ACTIVE | SubscriptionStatus.TRIALING:
            return True
        case SubscriptionStatus.PAST_DUE:
            since = subscription.past_due_since
            return since is not None and now < since + timedelta(days=grace_days)
        case _:
            return False


def unrenewed(kept: Subscription, seen: Subscription) -> Subscription:
    """A plan whose newest month was not paid as agreed: it lasts to the end of the last month that was, and then as long as an unpaid one."""
    if seen.ref == kept.ref and seen.status not in (
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.TRIALING,
        SubscriptionStatus.PAST_DUE,
    ):
        return seen
    late = kept.past_due_since or kept.period_end or kept.as_of
    return replace(kept, status=SubscriptionStatus.PAST_DUE, past_due_since=late, as_of=seen.as_of)


def plan_of(subscriptions: list[Subscription], now: datetime, grace_days: int) -> Plan:
    """The best plan that counts now."""
    held = {subscription.plan for subscription in subscriptions if gives_access(subscription, now, grace_days)}
    return next((plan for plan in (Plan.PREMIUM, Plan.PRO) if plan in held), Plan.FREE)


class Source(StrEnum):
    """What pays for an interview."""

    FREE = "free"
    PLAN = "plan"
    CREDIT = "credit"


@dataclass(frozen=True)
class Purse:
    """What a person has at a moment; months are calendar months in UTC."""

    plan: Plan = Plan.FREE
    used_of_plan: int = 0
    """Interviews of this month that the plan paid for."""
    free_used: bool = False
    balance: int = 0
    """Credit in minor units of the tariff's currency."""


def month_of(moment: datetime) -> str:
    """The calendar month of a moment: `2026-11`, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m}"


def decide(purse: Purse, difficulty: Difficulty, tariff: Tariff) -> Source | None:
    """What would pay for it: a plan within fair use, the month's free one, credit; None when it has to be paid first."""
    if purse.plan is not Plan.FREE and purse.used_of_plan < tariff.fair_use:
        return Source.PLAN
    if tariff.free_monthly and not purse.free_used:
        return Source.FREE
    if purse.balance >= tariff.price(difficulty).amount:
        return Source.CREDIT
    return None


SMALLEST_PAYMENT = 5_000
"""Paise; a provider takes no less."""


def due(purse: Purse, price: Money) -> Money:
    """What is still to be paid for a price: credit counts where the rest is not too small to be taken."""
    rest = price.amount - max(0, purse.balance)
    return Money(rest if rest >= SMALLEST_PAYMENT else price.amount, price.currency)


@dataclass(frozen=True)
class Quote:
    """What an interview costs before it costs (R-102). `amount` is what has still to be paid."""

    amount: Money
    reason: str
    """payments_off, plan, free_monthly, credit, pay."""
    message: str
    price: Money
    expires_at: datetime | None = None


QUOTE_HOURS = 24


def quote(purse: Purse, difficulty: Difficulty, tariff: Tariff, now: datetime) -> Quote:
    """The price of an interview for this person, in words (R-102)."""
    price = tariff.price(difficulty)
    nothing = Money(0, tariff.currency)
    expires = now + timedelta(hours=QUOTE_HOURS)
    match decide(purse, difficulty, tariff):
        case Source.PLAN:
            left = tariff.fair_use - purse.used_of_plan - 1
            said = f"Included in your plan: nothing to pay. {left} more {'is' if left == 1 else 'are'} included this month."
            return Quote(nothing, "plan", said, price, expires)
        case Source.FREE:
            return Quote(nothing, "free_monthly", "This is your free interview of the month: nothing to pay.", price, expires)
        case Source.CREDIT:
            rest = Money(purse.balance - price.amount, tariff.currency)
            said = f"This mock interview will cost {price.text} of your credit; {rest.text} will be left. There is nothing more to pay."
            return Quote(nothing, "credit", said, price, expires)
    if not tariff.sells:
        said = f"This mock interview takes {price.text}, and you have none left. Ask whoever runs this server for more."
        return Quote(price, "pay", said, price, expires)
    to_pay = due(purse, price)
    credit = f": {Money(price.amount - to_pay.amount, price.currency).text} from your credit and {to_pay.text} to pay" * (
        to_pay != price
    )
    said = f"This mock interview will cost {price.text}{credit}. You pay before it starts; if it fails on our side you get it back by itself."
    return Quote(to_pay, "pay", said, price, expires)
