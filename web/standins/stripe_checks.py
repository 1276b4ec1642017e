"""What Stripe takes: form bodies with brackets, known parameters only, its limits; refusals in its own shape.

Sources are the parameter types of the SDK (16.1, API 2026-10-28.endive) and Stripe's reference. Read next: `stripe_account`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationError, model_validator

API_VERSION = "2026-10-28.endive"
SMALLEST = {"inr": 50_00, "usd": 50}
"""Minor units below which a payment is refused."""
KEY = re.compile(r"^([A-Za-z0-9_.]+)((?:\[[A-Za-z0-9_.]*\])*)$")


class StripeRefusal(Exception):
    """An error as Stripe answers it."""

    def __init__(self, status: int, kind: str, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        given = {"type": kind, "message": message, "code": code, "param": param}
        self.body = {"error": {name: value for name, value in given.items() if value is not None}}


def invalid(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> StripeRefusal:
    """An `invalid_request_error`."""
    return StripeRefusal(status, "invalid_request_error", message, code=code, param=param)


def missing(kind: str, ref: str) -> StripeRefusal:
    """Nothing has this id."""
    return invalid(f"No such {kind}: '{ref}'", param="id", code="resource_missing", status=404)


def nested(encoded: str) -> dict[str, Any]:
    """`a[b][0][c]=1` as {"a": {"b": [{"c": "1"}]}}."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True, max_num_fields=500):
        match = KEY.match(name)
        if match is None:
            raise invalid(f"Invalid parameter name: {name}", param=name)
        path = [match[1], *re.findall(r"\[([^\]]*)\]", match[2])]
        place = tree
        for part in path[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise invalid(f"Invalid object: {name}", param=name)
        place[path[-1]] = value
    listed: dict[str, Any] = _lists(tree)
    return listed


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    items = {name: _lists(item) for name, item in value.items()}
    if items and all(name.isdecimal() for name in items):
        return [items[name] for name in sorted(items, key=int)]
    return items


class Params(BaseModel):
    """Known parameters only."""

    model_config = ConfigDict(extra="forbid")
    expand: list[str] = Field(default_factory=list, max_length=20)


class Plain(BaseModel):
    """A part of a body; known names only."""

    model_config = ConfigDict(extra="forbid")


Metadata = Annotated[dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=500)]], Field(max_length=50)]
Ref = Annotated[str, Field(min_length=1, max_length=255)]


class ProductData(Plain):
    """What is sold."""

    name: Annotated[str, Field(min_length=1, max_length=250)]
    description: str | None = None


class Recurring(Plain):
    """How often."""

    interval: Literal["day", "week", "month", "year"]
    interval_count: Annotated[int, Field(ge=1)] = 1


class PriceData(Plain):
    """A price made on the spot."""

    currency: Annotated[str, Field(pattern="^[a-z]{3}$")]
    unit_amount: Annotated[int, Field(ge=0, le=99_999_999)]
    product_data: ProductData
    recurring: Recurring | None = None


class LineItem(Plain):
    """One line."""

    quantity: Annotated[int, Field(ge=1)]
    price_data: PriceData


class MetadataOnly(Plain):
    """`payment_intent_data` or `subscription_data`, as far as we send them."""

    metadata: Metadata = Field(default_factory=dict)


class CreateSession(Params):
    """POST /v1/checkout/sessions."""

    mode: Literal["payment", "subscription"]
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=100)]
    success_url: AnyHttpUrl
    cancel_url: AnyHttpUrl | None = None
    client_reference_id: Annotated[str, Field(max_length=200)] | None = None
    customer: Ref | None = None
    metadata: Metadata = Field(default_factory=dict)
    expires_at: int | None = None
    payment_intent_data: MetadataOnly | None = None
    subscription_data: MetadataOnly | None = None

    @property
    def amount(self) -> int:
        """Of all lines."""
        return sum(line.quantity * line.price_data.unit_amount for line in self.line_items)

    @property
    def currency(self) -> str:
        """Of the first line; all have the same."""
        return self.line_items[0].price_data.currency

    @model_validator(mode="after")
    def _fits_its_mode(self) -> CreateSession:
        recurring = [line.price_data.recurring is not None for line in self.line_items]
        if self.mode == "payment" and (any(recurring) or self.subscription_data):
            raise ValueError("You specified `payment` mode but passed a recurring price or subscription_data.")
        if self.mode == "subscription" and (not all(recurring) or self.payment_intent_data):
            raise ValueError("You specified `subscription` mode but passed a one-time price or payment_intent_data.")
        if len({line.price_data.currency for line in self.line_items}) > 1:
            raise ValueError("All prices must have the same currency.")
        if self.amount < SMALLEST.get(self.currency, 1):
            raise ValueError("amount_too_small: The Checkout Session's total amount is too small.")
        return self


class ListSessions(Params):
    """GET /v1/checkout/sessions."""

    payment_intent: Ref | None = None
    subscription: Ref | None = None
    customer: Ref | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class CreateRefund(Params):
    """POST /v1/refunds."""

    payment_intent: Ref
    amount: Annotated[int, Field(ge=1)] | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Metadata = Field(default_factory=dict)


class ByIntent(Params):
    """GET /v1/refunds, GET /v1/disputes."""

    payment_intent: Ref
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class ListInvoices(Params):
    """GET /v1/invoices."""

    subscription: Ref
    status: Literal["draft", "open", "paid", "uncollectible", "void"] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class CreatePortal(Params):
    """POST /v1/billing_portal/sessions."""

    customer: Ref
    return_url: AnyHttpUrl | None = None


class Range(Plain):
    """A span of time in seconds."""

    gte: int | None = None
    lte: int | None = None


class ListEvents(Params):
    """GET /v1/events."""

    created: Range | None = None
    delivery_success: bool | None = None
    type: str | None = None
    starting_after: Ref | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class Show(Params):
    """GET of one object."""


def checked(model: type[Any], values: dict[str, Any]) -> Any:
    """The parameters, or Stripe's refusal of the first wrong one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = [str(part) for part in first["loc"]]
        param = where[0] + "".join(f"[{part}]" for part in where[1:]) if where else None
        if first["type"] == "extra_forbidden":
            raise invalid(f"Received unknown parameter: {param}", param=param, code="parameter_unknown") from None
        if first["type"] == "missing":
            raise invalid(f"Missing required param: {param}.", param=param, code="parameter_missing") from None
        message = first["msg"].removeprefix("Value error, ")
        code = "amount_too_small" if message.startswith("amount_too_small") else None
        raise invalid(f"Invalid {param or 'request'}: {message}", param=param, code=code) from None
