"""Razorpay behind the port: payment links for single interviews, and what the account says of them; plain REST (R-107).

Imported only with `PREPKIT_PAYMENTS=razorpay`. A link carries our order's id as its `reference_id`, which is unique there, so an open whose
outcome is unknown is looked up and never made twice. Its webhooks are signed without a time and name no mode: what protects is the unique
event id and that no event is believed. Source: razorpay.com/docs/api, /docs/webhooks.
Read next: `bridge.wire.razorpay_answers`, `bridge.usecases.checkout`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
from loguru import logger
from pydantic import ValidationError

from ..domain.entitlement import Subscription
from ..domain.payment import Facts, Movement, MovementState, Order
from ..errors import BadSignature, InvalidInput, UpstreamFailed
from ..ports import Checkout, CheckoutAsk, Hint, Refund
from ..wire import strict_json
from ..wire.razorpay_answers import Answer, Dispute, Disputes, Link, Links, Payment, Refunded, Refunds
from .hosted_checkout import TROUBLE, hint_of, own_page

LINKS, PAYMENTS = "/v1/payment_links", "/v1/payments"
TRIES = 3
"""Of whatever may be repeated; opening a link may not."""
PAUSE_SECONDS = 0.2
TIMEOUT_SECONDS = 15.0
PAGE_HOURS = 23
"""How long a link can be paid; Razorpay wants at least a quarter of an hour, and an order is opened in its first 22 hours."""
PAGE = 100
MAX_ANSWER_BYTES = 4 * 1024 * 1024
LATE = timedelta(days=120)
"""How long after they began refunds and disputes may change."""
TEST_KEY = "rzp_test_"
SIGNATURE, EVENT_ID = "X-Razorpay-Signature", "X-Razorpay-Event-Id"
HEX = re.compile(r"[0-9a-f]{64}")
PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
REFUND_STATES = {"failed": MovementState.UNDONE, "processed": MovementState.DONE}
DISPUTE_STATES = {"won": MovementState.UNDONE, "closed": MovementState.UNDONE, "lost": MovementState.DONE}
INQUIRIES = frozenset({"retrieval", "fraud"})
"""Phases in which a bank asks and no money moves."""
NOT_OURS = frozenset({"razorpay_400", "razorpay_403", "razorpay_404"})
"""How a part of the API is refused that an account does not have."""
TAKEN = frozenset({"captured", "refunded"})
T = TypeVar("T", bound=Answer)


class RazorpayCheckout:
    """Implements CheckoutGateway."""

    name = "razorpay"

    def __init__(
        self, key_id: str, key_secret: str, webhook_secret: str, base_url: str, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.livemode = not key_id.startswith(TEST_KEY)
        # A secret is freely chosen there and may hold a comma itself.
        self._secrets = tuple(
            dict.fromkeys(filter(None, (webhook_secret, *(part.strip() for part in webhook_secret.split(",")))))
        )
        self._base = base_url.rstrip("/")
        self._auth = {"Authorization": aiohttp.encode_basic_auth(key_id, key_secret)}
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._http: aiohttp.ClientSession | None = None

    # Events -------------------------------------------------------------------------------------------------------------
    def read_event(self, headers: Mapping[str, str], raw: bytes, now: float) -> Hint:
        """An authenticated event; there is no time to check. Raises BadSignature, InvalidInput."""
        self._verify(headers.get(SIGNATURE, ""), raw)
        event_id = headers.get(EVENT_ID, "")
        if not PLAIN_ID.fullmatch(event_id):
            raise InvalidInput("The event has no id, so that a repeat could not be known.")
        return self.hint_of(_kept(event_id, strict_json.loads_object(raw)))

    def _verify(self, given: str, raw: bytes) -> None:
        if not HEX.fullmatch(given) or not self._secrets:
            raise BadSignature("no usable signature")
        # Every secret is tried, so that the time taken names none.
        if not sum(hmac.compare_digest(given, _signature(secret, raw)) for secret in self._secrets):
            raise BadSignature("no signature matches")

    def hint_of(self, body: dict[str, Any]) -> Hint:
        """A kept event again; its mode is that of the secret which authenticated it. Raises InvalidInput."""
        return hint_of(body, livemode=self.livemode)

    async def find(self, hint: Hint) -> str:
        """Through the link that the payment was made with."""
        if not hint.payment_ref:
            return ""
        found = await self._get(LINKS, Links, payment_id=hint.payment_ref)
        return found.payment_links[0].reference_id if len(found.payment_links) == 1 else ""

    async def events(self, since: datetime) -> list[Hint]:
        """Razorpay lists no events; what changes after a payment is in its refunds and disputes, each state of which is one event here."""
        began = str(int((since - LATE).timestamp()))
        refunds = await self._all("/v1/refunds", Refunds, began)
        disputes = await self._disputes(began)
        seen = [("refund", r.id, r.status, r.payment_id) for page in refunds for r in page.items]
        seen += [("dispute", d.id, d.status, d.payment_id) for d in disputes]
        return [
            self.hint_of({"id": f"{ref}.{status}", "type": f"{kind}.{status}", "payment": payment})
            for kind, ref, status, payment in seen
        ]

    # Orders -------------------------------------------------------------------------------------------------------------
    async def open(self, ask: CheckoutAsk) -> Checkout:
        """A hosted page; the same order always has the same, because it is looked for before it is made and after every doubt."""
        order = ask.order
        link = await self._link_of(order)
        if link is None:
            wanted = {
                "amount": order.amount.amount,
                "currency": order.amount.currency,
                "accept_partial": False,
                "reference_id": order.id,
                "description": ask.title,
                "expire_by": int((order.created_at + timedelta(hours=PAGE_HOURS)).timestamp()),
                "notify": {"sms": False, "email": False},
                "reminder_enable": False,
                "notes": {"order": order.id},
                "callback_url": ask.return_url,
                "callback_method": "get",
            }
            try:
                link = _read(Link, await self._ask("POST", LINKS, json=wanted))
            except UpstreamFailed as error:
                # Refused as made already, or cut off: there may be a link.
                link = await self._link_of(order)
                if link is None:
                    raise
                logger.info("A payment link whose making had failed ({}) was there", error.reason)
        expires = datetime.fromtimestamp(link.expire_by, UTC) if link.expire_by else None
        return Checkout(link.id, self._page(link.short_url), expires)

    async def _link_of(self, order: Order) -> Link | None:
        """The link of an order. The search there may be wider than ours."""
        found = await self._get(LINKS, Links, reference_id=order.id)
        links = sorted((link for link in found.payment_links if link.reference_id == order.id), key=lambda link: link.created_at)
        if not links:
            return None
        if len(links) > 1:
            logger.error("Order {} has {} payment links at Razorpay", order.id, len(links))
        if (links[0].amount, links[0].currency) != (order.amount.amount, order.amount.currency):
            raise UpstreamFailed(TROUBLE, reason="razorpay_other_link")
        return links[0]

    async def facts(self, order: Order) -> Facts:
        """The link, its payments, and what became of them."""
        link = await self._get(f"{LINKS}/{_part(order.checkout_ref or '')}", Link)
        taken = [
            await self._get(f"{PAYMENTS}/{_part(tried.payment_id)}", Payment) for tried in link.payments if tried.status in TAKEN
        ]
        taken = [payment for payment in taken if payment.status in TAKEN]
        movements: list[Movement] = []
        for payment in taken:
            movements += await self._movements(payment)
        foreign = [payment.currency for payment in taken if payment.currency != link.currency]
        fees = [payment.fee for payment in taken if payment.fee is not None]
        return Facts(
            checkout_ref=link.id,
            reference=link.reference_id,
            livemode=self.livemode,
            # What was taken counts, whatever the link asked for: paid in part or twice it matches no order.
            amount=sum(payment.amount for payment in taken) if taken else link.amount,
            currency=(foreign or [link.currency])[0],
            paid=bool(taken),
            over=link.status in ("expired", "cancelled") and not any(tried.status == "authorized" for tried in link.payments),
            payment_ref=taken[0].id if taken else None,
            fee=sum(fees) if fees else None,
            payments=tuple((payment.id, payment.amount) for payment in taken),
            movements=tuple(movements),
            problem="The payment page was closed before anything was paid. Nothing was charged." if not taken else "",
        )

    async def _movements(self, payment: Payment) -> list[Movement]:
        moved = [
            Movement("refund", refund.id, refund.amount, REFUND_STATES.get(refund.status, MovementState.PENDING))
            for page in await self._all(f"{PAYMENTS}/{_part(payment.id)}/refunds", Refunds)
            for refund in page.items
        ]
        # They cannot be asked for by payment.
        disputes = await self._disputes(str(payment.created_at))
        moved += [
            Movement("dispute", each.id, each.amount, DISPUTE_STATES.get(each.status, MovementState.PENDING))
            for each in disputes
            if each.payment_id == payment.id and (each.phase not in INQUIRIES or each.amount_deducted)
        ]
        return moved

    async def _disputes(self, began: str) -> list[Dispute]:
        """Those that began since; none where the account may not ask for them, because what was paid counts all the same."""
        try:
            return [each for page in await self._all("/v1/disputes", Disputes, began) for each in page.items]
        except UpstreamFailed as error:
            if error.reason not in NOT_OURS:
                raise
            logger.warning("Razorpay does not tell this account its disputes ({}): look for them in its dashboard", error.reason)
            return []

    async def subscription(self, ref: str, now: datetime) -> Subscription | None:
        """Plans are not sold through Razorpay."""
        return None

    async def portal(self, customer_ref: str, return_url: str) -> str:
        """There is no page for plans there. Raises UpstreamFailed."""
        raise UpstreamFailed("With Razorpay there are no plans to change.", reason="razorpay_no_plans")

    async def refund(self, order: Order, refund: Refund) -> str:
        """Give money back under the wish's own id, which is the key and the receipt."""
        wanted = {"amount": refund.amount, "speed": "normal", "receipt": refund.id, "notes": {"order": order.id}}
        payment = f"{PAYMENTS}/{_part(order.payment_ref or '')}"
        try:
            answer = await self._ask("POST", f"{payment}/refund", json=wanted, once=refund.id)
        except UpstreamFailed as error:
            if error.reason != "razorpay_400":
                raise
            # The key may be forgotten and the refund made: then it has our receipt, or nothing is left to give back.
            for page in await self._all(f"{payment}/refunds", Refunds):
                for made in page.items:
                    if made.receipt == refund.id:
                        return made.id
            whole = await self._get(payment, Payment)
            if whole.amount_refunded == whole.amount:
                return "already"
            raise
        return _read(Refunded, answer).id

    async def check_key(self) -> None:
        """One cheap request. Raises UpstreamFailed; `razorpay_401` for a key that is not taken."""
        await self._get(LINKS, Links, reference_id="prepkit-doctor")

    async def close(self) -> None:
        """Let go of connections."""
        if self._http is not None:
            await self._http.close()

    # Shared -------------------------------------------------------------------------------------------------------------
    async def _get(self, path: str, model: type[T], **query: str) -> T:
        return _read(model, await self._ask("GET", path, query=query))

    async def _all(self, path: str, model: type[T], began: str = "") -> list[T]:
        """Every page of a list, from a moment on."""
        pages: list[T] = []
        while True:
            query = {"count": str(PAGE), "skip": str(PAGE * len(pages))} | ({"from": began} if began else {})
            answer = await self._ask("GET", path, query=query)
            pages.append(_read(model, answer))
            if len(answer["items"]) < PAGE:
                return pages

    async def _ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, json: Any = None, once: str = ""
    ) -> dict[str, Any]:
        """An answer; tried again where that is safe: a question, or a wish with its key `once`. Raises UpstreamFailed."""
        tries = TRIES if method == "GET" or once else 1
        for left in reversed(range(tries)):
            try:
                return await self._try(method, path, query, json, once)
            except UpstreamFailed as error:
                passing = error.reason in ("razorpay_unreachable", "razorpay_409") or error.reason.startswith("razorpay_5")
                if not (left and passing):
                    # Its text may name a customer; its status does not.
                    logger.warning("Razorpay refused or failed: {} {}", method, error.reason)
                    raise
            await asyncio.sleep(PAUSE_SECONDS * (tries - left))
        raise AssertionError("the last try returns or raises")

    async def _try(self, method: str, path: str, query: Mapping[str, str] | None, json: Any, once: str) -> dict[str, Any]:
        if self._http is None:
            self._http = aiohttp.ClientSession(headers=self._auth, timeout=self._timeout)
        headers = {"X-Refund-Idempotency": once} if once else None
        try:
            async with self._http.request(
                method, self._base + path, params=query, json=json, headers=headers, allow_redirects=False
            ) as answer:
                # By status alone: too many requests are told with the code of a bad one.
                if answer.status != 200:
                    raise UpstreamFailed(TROUBLE, reason=f"razorpay_{answer.status}")
                raw = await answer.content.read(MAX_ANSWER_BYTES + 1)
                while len(raw) <= MAX_ANSWER_BYTES and not answer.content.at_eof():
                    raw += await answer.content.read(MAX_ANSWER_BYTES)
        except TimeoutError:
            raise UpstreamFailed(TROUBLE, reason="razorpay_timeout") from None
        except aiohttp.ClientError as error:
            raise UpstreamFailed(TROUBLE, reason="razorpay_unreachable") from error
        try:
            return strict_json.loads_object(raw)
        except InvalidInput as error:
            raise UpstreamFailed(TROUBLE, reason="razorpay_nonsense") from error

    def _page(self, url: str) -> str:
        return own_page(url, self._base, self.name, ("rzp.io", "razorpay.com"))


