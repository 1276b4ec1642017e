"""Stripe played on this machine: Checkout pages, payments, refunds, disputes, plans, the portal, signed events; strict about what it is sent.

It holds our side to the wire with Stripe's real SDK against it, and says nothing about Stripe itself. Tests use `StripeStandin` and its
`account`; other processes pay on its pages. Read next: `stripe_checks` (what is refused), `stripe_account` (what happens).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import json
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from loguru import logger

from . import stripe_checks as checks
from .stripe_account import StripeAccount, Thing
from .stripe_checks import StripeRefusal, checked, invalid, nested

TRIES = (0.0, 0.5, 2.0, 5.0)
"""Seconds before each try to deliver an event."""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Stripe stand-in</title><h1>Stripe stand-in</h1>
<p>{text}</p><form method="post">{buttons}</form></html>"""


def signed(raw: bytes, secret: str, *, at: float | None = None) -> str:
    """The `Stripe-Signature` header of a body."""
    stamp = int(time.time() if at is None else at)
    return f"t={stamp},v1={hmac.new(secret.encode(), f'{stamp}.'.encode() + raw, hashlib.sha256).hexdigest()}"


class StripeStandin:
    """A stand-in on a free port while the `async with` lasts."""

    def __init__(
        self,
        *,
        key: str = "sk_test_standin",
        port: int = 0,
        webhook_url: str = "",
        webhook_secret: str = "whsec_standin",  # noqa: S107 - a stand-in's
        account: StripeAccount | None = None,
    ) -> None:
        self.account = account or StripeAccount(livemode=key.startswith("sk_live_"))
        self.secret = webhook_secret
        self.webhook_url = webhook_url
        """Empty while events are lost."""
        self.url = ""
        self.requests: list[tuple[str, str]] = []
        """Method and path of everything that was asked."""
        self.posted: list[tuple[str, str]] = []
        """Path and idempotency key of every wish."""
        self.failures: list[int] = []
        """Statuses of the next answers, before anything happens; 0 closes the connection after it has happened."""
        self._key = key
        self._port = port
        self._kept: dict[str, tuple[str, int, Thing]] = {}
        self._deliveries: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._door])
        add = app.router.add_route
        for method, path, model, act in self._acts():
            add(method, path, self._handler(model, act))
        app.add_routes(
            [
                web.get("/c/pay/{id}", self._pay_page),
                web.post("/c/pay/{id}", self._pay),
                web.get("/p/session/{id}", self._portal_page),
                web.post("/p/session/{id}", self._portal),
                web.get("/standin/events", self._shown_events),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._client = aiohttp.ClientSession()
        self.account.on_event = self._deliver
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._deliveries:
            task.cancel()
        await self._client.close()
        await self._runner.cleanup()

    # The API ------------------------------------------------------------------------------------------------------------
    def _acts(self) -> list[tuple[str, str, type[checks.Params], Callable[[Any, str], Any]]]:
        """Method, path, parameters, what it does with them and the id in the path."""
        account, sessions = self.account, "/v1/checkout/sessions"
        return [
            ("POST", sessions, checks.CreateSession, lambda p, _: account.create_session(p, self.url)),
            ("GET", sessions, checks.ListSessions, lambda p, _: _page(account.all(
                "checkout.session", payment_intent=p.payment_intent, subscription=p.subscription, customer=p.customer), p.limit)),
            ("GET", sessions + "/{id}", checks.Show, lambda _, ref: account.get("checkout.session", ref)),
            ("GET", "/v1/subscriptions/{id}", checks.Show, lambda _, ref: account.get("subscription", ref)),
            ("GET", "/v1/invoices", checks.ListInvoices, lambda p, _: _page(account.all(
                "invoice", subscription_of=p.subscription, status=p.status), p.limit)),
            ("POST", "/v1/refunds", checks.CreateRefund, lambda p, _: account.refund(p)),
            ("GET", "/v1/refunds", checks.ByIntent, lambda p, _: _page(account.all("refund", payment_intent=p.payment_intent), p.limit)),
            ("GET", "/v1/disputes", checks.ByIntent, lambda p, _: _page(account.all("dispute", payment_intent=p.payment_intent), p.limit)),
            ("POST", "/v1/billing_portal/sessions", checks.CreatePortal, self._open_portal),
            ("GET", "/v1/events", checks.ListEvents, self._list_events),
        ]  # fmt: skip

    def _handler(self, model: type[checks.Params], act: Callable[[Any, str], Any]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            encoded = request.query_string
            if request.method == "POST":
                if request.content_type != "application/x-www-form-urlencoded":
                    raise invalid("Bodies are application/x-www-form-urlencoded.")
                encoded = await request.text()
            key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
            asked = f"{request.path}?{encoded}"
            if request.method == "POST":
                self.posted.append((request.path, key))
            if key in self._kept:
                before, status, body = self._kept[key]
                if before != asked:
                    said = "Keys for idempotent requests can only be used with the same parameters they were first used with."
                    raise StripeRefusal(400, "idempotency_error", said)
                return web.json_response(body, status=status, headers={"Idempotent-Replayed": "true"})
            params = checked(model, nested(encoded))
            result = act(params, request.match_info.get("id", ""))
            whole = params.expand and not all(path.startswith("data.") for path in params.expand)
            body = self.account.expanded(result, params.expand) if whole else json.loads(json.dumps(result))
            if key:
                self._kept[key] = (asked, 200, body)
            return web.json_response(body)

        return handle

    @web.middleware
    async def _door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/v1/"):
            answer: web.StreamResponse = await handler(request)
            return answer
        self.requests.append((request.method, request.path))
        failure = self.failures.pop(0) if self.failures else None
        try:
            self._admit(request, failure)
            answer = await handler(request)
        except StripeRefusal as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        except web.HTTPNotFound:
            return web.json_response(invalid(f"Unrecognized request URL ({request.method}: {request.path}).").body, status=404)
        if failure == 0 and request.transport is not None:
            request.transport.abort()
        return answer

    def _admit(self, request: web.Request, failure: int | None) -> None:
        if request.headers.get("Authorization") != f"Bearer {self._key}":
            raise StripeRefusal(401, "invalid_request_error", "Invalid API Key provided.")
        if request.headers.get("Stripe-Version") != checks.API_VERSION:
            raise invalid("This stand-in speaks one API version.", param="Stripe-Version")
        if failure:
            raise StripeRefusal(failure, "rate_limit_error" if failure == 429 else "api_error", "As asked by the test.")

    def _open_portal(self, params: checks.CreatePortal, _: str) -> Thing:
        self.account.get("customer", params.customer)
        self.account.pages[params.customer] = {"return_url": str(params.return_url or self.url)}
        return {"id": "bps_1", "object": "billing_portal.session", "url": f"{self.url}/p/session/{params.customer}"}

    def _list_events(self, params: checks.ListEvents, _: str) -> Thing:
        since = params.created.gte if params.created and params.created.gte else 0
        found = [event for event in reversed(self.account.events) if event["created"] >= since]
        if params.delivery_success is False:
            found = [event for event in found if event["pending_webhooks"]]
        if params.starting_after:
            found = found[next(n for n, event in enumerate(found, 1) if event["id"] == params.starting_after) :]
        return _page(found, params.limit)

    # Its pages ----------------------------------------------------------------------------------------------------------
    async def _pay_page(self, request: web.Request) -> web.Response:
        session = self.account.things.get(request.match_info["id"])
        if session is None:
            raise web.HTTPNotFound
        text = f"{session['amount_total']} {session['currency']} ({session['mode']}, {session['status']})"
        buttons = '<button name="do" value="pay">Pay</button> <button name="do" value="cancel">Back</button>'
        return web.Response(text=PAGE.format(text=html.escape(text), buttons=buttons), content_type="text/html")

    async def _pay(self, request: web.Request) -> web.Response:
        form, ref = await request.post(), request.match_info["id"]
        session = self.account.things.get(ref)
        if session is None:
            raise web.HTTPNotFound
        if form.get("do") != "pay":
            raise web.HTTPSeeOther(session["cancel_url"])
        if session["status"] == "open":
            self.account.pay(ref)
        raise web.HTTPSeeOther(session["success_url"])

    async def _portal_page(self, request: web.Request) -> web.Response:
        buttons = '<button name="do" value="cancel">Cancel the plan</button>'
        return web.Response(text=PAGE.format(text="Your plan", buttons=buttons), content_type="text/html")

    async def _portal(self, request: web.Request) -> web.Response:
        for plan in self.account.all("subscription", customer=request.match_info["id"], status="active"):
            self.account.cancel(plan["id"])
        raise web.HTTPSeeOther(self.account.pages[request.match_info["id"]]["return_url"])

    async def _shown_events(self, request: web.Request) -> web.Response:
        return web.json_response([{name: event[name] for name in ("id", "type", "created")} for event in self.account.events])

    # Its events ---------------------------------------------------------------------------------------------------------
    def _deliver(self, event: Thing) -> None:
        if not self.webhook_url:
            return
        task = asyncio.get_running_loop().create_task(self._try_to_deliver(event))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _try_to_deliver(self, event: Thing) -> None:
        raw = json.dumps(event).encode()
        for pause in TRIES:
            await asyncio.sleep(pause)
            headers = {"Stripe-Signature": signed(raw, self.secret), "Content-Type": "application/json"}
            try:
                async with self._client.post(self.webhook_url, data=raw, headers=headers) as answer:
                    if answer.status < 300:
                        event["pending_webhooks"] = 0
                        return
                    logger.warning("{} was answered with {}", event["type"], answer.status)
            except aiohttp.ClientError as error:
                logger.warning("{} could not be delivered to {}: {}", event["type"], urlsplit(self.webhook_url).netloc, error)


def _page(things: list[Thing], limit: int) -> Thing:
    return {"object": "list", "data": things[:limit], "has_more": len(things) > limit, "url": "/v1"}
