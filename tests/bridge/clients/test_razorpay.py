"""Razorpay's REST through the real client against the strict stand-in: links, facts, refunds, signatures, trouble (R-107, A6, M1…M5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from bridge.clients.razorpay import RazorpayCheckout
from bridge.domain.payment import MovementState, Order
from bridge.domain.pricing import Money
from bridge.errors import BadSignature, InvalidInput, PrepkitError, UpstreamFailed
from bridge.ports import CheckoutAsk, Refund
from web.standins.razorpay import RazorpayStandin, signed
from web.standins.razorpay_checks import CreateRefund

KEY, KEY_SECRET, SECRET = "rzp_test_standin", "standin", "whsec_standin"
NOW = 1_800_000_000.0
PRICE = 14_900


@pytest.fixture
async def stand() -> AsyncIterator[RazorpayStandin]:
    """A stand-in."""
    async with RazorpayStandin(key_id=KEY, key_secret=KEY_SECRET, webhook_secret=SECRET) as up:
        yield up


@pytest.fixture
async def shop(stand: RazorpayStandin) -> AsyncIterator[RazorpayCheckout]:
    """The client, set on it."""
    client = RazorpayCheckout(KEY, KEY_SECRET, f"whsec_old,{SECRET}", stand.url)
    yield client
    await client.close()


def order(**fields: Any) -> Order:
    """An order of today."""
    return Order(str(uuid4()), "u", "razorpay", Money(PRICE), datetime.now(UTC), **fields)


def changed(wanted: Order, **fields: Any) -> Order:
    """The same order with other values."""
    return Order(**{**vars(wanted), **fields})


def ask(wanted: Order) -> CheckoutAsk:
    """Its page."""
    return CheckoutAsk(wanted, "Mock interview", "http://127.0.0.1:1/payments/1", "http://127.0.0.1:1/plans")


async def opened(shop: RazorpayCheckout) -> Order:
    """An order with its page."""
    made = order()
    return changed(made, checkout_ref=(await shop.open(ask(made))).ref)


async def paid(shop: RazorpayCheckout, stand: RazorpayStandin) -> Order:
    """An order that is paid."""
    wanted = await opened(shop)
    return changed(wanted, payment_ref=stand.account.pay(wanted.checkout_ref or "")["id"])


async def test_one_order_has_one_link(shop: RazorpayCheckout, stand: RazorpayStandin) -> None:
    """M3: opened again the same order is the same page; price, owner, time and way back are what we said; nobody is named or written to."""
    wanted = order()
    first = await shop.open(ask(wanted))
    assert first == await shop.open(ask(wanted))
    (link,) = stand.account.all("payment_link")
    assert (PRICE, "INR", wanted.id, False, {"order": wanted.id}) == tuple(
        link[name] for name in ("amount", "currency", "reference_id", "accept_partial", "notes")
    )
    assert ("http://127.0.0.1:1/payments/1", "get") == (link["callback_url"], link["callback_method"])
    assert ([], {"sms": False, "email": False}, False) == (link["customer"], link["notify"], link["reminder_enable"])
    assert first.expires_at is not None
    assert timedelta(hours=22) < first.expires_at - datetime.now(UTC) <= timedelta(hours=23)
    async with aiohttp.ClientSession() as browser, browser.get(first.url) as page:
        assert page.status == 200


@pytest.mark.parametrize("what", ["reset after", "hang after", "reset before", 500, 503, 429, 400])
async def test_an_unknown_outcome_never_makes_two_links(stand: RazorpayStandin, what: Any) -> None:
    """M3: whatever happens while a link is made, there is at most one; one that was made is found at once, or else the next press makes it."""
    shop = RazorpayCheckout(KEY, KEY_SECRET, SECRET, stand.url, timeout_seconds=0.5 if what == "hang after" else 15)
    wanted = order()
    stand.failures = [None, what]
    made = what in ("reset after", "hang after")
    if made:
        first = await shop.open(ask(wanted))
    else:
        with pytest.raises(UpstreamFailed) as failed:
            await shop.open(ask(wanted))
        assert "Nothing was charged" in failed.value.message
        assert failed.value.reason == ("razorpay_unreachable" if what == "reset before" else f"razorpay_{what}")
        first = await shop.open(ask(wanted))
    assert [first.ref] == [link["id"] for link in stand.account.all("payment_link")]
    assert first == await shop.open(ask(wanted))
    assert (1 if made else 2) == stand.requests.count(("POST", "/v1/payment_links"))
    await shop.close()


async def test_a_link_that_came_between_is_taken(shop: RazorpayCheckout, stand: RazorpayStandin) -> None:
    """M3: the search saw nothing (a list that lags, or two presses at once), the making is refused as a repeat: the one link is opened."""
    wanted = order()
    first = await shop.open(ask(wanted))
    search = stand.account.links
    stand.account.links = lambda wish: (setattr(stand.account, "links", search), [])[1]  # type: ignore[method-assign, func-returns-value]
    assert first == await shop.open(ask(wanted))
    assert 2 == stand.requests.count(("POST", "/v1/payment_links"))
    assert 1 == len(stand.account.all("payment_link"))


async def test_a_search_that_finds_others_finds_nothing(shop: RazorpayCheckout, stand: RazorpayStandin) -> None:
    """M5: a reference that only looks alike is another's link; one of ours with another price is not opened."""
    wanted = order()
    alike = changed(wanted, id=wanted.id[:8] + str(uuid4())[8:])
    other = await shop.open(ask(alike))
    mine = await shop.open(ask(wanted))
    assert other.ref != mine.ref
    stand.account.things[mine.ref]["amount"] = 100
    with pytest.raises(UpstreamFailed) as failed:
        await shop.open(ask(wanted))
    assert failed.value.reason == "razorpay_other_link"


