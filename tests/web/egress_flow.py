"""A whole interview from set-up to erasure, for `test_egress`: run as a module, with `keys` or without. Prints what Python's own audit hook saw, and whom it may reach.

A typed call, so that it takes seconds. With keys everything of Vapi, Gemini and Stripe is the strict stand-in of each.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from limits import parse

from tests.acceptance.live import Server
from tests.pdfs import pdf
from web import middlewares
from web import pdf as pdfs
from web.standins.gemini import GeminiStandin
from web.standins.stripe import StripeStandin

from .house import AGREED, House, running, until_none
from .standins.vapi_client import KEY, vapi

ANSWERS = ("I keep what I saw in a hash map, so that each look up is constant time.", "The empty input returns at once.")
PATIENCE_SECONDS = 90
asked: set[str] = set()
"""Addresses and names, by the audit hook."""


def note(event: str, arguments: tuple[Any, ...]) -> None:
    """Names that are looked up are seen here alone: the kernel sees a packet to the name server."""
    if event in ("socket.connect", "socket.sendto"):
        asked.add(str(arguments[1]))
    elif event == "socket.getaddrinfo":
        asked.add(str(arguments[0]))


async def typed_call(house: House, start: str, *answers: str) -> None:
    """One call over the socket: each question gets a typed answer, and the candidate ends it."""
    _, begun = await house.call("POST", start, json=AGREED)
    async with aiohttp.ClientSession() as http, Server(house.origin, house.data_dir, http).caller(
        begun["bridgeUrl"], begun["token"]
    ) as caller:  # fmt: skip
        await caller.told("question", seconds=PATIENCE_SECONDS)
        for answer in answers:
            await caller.verb("text", text=answer)
        await caller.verb("end")
        await caller.told("ended", seconds=PATIENCE_SECONDS)


async def paid(house: House, stripe: StripeStandin, session_id: str) -> None:
    """Pay for it, and wait for the webhook."""
    stripe.webhook_url = f"{house.origin}/api/webhooks/stripe"
    status, order = await house.call("POST", "/api/payments/create", json={"sessionId": session_id})
    assert status == 200, order
    stripe.account.pay(order["checkoutUrl"].rsplit("/", 1)[-1])

    async def waits() -> bool:
        return (await house.call("GET", f"/api/interviews/{session_id}"))[1]["status"] != "ready"

    await until_none(waits, PATIENCE_SECONDS)


async def interview(house: House, stripe: StripeStandin | None) -> None:
    """From the pages to the receipt of the erasure."""
    form = aiohttp.FormData()
    form.add_field("file", pdf(["Eight years of Python."]), filename="cv.pdf", content_type="application/pdf")
    status, document = await house.call("POST", "/api/interviews/documents", data=form)
    assert status == 200, document
    made = await house.set_up(duration=15, questionCount=3, difficulty="medium", cv=document["text"])
    session_id = made["sessionId"]
    if stripe:
        await paid(house, stripe, session_id)
    await typed_call(house, f"/api/interviews/{session_id}/start", *ANSWERS)

    async def unwritten() -> bool:
        return (await house.call("GET", f"/api/interviews/{session_id}"))[1]["reportStatus"] != "ready"

    await until_none(unwritten, PATIENCE_SECONDS)
    report = f"/interviews/{session_id}/report"
    files = [f"/api{report}.pdf"] if pdfs.available() else []
    for path in ("/", "/history", "/progress", "/privacy", "/account", report, *files, f"/api/interviews/{session_id}/recording"):
        response, text = await house.fetch("GET", path)
        assert response.status == 200, (path, text[:500])
    assert (await house.call("POST", "/api/me/export"))[0] == 202

    async def packing() -> bool:
        return (await house.call("GET", "/api/me/export"))[1]["exports"][0]["status"] != "ready"

    await until_none(packing, PATIENCE_SECONDS)
    _, body = await house.call("DELETE", "/api/me", json={"confirm": True})

    async def pending() -> bool:
        return (await house.call("GET", f"/api/erasures/{body['receipt']['id']}"))[1]["state"] == "pending"

    await until_none(pending, PATIENCE_SECONDS)


async def main(*, keys: bool) -> None:
    """Say whom it may reach, by name."""
    declared: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        # Whoever waits here asks again and again.
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(middlewares, "LIMIT", parse("1000000/minute"))
        settings: dict[str, Any] = {}
        stripe: StripeStandin | None = None
        if keys:
            gemini = await stack.enter_async_context(GeminiStandin(key=KEY))
            upstream = await stack.enter_async_context(vapi(words=ANSWERS))
            stripe = await stack.enter_async_context(StripeStandin(key=KEY, webhook_secret="whsec"))
            declared = {"vapi": upstream.url, "gemini": gemini.url, "stripe": stripe.url}
            settings = {f"{name}_base_url": url for name, url in declared.items()} | {
                "vapi_api_key": KEY, "gemini_api_key": KEY, "stripe_secret_key": KEY, "stripe_webhook_secret": "whsec",
                "payments": "stripe", "free_monthly": False,
            }  # fmt: skip
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = await stack.enter_async_context(running(folder, **settings))
        declared["ours"] = house.origin
        await interview(house, stripe)
        if keys:
            assert upstream.erased == [call.id for call in upstream.calls] != [], "the vendor was not asked to erase"
    sys.stdout.write(json.dumps({"asked": sorted(asked), "declared": declared}) + "\n")


if __name__ == "__main__":
    sys.addaudithook(note)
    asyncio.run(main(keys="keys" in sys.argv))
