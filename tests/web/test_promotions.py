"""Vouchers and referrals as people meet them: pages, API and command line over the real server (R-109, R-110, A14)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner
from yarl import URL

from bridge.config import AuthMode
from bridge.domain.account import Role
from bridge.usecases import calling
from web import limiting, promotions
from web.cli import main

from .house import AGREED, JOB_SECONDS, House, running, tell
from .visitors import Visitor, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[House]:
    """A server that sells, with several people at it."""
    async with running(
        tmp_path_factory.mktemp("promotions"), auth_mode=AuthMode.LOCAL, payments="fake", free_monthly=False
    ) as house:
        yield house


def id_of(visitor: Visitor) -> str:
    """Whose browser it is."""
    assert visitor.account is not None
    return visitor.account.id


async def balance(shop: House, visitor: Visitor) -> int:
    """Their credit."""
    async with shop.store.read() as tx:
        return await tx.balance(id_of(visitor), "INR")


async def made(admin: Visitor, **fields: Any) -> dict[str, Any]:
    """A new voucher."""
    status, answer = await admin.call("POST", "/api/operator/vouchers", {"partner": "Acme", "amount": 14_900, "uses": 2} | fields)
    assert status == 201, answer
    return answer


async def code_of(visitor: Visitor) -> str:
    """Their own code, from the page."""
    page = (await visitor.page("/billing"))[1]
    found = re.search(r"/billing\?ref=([0-9A-Z-]+)", page)
    assert found
    return found[1]


async def test_from_the_voucher_to_the_interview(shop: House) -> None:
    """R-110: made by an admin, told once, used once by each, seen in the ledger, counted for the partner, enough to start with."""
    admin, ana, ben, cy = [await signed_in(shop, role) for role in (Role.ADMIN, Role.CANDIDATE, Role.CANDIDATE, Role.CANDIDATE)]
    voucher = await made(admin)
    wish = {"code": voucher["code"].lower()}
    status, answer = await ana.call("POST", "/api/billing/voucher", wish)
    assert (201, {"granted": 14_900, "balance": 14_900, "currency": "INR"}) == (status, answer)
    assert [409, 201, 409] == [(await each.call("POST", "/api/billing/voucher", wish))[0] for each in (ana, ben, cy)]
    assert 404 == (await cy.call("POST", "/api/billing/voucher", {"code": "AAAA-BBBB-CCCC"}))[0]

    page = (await ana.page("/billing"))[1]
    assert "Voucher" in page
    assert "Acme" in page
    assert "+₹149" in page
    _, session = await ana.call("POST", "/api/interviews/setup", {"type": "dsa", "difficulty": "medium"})
    assert "credit" == session["quote"]["reason"]
    assert 200 == (await ana.call("POST", f"/api/interviews/{session['sessionId']}/start", AGREED))[0]

    money = (await admin.page("/operator/money"))[1]
    assert voucher["id"][:8] in money
    assert "2 of 2" in money
    assert "used up" in money
    assert voucher["code"] not in money
    async with shop.store.read() as tx:
        assert [("voucher.make", id_of(admin))] == [
            (row.action, row.actor_id) for row in await tx.audit_trail(subject=voucher["id"], limit=9)
        ]


async def test_an_admin_ends_a_voucher(shop: House) -> None:
    """R-110: nobody uses it any more; only an admin makes or ends one; what cannot be a voucher is refused."""
    admin, ana = await signed_in(shop, Role.ADMIN), await signed_in(shop)
    voucher = await made(admin, days=30)
    end = f"/api/operator/vouchers/{voucher['id']}/end"
    assert 403 == (await ana.call("POST", end, {}))[0]
    assert 403 == (await ana.call("POST", "/api/operator/vouchers", {"amount": 1}))[0]
    assert [200, 404] == [(await admin.call("POST", end, {}))[0] for _ in range(2)]
    status, answer = await ana.call("POST", "/api/billing/voucher", {"code": voucher["code"]})
    assert (409, "This voucher is over.") == (status, answer["error"]["message"])
    for wrong in ({}, {"amount": 0}, {"amount": "5"}, {"amount": 5, "uses": 0}, {"amount": 5, "days": 0}, {"amount": 5.5}):
        assert 422 == (await admin.call("POST", "/api/operator/vouchers", wrong))[0], wrong


async def test_codes_cannot_be_guessed_quickly(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14, R-110: a person's tries are counted, right or wrong."""
    monkeypatch.setattr(promotions, "TRIES", limiting.parse("3/5minute"))
    ana = await signed_in(shop)
    tries = [(await ana.call("POST", "/api/billing/voucher", {"code": f"AAAA-BBBB-CCC{n}"}))[0] for n in range(5)]
    assert [404, 404, 404, 429, 429] == tries


