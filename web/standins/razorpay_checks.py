"""What Razorpay takes: JSON bodies, known fields only, its limits; refusals in its own shape.

Source: razorpay.com/docs/api (payments/payment-links/create-standard, refunds/create-normal, errors). Read next: `razorpay_account`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationError, model_validator

SMALLEST = 100
"""Minor units below which nothing is taken."""
QUARTER_HOUR, HALF_YEAR = 15 * 60, 183 * 86_400
IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{10,}")
T = TypeVar("T", bound=BaseModel)


class RazorpayRefusal(Exception):
    """An error as Razorpay answers it; one code stands for a bad request, a wrong key and too many requests alike."""

    def __init__(self, status: int, description: str, *, field: str | None = None) -> None:
        super().__init__(description)
        self.status = status
        code = "BAD_REQUEST_ERROR" if status < 500 else "SERVER_ERROR"
        error = {"code": code, "description": description, "source": "NA", "step": "NA", "reason": "NA", "metadata": {}}
        self.body = {"error": error | ({"field": field} if field else {})}


class Body(BaseModel):
    """Known fields only, and no text where a number is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """Known parameters only; they come as text."""

    model_config = ConfigDict(extra="forbid")


Notes = Annotated[dict[Annotated[str, Field(max_length=256)], Annotated[str, Field(max_length=256)]], Field(max_length=15)]


class Notify(Body):
    """Whom Razorpay writes to."""

    sms: bool = False
    email: bool = False


class Customer(Body):
    """Who pays."""

    name: str | None = None
    email: str | None = None
    contact: str | None = None


class CreateLink(Body):
    """POST /v1/payment_links."""

    amount: int
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "INR"
    accept_partial: bool = False
    first_min_partial_amount: int | None = None
    reference_id: Annotated[str, Field(max_length=40)] = ""
    description: Annotated[str, Field(max_length=2048)] = ""
    customer: Customer | None = None
    expire_by: int = 0
    notify: Notify = Notify()
    reminder_enable: bool = False
    notes: Notes = Field(default_factory=dict)
    callback_url: Annotated[AnyHttpUrl, Field(strict=False)] | None = None
    callback_method: Literal["get"] | None = None

    @model_validator(mode="after")
    def _callback_is_whole(self) -> CreateLink:
        if (self.callback_url is None) != (self.callback_method is None):
            raise ValueError("callback_method must be sent with callback_url")
        return self


class ListLinks(Query):
    """GET /v1/payment_links."""

    payment_id: str | None = None
    reference_id: str | None = None


class Listed(Query):
    """GET of a list."""

    count: Annotated[int, Field(ge=1, le=100)] = 10
    skip: Annotated[int, Field(ge=0)] = 0
    since: Annotated[int, Field(alias="from", ge=946_684_800)] = 946_684_800
    to: Annotated[int, Field(le=4_765_046_400)] = 4_765_046_400


class CreateRefund(Body):
    """POST /v1/payments/{id}/refund."""

    amount: Annotated[int, Field(ge=100)] | None = None
    speed: Literal["normal", "optimum"] = "normal"
    notes: Notes = Field(default_factory=dict)
    receipt: Annotated[str, Field(max_length=40)] | None = None


class Show(Query):
    """GET of one object."""


def checked(model: type[T], values: Any) -> T:
    """The fields, or Razorpay's refusal of the first wrong one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise RazorpayRefusal(400, f"{field} is/are not required and should not be sent") from None
        if first["type"] == "missing":
            raise RazorpayRefusal(400, f"The {field} field is required.", field=field) from None
        raise RazorpayRefusal(400, f"{field}: {first['msg'].removeprefix('Value error, ')}", field=field or None) from None
