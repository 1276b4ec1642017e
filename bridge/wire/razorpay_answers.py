"""What is read of Razorpay's answers: links, payments, refunds, disputes. Amounts are in minor units, times in seconds.

Source: the entities at razorpay.com/docs/api (payments/payment-links, payments, refunds, disputes). Read next: `bridge.clients.razorpay`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Answer(BaseModel):
    """Part of an answer; what it does not name is not read."""

    model_config = ConfigDict(extra="ignore", strict=True)


class LinkPayment(Answer):
    """A try to pay a link."""

    payment_id: str
    amount: int
    status: str


class Link(Answer):
    """A payment link. Amounts in minor units."""

    id: str
    amount: int
    currency: str
    status: str
    """created, partially_paid, expired, cancelled, paid."""
    short_url: str
    created_at: int
    expire_by: int = 0
    reference_id: Annotated[str, BeforeValidator(lambda value: value or "")] = ""
    payments: Annotated[list[LinkPayment], BeforeValidator(lambda value: value or [])] = []


class Links(Answer):
    """A list of links; unlike others it is no `items`."""

    payment_links: list[Link]


class Payment(Answer):
    """A payment."""

    id: str
    amount: int
    currency: str
    status: str
    created_at: int
    amount_refunded: int | None = None
    fee: int | None = None
    """With its tax; None until it is captured."""


class Refunded(Answer):
    """A refund."""

    id: str
    payment_id: str
    amount: int
    status: str
    receipt: str | None = None


class Refunds(Answer):
    """A list of them."""

    items: list[Refunded]


class Dispute(Answer):
    """A dispute."""

    id: str
    payment_id: str
    amount: int
    amount_deducted: int = 0
    status: str
    phase: str


class Disputes(Answer):
    """A list of them."""

    items: list[Dispute]
