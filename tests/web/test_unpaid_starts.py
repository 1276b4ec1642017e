"""Starting what was not paid for, over loopback, at a server that sells (A16)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from bridge.domain.catalog import DIFFICULTIES, Difficulty
from bridge.usecases import holds

from .house import AGREED, House, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
MEDIUM = DIFFICULTIES[Difficulty.MEDIUM].price_paise
AT_ONCE = 50


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[House]:
    """A server that sells, to a pretended provider, and lets as many connections of one address wait as come at once here."""
    more = 4 * AT_ONCE
    async with running(
        tmp_path_factory.mktemp("starts"), payments="fake", free_monthly=False, connections_per_address=more, max_calls=more
    ) as up:
        yield up


async def start(till: House, session_id: str) -> int:
    """The status of a start."""
    return (await till.call("POST", f"/api/interviews/{session_id}/start", json=AGREED))[0]


async def give(till: House, amount: int, ref: str) -> None:
    """Credit for the one user."""
    async with till.store.begin() as tx:
        assert await holds.grant(tx, till.user, amount, "INR", datetime.now(UTC), ref=ref)


async def balance(till: House) -> int:
    """What they have."""
    async with till.store.read() as tx:
        return await tx.balance(till.user, "INR")


async def test_one_credit_starts_one_of_fifty(till: House) -> None:
    """A16: one credit, fifty starts at once: granted exactly 1, the others are told to pay; once more, the same one goes on and no other does."""
    sessions = [(await till.set_up())["sessionId"] for _ in range(AT_ONCE)]
    assert {402} == set(await asyncio.gather(*(start(till, each) for each in sessions))), "start unpaid"
    await give(till, MEDIUM, "one")

    statuses = await asyncio.gather(*(start(till, each) for each in sessions))

    assert Counter(statuses) == {200: 1, 402: AT_ONCE - 1}
    assert statuses == await asyncio.gather(*(start(till, each) for each in sessions))
    assert await balance(till) == 0


async def test_what_was_paid_for_easy_starts_easy_alone(till: House) -> None:
    """A16: pay for an easy one, start an expert one: refused, by payment and by credit alike; the easy one starts."""
    easy, expert = [(await till.set_up(difficulty=each))["sessionId"] for each in ("easy", "expert")]
    _, paying = await till.call("POST", "/api/payments/create", json={"sessionId": easy})
    response, _ = await till.fetch("POST", paying["checkoutUrl"].removeprefix(till.origin), data={"do": "pay"})
    await till.fetch("GET", response.headers["Location"].removeprefix(till.origin))

    assert await start(till, expert) == 402
    assert await start(till, easy) == 200
    await give(till, DIFFICULTIES[Difficulty.EASY].price_paise, "easy")
    assert await start(till, expert) == 402
    await give(till, -DIFFICULTIES[Difficulty.EASY].price_paise, "none")


async def test_a_finished_one_does_not_start_again(till: House) -> None:
    """A16: restart a finished one: refused, with credit for another there, which stays."""
    session = await till.finished()
    await give(till, MEDIUM, "another")
    assert await start(till, session.id) == 409
    assert await balance(till) == MEDIUM
