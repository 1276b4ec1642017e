"""Razorpay played on this machine: payment links and their pages, payments, refunds, disputes, signed events; strict about what it is sent.

It holds our side to the wire, and says nothing about Razorpay itself. Tests use `RazorpayStandin` and its `account`; other processes pay on
its pages. Read next: `razorpay_checks` (what is refused), `razorpay_account` (what happens).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import json
from collections.abc import Callable
from typing import Any, Literal, Self
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web
from loguru import logger
from pydantic import BaseModel

from . import razorpay_checks as checks
from .razorpay_account import RazorpayAccount, Thing
from .razorpay_checks import RazorpayRefusal, checked

TRIES = (0.0, 0.5, 2.0, 5.0)
"""Seconds before each try to deliver an event."""
ANSWER_SECONDS = 5
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Razorpay stand-in</title><link rel="icon" href="data:,"><h1>Razorpay stand-in</h1>
<p>{text}</p><form method="post">{buttons}</form></html>"""
BUTTONS = " ".join(f'<button name="do" value="{do}">{title}</button>' for do, title in (("pay", "Pay"), ("fail", "Be refused")))
Failure = int | Literal["reset before", "reset after", "hang after"]
"""A status instead of anything happening, or a line that breaks or goes silent before or after it has happened."""


def signed(event_id: str, raw: bytes, secret: str) -> dict[str, str]:
    """The headers of an event."""
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return {"X-Razorpay-Signature": signature, "X-Razorpay-Event-Id": event_id, "Content-Type": "application/json"}