async def test_what_the_stand_in_refuses(stand: RazorpayStandin) -> None:
    """Stand-in: strict about keys, unknown fields, kinds, limits, references and idempotency keys, in Razorpay's own shape."""
    soon = int(datetime.now(UTC).timestamp()) + 3_600
    good = {"amount": PRICE, "currency": "INR", "reference_id": "r-1", "expire_by": soon}
    bad = [
        {**good, "colour": "red"},
        {**good, "amount": 99},
        {**good, "amount": "14900"},
        {**good, "amount": 149.0},
        {"currency": "INR"},
        {**good, "currency": "inr"},
        {**good, "reference_id": "x" * 41},
        {**good, "expire_by": soon - 3_600 + 14 * 60},
        {**good, "expire_by": soon + 200 * 86_400},
        {**good, "callback_url": "http://127.0.0.1/"},
        {**good, "callback_url": "http://127.0.0.1/", "callback_method": "post"},
        {**good, "notify": {"pigeon": True}},
        {**good, "notes": {str(n): "x" for n in range(16)}},
        [],
    ]
    links = f"{stand.url}/v1/payment_links"
    async with aiohttp.ClientSession(headers={"Authorization": aiohttp.encode_basic_auth(KEY, KEY_SECRET)}) as http:

        async def status(method: str, url: str, **options: Any) -> int:
            async with http.request(method, url, **options) as answer:
                body = await answer.json()
            assert answer.status == 200 or {"code", "description", "metadata"} <= set(body["error"])
            return answer.status

        assert [400] * len(bad) == [await status("POST", links, json=body) for body in bad]
        assert 400 == await status("POST", links, data=good)
        assert [200, 400] == [await status("POST", links, json=good) for _ in range(2)], "a reference is taken once"
        assert 400 == await status("GET", links, params={"reference": "r-1"})
        assert 400 == await status("GET", f"{stand.url}/v1/refunds", params={"count": "101"})
        assert 404 == await status("GET", f"{stand.url}/v1/events")
        assert 401 == await status("GET", links, headers={"Authorization": aiohttp.encode_basic_auth(KEY, "wrong")})
        payment = stand.account.pay(stand.account.all("payment_link")[0]["id"])
        refund = f"{stand.url}/v1/payments/{payment['id']}/refund"
        for key, body, wanted in (
            ("short", {"amount": 500}, 400), ("spaces are not", {"amount": 500}, 400), ("a-good-key_1", {"amount": 500}, 200),
            ("a-good-key_1", {"amount": 500}, 200), ("a-good-key_1", {"amount": 600}, 400), ("a-good-key_2", {"amount": PRICE}, 400),
        ):  # fmt: skip
            assert wanted == await status("POST", refund, json=body, headers={"X-Refund-Idempotency": key}), (key, body)
    assert 1 == len(stand.account.all("refund"))


