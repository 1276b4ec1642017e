"""The operators' door (A17, A1, R-113): every use leaves a line, a candidate cannot pass, and what is not there is not there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from bridge.domain.account import Account, AuditRow, Role
from bridge.domain.session import SessionStatus
from web.operator.door import AUDITED, NOTED

from .house import UNKNOWN, House, change, finished_session, live_session, ready_session

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPERATORS = re.compile(r"/(api/|ws/)?operator\b")
MONEY = {
    "/api/operator/credits",
    "/api/operator/payments/{payment_id}/refund",
    "/api/operator/vouchers",
    "/api/operator/vouchers/{voucher_id}/end",
}
"""An admin's own, which note each act in its transaction: `web.money_pages`, `web.promotions`."""
BODIES: dict[str, Any] = {"whisper": {"text": "next question"}, "say": {"text": "Hello."}, "extend": {"minutes": 5}}


def operator_routes(house: House) -> list[tuple[str, str, str]]:
    """Every route of the operators: method, path, the action it is noted under."""
    return [
        (route.method, route.resource.canonical.replace("{delivery_id}", "1"), getattr(route.handler, AUDITED, ""))
        for route in house.app.router.routes()
        if route.resource
        and OPERATORS.match(route.resource.canonical)
        and route.method != "HEAD"
        and route.resource.canonical not in MONEY
    ]


async def trail(house: House, session_id: str | None = None) -> list[AuditRow]:
    """The audit log, newest first."""
    async with house.store.read() as tx:
        return await tx.audit_trail(subject=session_id, limit=10_000)


async def use(house: House, method: str, path: str) -> int:
    """Use a route once; a stream is let go at once."""
    body = BODIES.get(path.rsplit("/", 1)[-1], {}) if method == "POST" else None
    async with (
        asyncio.timeout(20),
        house.client.request(method, house.origin + path, json=body, allow_redirects=False) as response,
    ):
        return response.status


@pytest_asyncio.fixture(loop_scope="module")
async def candidate(house: House) -> AsyncIterator[None]:
    """The one user is no operator while the test runs."""

    async def become(role: Role) -> None:
        async with house.store.begin() as tx:
            account = await tx.account(house.user, for_update=True)
            assert isinstance(account, Account)
            await tx.save_account(replace(account, role=role))

    await become(Role.CANDIDATE)
    yield
    await become(Role.ADMIN)


async def test_every_route_of_the_operators_is_noted_under_a_name(house: House) -> None:
    """A17: there is no way to an operator's handler that is not audited."""
    assert [] == [route for route in operator_routes(house) if not re.fullmatch(r"[a-z]+\.[a-z-]+", route[2])]
    assert len(operator_routes(house)) >= 13


async def test_every_look_and_every_act_is_a_line_of_the_audit_log(house: House) -> None:
    """A17: 100 % of uses, looks included, of a live call and of one that is over; the line names who, what and which interview."""
    for session in ((await live_session(house.store, house.user)).session, await finished_session(house.store, house.user)):
        house.app[NOTED].clear()
        for method, path, action in operator_routes(house):
            before = await trail(house)
            status = await use(house, method, path.replace("{session_id}", session.id))
            added = (await trail(house))[: len(await trail(house)) - len(before)]
            assert status < 500, (method, path)
            subject = session.id if "{session_id}" in path else ""
            assert [(house.user, action, subject)] == [(row.actor_id, row.action, row.subject) for row in added], (method, path)
        await house.call("POST", "/api/operator/undrain", json={})


async def test_a_list_that_asks_again_by_itself_is_noted_once_a_minute(house: House) -> None:
    """A17: the page that stays open is one look a minute, not one in two seconds."""
    house.app[NOTED].clear()
    before = len(await trail(house))
    for _ in range(5):
        await house.call("GET", "/api/operator/calls")

    assert 1 == len(await trail(house)) - before


async def test_nobody_else_passes(house: House, candidate: None) -> None:
    """A1: a candidate is refused at every one of these doors, their own interview included; nothing is noted as seen."""
    session = (await live_session(house.store, house.user)).session
    before = len(await trail(house))
    answers = {await use(house, method, path.replace("{session_id}", session.id)) for method, path, _ in operator_routes(house)}

    assert {403} == answers
    assert before == len(await trail(house))


async def test_a_deleted_interview_and_an_unknown_one_are_not_there(house: House) -> None:
    """A1: 404 on every route with an id, and no line that says somebody saw it."""
    gone = await change(house.store, replace(await ready_session(house.store, house.user), status=SessionStatus.DELETED))
    with_id = [(method, path) for method, path, _ in operator_routes(house) if "{session_id}" in path]
    for session_id in (gone.id, UNKNOWN, "nonsense"):
        answers = {await use(house, method, path.replace("{session_id}", session_id)) for method, path in with_id}
        assert {404} == answers
        assert [] == await trail(house, session_id)
