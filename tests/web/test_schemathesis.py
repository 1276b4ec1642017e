"""Schemathesis drives the running server from its own OpenAPI document, with a hook that adds what nobody is asked for to every body and query (A15).

`test_extra_fields` sends one body of each route that is known to be taken; here the bodies are what the document allows, whatever was written there.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.account import Scope
from web.keys import SETTINGS

from . import driver
from .driver import Plan, Sent
from .house import STRANGER, UNKNOWN
from .test_access import HAND, OPEN, OWNER, PERSON, TABLE
from .test_extra_fields import EXTRA, LAST, Shop, bodies, kept, shop

__all__ = ["shop"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
EXAMPLES = 4
"""Of each operation."""
QUERY = {"role": "admin", "status": "completed", "price": "0", "user_id": STRANGER, "userId": STRANGER, "credits": "999"}
ASKED_FOR = {"POST /api/me/tokens": {"scopes"}, "POST /api/interviews/setup": {"role"}}
"""Names of `EXTRA` that mean something else there: what a token may do, the job an interview is for."""
ROOT = Path(__file__).parents[2]
WORTH = ("money_lines", "holds", "subscriptions", "refunds", "vouchers", "reviews", "invites", "legal_holds")
"""Tables of which a candidate makes no row by any request that was not paid for."""


async def driven(shop: Shop, taken: dict[str, dict[str, Any]], unpaid: str) -> Sent:
    """Have another process send the examples of each operation, as the candidate."""
    _, document = await shop.house.call("GET", "/api/openapi.json")
    routes = [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]

    def ids(route: str) -> dict[str, Any]:
        # What is deleted has to be there for the others.
        held = unpaid if route.endswith("/consent") else shop.session.id
        named = {"session_id": UNKNOWN if route.startswith("DELETE") else held, "order": 1}
        return {name: value for name, value in named.items() if f"{{{name}}}" in route}

    plan = Plan(
        shop.house.origin, document, EXAMPLES, shop.me.cookies,
        strangers=[route for route in routes if TABLE[route] == OPEN],
        skipped=[route for route in routes if route in LAST or route.endswith("/events")],
        ids={route: ids(route) for route in routes if ids(route)},
        body={route: {name: value for name, value in EXTRA.items() if name not in ASKED_FOR.get(route, ())} for route in routes},
        taken=taken,
        query=QUERY,
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", driver.__name__, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=ROOT
    )
    out, err = await process.communicate(json.dumps(asdict(plan)).encode())
    assert process.returncode == 0, err.decode()[-4_000:]
    return Sent(**json.loads(out))


async def test_what_the_document_allows_with_more_than_it_asks_for(shop: Shop) -> None:
    """A15: every operation of `/api/openapi.json` as a candidate, role, status, price, owner and credits in each body and query: no 5xx, and in the
    database nobody is more, owns more, owes less or may more than before."""
    unpaid = (await shop.me.call("POST", "/api/interviews/setup", {"type": "dsa"}))[1]["sessionId"]
    taken = bodies(shop, unpaid)
    before = await shop.rows()

    sent = await driven(shop, taken, unpaid)

    after = await shop.rows()
    assert sent.failures == []
    first = {route: sent.statuses[route][0] for route in taken}
    assert {route: status for route, status in first.items() if status >= 300} == {}, "what is refused proves nothing"
    assert len(sent.statuses) >= 60
    refused = {
        route: set(statuses) for route, statuses in sent.statuses.items() if TABLE[route] not in (OPEN, PERSON, HAND, OWNER)
    }
    assert set().union(*refused.values()) == {403}, refused
    assert [len(statuses) for route, statuses in sent.statuses.items() if len(statuses) > EXAMPLES] == []
    # Who is what: whoever registered is a candidate, everybody else what they were.
    was = {row[0] for row in before["users"]}
    people = await shop.asked("SELECT id, role, disabled_at FROM users")
    assert {(role, disabled) for id_, role, disabled in people if id_ not in was} <= {("candidate", None)}
    assert {role for id_, role, _ in people if id_ in (shop.id, kept(STRANGER))} == {"candidate"}
    # What is whose: the stranger has nothing.
    assert [name for name, rows in after.items() if STRANGER in str(rows) or kept(STRANGER) in str(rows)] == ["users"]
    assert {row[0] for row in await shop.asked("SELECT user_id FROM interview_sessions")} == {shop.id}
    # What it is worth: no credit, no plan, no pass; what was ordered costs what the house says and is not paid.
    assert {table: after[table] for table in WORTH} == {table: before[table] for table in WORTH}
    tariff = shop.house.app[SETTINGS].tariff
    assert tariff is not None
    orders = await shop.asked("SELECT user_id, amount, currency, status, refunded, fee FROM orders")
    prices = {*tariff.prices.values(), *tariff.plans.values()}
    assert {(order[0], order[1] in prices, *order[2:]) for order in orders} <= {
        (shop.id, True, tariff.currency, "pending", 0, None)
    }
    # How it stands: the held interview as it was; a new one waits for its payment, but for a question of the held one once more, which is practice.
    asked = "SELECT s.id, s.status, s.engine, b.origin_id IS NOT NULL FROM interview_sessions s LEFT JOIN session_branches b ON b.session_id = s.id"
    sessions = {row[0]: row[1:] for row in await shop.asked(asked)}
    old = {row[0] for row in before["interview_sessions"]}
    assert sessions[kept(shop.session.id)] == (shop.session.status.value, shop.session.engine, 0)
    new = {row for id_, row in sessions.items() if id_ not in old}
    assert new == {("awaiting_payment", "local", 0), ("ready", "local", 1)}
    # What a token may do: what was asked for in its own field.
    may = {scope for (row,) in await shop.asked("SELECT scopes FROM api_tokens") for scope in json.loads(row)}
    assert may <= {*sent.scopes, Scope.READ.value, Scope.WRITE.value}
