"""Stripe behind the port: Checkout pages for interviews and plans, and what the account says of them; its real SDK (R-107).

Imported only with `PREPKIT_PAYMENTS=stripe`. Signatures are checked on the raw bytes with the SDK and with bounds of our own, because it
raises more than its own error and takes any time in the future. What is kept of an event are ids. Read next: `bridge.usecases.checkout`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import stripe
from loguru import logger
from stripe import StripeClient, WebhookSignature

from ..domain.entitlement import Subscription, SubscriptionStatus
from ..domain.payment import Facts, Movement, MovementState, Order, Record
from ..domain.pricing import Plan
from ..errors import BadSignature, InvalidInput, UpstreamFailed
from ..ports import Checkout, CheckoutAsk, Hint, Refund
from .hosted_checkout import TROUBLE, hint_of, own_page

TOLERANCE_SECONDS = 300
"""Into the past and into the future."""
RETRIES = 2
TIMEOUT_SECONDS = 15.0
PAGE_HOURS = 23
"""How long a checkout page stays open; Stripe takes at most 24."""
WHO = ("sk_live_", "rk_live_")
PLAIN_TIME = re.compile(r"(?:^|,)t=([0-9]{1,12})(?:,|$)")
REFUND_STATES = {"failed": MovementState.UNDONE, "canceled": MovementState.UNDONE, "succeeded": MovementState.DONE}
DISPUTE_STATES = {"won": MovementState.UNDONE, "lost": MovementState.DONE}
INQUIRIES = frozenset({"warning_needs_response", "warning_under_review", "warning_closed"})
"""Questions of a bank that move no money."""
T = TypeVar("T")


class StripeCheckout:
    """Implements CheckoutGateway."""

    name = "stripe"

    def __init__(self, key: str, webhook_secrets: Sequence[str], base_url: str) -> None:
        self.livemode = key.startswith(WHO)
        self._secrets = tuple(webhook_secrets)
        self._hosts = base_url.rstrip("/")
        self._http = stripe.AIOHTTPClient(timeout=TIMEOUT_SECONDS)
        self._client = StripeClient(key, base_addresses={"api": self._hosts}, http_client=self._http, max_network_retries=RETRIES)

    # Events -------------------------------------------------------------------------------------------------------------
    def read_event(self, headers: Mapping[str, str], raw: bytes, now: float) -> Hint:
        """An authenticated event. Raises BadSignature, InvalidInput."""
        header = headers.get("Stripe-Signature", "")
        self._verify(header, raw, now)
        try:
            body = json.loads(raw, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise InvalidInput("The event is no JSON.") from None
        if not isinstance(body, dict):
            raise InvalidInput("The event is no object.")
        return self.hint_of(_kept(body))

    def _verify(self, header: str, raw: bytes, now: float) -> None:
        stamp = PLAIN_TIME.search(header)
        if stamp is None or not header.isascii() or not self._secrets:
            raise BadSignature("no usable signature")
        if abs(now - int(stamp[1])) > TOLERANCE_SECONDS:
            raise BadSignature("the event's time is too far from this server's")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise BadSignature("the body is no text") from None
        for secret in self._secrets:
            try:
                WebhookSignature.verify_header(text, header, secret, None)
            except (stripe.SignatureVerificationError, TypeError, ValueError):
                continue
            return
        raise BadSignature("no signature matches")

    def hint_of(self, body: dict[str, Any]) -> Hint:
        """A kept event again. Raises InvalidInput."""
        if "livemode" not in body:
            raise InvalidInput("The event has no livemode.")
        return hint_of(body, livemode=bool(body["livemode"]))

    async def find(self, hint: Hint) -> str:
        """Through the checkout page that the payment or plan came from."""
        wanted: dict[str, Any] = {"limit": 1}
        if hint.payment_ref:
            wanted["payment_intent"] = hint.payment_ref
        elif hint.subscription_ref:
            wanted["subscription"] = hint.subscription_ref
        else:
            return ""
        found = await self._ask(self._client.v1.checkout.sessions.list_async(wanted))  # type: ignore[arg-type]
        return str(found.data[0].client_reference_id or "") if found.data else ""

    async def events(self, since: datetime) -> list[Hint]:
        """Events that were never delivered, oldest first."""
        hints: list[Hint] = []
        wanted: dict[str, Any] = {"created": {"gte": int(since.timestamp())}, "delivery_success": False, "limit": 100}
        while True:
            page = await self._ask(self._client.v1.events.list_async(wanted))  # type: ignore[arg-type]
            hints += [self.hint_of(_kept(event.to_dict())) for event in page.data]
            if not page.has_more:
                return hints[::-1]
            wanted["starting_after"] = page.data[-1].id

    # Orders -------------------------------------------------------------------------------------------------------------
    async def open(self, ask: CheckoutAsk) -> Checkout:
        """A hosted page; the same order always has the same."""
        order, names = ask.order, {"order": ask.order.id}
        expires = order.created_at + timedelta(hours=PAGE_HOURS)
        price: dict[str, Any] = {
            "currency": order.amount.currency.lower(),
            "unit_amount": order.amount.amount,
            "product_data": {"name": ask.title},
        }
        wanted: dict[str, Any] = {
            "client_reference_id": order.id,
            "metadata": names,
            "success_url": ask.return_url,
            "cancel_url": ask.cancel_url,
            "expires_at": int(expires.timestamp()),
        }
        if order.plan is not None:
            price["recurring"] = {"interval": "month"}
            wanted |= {"mode": "subscription", "subscription_data": {"metadata": names | {"plan": order.plan.value}}}
            wanted |= {"customer": ask.customer_ref} if ask.customer_ref else {}
        else:
            wanted |= {"mode": "payment", "payment_intent_data": {"metadata": names}}
        wanted["line_items"] = [{"quantity": 1, "price_data": price}]
        page = await self._ask(
            self._client.v1.checkout.sessions.create_async(wanted, {"idempotency_key": f"order:{order.id}"})  # type: ignore[arg-type]
        )
        return Checkout(page.id, self._page(page.url or ""), expires)

    async def facts(self, order: Order) -> Facts:
        """The checkout page, its payments, and what became of them."""
        page = await self._ask(
            self._client.v1.checkout.sessions.retrieve_async(
                order.checkout_ref or "", {"expand": ["payment_intent.latest_charge.balance_transaction", "subscription"]}
            )
        )
        seen = page.to_dict()
        intent = seen.get("payment_intent") if isinstance(seen.get("payment_intent"), dict) else None
        paid = seen["payment_status"] == "paid"
        failed = (
            seen["status"] == "complete" and intent is not None and intent["status"] in ("canceled", "requires_payment_method")
        )
        subscription = _id(seen.get("subscription"))
        payments: tuple[tuple[str, int], ...] = ()
        records: tuple[Record, ...] = ()
        behind = {intent["id"]: intent["id"]} if intent else {}
        if subscription:
            whole = seen["subscription"]
            records = (_record(whole, _reference(whole)),) if isinstance(whole, dict) else ()
        if paid and subscription:
            invoices = await self._invoices(subscription)
            records += tuple(_month(invoice) for invoice in invoices)
            payments = tuple((invoice["id"], invoice["amount_paid"]) for invoice in invoices if invoice["amount_paid"])
            behind = {each: invoice["id"] for invoice in invoices for each in _intents(invoice)}
        elif paid:
            payments = ((intent["id"] if intent else seen["id"], seen["amount_total"]),)
        movements: list[Movement] = []
        for each, of in behind.items() if paid else ():
            movements += [replace(movement, of=of) for movement in await self._movements(each)]
        return Facts(
            checkout_ref=seen["id"],
            reference=str(seen.get("client_reference_id") or ""),
            livemode=seen["livemode"],
            amount=seen["amount_total"] or 0,
            currency=seen["currency"] or "",
            paid=paid,
            over=seen["status"] == "expired" or failed,
            payment_ref=next(iter(behind), None),
            subscription_ref=subscription or None,
            customer_ref=_id(seen.get("customer")),
            fee=_fee(intent),
            payments=payments,
            movements=tuple(movements),
            records=records,
            problem="The payment did not go through. Nothing was charged." if failed else "",
        )

    async def _invoices(self, subscription: str) -> list[dict[str, Any]]:
        """A plan's paid invoices, the newest first."""
        found = await self._ask(
            self._client.v1.invoices.list_async(
                {"subscription": subscription, "status": "paid", "limit": 100, "expand": ["data.payments"]}
            )
        )
        return [invoice.to_dict() for invoice in found.data]

    async def _movements(self, intent: str) -> list[Movement]:
        refunds = await self._ask(self._client.v1.refunds.list_async({"payment_intent": intent, "limit": 100}))
        disputes = await self._ask(self._client.v1.disputes.list_async({"payment_intent": intent, "limit": 100}))
        moved = [
            Movement("refund", refund.id, refund.amount, REFUND_STATES.get(refund.status or "", MovementState.PENDING))
            for refund in refunds.data
        ]
        moved += [
            Movement("dispute", dispute.id, dispute.amount, DISPUTE_STATES.get(dispute.status, MovementState.PENDING))
            for dispute in disputes.data
            if dispute.status not in INQUIRIES
        ]
        return moved

    async def subscription(self, ref: str, now: datetime) -> Subscription | None:
        """A plan as it stands now; a renewal is late from the day on which its month began."""
        found = (await self._ask(self._client.v1.subscriptions.retrieve_async(ref))).to_dict()
        items = found["items"]["data"]
        status = SubscriptionStatus.PAUSED if found.get("pause_collection") else SubscriptionStatus(found["status"])
        late = status is SubscriptionStatus.PAST_DUE
        plan = (found.get("metadata") or {}).get("plan", "")
        return Subscription(
            self.name,
            ref,
            None,
            Plan(plan) if plan in set(Plan) else Plan.PRO,
            status,
            as_of=now,
            period_end=_time(items[0]["current_period_end"]) if items else None,
            past_due_since=_time(items[0]["current_period_start"]) if items and late else None,
            cancels_at_end=bool(found.get("cancel_at_period_end")),
            customer_ref=_id(found.get("customer")),
        )

    async def refund(self, order: Order, refund: Refund) -> str:
        """Give money back under the wish's own id."""
        wanted = {"payment_intent": order.payment_ref or "", "amount": refund.amount, "metadata": {"refund": refund.id}}
        try:
            made = await self._client.v1.refunds.create_async(wanted, {"idempotency_key": f"refund:{refund.id}"})  # type: ignore[arg-type]
        except stripe.InvalidRequestError as error:
            if error.code == "charge_already_refunded":
                return "already"
            raise self._failed(error) from error
        except stripe.StripeError as error:
            raise self._failed(error) from error
        return made.id

    async def portal(self, customer_ref: str, return_url: str) -> str:
        """Stripe's customer portal."""
        page = await self._ask(
            self._client.v1.billing_portal.sessions.create_async({"customer": customer_ref, "return_url": return_url})
        )
        return self._page(page.url)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    # Shared -------------------------------------------------------------------------------------------------------------
    async def _ask(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except stripe.StripeError as error:
            raise self._failed(error) from error

    def _failed(self, error: stripe.StripeError) -> UpstreamFailed:
        # Its text may name a customer; its class and code do not.
        logger.warning("Stripe refused or failed: {} {} {}", type(error).__name__, error.http_status, error.code)
        return UpstreamFailed(TROUBLE, reason=f"stripe_{error.code or type(error).__name__}")

    def _page(self, url: str) -> str:
        return own_page(url, self._hosts, self.name, ("stripe.com",))


def _kept(event: dict[str, Any]) -> dict[str, Any]:
    """What is kept of an event: ids, never a name, an address or a card."""
    thing = event.get("data", {}).get("object", {}) if isinstance(event.get("data"), dict) else {}
    thing = thing if isinstance(thing, dict) else {}
    kind = thing.get("object")
    names = thing.get("metadata") if isinstance(thing.get("metadata"), dict) else {}
    kept: dict[str, Any] = {name: event[name] for name in ("id", "type", "livemode", "created") if name in event}
    kept |= {"object": kind, "ref": thing.get("id"), "order": thing.get("client_reference_id") or (names or {}).get("order")}
    match kind:
        case "checkout.session":
            kept |= {
                "checkout": thing.get("id"),
                "payment": _id(thing.get("payment_intent")),
                "subscription": _id(thing.get("subscription")),
                "customer": _id(thing.get("customer")),
            }
        case "payment_intent":
            kept["payment"] = thing.get("id")
        case "charge" | "refund" | "dispute":
            kept["payment"] = _id(thing.get("payment_intent"))
        case "subscription":
            kept |= {"subscription": thing.get("id"), "customer": _id(thing.get("customer"))}
        case "invoice":
            details = _details(thing)
            if details:
                kept["subscription"] = _id(details.get("subscription"))
                kept["order"] = _reference(details)
                kept["customer"] = _id(thing.get("customer"))
    return kept


def _id(value: Any) -> str:
    """The id of something that may be expanded."""
    return str(value.get("id", "")) if isinstance(value, dict) else str(value or "")


def _details(invoice: dict[str, Any]) -> dict[str, Any]:
    """What an invoice says of its plan; empty where it has none."""
    parent = invoice.get("parent")
    details = parent.get("subscription_details") if isinstance(parent, dict) else None
    return details if isinstance(details, dict) else {}


def _reference(thing: dict[str, Any]) -> str:
    """Our order id, as it was given to a plan when it was sold."""
    names = thing.get("metadata")
    return str(names.get("order") or "") if isinstance(names, dict) else ""


def _record(thing: dict[str, Any], reference: str, amount: int | None = None, subscription: str = "") -> Record:
    return Record(thing["id"], thing["livemode"], thing["currency"], amount, reference, _id(thing.get("customer")), subscription)


def _month(invoice: dict[str, Any]) -> Record:
    """A month of a plan that was paid."""
    details = _details(invoice)
    return _record(invoice, _reference(details), invoice["amount_paid"], _id(details.get("subscription")))


def _intents(invoice: dict[str, Any]) -> list[str]:
    """The payments behind an invoice."""
    parts = (invoice.get("payments") or {}).get("data", [])
    return [_id(part["payment"]["payment_intent"]) for part in parts if part["payment"].get("payment_intent")]


def _fee(intent: dict[str, Any] | None) -> int | None:
    charge = (intent or {}).get("latest_charge")
    balance = charge.get("balance_transaction") if isinstance(charge, dict) else None
    return int(balance["fee"]) if isinstance(balance, dict) else None


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _no_constant(name: str) -> Any:
    raise ValueError(name)