async def test_an_interview_from_open_to_paid_to_refunded(shop: RazorpayCheckout, stand: RazorpayStandin) -> None:
    """R-107, C-06: each state as the provider says it; the fee is its own figure; refunds and disputes carry its ids."""
    wanted = await opened(shop)
    ref = wanted.checkout_ref or ""
    stand.account.fail(ref)
    facts = await shop.facts(wanted)
    assert (False, False, PRICE, "INR", wanted.id, False, (), None) == (
        facts.paid, facts.over, facts.amount, facts.currency, facts.reference, facts.livemode, facts.payments, facts.payment_ref,
    )  # fmt: skip
    stand.account.pay(ref)
    facts = await shop.facts(wanted)
    assert (True, 298) == (facts.paid, facts.fee)
    assert ((facts.payment_ref, PRICE),) == facts.payments
    bought = changed(wanted, payment_ref=facts.payment_ref)
    wish = Refund(str(uuid4()), wanted.id, "operator", 5_000, datetime.now(UTC))
    assert await shop.refund(bought, wish) == await shop.refund(bought, wish)
    (made,) = stand.account.all("refund")
    assert (5_000, wish.id) == (made["amount"], made["receipt"])
    dispute = stand.account.dispute(facts.payment_ref or "")
    stand.account.dispute(facts.payment_ref or "", phase="retrieval")
    moved = (await shop.facts(wanted)).movements
    assert [("refund", 5_000, MovementState.DONE), ("dispute", PRICE, MovementState.PENDING)] == [
        (m.kind, m.amount, m.state) for m in moved
    ], "a bank that only asks has taken nothing"
    stand.account.close_dispute(dispute["id"], "won")
    stand.account.finish_refund(made["id"], ok=False)
    assert [MovementState.UNDONE] * 2 == [m.state for m in (await shop.facts(wanted)).movements]
    stand.account.close_dispute(dispute["id"], "lost")
    assert MovementState.DONE is (await shop.facts(wanted)).movements[1].state


async def test_a_link_nobody_paid_and_one_that_was_paid_too_late(shop: RazorpayCheckout, stand: RazorpayStandin) -> None:
    """R-108: cancelled and expired links are over and cost nothing; money that was on its way when a link ended still counts."""
    gone, never, late = await opened(shop), await opened(shop), await opened(shop)
    stand.account.cancel(gone.checkout_ref or "")
    payment = stand.account.attempt(late.checkout_ref or "")
    for each in (never, late):
        stand.account.expire(each.checkout_ref or "")
    for each in (gone, never):
        facts = await shop.facts(each)
        assert (False, True) == (facts.paid, facts.over)
        assert "Nothing was charged" in facts.problem
    facts = await shop.facts(late)
    assert (False, False) == (facts.paid, facts.over)
    stand.account.capture(payment["id"])
    facts = await shop.facts(late)
    assert (True, ((payment["id"], PRICE),)) == (facts.paid, facts.payments)


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_an_account_that_is_not_told_its_disputes(shop: RazorpayCheckout, stand: RazorpayStandin, status: int) -> None:
    """M3: what was paid counts where the list of disputes is refused; while it only fails, the answer waits for it."""
    wanted = await paid(shop, stand)
    stand.failures = [None, None, None, status]
    facts = await shop.facts(wanted)
    assert (True, (), []) == (facts.paid, facts.movements, stand.failures)
    stand.failures = [None, None, None, 500, 500, 500]
    with pytest.raises(UpstreamFailed):
        await shop.facts(wanted)


