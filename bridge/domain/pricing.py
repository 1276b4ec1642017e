"""Money, the price list, and what an interview is expected to cost us: computed, never typed (R-100…R-103, C-02…C-08, C-14).

Amounts are whole minor units (paise) of a currency; costs are millionths of a US dollar until they are compared with a price. A margin
below zero is a loss and is called one. Read next: `entitlement` (who pays at all), `unit_costs` (what things cost us).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from .catalog import DIFFICULTIES, Difficulty
from .unit_costs import INFRASTRUCTURE, dearest, token_price, voice_cost
from .upstream import CostEntry, CostKind

INR = "INR"
CREDITS = "XCR"
"""Not a currency of any country: one is one interview, where an operator hands them out."""
MICROS = 1_000_000
MODEL_TOKENS = {"questions": (3_000, 3_000), "live": (12_000, 600), "report": (15_000, 6_000)}
"""Tokens read and written for an interview of twenty minutes, by purpose: an estimate, replaced by what was measured."""
USUAL_MINUTES = 20


@dataclass(frozen=True)
class Money:
    """An amount in minor units of its currency."""

    amount: int
    currency: str = INR

    @property
    def text(self) -> str:
        """For people: `₹149`, `₹99.50`, `2 credits`."""
        sign = "−" if self.amount < 0 else ""
        value = abs(self.amount)
        if self.currency == CREDITS:
            return f"{sign}{value} credit{'' if value == 1 else 's'}"
        whole, minor = divmod(value, 100)
        number = f"{whole:,}" + (f".{minor:02}" if minor else "")
        return f"{sign}₹{number}" if self.currency == INR else f"{sign}{number} {self.currency}"


class Plan(StrEnum):
    """What a person has; the price list says what it costs."""

    FREE = "free"
    PRO = "pro"
    PREMIUM = "premium"


@dataclass(frozen=True)
class PlanProfile:
    """What a plan gives (R-104…R-106)."""

    plan: Plan
    title: str
    full_report: bool
    reviews_per_month: int
    ads: bool
    points: tuple[str, ...]


PLANS: dict[Plan, PlanProfile] = {
    profile.plan: profile
    for profile in (
        PlanProfile(Plan.FREE, "Free", False, 0, True, ("One interview a month", "Basic report: score, summary, one next step")),
        PlanProfile(
            Plan.PRO,
            "Pro",
            True,
            0,
            False,
            ("Every interview included, within fair use", "The whole report", "History and progress"),
        ),
        PlanProfile(
            Plan.PREMIUM,
            "Premium",
            True,
            1,
            False,
            ("Everything in Pro", "Preparation for a company and a role", "One interview a month reviewed by a person"),
        ),
    )
}


@dataclass(frozen=True)
class Tariff:
    """The price list of this server, as the settings have it."""

    currency: str = INR
    prices: dict[Difficulty, int] = field(default_factory=lambda: {d: p.price_paise for d, p in DIFFICULTIES.items()})
    plans: dict[Plan, int] = field(default_factory=lambda: {Plan.PRO: 49_900, Plan.PREMIUM: 199_900})
    pro_per_interview: int = 0
    """A flat price for any difficulty; 0 where it is not offered (C-09)."""
    fair_use: int = 30
    """Interviews a plan includes in a calendar month."""
    free_monthly: bool = True
    sells: bool = True
    """Whether money can be paid here; False where an operator hands out credits."""
    grace_days: int = 3
    referral: int = 5_000
    """Credit for whoever brought a person here, once that person has paid for an interview and held it."""
    referral_welcome: int = 5_000
    """The same for the person who was brought."""
    refund_to_money: bool = False
    """What a failed interview gives back: False its credit, True the money."""

    def price(self, difficulty: Difficulty) -> Money:
        """What an interview costs a person who has no plan."""
        amount = self.prices[difficulty]
        if self.pro_per_interview:
            amount = min(amount, self.pro_per_interview)
        return Money(amount, self.currency)

    def plan_price(self, plan: Plan) -> Money:
        """What a plan costs a month."""
        return Money(self.plans[plan], self.currency)


def credits_tariff(*, free_monthly: bool = True) -> Tariff:
    """The price list where an operator hands out credits: one interview is one."""
    return Tariff(
        currency=CREDITS,
        prices=dict.fromkeys(Difficulty, 1),
        plans={},
        free_monthly=free_monthly,
        sells=False,
        referral=0,
        referral_welcome=0,
    )


@dataclass(frozen=True)
class FeeRule:
    """What the payment provider keeps: a share and a fixed part in minor units (C-06)."""

    percent: float = 2.4
    fixed: int = 99

    def of(self, amount: int) -> int:
        """The fee on an amount, in minor units; nothing on nothing."""
        return round(amount * self.percent / 100) + self.fixed if amount else 0


@dataclass(frozen=True)
class ExchangeRate:
    """What a dollar is in the currency of the prices, and since when that is held to be so (C-08)."""

    per_usd: float = 83.0
    since: date = date(2026, 11, 1)

    def minor(self, usd_micros: int) -> int:
        """Minor units."""
        return round(usd_micros / MICROS * self.per_usd * 100)

    def inr_micros(self, entry: CostEntry) -> int:
        """Millionths of a rupee of a cost: as it was booked, at this rate where that was not kept."""
        if entry.inr_micros is not None:
            return entry.inr_micros
        return entry.amount_micros if entry.currency == INR else round(entry.amount_micros * self.per_usd)


@dataclass(frozen=True)
class Costing:
    """What an interview costs us, in minor units of the price's currency, by part; and what is left of the price."""

    price: int
    parts: dict[str, int]
    """voice, model, infrastructure, payment (R-103)."""

    @property
    def cost(self) -> int:
        """All parts."""
        return sum(self.parts.values())

    @property
    def margin(self) -> int:
        """Negative for a loss (C-04)."""
        return self.price - self.cost


