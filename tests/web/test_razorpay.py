"""Paying through Razorpay, from quote to receipt: the running server against the stand-in, whose webhooks come to its own door (R-107, R-108, A6, M2)."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from bridge.config import load
from bridge.domain.session import SessionStatus
from bridge.errors import SettingsError
from bridge.usecases import checkout
from web.commands import doctor
from web.payments import SHOP
from web.standins.razorpay import RazorpayStandin, signed

from .house import AGREED, UNKNOWN, House, change, running, until_none

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "whsec_standin"
KEYS = {"RAZORPAY_KEY_ID": "rzp_test_standin", "RAZORPAY_KEY_SECRET": "standin", "RAZORPAY_WEBHOOK_SECRET": SECRET}
PRICE = 9_900


@dataclass(frozen=True)
class Stall:
    """A server that sells through the stand-in."""

    house: House
    stand: RazorpayStandin

    async def bought(self) -> tuple[str, str, str]:
        """Session, payment and checkout page of a new interview."""
        made = await self.house.set_up(difficulty="easy")
        assert ("awaiting_payment", PRICE) == (made["status"], made["quote"]["amount"])
        status, answer = await self.house.call("POST", "/api/payments/create", json={"sessionId": made["sessionId"]})
        assert status == 200, answer
        return made["sessionId"], answer["paymentId"], answer["checkoutUrl"]

    async def press(self, page: str, button: str) -> str:
        """Where the provider's page sends the browser, on this server."""
        async with self.house.client.post(page, data={"do": button}, allow_redirects=False) as response:
            assert response.status in (302, 303)
            return response.headers["Location"].removeprefix(self.house.origin)

    async def started(self, session_id: str) -> int:
        """The status of a start."""
        return (await self.house.call("POST", f"/api/interviews/{session_id}/start", json=AGREED))[0]

    async def status(self, payment_id: str) -> str:
        """How a payment is stored, without asking the provider."""
        async with self.house.store.read() as tx:
            order = await tx.order(payment_id)
        assert order is not None
        return order.status.value

    async def kept(self) -> int:
        """How many events are in the inbox."""
        async with self.house.store.read() as tx:
            return len(await tx.deliveries("pay:razorpay"))

    def silent(self) -> None:
        """From now on webhooks are lost."""
        self.stand.webhook_url = ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_stall(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[Stall]:
    """A server that sells, and whoever takes the money."""
    async with RazorpayStandin(webhook_secret=SECRET) as stand:
        settings = {name.lower(): value for name, value in KEYS.items()} | {"razorpay_base_url": stand.url}
        async with running(tmp_path_factory.mktemp("stall"), payments="razorpay", free_monthly=False, **settings) as house:
            yield Stall(house, stand)


@pytest.fixture
def stall(running_stall: Stall) -> Stall:
    """With its webhooks, and nothing going wrong."""
    running_stall.stand.failures = []
    running_stall.stand.webhook_url = f"{running_stall.house.origin}/api/webhooks/razorpay"
    return running_stall


async def test_the_return_page_before_the_webhook(stall: Stall) -> None:
    """M2, R-102, R-108: price, 402, one link, refused once, paid, back with Razorpay's own query: the page asks and says so, no webhook came."""
    stall.silent()
    session_id, payment_id, page = await stall.bought()
    assert 402 == await stall.started(session_id)
    _, again = await stall.house.call(
        "POST", "/api/payments/create", json={"sessionId": session_id, "amount": 1, "currency": "USD"}
    )
    assert (payment_id, page) == (again["paymentId"], again["checkoutUrl"])
    assert urlsplit(page).path == await stall.press(page, "fail")
    _, shown = await stall.house.fetch("GET", f"/payments/{payment_id}")
    assert "Waiting for the payment" in shown
    assert page in shown, "the way back to the checkout page"
    back = await stall.press(page, "pay")
    assert back.startswith(f"/payments/{payment_id}?razorpay_payment_id=pay_")
    _, receipt = await stall.house.fetch("GET", back)
    assert "₹99 was charged once." in receipt
    assert "test mode, no real money" in receipt
    assert 200 == await stall.started(session_id)
    kept = await stall.kept()

    for event in stall.stand.account.events[-4:]:
        raw = json.dumps(event["body"]).encode()
        for _ in range(2):
            assert 200 == await posted(stall, raw, signed(event["id"], raw, SECRET)), "late and twice is fine"
    assert kept + 4 == await stall.kept()
    async with stall.house.store.read() as tx:
        assert 1 == sum(line.kind == "payment" for line in await tx.lines_of_order(payment_id))


async def test_the_webhook_alone_is_enough(stall: Stall) -> None:
    """M2: nobody comes back from the checkout page; the signed events make the interview startable within seconds."""
    session_id, payment_id, page = await stall.bought()
    await stall.press(page, "pay")

    async def waits() -> bool:
        return (await stall.house.call("GET", f"/api/interviews/{session_id}"))[1]["status"] != "ready"

    await until_none(waits)
    assert "completed" == await stall.status(payment_id)
    assert 200 == await stall.started(session_id)


async def test_the_reconciler_alone_is_enough(stall: Stall) -> None:
    """M2: no event, no return page: the reconciler finds the payment."""
    stall.silent()
    session_id, payment_id, page = await stall.bought()
    await stall.press(page, "pay")
    assert 1 <= await checkout.reconcile(stall.house.app[SHOP], datetime.now(UTC))
    assert "completed" == await stall.status(payment_id)
    assert 200 == await stall.started(session_id)


@pytest.mark.parametrize("how", ["cancel", "expire"])
async def test_a_link_that_is_over_can_be_tried_again(stall: Stall, how: str) -> None:
    """R-108: says in words that nothing was charged, starts nothing, and the next press is a new link."""
    session_id, payment_id, page = await stall.bought()
    getattr(stall.stand.account, how)(page.rsplit("/", 1)[-1])
    _, shown = await stall.house.fetch("GET", f"/payments/{payment_id}")
    assert "Nothing was charged" in shown
    assert "Try again" in shown
    assert 402 == await stall.started(session_id)
    _, again = await stall.house.call("POST", "/api/payments/create", json={"sessionId": session_id})
    assert (payment_id, page) != (again["paymentId"], again["checkoutUrl"])


async def test_while_razorpay_is_away(stall: Stall) -> None:
    """R-108, M3: pressing to pay says that nothing was charged; the page of an open payment goes on saying what is known."""
    _, payment_id, _ = await stall.bought()
    made = await stall.house.set_up(difficulty="easy")
    # More than enough: jobs of other tests may ask as well.
    stall.stand.failures = [503] * 100
    status, answer = await stall.house.call("POST", "/api/payments/create", json={"sessionId": made["sessionId"]})
    assert (503, "upstream_failed") == (status, answer["error"]["code"])
    assert "Nothing was charged" in answer["error"]["message"]
    stall.stand.failures = [429] * 100
    response, shown = await stall.house.fetch("GET", f"/payments/{payment_id}")
    stall.stand.failures = []
    assert response.status == 200
    assert "Waiting for the payment" in shown
    assert 200 == (await stall.house.call("POST", "/api/payments/create", json={"sessionId": made["sessionId"]}))[0]


async def test_an_operator_gives_the_money_back(stall: Stall) -> None:
    """M4, M7: one refund at Razorpay for one press, and the receipt says that it is on its way."""
    session_id, payment_id, page = await stall.bought()
    await stall.press(page, "pay")
    await stall.house.fetch("GET", f"/payments/{payment_id}")
    async with stall.house.store.read() as tx:
        session = await tx.session(session_id)
    assert session is not None
    await change(stall.house.store, replace(session, status=SessionStatus.PARTIAL))
    refund = f"/api/operator/sessions/{session_id}/refund"
    assert 202 == (await stall.house.call("POST", refund, json={}))[0]

    async def waits() -> bool:
        return await stall.status(payment_id) != "refunded"

    await until_none(waits)
    assert 409 == (await stall.house.call("POST", refund, json={}))[0]
    assert "₹99 goes back the way you paid" in (await stall.house.fetch("GET", f"/payments/{payment_id}"))[1]
    payment = next(p for p in stall.stand.account.all("payment") if p["status"] == "refunded")
    assert 1 == len(stall.stand.account.all("refund", payment_id=payment["id"]))


async def posted(stall: Stall, raw: bytes, headers: dict[str, str]) -> int:
    """The status of a delivery."""
    async with stall.house.client.post(
        f"{stall.house.origin}/api/webhooks/razorpay", data=io.BytesIO(raw), headers=headers
    ) as response:
        return response.status


PAID = json.dumps(
    {"event": "payment_link.paid", "payload": {"payment_link": {"entity": {"id": "plink_1", "reference_id": UNKNOWN}}}}
).encode()
GOOD = signed("evt_1", PAID, SECRET)
FORGED = {
    "nothing": (b"", {}),
    "no signature": (PAID, {"X-Razorpay-Event-Id": "evt_1"}),
    "another secret": (PAID, signed("evt_1", PAID, "whsec_other")),
    "the key's secret": (PAID, signed("evt_1", PAID, "standin")),
    "no secret": (PAID, signed("evt_1", PAID, "")),
    "another body": (PAID.replace(b"plink_1", b"plink_2"), GOOD),
    "non-ascii signature": (PAID, GOOD | {"X-Razorpay-Signature": "é" * 64}),
    "upper case": (PAID, GOOD | {"X-Razorpay-Signature": GOOD["X-Razorpay-Signature"].upper()}),
    "no event id": (PAID, {name: value for name, value in GOOD.items() if name != "X-Razorpay-Event-Id"}),
    "an event id that is none": (PAID, GOOD | {"X-Razorpay-Event-Id": "a b"}),
    "signed non-utf-8": (b"\xff", signed("evt_1", b"\xff", SECRET)),
    "signed nonsense": (b"{", signed("evt_1", b"{", SECRET)),
    "signed depth": (b"[" * 9_999, signed("evt_1", b"[" * 9_999, SECRET)),
    "signed nothing": (b"{}", signed("evt_1", b"{}", SECRET)),
    "a Stripe event": (PAID, {"Stripe-Signature": "t=1,v1=00"}),
    "not what it is packed as": (PAID, GOOD | {"Content-Encoding": "gzip"}),
}


async def test_forged_events_change_nothing(stall: Stall) -> None:
    """A6: 16 forgeries are refused with 400 and leave nothing behind; too much is 413; the other doors are closed; the true one is open."""
    kept = await stall.kept()
    statuses = {name: await posted(stall, *forged) for name, forged in FORGED.items()}
    assert dict.fromkeys(FORGED, 400) == statuses
    big = b" " * (1024 * 1024 + 1)
    assert 413 == await posted(stall, big, signed("evt_1", big, SECRET))
    for other in ("stripe", "fake"):
        assert 404 == (await stall.house.call("POST", f"/api/webhooks/{other}", data=PAID, headers=GOOD))[0]
    assert kept == await stall.kept()
    assert [200, 200] == [await posted(stall, PAID, GOOD) for _ in range(2)]
    assert kept + 1 == await stall.kept(), "a repeat is known by its id"


async def test_no_plan_is_offered_anywhere(stall: Stall) -> None:
    """R-105, C-09: prices of interviews, a word that there are no plans, no button for one, no page where one would be changed, nothing locked."""
    response, prices = await stall.house.fetch("GET", "/plans")
    assert response.status == 200
    assert re.search(r"<h1>Prices</h1>", prices)
    assert "There are no monthly plans here" in prices
    assert "₹99" in prices
    _, billing = await stall.house.fetch("GET", "/billing")
    assert "There are no monthly plans here" in billing
    _, account = await stall.house.fetch("GET", "/account")
    for page in (prices, billing, account):
        assert not re.search(
            r"data-plan|a month|₹499|₹1,999|Choose P|See plans|>Plans<|<dt>Plan</dt>|<strong>Free</strong>|portal", page
        )
    for plan in ("pro", "premium"):
        assert 404 == (await stall.house.call("POST", "/api/payments/create", json={"plan": plan}))[0]
    assert 409 == (await stall.house.call("POST", "/api/payments/portal", json={}))[0]
    _, privacy = await stall.house.fetch("GET", "/privacy")
    assert "Razorpay" in privacy
    assert "Stripe" not in privacy


# Settings, doctor, command ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("missing", KEYS)
async def test_what_cannot_start(missing: str) -> None:
    """R-107: without one of its keys, or with an API that is not on https, the server says which setting is wrong."""
    keys = {"PREPKIT_PAYMENTS": "razorpay"} | KEYS
    assert load(keys).tariff is not None
    with pytest.raises(SettingsError, match=missing):
        load({name: value for name, value in keys.items() if name != missing})
    with pytest.raises(SettingsError, match="RAZORPAY_BASE_URL"):
        load(keys | {"RAZORPAY_BASE_URL": "http://razorpay.example"})
    with pytest.raises(SettingsError, match="RAZORPAY_KEY_ID"):
        load(keys | {"RAZORPAY_KEY_ID": "rzp:test"})


@pytest.mark.parametrize(
    ("changes", "failure", "ok", "says"),
    [
        ({}, None, True, "It is a test key: no real money moves. Its webhook must point at PREPKIT_PUBLIC_URL followed by /api/webhooks/razorpay."),
        ({"RAZORPAY_KEY_SECRET": "wrong"}, None, False, "Razorpay does not accept the key. Check RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET"),
        ({"RAZORPAY_BASE_URL": "http://127.0.0.1:9"}, None, False, "Razorpay cannot be reached. Check RAZORPAY_BASE_URL"),
        ({}, 429, None, "Until it does, nothing can be paid."),
    ],
)  # fmt: skip
async def test_the_doctor_says_whether_the_key_is_taken(
    changes: dict[str, str], failure: Any, ok: bool | None, says: str
) -> None:
    """R-107: one request that makes nothing; what is wrong in words, with the settings to change; nothing where Razorpay is not used."""
    async with RazorpayStandin() as stand:
        stand.failures = [failure]
        (finding,) = await doctor.razorpay(
            load({"PREPKIT_PAYMENTS": "razorpay", "RAZORPAY_BASE_URL": stand.url} | KEYS | changes)
        )
        assert (ok, True) == (finding.ok, says in finding.says), finding
        assert [] == stand.account.all("payment_link")
        if ok is False:
            whole = await doctor.look(
                {"PREPKIT_PAYMENTS": "razorpay", "RAZORPAY_BASE_URL": stand.url, "PREPKIT_PORT": "0"} | KEYS | changes
            )
            assert [finding] == [each for each in whole if each.ok is False]
    assert [] == await doctor.razorpay(load({}))


async def test_the_stand_in_runs_as_a_command() -> None:
    """It says where, takes its keys, and leaves on Ctrl-C."""
    command = [sys.executable, "-m", "web", "standin", "razorpay", "--key-secret", "k", "--webhook-url", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = re.findall(r"http://\S+", next(line for line in process.stdout if "ready" in line))[0]
            auth = {"Authorization": aiohttp.encode_basic_auth("rzp_test_standin", "k")}
            async with aiohttp.ClientSession(headers=auth) as http:
                async with http.post(f"{url}/v1/payment_links", json={"amount": PRICE, "description": "<b>"}) as answer:
                    page = (await answer.json())["short_url"]
                async with http.get(page) as shown:
                    assert "&lt;b&gt;: 9900 INR (created)" in await shown.text()
            process.send_signal(signal.SIGINT)
            code = process.wait(20)
        finally:
            process.kill()
    assert 0 == code