@pytest.mark.parametrize(("fields", "amount", "currency"), [({"amount": 100}, 100, "INR"), ({"currency": "USD"}, PRICE, "USD")])
async def test_what_was_taken_counts(
    shop: RazorpayCheckout, stand: RazorpayStandin, fields: dict[str, Any], amount: int, currency: str
) -> None:
    """M5: a payment of another amount or currency than its link is told as it is, so that it matches no order."""
    wanted = await opened(shop)
    stand.account.pay(wanted.checkout_ref or "", **fields)
    facts = await shop.facts(wanted)
    assert (True, amount, currency) == (facts.paid, facts.amount, facts.currency)


async def test_all_pages_of_lists_are_read(shop: RazorpayCheckout, stand: RazorpayStandin) -> None:
    """M2: more refunds than a page holds; each state of each is an event of its own, without a name, an address or an e-mail."""
    wanted = await paid(shop, stand)
    for _ in range(101):
        stand.account.refund(wanted.payment_ref or "", CreateRefund(amount=100), status="pending")
    dispute = stand.account.dispute(wanted.payment_ref or "")
    assert 102 == len((await shop.facts(wanted)).movements)
    first = await shop.events(datetime.now(UTC))
    stand.account.finish_refund(stand.account.all("refund")[0]["id"], ok=True)
    stand.account.close_dispute(dispute["id"], "lost")
    second = await shop.events(datetime.now(UTC))
    assert (102, 102) == (len({hint.id for hint in first}), len({hint.id for hint in second}))
    assert 2 == len({hint.id for hint in second} - {hint.id for hint in first})
    assert {wanted.payment_ref} == {hint.payment_ref for hint in first}
    assert wanted.id == await shop.find(first[0])
    assert first == [shop.hint_of(hint.body) for hint in first]


async def test_an_event_leads_to_its_order(shop: RazorpayCheckout, stand: RazorpayStandin) -> None:
    """M1, R-118: whatever comes first, a payment or a refund alone too, the order is found; what is kept of it are ids."""
    wanted = await paid(shop, stand)
    stand.account.refund(wanted.payment_ref or "", CreateRefund())
    stand.account.close_dispute(stand.account.dispute(wanted.payment_ref or "")["id"], "lost")
    stand.account.cancel((await opened(shop)).checkout_ref or "")
    kinds = [event["body"]["event"] for event in stand.account.events]
    assert [
        "payment.authorized", "payment.captured", "order.paid", "payment_link.paid", "refund.created", "refund.processed",
        "payment.dispute.created", "payment.dispute.lost", "payment_link.cancelled",
    ] == kinds  # fmt: skip
    for event in stand.account.events[:-1]:
        raw = json.dumps(event["body"]).encode()
        hint = shop.read_event(signed(event["id"], raw, SECRET), raw, NOW)
        assert shop.hint_of(hint.body) == hint
        assert (event["id"], event["body"]["event"], False) == (hint.id, hint.type, hint.livemode)
        assert wanted.id == (hint.order_id or await shop.find(hint)), hint.type
        assert wanted.payment_ref == hint.payment_ref
        assert "candidate@example.org" in raw.decode() or "payment" not in event["body"]["contains"]
        assert "example.org" not in json.dumps(hint.body)


@pytest.mark.parametrize(
    ("failures", "works"),
    [
        ([409], True), ([500], True), ([503, 409], True), (["reset before"], True), (["reset after"], True), ([409] * 3, False),
        ([429], False), ([401], False), (["reset after", 500, 500], False),
    ],
)  # fmt: skip
async def test_a_refund_is_sent_once(shop: RazorpayCheckout, stand: RazorpayStandin, failures: list[Any], works: bool) -> None:
    """M4: tried again under the same key while Razorpay is busy or the line breaks; whatever happened before, the next try is the same refund."""
    wanted = await paid(shop, stand)
    wish = Refund(str(uuid4()), wanted.id, "operator", 5_000, datetime.now(UTC))
    stand.failures = list(failures)
    if not works:
        with pytest.raises(UpstreamFailed):
            await shop.refund(wanted, wish)
    ref = await shop.refund(wanted, wish)
    assert [ref] == [refund["id"] for refund in stand.account.all("refund")]
    assert 5_000 == stand.account.things[wanted.payment_ref or ""]["amount_refunded"]


