"""A person who is named everywhere pays, holds calls and is erased, for `test_erasure`: run as a module with FOLDER; the log is standard error. Prints what was there before and after.

A server behind a proxy that names them, at DEBUG; the strict stand-ins of Vapi and Stripe. Their word is in name, address, wishes, transcript, report, a document's and a
recording's name, an archive, and in whatever fails.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from limits import parse

from bridge import log
from bridge.config import AuthMode
from bridge.domain.upstream import EngineCall
from bridge.usecases import refunds
from tests.pdfs import pdf
from web import middlewares
from web.standins.stripe import StripeStandin
from web.standins.vapi import VapiStandin

from .egress_flow import PATIENCE_SECONDS, paid, typed_call
from .house import House, running, until_none
from .standins.vapi_client import KEY, body, create, example, vapi

MARK, STRANGER = "Zanzibarmelone", "Quittenstrauch"
"""Words that are nowhere by chance: the person's, and another's who stays."""
WEBHOOK_SECRET = "a-webhook-secret-of-ours"
BOOKS = ("orders", "money_lines", "holds", "subscriptions", "refunds")


def headers(house: House, word: str) -> dict[str, str]:
    """What the proxy says of somebody."""
    return {
        "X-Forwarded-User": f"{word}-subject", "X-Forwarded-Email": f"{word.lower()}@example.org",
        "User-Agent": f"{word}/1.0", "Origin": house.origin,
    }  # fmt: skip


def books(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row about money, and of the provider's events."""
    with closing(sqlite3.connect(f"file:{folder / 'prepkit.db'}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        found = {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1") for name in BOOKS}
        found["events"] = connection.execute("SELECT * FROM webhook_deliveries WHERE provider = 'pay:stripe' ORDER BY id")
        return {name: [dict(row) for row in rows] for name, rows in found.items()}


def places(folder: Path, word: str) -> list[str]:
    """Files below the folder that hold the word, in whatever case, or are named by it."""
    wanted = word.lower()
    return sorted(
        path.name
        for path in folder.rglob("*")
        if wanted in str(path.relative_to(folder)).lower() or (path.is_file() and wanted.encode() in path.read_bytes().lower())
    )


async def said_everywhere(house: House, upstream: VapiStandin, stripe: StripeStandin) -> str:
    """A paid interview with a call whose every part holds the word, a plan that ends with its month, an archive; the interview's id."""
    assert (await house.call("PATCH", "/api/me", json={"name": f"{MARK} Person"}))[0] == 200
    form = aiohttp.FormData()
    form.add_field("file", pdf([f"{MARK} has eight years of Python."]), filename=f"{MARK}.pdf", content_type="application/pdf")
    _, document = await house.call("POST", "/api/interviews/documents", data=form)
    assert MARK in document["text"]
    made = await house.set_up(
        duration=15, questionCount=3, difficulty="medium", cv=document["text"], specificRequirements=f"About {MARK}", company=MARK
    )
    session_id = made["sessionId"]
    await paid(house, stripe, session_id)
    await typed_call(house, f"/api/interviews/{session_id}/start", f"I am {MARK} and would keep a hash map of what I saw.")

    async def unwritten() -> bool:
        return (await house.call("GET", f"/api/interviews/{session_id}"))[1]["reportStatus"] != "ready"

    await until_none(unwritten, PATIENCE_SECONDS)
    report = {"message": example("4-2-end-of-call-report")}
    report["message"]["call"]["id"] = upstream.calls[0].id
    report["message"]["artifact"]["recordingUrl"] = f"{upstream.url}/storage/{MARK}.wav"
    sent = {"X-Vapi-Secret": WEBHOOK_SECRET}
    assert (await house.call("POST", "/api/webhooks/vapi", json=report, headers=sent))[0] == 200
    assert (await house.call("POST", "/api/me/export"))[0] == 202

    async def packing() -> bool:
        return (await house.call("GET", "/api/me/export"))[1]["exports"][0]["status"] != "ready"

    await until_none(packing, PATIENCE_SECONDS)
    return session_id


