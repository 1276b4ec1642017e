"""The door for Stripe on the running application: what is forged, broken, old or repeated changes nothing (A6)."""

from __future__ import annotations

import io
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from web.standins.stripe import StripeStandin, signed

from ..house import UNKNOWN, House, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOOK = "/api/webhooks/stripe"
SECRET, NEXT, OLD = "whsec_now", "whsec_next", "whsec_replaced"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[House]:
    """A server that sells through Stripe, with two secrets while they are exchanged."""
    async with (
        StripeStandin(webhook_secret=SECRET) as stand,
        running(
            tmp_path_factory.mktemp("stripe"), payments="stripe", stripe_secret_key="sk_test_standin", stripe_base_url=stand.url,
            stripe_webhook_secret=f"{SECRET},{NEXT}", free_monthly=False,
        ) as house,
    ):  # fmt: skip
        yield house


def event(order_id: str, name: str = "evt_1") -> bytes:
    """A page that was paid, as Stripe says it."""
    page = {
        "id": "cs_1",
        "object": "checkout.session",
        "client_reference_id": order_id,
        "payment_status": "paid",
        "status": "complete",
    }
    return json.dumps(
        {"id": name, "object": "event", "type": "checkout.session.completed", "livemode": False, "data": {"object": page}}
    ).encode()


def forgeries(body: bytes) -> dict[str, tuple[bytes, dict[str, str]]]:
    """A6: name → (body, headers)."""
    now = time.time()
    good = signed(body, SECRET, at=now)
    stamp, digest = good.split(",")
    broken: dict[str, tuple[bytes, str]] = {
        "no time": (body, digest),
        "no signature": (body, stamp),
        "an empty signature": (body, f"{stamp},v1="),
        "half a signature": (body, good[:-32]),
        "another scheme": (body, good.replace("v1=", "v0=")),
        "another secret": (body, signed(body, "whsec_other", at=now)),
        "no secret": (body, signed(body, "", at=now)),
        "a replaced secret": (body, signed(body, OLD, at=now)),
        "the key as a secret": (body, signed(body, "sk_test_standin", at=now)),
        "another body": (body.replace(b"cs_1", b"cs_2"), good),
        "a space more": (body + b" ", good),
        "a non-ASCII signature": (body, f"{stamp},v1=" + "é" * 64),
        "no text as a signature": (body, f"{stamp},v1=\udcff"),
        "an endless time": (body, f"t={'9' * 5_000},v1=00"),
        "a time that is none": (body, good.replace("t=", "t=now")),
        "another time": (body, f"t={int(now) - 1},{digest}"),
        "an old one": (body, signed(body, SECRET, at=now - 330)),
        "one of the future": (body, signed(body, SECRET, at=now + 600)),
        "signed, not UTF-8": (b"\xff\xfe", signed(b"\xff\xfe", SECRET, at=now)),
        "signed, no JSON": (b"{", signed(b"{", SECRET, at=now)),
        "signed, a list": (b"[1]", signed(b"[1]", SECRET, at=now)),
        "signed, endlessly deep": (b"[" * 100_000, signed(b"[" * 100_000, SECRET, at=now)),
        "signed, without an id": (b"{}", signed(b"{}", SECRET, at=now)),
    }
    return {"no header": (body, {})} | {name: (raw, {"Stripe-Signature": header}) for name, (raw, header) in broken.items()}


async def post(house: House, raw: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    """Status and JSON answer."""
    return await house.call("POST", HOOK, data=io.BytesIO(raw), headers={"Content-Type": "application/json"} | headers)


async def inbox(house: House) -> int:
    """How many events are kept."""
    async with house.store.read() as tx:
        return len(await tx.deliveries("pay:stripe"))


async def test_forged_events_change_nothing(door: House) -> None:
    """A6: 24 of them, each refused with 400, no row changed; an interview that waits for its payment goes on waiting."""
    made = await door.set_up()
    _, paying = await door.call("POST", "/api/payments/create", json={"sessionId": made["sessionId"]})
    before = await door.rows()
    forged = forgeries(event(paying["paymentId"]))
    assert len(forged) >= 16
    for name, (raw, headers) in forged.items():
        status, answer = await post(door, raw, headers)
        assert status == 400, (name, status, answer)
    assert before == await door.rows()
    assert "awaiting_payment" == (await door.call("GET", f"/api/interviews/{made['sessionId']}"))[1]["status"]


async def test_a_replayed_event_is_one_event(door: House) -> None:
    """A6: the very same signed bytes once more are taken and kept once; while secrets are exchanged both count."""
    kept = await inbox(door)
    for n, secret in enumerate((SECRET, NEXT)):
        body = event(UNKNOWN, f"evt_replay_{n}")
        headers = {"Stripe-Signature": signed(body, secret)}
        assert [200, 200, 200] == [(await post(door, body, headers))[0] for _ in range(3)]
        assert kept + n + 1 == await inbox(door)
