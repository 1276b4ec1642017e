"""A Razorpay account in memory: its links, payments, refunds and disputes, what customers and banks do to them, and the events that follow.

Every act changes the objects first and then emits its events, each with the objects as they were at that moment. Read next: `razorpay`.
"""

from __future__ import annotations

import copy
import secrets
import string
import time
from collections.abc import Callable
from typing import Any

from .razorpay_checks import HALF_YEAR, QUARTER_HOUR, SMALLEST, CreateLink, CreateRefund, ListLinks, RazorpayRefusal

Thing = dict[str, Any]
LETTERS = string.ascii_letters + string.digits
FEE_PERCENT = 2
UNKNOWN = "The id provided does not exist"


def _id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(LETTERS) for _ in range(14))


class RazorpayAccount:
    """Objects by id, and everything that can happen to them. Amounts in minor units, times in seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.things: dict[str, Thing] = {}
        self.events: list[Thing] = []
        """`id` as in the header, `body` as it is sent."""
        self.on_event: Callable[[Thing], None] = lambda _: None
        self._clock = clock
        self._account_id = _id("acc_")

    # Objects ------------------------------------------------------------------------------------------------------------
    def _make(self, entity: str, prefix: str, **fields: Any) -> Thing:
        thing: Thing = {"id": _id(prefix), "entity": entity, "created_at": int(self._clock())} | fields
        self.things[thing["id"]] = thing
        return thing

    def get(self, entity: str, ref: str) -> Thing:
        """One object. Raises RazorpayRefusal."""
        thing = self.things.get(ref)
        if thing is None or thing["entity"] != entity:
            raise RazorpayRefusal(400, UNKNOWN)
        return thing

    def all(self, entity: str, **fields: Any) -> list[Thing]:
        """Objects with these values, newest first."""
        return [
            t for t in reversed(self.things.values()) if t["entity"] == entity and all(t.get(n) == v for n, v in fields.items())
        ]

    def emit(self, event: str, **things: Thing) -> Thing:
        """An event with the objects as they are now."""
        body = {
            "entity": "event", "account_id": self._account_id, "event": event, "contains": list(things),
            "payload": {name: {"entity": copy.deepcopy(thing)} for name, thing in things.items()}, "created_at": int(self._clock()),
        }  # fmt: skip
        made = {"id": _id(""), "body": body}
        self.events.append(made)
        self.on_event(made)
        return made

    # Links --------------------------------------------------------------------------------------------------------------
    def create_link(self, wish: CreateLink, base_url: str) -> Thing:
        """A payment link; its reference is nobody else's."""
        now = int(self._clock())
        if wish.amount < SMALLEST:
            raise RazorpayRefusal(400, "amount: minimum amount allowed is Re. 1.", field="amount")
        if wish.expire_by and not now + QUARTER_HOUR <= wish.expire_by <= now + HALF_YEAR:
            raise RazorpayRefusal(400, "expire_by: timestamp must be atleast 15 minutes in future.", field="expire_by")
        if wish.reference_id and self.all("payment_link", reference_id=wish.reference_id):
            raise RazorpayRefusal(400, f"payment link with given reference_id: {wish.reference_id} already exists")
        link = self._make(
            "payment_link", "plink_", amount=wish.amount, amount_paid=0, currency=wish.currency, accept_partial=wish.accept_partial,
            first_min_partial_amount=wish.first_min_partial_amount or 0, reference_id=wish.reference_id, description=wish.description,
            customer=wish.customer.model_dump(exclude_none=True) if wish.customer else [], expire_by=wish.expire_by, expired_at=0,
            cancelled_at=0, notify=wish.notify.model_dump(), reminder_enable=wish.reminder_enable, reminders=[],
            notes=dict(wish.notes) or None, callback_url=str(wish.callback_url or ""), callback_method=wish.callback_method or "",
            payments=None, status="created", updated_at=now, upi_link=False, user_id="",
        )  # fmt: skip
        link["short_url"] = f"{base_url}/i/{link['id']}"
        return link

    def links(self, wish: ListLinks) -> list[Thing]:
        """Links by payment, or by reference: wider than asked, so that whoever asks has to compare. Their payments are left out."""
        found = self.all("payment_link")
        if wish.payment_id is not None:
            found = [link for link in found if any(p["payment_id"] == wish.payment_id for p in link["payments"] or [])]
        if wish.reference_id is not None:
            found = [link for link in found if wish.reference_id[:8] in link["reference_id"]]
        return [{**link, "payments": []} for link in found]

    def _open(self, ref: str) -> Thing:
        link = self.get("payment_link", ref)
        if link["status"] != "created":
            raise RazorpayRefusal(400, f"payment link is {link['status']}")
        return link

    def _over(self, ref: str, status: str) -> Thing:
        link = self._open(ref)
        link |= {"status": status, f"{status}_at": int(self._clock())}
        return self.emit(f"payment_link.{status}", payment_link=link)

    def cancel(self, ref: str) -> Thing:
        """The merchant takes it back."""
        return self._over(ref, "cancelled")

    def expire(self, ref: str) -> Thing:
        """Nobody came in time."""
        return self._over(ref, "expired")

    # Payments -----------------------------------------------------------------------------------------------------------
    def attempt(self, ref: str, **fields: Any) -> Thing:
        """The customer tries to pay: a payment on its way, not captured yet."""
        link = self._open(ref)
        order = self._make(
            "order", "order_", amount=link["amount"], currency=link["currency"], status="attempted", receipt=link["reference_id"]
        )
        payment = self._make(
            "payment", "pay_", amount=link["amount"], currency=link["currency"], status="authorized", captured=False, order_id=order["id"],
            amount_refunded=0, refund_status=None, fee=None, tax=None, method="upi", email="candidate@example.org", contact="+919999999999",
            description=f"#{ref.removeprefix('plink_')}", notes=[],
        )  # fmt: skip
        payment |= fields
        self._note(link, payment)
        self.emit("payment.authorized", payment=payment)
        return payment

    def _note(self, link: Thing, payment: Thing) -> None:
        tried = {
            "amount": payment["amount"],
            "created_at": payment["created_at"],
            "method": payment["method"],
            "status": payment["status"],
        }
        others = [p for p in link["payments"] or [] if p["payment_id"] != payment["id"]]
        link["payments"] = [*others, tried | {"payment_id": payment["id"]}]

    def capture(self, payment_ref: str) -> Thing:
        """What was on its way has arrived; a link that is over by then stays over."""
        payment = self.get("payment", payment_ref)
        link = next(
            link for link in self.all("payment_link") if any(p["payment_id"] == payment_ref for p in link["payments"] or [])
        )
        fee = payment["amount"] * FEE_PERCENT // 100
        payment |= {"status": "captured", "captured": True, "fee": fee, "tax": fee * 18 // 118}
        link["amount_paid"] += payment["amount"]
        self._note(link, payment)
        order = self.things[payment["order_id"]] | {"status": "paid"}
        self.emit("payment.captured", payment=payment)
        self.emit("order.paid", payment=payment, order=order)
        if link["status"] != "created":
            return payment
        link["status"] = "paid" if link["amount_paid"] >= link["amount"] else "partially_paid"
        self.emit(f"payment_link.{link['status']}", payment_link=link, payment=payment, order=order)
        return payment

    def pay(self, ref: str, **fields: Any) -> Thing:
        """The customer pays; `fields` of the payment that are not as asked."""
        return self.capture(self.attempt(ref, **fields)["id"])

    def fail(self, ref: str) -> Thing:
        """The bank refuses a try; the link stays open."""
        payment = self.attempt(ref)
        payment |= {"status": "failed", "error_code": "BAD_REQUEST_ERROR", "error_reason": "payment_failed"}
        self._note(self.get("payment_link", ref), payment)
        self.emit("payment.failed", payment=payment)
        return payment

    # Money back ---------------------------------------------------------------------------------------------------------
    def refund(self, payment_ref: str, wish: CreateRefund, *, status: str = "processed") -> Thing:
        """Money goes back."""
        payment = self.get("payment", payment_ref)
        if payment["status"] == "refunded":
            raise RazorpayRefusal(400, "The payment has been fully refunded already")
        if payment["status"] != "captured":
            raise RazorpayRefusal(400, "The payment status should be captured for action to be taken")
        left = payment["amount"] - payment["amount_refunded"]
        amount = wish.amount or left
        if amount > left:
            raise RazorpayRefusal(400, "The refund amount provided is greater than amount captured", field="amount")
        refund = self._make(
            "refund", "rfnd_", amount=amount, currency=payment["currency"], payment_id=payment_ref, receipt=wish.receipt, batch_id=None,
            notes=dict(wish.notes) or [], acquirer_data={"arn": None}, status="pending", speed_requested=wish.speed, speed_processed=wish.speed,
        )  # fmt: skip
        self._give_back(payment, amount)
        self.emit("refund.created", refund=refund, payment=payment)
        if status == "processed":
            self.finish_refund(refund["id"], ok=True)
        return refund

    def _give_back(self, payment: Thing, amount: int) -> None:
        payment["amount_refunded"] += amount
        whole = payment["amount_refunded"] == payment["amount"]
        part = "partial" if payment["amount_refunded"] else None
        payment |= {"status": "refunded" if whole else "captured", "refund_status": "full" if whole else part}

    def finish_refund(self, ref: str, *, ok: bool) -> Thing:
        """A refund that was on its way has arrived, or came back."""
        refund = self.get("refund", ref)
        payment = self.things[refund["payment_id"]]
        refund["status"] = "processed" if ok else "failed"
        if not ok:
            self._give_back(payment, -refund["amount"])
        return self.emit(f"refund.{refund['status']}", refund=refund, payment=payment)

    def dispute(self, payment_ref: str, *, phase: str = "chargeback") -> Thing:
        """A bank asks, or wants the money back."""
        payment = self.get("payment", payment_ref)
        dispute = self._make(
            "dispute", "disp_", payment_id=payment_ref, amount=payment["amount"], currency=payment["currency"], amount_deducted=0,
            reason_code="general", status="open", phase=phase,
        )  # fmt: skip
        self.emit("payment.dispute.created", payment=payment, dispute=dispute)
        return dispute

    def close_dispute(self, ref: str, status: str) -> Thing:
        """The bank has decided: won, lost, closed."""
        dispute = self.get("dispute", ref)
        dispute |= {"status": status, "amount_deducted": dispute["amount"] if status == "lost" else 0}
        return self.emit(f"payment.dispute.{status}", payment=self.things[dispute["payment_id"]], dispute=dispute)
