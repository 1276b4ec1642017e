"""Settings of money: who takes it, what things cost, what a dollar is (R-100…R-107, C-06, C-08)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field, model_validator

from ..domain.catalog import DIFFICULTIES, Difficulty
from ..domain.pricing import ExchangeRate, FeeRule, Plan, Tariff, credits_tariff, parse_amounts
from .fields import https_or_loopback, vendor


class Payments(StrEnum):
    """How an interview is paid."""

    OFF = "off"
    CREDITS = "credits"
    FAKE = "fake"
    STRIPE = "stripe"
    RAZORPAY = "razorpay"


class PaymentSettings(BaseModel):
    """The part about money."""

    payments: Payments = Field(
        Payments.OFF,
        description="`off`: no prices anywhere; `credits`: an operator hands them out; `fake`: a demonstration without money, on this "
        "machine only; `stripe`; `razorpay`: interviews only, no plans.",
    )
    prices: str = Field(
        "", description="Prices of an interview in paise, `easy=9900,medium=14900,hard=19900,expert=29900` where left out."
    )
    plan_prices: str = Field(
        "",
        description="Prices of the plans a month in paise, `pro=49900,premium=199900` where left out; with `razorpay` no plans are sold.",
    )
    pro_per_interview: int = Field(
        0, ge=0, le=10_000_000, description="A flat price in paise for an interview of any difficulty; 0 does not offer it."
    )
    fair_use: int = Field(30, ge=1, le=1000, description="Interviews a plan includes in a calendar month.")
    free_monthly: bool = Field(True, description="Whether everybody has one free interview a calendar month (UTC).")
    grace_days: int = Field(3, ge=0, le=30, description="Days a plan goes on whose renewal has not been paid yet.")
    refund_policy: str = Field(
        "credit",
        pattern="^(credit|money)$",
        description="What an interview that fails by our fault gives back: `credit` or `money`.",
    )
    review_days: int = Field(5, ge=1, le=60, description="Days within which a person's review is to be handed in.")
    referral: int = Field(5_000, ge=0, le=1_000_000, description="Credit in paise for whoever brought a person here; 0 for none.")
    referral_welcome: int = Field(
        5_000, ge=0, le=1_000_000, description="Credit in paise for the person who was brought, at the same moment; 0 for none."
    )
    ad_slot: bool = Field(False, description="Whether pages of people without a plan have a place for an advertisement.")
    ad_text: str = Field("", max_length=200, description="What stands in that place; empty for a placeholder.")
    ad_link: str = Field("", pattern="^(https://[^ ]+)?$", description="Where it leads. Nothing is loaded from there.")
    usd_inr: float = Field(83.0, gt=0, le=10_000, description="Rupees for a dollar, for comparing costs with prices.")
    usd_inr_since: date = Field(date(2026, 11, 1), description="Since when that rate is held to be so.")
    payment_fee_percent: float = Field(
        2.4, ge=0, le=20, description="The provider's fee, as a share of a payment, for estimates."
    )
    payment_fee_fixed: int = Field(99, ge=0, le=10_000, description="The provider's fee, fixed part in paise, for estimates.")
    stripe_secret_key: str = vendor("STRIPE_SECRET_KEY", "", "Secret key of the Stripe account.", secret=True)
    stripe_webhook_secret: str = vendor(
        "STRIPE_WEBHOOK_SECRET", "", "Secret of the webhook endpoint; several with commas while one is exchanged.", secret=True
    )
    stripe_base_url: str = vendor(
        "STRIPE_BASE_URL", "https://api.stripe.com", "Stripe's API; plain http on loopback only (stand-in)."
    )
    razorpay_key_id: str = vendor("RAZORPAY_KEY_ID", "", "Key id of the Razorpay account.", pattern="^[A-Za-z0-9_]*$")
    razorpay_key_secret: str = vendor("RAZORPAY_KEY_SECRET", "", "Key secret of the Razorpay account.", secret=True)
    razorpay_webhook_secret: str = vendor(
        "RAZORPAY_WEBHOOK_SECRET", "", "Secret of the webhook; several with commas while one is exchanged.", secret=True
    )
    razorpay_base_url: str = vendor(
        "RAZORPAY_BASE_URL", "https://api.razorpay.com", "Razorpay's API; plain http on loopback only (stand-in)."
    )

    @model_validator(mode="after")
    def _prices_can_be_read(self) -> Self:
        for name, text, names in (("PRICES", self.prices, Difficulty), ("PLAN_PRICES", self.plan_prices, Plan)):
            try:
                parse_amounts(text, names)
            except ValueError as error:
                raise ValueError(f"PREPKIT_{name} {error}") from None
        return self

    @model_validator(mode="after")
    def _provider_is_complete(self) -> Self:
        needed = {
            Payments.STRIPE: {"STRIPE_SECRET_KEY": self.stripe_secret_key, "STRIPE_WEBHOOK_SECRET": self.stripe_webhook_secret},
            Payments.RAZORPAY: {
                "RAZORPAY_KEY_ID": self.razorpay_key_id,
                "RAZORPAY_KEY_SECRET": self.razorpay_key_secret,
                "RAZORPAY_WEBHOOK_SECRET": self.razorpay_webhook_secret,
            },
        }.get(self.payments, {})
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be set for PREPKIT_PAYMENTS={self.payments.value}")
        for name, url in (("STRIPE", self.stripe_base_url), ("RAZORPAY", self.razorpay_base_url)):
            if not https_or_loopback(url):
                raise ValueError(f"{name}_BASE_URL must be https, or http on a loopback address")
        return self

    @property
    def tariff(self) -> Tariff | None:
        """The price list; None where nothing is paid."""
        if self.payments is Payments.OFF:
            return None
        if self.payments is Payments.CREDITS:
            return credits_tariff(free_monthly=self.free_monthly)
        interviews = {level.value: profile.price_paise for level, profile in DIFFICULTIES.items()}
        interviews |= parse_amounts(self.prices, Difficulty)
        plans = {Plan.PRO.value: 49_900, Plan.PREMIUM.value: 199_900} | parse_amounts(self.plan_prices, Plan)
        # Razorpay's links are paid once: there a plan could neither renew nor be ended.
        sold = () if self.payments is Payments.RAZORPAY else (Plan.PRO, Plan.PREMIUM)
        return Tariff(
            prices={level: interviews[level] for level in Difficulty},
            plans={plan: plans[plan] for plan in sold},
            pro_per_interview=self.pro_per_interview,
            fair_use=self.fair_use,
            free_monthly=self.free_monthly,
            grace_days=self.grace_days,
            referral=self.referral,
            referral_welcome=self.referral_welcome,
            refund_to_money=self.refund_policy == "money",
        )

    @property
    def exchange_rate(self) -> ExchangeRate:
        """What a dollar is."""
        return ExchangeRate(self.usd_inr, self.usd_inr_since)

    @property
    def fee_rule(self) -> FeeRule:
        """What the provider is expected to keep."""
        return FeeRule(self.payment_fee_percent, self.payment_fee_fixed)