def _read(model: type[T], answer: dict[str, Any]) -> T:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        # Where it is wrong may be logged, what it holds may not.
        logger.warning(
            "Razorpay's answer is no {}: {}", model.__name__, error.errors(include_input=False, include_url=False)[0]["loc"]
        )
        raise UpstreamFailed(TROUBLE, reason="razorpay_nonsense") from None


def _signature(secret: str, raw: bytes) -> str:
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def _part(ref: str) -> str:
    """An id of theirs as part of a path."""
    return quote(ref, safe="")


def _kept(event_id: str, event: dict[str, Any]) -> dict[str, Any]:
    """What is kept of an event: ids, never a name, an address or a card."""
    payload = event.get("payload")

    def part(kind: str, name: str) -> str:
        held = payload.get(kind) if isinstance(payload, dict) else None
        entity = held.get("entity") if isinstance(held, dict) else None
        value = entity.get(name) if isinstance(entity, dict) else None
        return value[:255] if isinstance(value, str) else ""

    kept: dict[str, Any] = {"id": event_id}
    if isinstance(event.get("event"), str):
        kept["type"] = event["event"][:64]
    if isinstance(event.get("created_at"), int):
        kept["created"] = event["created_at"]
    return kept | {
        "order": part("payment_link", "reference_id"),
        "checkout": part("payment_link", "id"),
        "payment": part("payment", "id") or part("refund", "payment_id") or part("dispute", "payment_id"),
    }