def estimate(
    price: int, engine: str, minutes: int, models: dict[str, str], on: date, *, rate: ExchangeRate, fee: FeeRule
) -> Costing:
    """What an interview of so many minutes will cost (R-101). `models`: Gemini's model by purpose, empty without a key."""
    micros = 0.0
    for purpose, model in models.items():
        each = token_price(model, on) or dearest(on)
        read, written = MODEL_TOKENS[purpose]
        micros += (read * each.tokens_in + written * each.tokens_out) * minutes / USUAL_MINUTES
    return Costing(
        price,
        {
            "voice": rate.minor(voice_cost(engine, minutes, on)),
            "model": rate.minor(round(micros)),
            "infrastructure": rate.minor(voice_cost(INFRASTRUCTURE, minutes, on)),
            "payment": fee.of(price),
        },
    )


def spent_on(entries: Iterable[CostEntry], worth: Callable[[CostEntry], int] | None = None) -> tuple[int, int]:
    """Micro-dollars measured, and foreseen where nothing was measured, of an interview's cost lines; or what else `worth` makes of a line.

    A vendor's total for a call counts instead of its parts; whatever was measured of a call counts instead of its estimate.
    """
    calls: dict[str, list[CostEntry]] = {}
    of = worth or (lambda entry: entry.amount_micros)
    for entry in entries:
        calls.setdefault(entry.ref.rpartition(":")[0], []).append(entry)
    measured = foreseen = 0
    for lines in calls.values():
        actual = [line for line in lines if line.kind is CostKind.ACTUAL]
        if actual:
            total = [line for line in actual if line.item == "call"]
            measured += sum(of(line) for line in total or actual)
        else:
            foreseen += sum(of(line) for line in lines)
    return measured, foreseen


def parse_amounts(text: str, names: type[StrEnum]) -> dict[str, int]:
    """`easy=9900,medium=14900` as a table. Raises ValueError with a sentence."""
    table: dict[str, int] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, amount = pair.partition("=")
        if name not in set(names) or not amount.isdecimal():
            raise ValueError(f"is a list of name=amount in minor units; the names are {', '.join(names)}")
        table[name] = int(amount)
    return table
