"""Without payments: no price, no page, no provider (M7)."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from .house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")
PRICE = re.compile(r"₹|\bINR\b|See the price|Agree and pay|/plans|/billing|/operator/money")
SERVE = """
import asyncio, sys, tempfile
from pathlib import Path
asked = []
def guard(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        place = str(arguments[0] if event == "socket.getaddrinfo" else arguments[1])
        if not any(ours in place for ours in ("127.0.0.1", "::1", "localhost")):
            asked.append(place)
sys.addaudithook(guard)
async def main():
    from tests.web.house import running
    async with running(Path(tempfile.mkdtemp())) as up:
        for path in ("/", "/history", "/progress", "/privacy"):
            response, _ = await up.fetch("GET", path)
            assert response.status == 200
        await up.set_up()
asyncio.run(main())
print([name for name in ("stripe", "razorpay", "bridge.clients.stripe_checkout", "bridge.clients.razorpay", "bridge.wire.razorpay_answers", "bridge.clients.vapi") if name in sys.modules] + asked)
"""


async def test_no_price_is_shown_anywhere(house: House) -> None:
    """M7, R-102: neither set-up nor any other page has a price or a way to one."""
    made = await house.set_up()
    assert {
        "amount": 0,
        "currency": "INR",
        "reason": "payments_off",
        "message": "This interview is free on this server.",
        "expiresAt": None,
    } == made["quote"]
    assert ("ready", 0) == (made["status"], made["estimatedCost"])
    for path in ("/", f"/interviews/{made['sessionId']}", "/history", "/progress", "/privacy", "/account", "/operator"):
        response, page = await house.fetch("GET", path)
        assert response.status == 200
        assert PRICE.search(page) is None, (path, PRICE.search(page))


async def test_no_page_of_all_shows_a_price(house: House) -> None:
    """M7: every page that the router has, each with a finished interview where it wants one; none has a price or a way to one."""
    done = await house.finished()
    routes = {
        route.resource.canonical
        for route in house.app.router.routes()
        if route.method == "GET"
        and route.resource is not None
        and not route.resource.canonical.startswith(("/api", "/ws", "/static"))
    }
    shown = []
    for route in sorted(routes):
        path = route.replace("{session_id}", done.id)
        if "{" in path:
            continue
        response, page = await house.fetch("GET", path)
        if response.status == 200:
            assert PRICE.search(page) is None, (path, PRICE.search(page))
            shown.append(path)
    assert len(shown) >= 12, shown
    assert f"/interviews/{done.id}/report" in shown


@pytest.mark.parametrize("path", ["/plans", "/billing", "/payments/x", "/demo-checkout/x"])
async def test_there_is_no_page_about_money(house: House, path: str) -> None:
    """M7: not even an empty one."""
    response, _ = await house.fetch("GET", path)
    assert response.status == 404


@pytest.mark.parametrize(
    "path", ["/api/payments/create", "/api/payments/portal", "/api/webhooks/stripe", "/api/webhooks/razorpay"]
)
async def test_there_is_no_door_for_money(house: House, path: str) -> None:
    """M7, A6: never open."""
    assert 404 == (await house.call("POST", path, json={"plan": "pro"}))[0]


async def test_no_provider_is_imported() -> None:
    """M7: a whole server with pages and a set-up in a fresh process loads no provider's library, none of our clients for one, and asks nobody outside."""
    run = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, check=False, timeout=120)
    assert (0, "[]") == (run.returncode, run.stdout.strip().splitlines()[-1] if run.stdout else ""), run.stderr[-2000:]