async def bought_and_paid_back(house: House, stripe: StripeStandin) -> None:
    """A plan that is not charged again, and money given back."""
    _, order = await house.call("POST", "/api/payments/create", json={"plan": "pro"})
    stripe.account.pay(order["checkoutUrl"].rsplit("/", 1)[-1])

    async def missing() -> bool:
        return not books(house.data_dir)["subscriptions"]

    await until_none(missing, PATIENCE_SECONDS)
    stripe.account.become(stripe.account.all("subscription")[0]["id"], cancel_at_period_end=True)

    async def going_on() -> bool:
        return not books(house.data_dir)["subscriptions"][0]["cancels_at_end"]

    await until_none(going_on, PATIENCE_SECONDS)
    async with house.store.begin() as tx:
        paid_for = await tx.order(str(UUID(next(row["id"] for row in books(house.data_dir)["orders"] if row["session_id"]))))
        assert paid_for is not None
        await refunds.ask(tx, paid_for, "operator", datetime.now(UTC))

    async def owed() -> bool:
        now = books(house.data_dir)
        events = [row["state"] for row in now["events"]]
        told = len(events) == len(stripe.account.events) and "stored" not in events
        return not told or not all(row["provider_ref"] for row in now["refunds"])

    await until_none(owed, PATIENCE_SECONDS)


async def stumbled(house: House) -> None:
    """What fails with the word in it, so that a log could have it."""
    for method, path, options in (
        ("GET", f"/{MARK}", {}),
        ("GET", f"/interviews/{MARK}", {}),
        (
            "POST",
            "/api/interviews/setup",
            {"data": f'{{"type": "{MARK}'.encode(), "headers": {"Content-Type": "application/json"}},
        ),
        ("POST", "/api/interviews/setup", {"json": {"type": MARK}}),
        ("POST", "/api/webhooks/vapi", {"json": {"message": MARK}, "headers": {"X-Vapi-Secret": MARK}}),
        ("POST", "/api/webhooks/stripe", {"data": MARK.encode(), "headers": {"Stripe-Signature": MARK}}),
    ):
        await house.fetch(method, path, **options)


async def more_calls(house: House, upstream: VapiStandin, session_id: str) -> None:
    """Two legs more of the same interview, which Vapi knows as calls of their own."""
    for n in (1, 2):
        call_id = (await create(upstream, body()))["id"]
        async with house.store.begin() as tx:
            await tx.add_engine_call(EngineCall(call_id, "vapi", session_id, datetime.now(UTC), base_ms=n * 60_000))


async def main(folder: Path) -> None:
    """From the first visit to the receipt."""
    log.configure("DEBUG", "text")
    async with vapi(words=[f"{MARK} said it aloud."] * 9) as upstream, StripeStandin(key=KEY, webhook_secret="whsec") as stripe:
        settings: dict[str, Any] = {
            "auth_mode": AuthMode.PROXY, "trusted_proxies": "127.0.0.1", "log_level": "DEBUG", "recogniser": "none",
            "vapi_api_key": KEY, "vapi_base_url": upstream.url, "vapi_webhook_secret": WEBHOOK_SECRET,
            "payments": "stripe", "free_monthly": False, "stripe_secret_key": KEY, "stripe_webhook_secret": "whsec",
            "stripe_base_url": stripe.url,
        }  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(middlewares, "LIMIT", parse("1000000/minute"))
            async with running(folder, **settings) as nobody:
                sys.stdout.write(json.dumps(await told(nobody, upstream, stripe)) + "\n")


async def told(nobody: House, upstream: VapiStandin, stripe: StripeStandin) -> dict[str, Any]:
    """What there was, and what is left."""
    folder = nobody.data_dir
    async with (
        aiohttp.ClientSession(headers=headers(nobody, MARK)) as mine,
        aiohttp.ClientSession(headers=headers(nobody, STRANGER)) as theirs,
    ):
        house, other = replace(nobody, client=mine), replace(nobody, client=theirs)
        assert (await other.call("PATCH", "/api/me", json={"name": STRANGER}))[0] == 200
        await other.set_up(company=STRANGER)
        person = (await house.call("GET", "/api/me"))[1]["id"]
        session_id = await said_everywhere(house, upstream, stripe)
        await bought_and_paid_back(house, stripe)
        await more_calls(house, upstream, session_id)
        await stumbled(house)
        before = {"places": places(folder, MARK), "books": books(folder)}
        status, erased = await house.call("DELETE", "/api/me", json={"confirm": True})
        assert status == 200, erased

    async def pending() -> bool:
        return (await nobody.call("GET", f"/api/erasures/{erased['receipt']['id']}"))[1]["state"] == "pending"

    await until_none(pending, PATIENCE_SECONDS)
    _, receipt = await nobody.call("GET", f"/api/erasures/{erased['receipt']['id']}")
    return {
        "person": person, "session": session_id, "before": before, "receipt": receipt,
        "after": {"places": places(folder, MARK), "books": books(folder)}, "stranger": places(folder, STRANGER),
        "calls": [call.id for call in upstream.calls], "erased": upstream.erased,
        "files": [path.name for path in folder.rglob("*")],
    }  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