async def test_a_refund_whose_key_is_forgotten(shop: RazorpayCheckout, stand: RazorpayStandin) -> None:
    """M4: refused as given back already, it is found by its receipt; given back by hand, it is none of ours and done; else it fails."""
    wanted = await paid(shop, stand)
    wish = Refund(str(uuid4()), wanted.id, "operator", PRICE, datetime.now(UTC))
    ref = await shop.refund(wanted, wish)
    stand.once.clear()
    assert ref == await shop.refund(wanted, wish)
    by_hand = await paid(shop, stand)
    stand.account.refund(by_hand.payment_ref or "", CreateRefund())
    assert "already" == await shop.refund(by_hand, wish)
    too_much = await paid(shop, stand)
    stand.account.refund(too_much.payment_ref or "", CreateRefund(amount=1_000))
    with pytest.raises(UpstreamFailed) as failed:
        await shop.refund(too_much, wish)
    assert failed.value.reason == "razorpay_400"
    assert 3 == len(stand.account.all("refund"))


@pytest.mark.parametrize(
    ("failures", "works"), [([500], True), ([502, 503], True), ([429], False), ([500] * 3, False), ([401], False)]
)
async def test_trouble_on_the_way(shop: RazorpayCheckout, stand: RazorpayStandin, failures: list[Any], works: bool) -> None:
    """M2: a question is tried again after 5xx and not after a refusal, told apart by status: 429 has the code of a bad request."""
    wanted = await opened(shop)
    stand.failures = list(failures)
    if works:
        assert not (await shop.facts(wanted)).paid
    else:
        with pytest.raises(UpstreamFailed) as failed:
            await shop.facts(wanted)
        assert failed.value.reason == f"razorpay_{failures[0]}"
    assert [] == stand.failures


async def test_a_page_elsewhere_is_not_opened(stand: RazorpayStandin) -> None:
    """Contract 3: only Razorpay's own hosts, or the stand-in's; nothing is followed, and an answer that is none is one error."""
    client = RazorpayCheckout(KEY, KEY_SECRET, SECRET, stand.url)
    for url in (
        "https://evil.example/i/1",
        "https://rzp.io.evil.example/",
        "https://evilrzp.io/i/1",
        "http://rzp.io/i/1",
        "javascript:1",
    ):
        with pytest.raises(UpstreamFailed):
            client._page(url)
    assert [client._page(url) for url in ("https://rzp.io/i/nxrHnLJ", "https://pages.razorpay.com/pl_1")]
    wanted = await opened(client)
    stand.account.things[wanted.checkout_ref or ""]["amount"] = "14900"
    with pytest.raises(UpstreamFailed) as failed:
        await client.facts(wanted)
    assert failed.value.reason == "razorpay_nonsense"
    await client.close()
    nowhere = RazorpayCheckout(KEY, KEY_SECRET, SECRET, "http://127.0.0.1:9")
    with pytest.raises(UpstreamFailed) as failed:
        await nowhere.facts(wanted)
    assert failed.value.reason == "razorpay_unreachable"
    with pytest.raises(UpstreamFailed):
        await nowhere.portal("c", "http://127.0.0.1/plans")
    await nowhere.close()


@pytest.mark.parametrize(("key", "live"), [("rzp_live_1", True), ("rzp_test_1", False)])
async def test_the_mode_is_the_key_s(key: str, live: bool) -> None:
    """M5: neither events nor objects name a mode; keys and webhook secrets belong to one."""
    assert live is RazorpayCheckout(key, "s", "w", "http://127.0.0.1:9").livemode


BODY = json.dumps({"entity": "event", "event": "payment.captured", "payload": {}}).encode()
GOOD = signed("evt_1", BODY, SECRET)
DEEP = b"[" * 100_000
HEX = GOOD["X-Razorpay-Signature"]


