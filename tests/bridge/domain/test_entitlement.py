"""Who pays for an interview, with what: the tables behind quote and start (R-100…R-106, C-02…C-10, M6)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bridge.domain.catalog import Difficulty
from bridge.domain.entitlement import Purse, Source, Subscription, SubscriptionStatus, decide, gives_access, plan_of, quote
from bridge.domain.pricing import CREDITS, ExchangeRate, FeeRule, Money, Plan, Tariff, credits_tariff, estimate, parse_amounts

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TARIFF = Tariff()
S = SubscriptionStatus

STATES = [
    (S.ACTIVE, None, True),
    (S.TRIALING, None, True),
    (S.PAST_DUE, timedelta(days=2, hours=23), True),
    (S.PAST_DUE, timedelta(days=3), False),
    (S.PAST_DUE, None, False),
    (S.UNPAID, timedelta(hours=1), False),
    (S.PAUSED, None, False),
    (S.CANCELED, None, False),
    (S.INCOMPLETE, None, False),
    (S.INCOMPLETE_EXPIRED, None, False),
]


def plan(status: SubscriptionStatus, late: timedelta | None, which: Plan = Plan.PRO) -> Subscription:
    """A plan whose renewal is so late."""
    return Subscription("stripe", f"sub_{status}_{which}", "u", which, status, NOW, past_due_since=NOW - late if late else None)


@pytest.mark.parametrize(("status", "late", "access"), STATES)
@pytest.mark.parametrize("which", [Plan.PRO, Plan.PREMIUM])
def test_every_state_of_a_plan_has_its_answer(
    status: SubscriptionStatus, late: timedelta | None, access: bool, which: Plan
) -> None:
    """M6: the provider's eight states, past due in and out of grace, against what an interview is then paid with."""
    held = plan(status, late, which)

    assert access is gives_access(held, NOW, TARIFF.grace_days)
    assert (which if access else Plan.FREE) is plan_of([held], NOW, TARIFF.grace_days)
    has = Purse(plan=plan_of([held], NOW, TARIFF.grace_days), free_used=True)
    assert (Source.PLAN if access else None) is decide(has, Difficulty.EXPERT, TARIFF)


def test_every_state_is_in_the_table() -> None:
    """M6: a state the provider adds is not forgotten here."""
    assert set(S) == {status for status, _, _ in STATES}


def test_the_better_plan_counts() -> None:
    """R-106: Premium beats Pro, whichever was bought first; an ended one does not."""
    assert Plan.PREMIUM is plan_of([plan(S.ACTIVE, None), plan(S.ACTIVE, None, Plan.PREMIUM)], NOW, 3)
    assert Plan.PRO is plan_of([plan(S.CANCELED, None, Plan.PREMIUM), plan(S.ACTIVE, None)], NOW, 3)


@pytest.mark.parametrize(
    ("has", "source", "reason"),
    [
        (Purse(), Source.FREE, "free_monthly"),
        (Purse(free_used=True), None, "pay"),
        (Purse(free_used=True, balance=14_899), None, "pay"),
        (Purse(free_used=True, balance=14_900), Source.CREDIT, "credit"),
        (Purse(plan=Plan.PRO, used_of_plan=29), Source.PLAN, "plan"),
        (Purse(plan=Plan.PRO, used_of_plan=30), Source.FREE, "free_monthly"),
        (Purse(plan=Plan.PRO, used_of_plan=30, free_used=True), None, "pay"),
        (Purse(plan=Plan.PREMIUM, used_of_plan=30, free_used=True, balance=20_000), Source.CREDIT, "credit"),
    ],
)
def test_what_pays_and_what_is_said(has: Purse, source: Source | None, reason: str) -> None:
    """C-09, C-10: a plan within fair use, then the month's free one, then credit, else it is paid; the quote says the same as the start does."""
    offer = quote(has, Difficulty.MEDIUM, TARIFF, NOW)

    assert source is decide(has, Difficulty.MEDIUM, TARIFF)
    assert reason == offer.reason
    assert (offer.amount.amount == 0) is (source is not None)
    if reason == "pay":
        assert "This mock interview will cost ₹149" in offer.message


def test_credit_lowers_what_is_to_pay() -> None:
    """R-109: fifty rupees for bringing somebody count against the next price, where the rest can still be taken by a provider."""
    assert Money(9_900) == quote(Purse(free_used=True, balance=5_000), Difficulty.MEDIUM, TARIFF, NOW).amount
    assert Money(9_900) == quote(Purse(free_used=True, balance=5_000), Difficulty.EASY, TARIFF, NOW).amount, (
        "a rest of ₹49 is too small"
    )
    assert Money(29_900) == quote(Purse(free_used=True, balance=-500), Difficulty.EXPERT, TARIFF, NOW).amount


def test_prices_are_the_document_s() -> None:
    """R-100, C-14: the four prices in paise, from one table; a flat price never raises one."""
    assert [9_900, 14_900, 19_900, 29_900] == [TARIFF.price(level).amount for level in Difficulty]
    assert [9_900] * 4 == [Tariff(pro_per_interview=9_900).price(level).amount for level in Difficulty]
    assert ["₹99", "₹99.50", "₹1,999", "−₹12"] == [Money(n).text for n in (9_900, 9_950, 199_900, -1_200)]
    assert ["1 credit", "3 credits"] == [Money(n, CREDITS).text for n in (1, 3)]
    assert Money(1, CREDITS) == credits_tariff().price(Difficulty.EXPERT)


def test_costs_follow_the_minutes_and_a_loss_is_a_loss() -> None:
    """C-02…C-04: cost grows with minutes, not with begun hours; twenty minutes through a vendor cost more than the price of an easy one."""
    rate, fee, day = ExchangeRate(), FeeRule(), date(2026, 11, 28)

    def of(engine: str, minutes: int, price: int) -> object:
        return estimate(price, engine, minutes, {}, day, rate=rate, fee=fee)

    ten, twenty = of("vapi", 10, 9_900), of("vapi", 20, 9_900)
    assert 2 * ten.parts["voice"] == twenty.parts["voice"] == round(0.115 * 20 * 83 * 100)
    assert twenty.margin == 9_900 - twenty.cost
    assert twenty.margin < 0 < of("local", 20, 9_900).margin
    assert 457 == fee.of(14_900), "C-06: 2.4 % and 99 paise"
    with_model = estimate(9_900, "local", 20, {"report": "gemini-3.8-flash"}, day, rate=rate, fee=fee)
    assert with_model.parts["model"] == rate.minor(round(15_000 * 0.75 + 6_000 * 3.75))


def test_price_lists_are_read_strictly() -> None:
    """C-14: whole minor units only."""
    assert {"easy": 5_000} == parse_amounts(" easy=5000 , ", Difficulty)
    for text in ("easy=50.5", "easy=-1", "trivial=1", "easy"):
        with pytest.raises(ValueError, match="minor units"):
            parse_amounts(text, Difficulty)