async def held(shop: House, visitor: Visitor, session_id: str) -> None:
    """Start, hold and end an interview that counts: over three minutes, with answers."""
    _, begun = await visitor.call("POST", f"/api/interviews/{session_id}/start", AGREED)
    now = datetime.now(UTC)
    admission = await calling.admit(shop.store, session_id, begun["token"], now)
    await tell(shop.store, admission.session)
    await calling.finish(shop.store, session_id, "finished", elapsed_ms=600_000, now=now)


async def paid_interview(shop: House, visitor: Visitor) -> str:
    """An interview paid at the pretended provider's page."""
    _, session = await visitor.call("POST", "/api/interviews/setup", {"type": "dsa"})
    _, order = await visitor.call("POST", "/api/payments/create", {"sessionId": session["sessionId"]})
    response, _ = await visitor.send("POST", order["checkoutUrl"].removeprefix(shop.origin), data={"do": "pay"})
    assert response.status == 303
    assert "completed" == (await visitor.call("GET", f"/api/payments/{order['paymentId']}"))[1]["status"]
    return str(session["sessionId"])


async def test_who_brings_somebody_gets_credit_when_they_have_paid(shop: House) -> None:
    """R-109: the link leads through the sign-in to the code; ₹50 for each of both once the first paid interview was held, never before, never twice."""
    referrer, referee = await signed_in(shop), await signed_in(shop)
    code = await code_of(referrer)
    link = f"/billing?ref={code}"
    status, where = await Visitor(shop).page(link)
    assert (303, link) == (status, URL(where).query["next"])
    assert "/register?next=" in (await Visitor(shop).page(where))[1], "a new person keeps the code on the way"
    assert f'value="{code}"' in (await referee.page(link))[1]

    assert 409 == (await referrer.call("POST", "/api/billing/referral", {"code": code}))[0]
    assert [201, 409] == [(await referee.call("POST", "/api/billing/referral", {"code": code}))[0] for _ in range(2)]
    assert 409 == (await referrer.call("POST", "/api/billing/referral", {"code": await code_of(referee)}))[0]
    assert "Did somebody bring you" not in (await referee.page("/billing"))[1]

    first = await paid_interview(shop, referee)
    assert (0, 14_900) == (await balance(shop, referrer), await balance(shop, referee)), "a payment alone is not yet an interview"
    await held(shop, referee, first)
    async with asyncio.timeout(JOB_SECONDS):
        while not await balance(shop, referrer):
            await asyncio.sleep(0.05)
    assert (5_000, 5_000) == (await balance(shop, referrer), await balance(shop, referee))

    await held(shop, referee, await paid_interview(shop, referee))
    async with shop.store.read() as tx:
        lines = [line for line in await tx.lines_of(id_of(referrer)) if line.kind == "referral"]
    assert [(5_000, id_of(referee))] == [(line.amount, line.ref) for line in lines]
    assert "1 person came so far, ₹50 earned" in (await referrer.page("/billing"))[1]


async def test_from_the_command_line(tmp_path: Any) -> None:
    """R-110: `prepkit voucher` prints the code alone, lists and ends; without prices it says what to set."""
    environment = {"PREPKIT_DATA_DIR": str(tmp_path), "PREPKIT_PAYMENTS": "credits"}

    def run(*words: str, **more: str) -> Any:
        return CliRunner(env=environment | more).invoke(main, ["voucher", *words])

    added = await asyncio.to_thread(run, "add", "3", "--uses", "10", "--partner", "Acme")
    assert re.fullmatch(r"([0-9A-Z]{4}-){2}[0-9A-Z]{4}\n", added.output), added.output
    listed = (await asyncio.to_thread(run, "list")).output
    assert "3 credits" in listed
    assert "used 0 of 10  open" in listed
    assert 0 == (await asyncio.to_thread(run, "end", listed.split()[0])).exit_code
    assert "over" in (await asyncio.to_thread(run, "list")).output
    assert 0 != (await asyncio.to_thread(run, "add", "3", PREPKIT_PAYMENTS="off")).exit_code