class RazorpayStandin:
    """A stand-in on a free port while the `async with` lasts."""

    def __init__(
        self,
        *,
        key_id: str = "rzp_test_standin",
        key_secret: str = "standin",  # noqa: S107 - a stand-in's
        port: int = 0,
        webhook_url: str = "",
        webhook_secret: str = "whsec_standin",  # noqa: S107 - a stand-in's
        account: RazorpayAccount | None = None,
    ) -> None:
        self.account = account or RazorpayAccount()
        self.secret = webhook_secret
        self.url = ""
        self.webhook_url = webhook_url
        self.requests: list[tuple[str, str]] = []
        """Method and path of everything that was asked."""
        self.failures: list[Failure | None] = []
        """What goes wrong with the next requests; None for nothing."""
        self.once: dict[str, tuple[str, Thing]] = {}
        """Body and refund of each idempotency key."""
        self._auth = aiohttp.encode_basic_auth(key_id, key_secret)
        self._key_secret = key_secret
        self._port = port
        self._closing = asyncio.Event()
        self._deliveries: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._door])
        account, item, lists = self.account, "/v1/payments/{id}", self._list
        acts: list[tuple[str, str, type[BaseModel], Callable[[Any, web.Request], Any]]] = [
            ("POST", "/v1/payment_links", checks.CreateLink, lambda wish, _: account.create_link(wish, self.url)),
            ("GET", "/v1/payment_links", checks.ListLinks, lambda wish, _: {"payment_links": account.links(wish)}),
            (
                "GET",
                "/v1/payment_links/{id}",
                checks.Show,
                lambda _, request: account.get("payment_link", request.match_info["id"]),
            ),
            ("GET", item, checks.Show, lambda _, request: account.get("payment", request.match_info["id"])),
            ("POST", f"{item}/refund", checks.CreateRefund, self._refund),
            (
                "GET",
                f"{item}/refunds",
                checks.Listed,
                lambda wish, request: lists(wish, "refund", payment_id=request.match_info["id"]),
            ),
            ("GET", "/v1/refunds", checks.Listed, lambda wish, _: lists(wish, "refund")),
            ("GET", "/v1/disputes", checks.Listed, lambda wish, _: lists(wish, "dispute")),
        ]
        for method, path, model, act in acts:
            app.router.add_route(method, path, self._handler(model, act))
        app.add_routes(
            [
                web.get("/i/{id}", self._pay_page),
                web.post("/i/{id}", self._pay),
                web.get("/standin/events", self._shown_events),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))
        self.account.on_event = self._deliver
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        for task in self._deliveries:
            task.cancel()
        await self._client.close()
        await self._runner.cleanup()

    # The API ------------------------------------------------------------------------------------------------------------
    def _handler(self, model: type[BaseModel], act: Callable[[Any, web.Request], Any]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            values: Any = dict(request.query)
            if request.method == "POST":
                if request.content_type != "application/json" or request.query:
                    raise RazorpayRefusal(400, "Please send the request as application/json")
                try:
                    values = json.loads(await request.text())
                except ValueError:
                    raise RazorpayRefusal(400, "The request body is no JSON") from None
            return web.json_response(act(checked(model, values), request))

        return handle

    def _list(self, wish: checks.Listed, entity: str, **fields: Any) -> Thing:
        found = [thing for thing in self.account.all(entity, **fields) if wish.since <= thing["created_at"] <= wish.to]
        items = found[wish.skip : wish.skip + wish.count]
        return {"entity": "collection", "count": len(items), "items": items}

    def _refund(self, wish: checks.CreateRefund, request: web.Request) -> Thing:
        key, asked = request.headers.get("X-Refund-Idempotency"), f"{request.path} {wish.model_dump_json()}"
        if key is None:
            return self.account.refund(request.match_info["id"], wish)
        if not checks.IDEMPOTENCY_KEY.fullmatch(key):
            raise RazorpayRefusal(400, "The idempotency key must be at least 10 of letters, digits, hyphens and underscores")
        if key not in self.once:
            self.once[key] = asked, self.account.refund(request.match_info["id"], wish)
        before, refund = self.once[key]
        if before != asked:
            raise RazorpayRefusal(400, "Different request with the same idempotency key has already been processed.")
        return refund

    @web.middleware
    async def _door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/v1/"):
            shown: web.StreamResponse = await handler(request)
            return shown
        self.requests.append((request.method, request.path))
        failure = self.failures.pop(0) if self.failures else None
        try:
            self._admit(request, failure)
            if failure == "reset before":
                return self._reset(request)
            answer: web.StreamResponse = await handler(request)
        except RazorpayRefusal as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        except web.HTTPNotFound:
            return web.json_response(RazorpayRefusal(404, "The requested URL was not found on the server.").body, status=404)
        if failure == "reset after":
            return self._reset(request)
        if failure == "hang after":
            await self._closing.wait()
        return answer

    def _admit(self, request: web.Request, failure: Failure | None) -> None:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._auth.encode()):
            raise RazorpayRefusal(401, "Authentication failed")
        if isinstance(failure, int):
            raise RazorpayRefusal(failure, "As asked by the test.")

    @staticmethod
    def _reset(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    # Its pages ----------------------------------------------------------------------------------------------------------
    def _link(self, request: web.Request) -> Thing:
        try:
            return self.account.get("payment_link", request.match_info["id"])
        except RazorpayRefusal:
            raise web.HTTPNotFound from None

    async def _pay_page(self, request: web.Request) -> web.Response:
        link = self._link(request)
        text = f"{link['description']}: {link['amount']} {link['currency']} ({link['status']})"
        return web.Response(text=PAGE.format(text=html.escape(text), buttons=BUTTONS), content_type="text/html")

    async def _pay(self, request: web.Request) -> web.Response:
        link, form = self._link(request), await request.post()
        if link["status"] != "created" or form.get("do") != "pay":
            if link["status"] == "created":
                self.account.fail(link["id"])
            raise web.HTTPSeeOther(f"/i/{link['id']}")
        payment = self.account.pay(link["id"])
        told = {
            "razorpay_payment_id": payment["id"],
            "razorpay_payment_link_id": link["id"],
            "razorpay_payment_link_reference_id": link["reference_id"],
            "razorpay_payment_link_status": link["status"],
        }
        said = "|".join((link["id"], link["reference_id"], link["status"], payment["id"])).encode()
        told["razorpay_signature"] = hmac.new(self._key_secret.encode(), said, hashlib.sha256).hexdigest()
        raise web.HTTPFound(f"{link['callback_url']}?{urlencode(told)}")

    async def _shown_events(self, request: web.Request) -> web.Response:
        return web.json_response([{"id": event["id"], "event": event["body"]["event"]} for event in self.account.events])

    # Its events ---------------------------------------------------------------------------------------------------------
    def _deliver(self, event: Thing) -> None:
        if not self.webhook_url:
            return
        task = asyncio.get_running_loop().create_task(self._try_to_deliver(event))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _try_to_deliver(self, event: Thing) -> None:
        raw, kind = json.dumps(event["body"]).encode(), event["body"]["event"]
        for pause in TRIES:
            await asyncio.sleep(pause)
            try:
                async with self._client.post(self.webhook_url, data=raw, headers=signed(event["id"], raw, self.secret)) as answer:
                    if answer.status < 300:
                        return
                    logger.warning("{} was answered with {}", kind, answer.status)
            except (aiohttp.ClientError, TimeoutError) as error:
                logger.warning("{} could not be delivered to {}: {}", kind, urlsplit(self.webhook_url).netloc, error)