def resigned(raw: bytes) -> tuple[bytes, dict[str, str]]:
    """A body of another kind, signed with the right secret."""
    return raw, signed("evt_1", raw, SECRET)


FORGED: dict[str, tuple[bytes, dict[str, str]]] = {
    "no header": (BODY, {}),
    "no signature": (BODY, {"X-Razorpay-Event-Id": "evt_1"}),
    "empty signature": (BODY, GOOD | {"X-Razorpay-Signature": ""}),
    "another secret": (BODY, signed("evt_1", BODY, "whsec_other")),
    "empty secret": (BODY, signed("evt_1", BODY, "")),
    "key secret": (BODY, signed("evt_1", BODY, KEY_SECRET)),
    "another body": (BODY.replace(b"captured", b"failed"), GOOD),
    "one byte more": (BODY + b" ", GOOD),
    "cut signature": (BODY, GOOD | {"X-Razorpay-Signature": HEX[:-1]}),
    "signature twice": (BODY, GOOD | {"X-Razorpay-Signature": f"{HEX},{HEX}"}),
    "line after it": (BODY, GOOD | {"X-Razorpay-Signature": f"{HEX}\n"}),
    "non-ascii signature": (BODY, GOOD | {"X-Razorpay-Signature": "é" * 64}),
    "surrogates": (BODY, GOOD | {"X-Razorpay-Signature": "\udcff" * 64}),
    "digits of elsewhere": (BODY, GOOD | {"X-Razorpay-Signature": "١" * 64}),
    "signed without an event id": (BODY, {name: value for name, value in GOOD.items() if name != "X-Razorpay-Event-Id"}),
    "empty event id": (BODY, GOOD | {"X-Razorpay-Event-Id": ""}),
    "event id with a path": (BODY, GOOD | {"X-Razorpay-Event-Id": "../evt"}),
    "long event id": (BODY, GOOD | {"X-Razorpay-Event-Id": "e" * 129}),
    "signed non-utf-8": resigned(b"\xff\xfe"),
    "signed list": resigned(b"[1, 2]"),
    "signed nonsense": resigned(b"{"),
    "signed NaN": resigned(b'{"event": NaN}'),
    "signed depth": resigned(DEEP),
    "signed 5,000-digit time": resigned(b'{"event": "x", "created_at": ' + b"9" * 5_000 + b"}"),
    "signed without a kind": resigned(b"{}"),
    "signed with a kind that is none": resigned(b'{"event": {"a": 1}}'),
}


@pytest.mark.parametrize("name", FORGED)
async def test_what_is_surely_not_razorpay_s(shop: RazorpayCheckout, name: str) -> None:
    """A6: every forged or broken event is one of two errors and never a 500; no secret, no door."""
    raw, headers = FORGED[name]
    with pytest.raises((BadSignature, InvalidInput)) as refused:
        shop.read_event(headers, raw, NOW)
    assert isinstance(refused.value, PrepkitError)
    closed = RazorpayCheckout(KEY, KEY_SECRET, "", "http://127.0.0.1:9")
    with pytest.raises(BadSignature):
        closed.read_event(signed("evt_1", raw, ""), raw, NOW)


@pytest.mark.parametrize(
    "raw",
    [
        BODY,
        b'{"event":"x","payload":[]}',
        b'{"event":"x","payload":{"payment":1}}',
        b'{"event":"x","payload":{"payment":{"entity":{"id":7}}}}',
    ],
)
@pytest.mark.parametrize("secret", [SECRET, "whsec_old", f"whsec_old,{SECRET}"])
async def test_what_is_razorpay_s(shop: RazorpayCheckout, raw: bytes, secret: str) -> None:
    """A6: while secrets are exchanged both count, one with a comma in it too; a payload that names nothing leads nowhere."""
    hint = shop.read_event(signed("evt_1", raw, secret), raw, NOW)
    assert ("evt_1", "", "", "") == (hint.id, hint.order_id, hint.checkout_ref, hint.payment_ref)
    assert "" == await shop.find(hint)
