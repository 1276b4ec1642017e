"""A Stripe account in memory: its objects, what customers and banks do to them, and the events that follow.

Every act changes the objects first and then emits its events, each with a snapshot of the object as it was at that moment: later reads see
later states, as at Stripe. Read next: `stripe`.
"""

from __future__ import annotations

import copy
import secrets
import time
from collections.abc import Callable
from typing import Any

from .stripe_checks import API_VERSION, CreateRefund, CreateSession, invalid, missing

Thing = dict[str, Any]
FEE_PERCENT = 2
MONTH_SECONDS = 30 * 86_400


class StripeAccount:
    """Objects by id, and everything that can happen to them. Amounts in minor units, times in seconds."""

    def __init__(self, *, livemode: bool = False, clock: Callable[[], float] = time.time) -> None:
        self.livemode = livemode
        self.things: dict[str, Thing] = {}
        self.events: list[Thing] = []
        self.pages: dict[str, dict[str, str]] = {}
        """Where checkout and portal pages send people back to."""
        self._clock = clock
        self.on_event: Callable[[Thing], None] = lambda _: None

    # Objects ------------------------------------------------------------------------------------------------------------
    def _make(self, kind: str, prefix: str, **fields: Any) -> Thing:
        thing: Thing = {
            "id": f"{prefix}_{'live' if self.livemode else 'test'}_{secrets.token_hex(8)}", "object": kind, "livemode": self.livemode,
            "created": int(self._clock()), "metadata": {},
        } | fields  # fmt: skip
        self.things[thing["id"]] = thing
        return thing

    def get(self, kind: str, ref: str) -> Thing:
        """One object. Raises StripeRefusal."""
        thing = self.things.get(ref)
        if thing is None or thing["object"] != kind:
            raise missing(kind.rpartition(".")[2], ref)
        return thing

    def all(self, kind: str, **fields: Any) -> list[Thing]:
        """Objects with these values, newest first."""
        wanted = {name: value for name, value in fields.items() if value is not None}
        return [
            t for t in reversed(self.things.values()) if t["object"] == kind and all(t.get(n) == v for n, v in wanted.items())
        ]

    def emit(self, kind: str, thing: Thing) -> Thing:
        """An event with the object as it is now."""
        event = {
            "id": f"evt_{secrets.token_hex(10)}", "object": "event", "api_version": API_VERSION, "created": int(self._clock()),
            "data": {"object": copy.deepcopy(thing)}, "livemode": self.livemode, "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None}, "type": kind,
        }  # fmt: skip
        self.events.append(event)
        self.on_event(event)
        return event

    def expanded(self, thing: Thing, paths: list[str]) -> Thing:
        """A copy with the objects of these paths in place of their ids. Raises StripeRefusal for what cannot be expanded."""
        shown = copy.deepcopy(thing)
        for path in paths:
            if path.count(".") > 3:
                raise invalid("You cannot expand more than 4 levels of a property.", param="expand")
            self._expand(shown, path.split("."), path)
        return shown

    def _expand(self, thing: Thing, parts: list[str], path: str) -> None:
        name, rest = parts[0], parts[1:]
        if name not in thing:
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")
        if isinstance(thing[name], str):
            thing[name] = copy.deepcopy(self.things[thing[name]])
        if rest and isinstance(thing[name], dict):
            self._expand(thing[name], rest, path)

    # Checkout -----------------------------------------------------------------------------------------------------------
    def create_session(self, wish: CreateSession, base_url: str) -> Thing:
        """A checkout page."""
        now = int(self._clock())
        expires = wish.expires_at or now + 86_400
        if not now + 1_800 <= expires <= now + 86_400 + 60:
            raise invalid("The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", param="expires_at")
        if wish.customer:
            self.get("customer", wish.customer)
        session = self._make(
            "checkout.session", "cs", mode=wish.mode, status="open", payment_status="unpaid", amount_total=wish.amount,
            currency=wish.currency, client_reference_id=wish.client_reference_id, customer=wish.customer, metadata=dict(wish.metadata),
            payment_intent=None, subscription=None, invoice=None, expires_at=expires, success_url=str(wish.success_url),
            cancel_url=str(wish.cancel_url or ""),
            customer_details={"email": "candidate@example.org", "name": "A Candidate", "address": None},
        )  # fmt: skip
        session["url"] = f"{base_url}/c/pay/{session['id']}"
        data = wish.payment_intent_data or wish.subscription_data
        self.pages[session["id"]] = dict(data.metadata) if data else {}
        return session

    def _open(self, ref: str) -> Thing:
        session = self.get("checkout.session", ref)
        if session["status"] != "open":
            raise invalid(f"This Checkout Session is {session['status']}.")
        return session

    def pay(self, ref: str, *, later: bool = False) -> Thing:
        """The customer pays; `later`: by a way that takes days."""
        session = self._open(ref)
        session["status"] = "complete"
        if session["mode"] == "subscription":
            return self._subscribe(session)
        intent = self._intent(session["amount_total"], session["currency"], self.pages[ref])
        session["payment_intent"] = intent["id"]
        if later:
            intent["status"] = "processing"
        else:
            self._succeed(intent)
            session["payment_status"] = "paid"
        return self.emit("checkout.session.completed", session)

    def settle(self, ref: str, *, ok: bool) -> Thing:
        """A way that takes days has come to its end."""
        session = self.get("checkout.session", ref)
        intent = self.get("payment_intent", session["payment_intent"])
        if ok:
            self._succeed(intent)
            session["payment_status"] = "paid"
        else:
            intent["status"] = "requires_payment_method"
        return self.emit(f"checkout.session.async_payment_{'succeeded' if ok else 'failed'}", session)

    def expire(self, ref: str) -> Thing:
        """Nobody came."""
        session = self._open(ref)
        session["status"] = "expired"
        return self.emit("checkout.session.expired", session)

    def _intent(self, amount: int, currency: str, metadata: dict[str, str]) -> Thing:
        return self._make(
            "payment_intent",
            "pi",
            amount=amount,
            currency=currency,
            status="requires_payment_method",
            latest_charge=None,
            metadata=metadata,
        )

    def _succeed(self, intent: Thing) -> None:
        fee = intent["amount"] * FEE_PERCENT // 100
        balance = self._make("balance_transaction", "txn", amount=intent["amount"], fee=fee, net=intent["amount"] - fee)
        charge = self._make(
            "charge", "ch", amount=intent["amount"], amount_refunded=0, currency=intent["currency"], payment_intent=intent["id"],
            balance_transaction=balance["id"], refunded=False, disputed=False, status="succeeded", metadata=dict(intent["metadata"]),
            billing_details={"email": "candidate@example.org", "name": "A Candidate"},
        )  # fmt: skip
        intent |= {"status": "succeeded", "latest_charge": charge["id"]}

    # Plans --------------------------------------------------------------------------------------------------------------
    def _subscribe(self, session: Thing) -> Thing:
        customer = session["customer"] or self._make("customer", "cus", email="candidate@example.org")["id"]
        now = int(self._clock())
        item = {"object": "subscription_item", "current_period_start": now, "current_period_end": now + MONTH_SECONDS}
        subscription = self._make(
            "subscription", "sub", status="active", customer=customer, cancel_at_period_end=False, pause_collection=None,
            currency=session["currency"], items={"object": "list", "data": [item]}, metadata=self.pages[session["id"]],
        )  # fmt: skip
        session |= {"customer": customer, "subscription": subscription["id"], "payment_status": "paid"}
        self._price(subscription["id"], session["amount_total"])
        self.emit("customer.subscription.created", subscription)
        session["invoice"] = self._invoice(subscription, paid=True)["id"]
        return self.emit("checkout.session.completed", session)

    def _price(self, ref: str, amount: int) -> None:
        self.pages[ref] = {"amount": str(amount)}

    def _invoice(self, subscription: Thing, *, paid: bool) -> Thing:
        amount = int(self.pages[subscription["id"]]["amount"])
        intent = self._intent(amount, subscription["currency"], {})
        if paid:
            self._succeed(intent)
        payment = {"object": "invoice_payment", "payment": {"type": "payment_intent", "payment_intent": intent["id"]}}
        invoice = self._make(
            "invoice", "in", status="paid" if paid else "open", amount_due=amount, amount_paid=amount if paid else 0,
            currency=subscription["currency"], customer=subscription["customer"], subscription_of=subscription["id"],
            parent={"type": "subscription_details", "subscription_details": {
                "subscription": subscription["id"], "metadata": dict(subscription["metadata"])}},
            payments={"object": "list", "data": [payment]},
        )  # fmt: skip
        self.emit("invoice.paid" if paid else "invoice.payment_failed", invoice)
        return invoice

    def renew(self, ref: str, *, ok: bool = True) -> Thing:
        """A month is over: the next one is paid, or not."""
        subscription = self.get("subscription", ref)
        item = subscription["items"]["data"][0]
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] += MONTH_SECONDS
        subscription["status"] = "active" if ok else "past_due"
        self._invoice(subscription, paid=ok)
        return self.emit("customer.subscription.updated", subscription)

    def become(self, ref: str, **fields: Any) -> Thing:
        """A plan changes: paused, unpaid, ending at its month's end."""
        subscription = self.get("subscription", ref)
        subscription |= fields
        return self.emit("customer.subscription.updated", subscription)

    def cancel(self, ref: str) -> Thing:
        """A plan is over at once."""
        subscription = self.get("subscription", ref)
        subscription["status"] = "canceled"
        return self.emit("customer.subscription.deleted", subscription)

    # Money back ---------------------------------------------------------------------------------------------------------
    def refund(self, wish: CreateRefund, *, status: str = "succeeded") -> Thing:
        """Money goes back."""
        intent = self.get("payment_intent", wish.payment_intent)
        if intent["latest_charge"] is None:
            raise invalid("This PaymentIntent does not have a successful charge to refund.")
        charge = self.things[intent["latest_charge"]]
        left = charge["amount"] - charge["amount_refunded"]
        if left == 0:
            raise invalid("Charge has already been refunded.", code="charge_already_refunded")
        amount = wish.amount or left
        if amount > left:
            raise invalid("Refund amount is greater than unrefunded amount on charge.", param="amount")
        refund = self._make(
            "refund", "re", amount=amount, currency=charge["currency"], charge=charge["id"], payment_intent=intent["id"],
            status=status, metadata=dict(wish.metadata),
        )  # fmt: skip
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.emit("refund.created", refund)
        self.emit("charge.refunded", charge)
        return refund

    def finish_refund(self, ref: str, *, ok: bool) -> Thing:
        """A refund that was on its way has arrived, or came back."""
        refund = self.get("refund", ref)
        refund["status"] = "succeeded" if ok else "failed"
        if not ok:
            charge = self.things[refund["charge"]]
            charge["amount_refunded"] -= refund["amount"]
            charge["refunded"] = False
        return self.emit("refund.updated" if ok else "refund.failed", refund)

    def dispute(self, intent_ref: str) -> Thing:
        """A bank takes the money back."""
        charge = self.things[self.get("payment_intent", intent_ref)["latest_charge"]]
        charge["disputed"] = True
        dispute = self._make(
            "dispute", "dp", amount=charge["amount"] - charge["amount_refunded"], currency=charge["currency"], charge=charge["id"],
            payment_intent=intent_ref, status="needs_response", reason="general",
        )  # fmt: skip
        self.emit("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, ref: str, *, won: bool) -> Thing:
        """The bank has decided."""
        dispute = self.get("dispute", ref)
        dispute["status"] = "won" if won else "lost"
        return self.emit("charge.dispute.closed", dispute)
