"""The inbox of webhooks, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bridge.ports import DeliveryState, StoredDelivery
from storage.database import Database

from .samples import NOW, delivery, engine_call, stored


async def test_a_webhook_comes_back_as_it_was(database: Database):
    """R-057: every field, of a known call or of none."""
    of_a_call = delivery(
        body={"message": {"text": "日本語 🙂", "n": [1, 0.5, None, True, {}]}}, sent_at=NOW - timedelta(seconds=1)
    )
    of_none = delivery("hang", None, sent_at=None, body={})
    async with database.begin() as tx:
        first = await tx.add_delivery("vapi", of_a_call, NOW)
        second = await tx.add_delivery("vapi", of_none, NOW + timedelta(seconds=1))

    assert first is not None
    assert second is not None
    stored_first = StoredDelivery(
        id=first,
        provider="vapi",
        key="ended",
        call_id="call-1",
        type="status-update",
        received_at=NOW,
        sent_at=NOW - timedelta(seconds=1),
        state=DeliveryState.STORED,
        body=of_a_call.body,
    )
    async with database.read() as tx:
        assert stored_first == await tx.delivery(first)
        found = await tx.delivery(second)
        assert found is not None
        assert (None, None, {}) == (found.call_id, found.sent_at, found.body)
        assert await tx.delivery(second + 1) is None


async def test_text_no_database_takes_is_cleaned(database: Database):
    """M9: NUL and lone surrogates, in keys and values too, become U+FFFD, and a repeat is still a repeat."""
    strange = delivery("k\0", "c\ud800", type="t\0", body={"a\0": ["b\ud800", {"c": "\0"}]})
    async with database.begin() as tx:
        new = await tx.add_delivery("vapi", strange, NOW)
        assert await tx.add_delivery("vapi", strange, NOW) is None

    assert new is not None
    async with database.read() as tx:
        found = await tx.delivery(new)
        assert found is not None
        assert ("k\ufffd", "c\ufffd", "t\ufffd") == (found.key, found.call_id, found.type)
        assert found.body == {"a\ufffd": ["b\ufffd", {"c": "\ufffd"}]}
        assert [found] == await tx.deliveries("vapi", call_id="c\ud800")


async def test_a_repeat_is_none(database: Database):
    """R-057, R-171: the same key of the same call and provider is one, whatever else it says; anything else is another."""
    async with database.begin() as tx:
        new = await tx.add_delivery("vapi", delivery(), NOW)
        assert new is not None

    async with database.begin() as tx:
        changed = replace(delivery(), type="other", body={"other": 1}, sent_at=None)
        assert await tx.add_delivery("vapi", changed, NOW + timedelta(days=1)) is None
        found = await tx.delivery(new)
        assert found is not None
        assert (found.type, found.body, found.received_at) == ("status-update", delivery().body, NOW)

        others = [
            await tx.add_delivery("vapi", delivery("report"), NOW),
            await tx.add_delivery("vapi", delivery(call_id="call-2"), NOW),
            await tx.add_delivery("document", delivery(), NOW),
            await tx.add_delivery("vapi", delivery(call_id=None), NOW),
        ]
        assert len({new, *others} - {None}) == 5
        assert await tx.add_delivery("vapi", delivery(call_id=None), NOW) is None


async def test_many_at_once_are_one(database: Database):
    """R-057: twenty of the same at the same moment, each in its own transaction: exactly one is new."""

    async def add() -> int | None:
        async with database.begin() as tx:
            new = await tx.add_delivery("vapi", delivery(), NOW)
            await asyncio.sleep(0.01)
            return new

    outcomes = await asyncio.gather(*(add() for _ in range(20)))

    new = [outcome for outcome in outcomes if outcome is not None]
    assert len(new) == 1
    async with database.read() as tx:
        assert new == [row.id for row in await tx.deliveries("vapi")]


async def test_what_was_rolled_back_is_new_again(database: Database):
    """R-057: the sender got no 200, so its next try must count; one that waits for the outcome meanwhile takes its place."""
    begun = asyncio.Event()

    async def fail() -> None:
        async with database.begin() as tx:
            assert await tx.add_delivery("vapi", delivery(), NOW) is not None
            begun.set()
            await asyncio.sleep(0.1)
            raise ZeroDivisionError

    failing = asyncio.create_task(fail())
    await begun.wait()
    async with database.begin() as tx:
        assert await tx.add_delivery("vapi", delivery(), NOW) is not None
    with pytest.raises(ZeroDivisionError):
        await failing

    async with database.read() as tx:
        assert len(await tx.deliveries("vapi")) == 1


async def test_deliveries_in_order_of_arrival(database: Database):
    """R-057: by provider, call and state; in the order they came even when the wall clock was put back (F12)."""
    async with database.begin() as tx:
        ids = []
        for n, (key, call_id) in enumerate([("c", "call-1"), ("a", "call-1"), ("b", "call-2"), ("d", None)]):
            ids.append(await tx.add_delivery("vapi", delivery(key, call_id), NOW - timedelta(minutes=n)))
        other = await tx.add_delivery("document", delivery("c"), NOW)
        assert None not in ids
        await tx.mark_delivery(ids[1] or 0, DeliveryState.FAILED)

    async def found(provider: str, **chosen: object) -> list[int]:
        async with database.read() as tx:
            return [row.id for row in await tx.deliveries(provider, **chosen)]  # type: ignore[arg-type]

    assert ids == await found("vapi")
    assert ids[:2] == await found("vapi", call_id="call-1")
    assert ids[1:2] == await found("vapi", state=DeliveryState.FAILED)
    assert ids[:1] == await found("vapi", call_id="call-1", state=DeliveryState.STORED)
    assert [other] == await found("document")
    assert await found("stripe") == []


async def test_applied_is_final(database: Database):
    """R-057: a failed or ignored one may be applied later; what was applied stays so, and others are not touched."""
    async with database.begin() as tx:
        one = await tx.add_delivery("vapi", delivery(), NOW) or 0
        other = await tx.add_delivery("vapi", delivery("report"), NOW) or 0

    failed, ignored, applied, new = DeliveryState.FAILED, DeliveryState.IGNORED, DeliveryState.APPLIED, DeliveryState.STORED
    seen = []
    for state in (failed, ignored, applied, failed, new):
        async with database.begin() as tx:
            await tx.mark_delivery(one, state)
        async with database.read() as tx:
            seen.append([row.state for row in await tx.deliveries("vapi")])

    assert seen == [[state, new] for state in (failed, ignored, applied, applied, applied)]
    assert other != one


async def test_webhooks_of_unknown_calls_outlive_every_session(database: Database):
    """C-25: they belong to no session, so nothing takes them away with one."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_engine_call(engine_call(made.id))
        await tx.add_delivery("vapi", delivery(call_id="call-1"), NOW)
        await tx.add_delivery("vapi", delivery(call_id="nobody's"), NOW)
        await tx.connection.execute(text("DELETE FROM interview_sessions"))

    async with database.read() as tx:
        assert ["call-1", "nobody's"] == [row.call_id for row in await tx.deliveries("vapi")]


async def test_a_state_the_code_does_not_know_is_refused(database: Database):
    """R-171: the database's check is the code's enum, no more and no less."""
    async with database.begin() as tx:
        new = await tx.add_delivery("vapi", delivery(), NOW) or 0
    for state in (DeliveryState.FAILED, DeliveryState.IGNORED, DeliveryState.STORED, DeliveryState.APPLIED):
        async with database.begin() as tx:
            await tx.mark_delivery(new, state)
        async with database.read() as tx:
            found = await tx.delivery(new)
        assert found is not None
        assert found.state is state

    with pytest.raises(IntegrityError):
        async with database.begin() as tx:
            await tx.connection.execute(text("UPDATE webhook_deliveries SET state = 'nonsense'"))
