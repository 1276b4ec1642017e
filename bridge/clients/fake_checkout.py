"""A pretended payment provider for a demonstration: its pages are ours, its events are signed, no money moves (`PREPKIT_PAYMENTS=fake`).

It keeps what it knows in a table of its own, so that a payment survives a restart as a real one would, and it is asked through the same
port as a real one. Read next: `web.demo_checkout` (its page), `bridge.usecases.checkout`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..domain.entitlement import Subscription, SubscriptionStatus
from ..domain.payment import Facts, Movement, MovementState, Order
from ..domain.pricing import Plan
from ..errors import BadSignature, InvalidInput, UpstreamFailed
from ..ports import Checkout, CheckoutAsk, Hint, Refund, Store
from ..wire import strict_json

SIGNATURE = "X-Demo-Signature"
MONTH = timedelta(days=30)
GONE = "The demonstration does not know this payment."


@dataclass(frozen=True)
class SignedEvent:
    """An event as it is sent."""

    headers: dict[str, str]
    raw: bytes


class FakeCheckout:
    """Implements CheckoutGateway without a provider."""

    name = "fake"
    livemode = False

    def __init__(self, store: Store, secret: str, base_url: str) -> None:
        self._store = store
        self._secret = secret.encode()
        self._base_url = base_url

    # The port -----------------------------------------------------------------------------------------------------------
    def read_event(self, headers: Mapping[str, str], raw: bytes, now: float) -> Hint:
        """An event signed by `sign`. Raises BadSignature, InvalidInput."""
        given = headers.get(SIGNATURE, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._sign(raw).encode()):
            raise BadSignature("The demonstration's signature does not match.")
        return self.hint_of(strict_json.loads_object(raw))

    def hint_of(self, body: dict[str, Any]) -> Hint:
        """A kept event again."""
        try:
            return Hint(id=str(body["id"]), type=str(body["type"]), livemode=False, body=body, checkout_ref=str(body["ref"]))
        except KeyError:
            raise InvalidInput("This is no event of the demonstration.") from None

    async def open(self, ask: CheckoutAsk) -> Checkout:
        """The same order has the same page."""
        order, ref = ask.order, f"demo_{ask.order.id}"
        expires = order.created_at + timedelta(hours=24)
        async with self._store.begin() as tx:
            if await tx.demo_payment(ref) is None:
                state = {
                    "amount": order.amount.amount, "currency": order.amount.currency, "status": "open", "title": ask.title,
                    "plan": order.plan.value if order.plan else None, "return_url": ask.return_url, "cancel_url": ask.cancel_url,
                    "refunds": {}, "expires": expires.isoformat(),
                }  # fmt: skip
                await tx.save_demo_payment(ref, order.id, state)
        return Checkout(ref, f"{self._base_url}/demo-checkout/{ref}", expires)

    async def facts(self, order: Order) -> Facts:
        """As its page has it."""
        order_id, state = await self._known(order.checkout_ref or "")
        ref = order.checkout_ref or ""
        paid = state["status"] == "paid"
        return Facts(
            checkout_ref=ref,
            reference=order_id,
            livemode=False,
            amount=state["amount"],
            currency=state["currency"],
            paid=paid,
            over=state["status"] in ("declined", "cancelled") or datetime.fromisoformat(state["expires"]) < datetime.now(UTC),
            payment_ref=f"pay_{ref}" if paid else None,
            subscription_ref=f"sub_{ref}" if paid and state["plan"] else None,
            customer_ref=ref if paid else "",
            fee=0 if paid else None,
            payments=((f"pay_{ref}", state["amount"]),) if paid else (),
            movements=tuple(Movement("refund", key, amount, MovementState.DONE) for key, amount in state["refunds"].items()),
            problem="The demonstration's card was declined. Nothing was charged." if state["status"] == "declined" else "",
        )

    async def find(self, hint: Hint) -> str:
        """From its own table."""
        async with self._store.read() as tx:
            found = await tx.demo_payment(hint.checkout_ref)
        return found[0] if found else ""

    async def subscription(self, ref: str, now: datetime) -> Subscription | None:
        """A plan; it runs for thirty days and renews by itself until it is ended."""
        _, state = await self._known(ref.removeprefix("sub_"))
        if not state["plan"]:
            return None
        ended = state.get("ended") is not None
        return Subscription(
            self.name, ref, None, Plan(state["plan"]), SubscriptionStatus.CANCELED if ended else SubscriptionStatus.ACTIVE, now,
            period_end=now + MONTH, customer_ref=ref.removeprefix("sub_"),
        )  # fmt: skip

    async def refund(self, order: Order, refund: Refund) -> str:
        """Once for each wish."""
        ref = order.checkout_ref or ""
        async with self._store.begin() as tx:
            found = await tx.demo_payment(ref)
            if found is None:
                raise UpstreamFailed(GONE, reason="demo_unknown")
            state = found[1]
            await tx.save_demo_payment(ref, found[0], state | {"refunds": state["refunds"] | {f"re_{refund.id}": refund.amount}})
        return f"re_{refund.id}"

    async def portal(self, customer_ref: str, return_url: str) -> str:
        """The page of its plan."""
        return f"{self._base_url}/demo-checkout/{customer_ref}"

    async def events(self, since: datetime) -> list[Hint]:
        """Its events are never lost."""
        return []

    async def close(self) -> None:
        """Nothing is open."""

    # Its own page -------------------------------------------------------------------------------------------------------
    async def _known(self, ref: str) -> tuple[str, dict[str, Any]]:
        async with self._store.read() as tx:
            found = await tx.demo_payment(ref)
        if found is None:
            raise UpstreamFailed(GONE, reason="demo_unknown")
        return found

    async def shown(self, ref: str) -> dict[str, Any]:
        """What its page shows. Raises UpstreamFailed."""
        return (await self._known(ref))[1]

    async def decide(self, ref: str, status: str) -> SignedEvent:
        """Somebody pressed a button: what the provider then sends. A page that is settled stays as it is; a plan can be ended."""
        async with self._store.begin() as tx:
            found = await tx.demo_payment(ref)
            if found is None:
                raise UpstreamFailed(GONE, reason="demo_unknown")
            order_id, state = found
            if state["status"] == "open" and status in ("paid", "declined", "cancelled"):
                state["status"] = status
            elif state["status"] == "paid" and state["plan"] and status == "ended":
                state["ended"] = True
            await tx.save_demo_payment(ref, order_id, state)
        body = json.dumps({"id": f"evt_{ref}_{status}", "type": f"demo.{status}", "ref": ref}).encode()
        return SignedEvent({SIGNATURE: self._sign(body)}, body)

    def _sign(self, raw: bytes) -> str:
        return hmac.new(self._secret, raw, hashlib.sha256).hexdigest()
