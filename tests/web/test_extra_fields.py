"""Somebody who sends more than they are asked for, and somebody who only looks, at a server that has accounts and sells (A15, A3)."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Collection
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from bridge.config import AuthMode, SignUp
from bridge.domain.account import Role
from bridge.domain.session import InterviewSession
from storage.job_queue import JobStatus
from web import limiting, promotions
from web.kept_pdfs import DRAW_JOB
from web.keys import JOBS

from .house import AGREED, STRANGER, UNKNOWN, House, add_user, finished_session, running, until_none
from .test_access import DOORS, HAND, OPEN, OWNER, PERSON, TABLE
from .visitors import PASSWORD, Visitor, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW = "another long enough one"
WORTH = {
    "price": -1,
    "amount": 0,
    "fee": 0,
    "credits": 999,
    "credit": 999,
    "balance": 999,
    "refunded": 999,
    "paid": True,
    "source": "free",
}
WHOSE = {"user_id": STRANGER, "userId": STRANGER, "owner": STRANGER, "owner_id": STRANGER, "actor_id": STRANGER, "id": STRANGER}
RANK = {
    "role": "admin",
    "roles": ["admin"],
    "is_admin": True,
    "isAdmin": True,
    "scope": "staff",
    "staff": True,
    "disabled": False,
}
STATE = {"status": "completed", "state": "held", "reportStatus": "ready", "engine": "vapi", "overallScore": 100, "mock": False}
EXTRA: dict[str, Any] = WORTH | WHOSE | RANK | STATE | {"__proto__": {"role": "admin"}, "constructor": {"role": "admin"}}
"""What nobody is asked for. `role` is what somebody is, except at set-up, where it is the job the interview is for."""


def kept(uuid: str) -> str:
    """An id as SQLite keeps it."""
    return uuid.replace("-", "")


@dataclass
class Shop:
    """The server, a candidate, and an interview of theirs that was held."""

    house: House
    me: Visitor
    session: InterviewSession

    @property
    def id(self) -> str:
        """The candidate's, as the database keeps it."""
        assert self.me.account is not None
        return kept(self.me.account.id)

    async def rows(self, *, without: Collection[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Every row by table, without the notes of who was there."""
        return await self.house.rows(without={"audit_log", "logins", "api_tokens", *without})

    async def asked(self, query: str) -> list[tuple[Any, ...]]:
        """An answer of the database."""

        def read() -> list[tuple[Any, ...]]:
            with closing(sqlite3.connect(f"file:{self.house.data_dir / 'prepkit.db'}?mode=ro", uri=True)) as db:
                return db.execute(query).fetchall()

        return await asyncio.to_thread(read)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[Shop]:
    """Accounts that anybody may make, a price for everything, a mailer whose server nobody reaches."""
    settings: dict[str, Any] = {
        "auth_mode": AuthMode.LOCAL, "signup": SignUp.OPEN, "payments": "fake", "free_monthly": False, "smtp_url": "smtp://127.0.0.1:9",
        "mail_from": "prepkit@example.org",
    }  # fmt: skip
    async with running(tmp_path_factory.mktemp("extra"), **settings) as house:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("SIGN_IN", "LETTERS_ASKED", "LETTERS"):
                patch.setattr(limiting, name, limiting.parse("1000000/minute"))
            patch.setattr(promotions, "TRIES", limiting.parse("1000000/minute"))
            await add_user(house.store, STRANGER)
            me = await signed_in(house)
            assert me.account is not None
            yield Shop(house, me, await finished_session(house.store, me.account.id))


def bodies(shop: Shop, unpaid: str) -> dict[str, dict[str, Any]]:
    """What is asked for, by route, so that it is taken; and whose answer is a success."""
    return {
        "POST /api/interviews/setup": {"type": "dsa"},
        "POST /api/payments/create": {"sessionId": unpaid},
        "POST /api/interviews/{session_id}/feedback": {"rating": 4},
        "POST /api/interviews/{session_id}/share": {},
        "POST /api/interviews/{session_id}/consent": AGREED["consent"],
        "POST /api/me/privacy": {"training": False},
        "POST /api/me/tokens": {"name": "mine", "scopes": ["read"]},
        "PATCH /api/me": {"name": "Ada"},
        "POST /api/me/password": {"password": NEW},
        "POST /api/me/export": {},
        "POST /api/auth/register": {"email": "extra@example.org", "password": PASSWORD},
        "POST /api/auth/link": {"email": "extra@example.org"},
        "POST /api/auth/reset": {"email": "extra@example.org"},
    }


ASKED_FOR = {"POST /api/me/tokens": {"scope", "scopes"}, "POST /api/interviews/setup": set()}
LAST = ("DELETE /api/me", "POST /api/auth/logout")
"""They would end the candidate, or their sign-in."""
CHANGING = sorted(route for route in TABLE if not route.startswith("GET ") and route not in LAST)


async def test_looking_changes_nothing_where_people_sign_in_and_pay(shop: Shop) -> None:
    """A3: every GET as its owner, as an admin and as a passer-by, each route at its very first look, leaves every row as it was. A return from
    the provider's page asks the provider, and is no order here."""
    visitors = [shop.me, await signed_in(shop.house, Role.ADMIN), Visitor(shop.house)]

    async def busy() -> bool:
        runs = await shop.house.app[JOBS].recent(failed_only=False, limit=50)
        return any(run.status in (JobStatus.WAITING, JobStatus.RUNNING) for run in runs if run.kind != DRAW_JOB)

    await until_none(busy, 60)
    before = await shop.rows()
    for visitor in visitors:
        for route in (route for door in DOORS.values() for route in door if route.startswith("GET ")):
            path = route[4:].replace("{session_id}", shop.session.id).replace("/static", "/static/base.css")
            cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
            address = shop.house.origin + re.sub(r"{\w+}", UNKNOWN, path)
            # Some never end: their beginning is what is looked at.
            async with (
                asyncio.timeout(30),
                shop.house.client.get(address, headers={"Cookie": cookie}, allow_redirects=False) as response,
            ):
                assert response.status < 500, route

    assert before == await shop.rows()


async def test_fields_that_nobody_is_asked_for_change_nothing(shop: Shop) -> None:
    """A15: every changing route with role, status, price, owner and credits beside what it asks for, as JSON and in the address: what the same
    request without them does, and no more."""
    unpaid = (await shop.me.call("POST", "/api/interviews/setup", {"type": "dsa"}))[1]["sessionId"]
    taken = bodies(shop, unpaid)
    before = await shop.rows()
    statuses: dict[str, int] = {}
    for route in CHANGING:
        method, path = route.split(" ", 1)
        session_id = unpaid if path.endswith("/consent") else shop.session.id
        if method == "DELETE":
            session_id = UNKNOWN  # it has to be there for the others
        path = re.sub(r"{\w+}", UNKNOWN, path.replace("{session_id}", session_id).replace("{order}", "1"))
        body = {name: value for name, value in EXTRA.items() if name not in ASKED_FOR.get(route, ())} | taken.get(route, {})
        visitor = Visitor(shop.house) if TABLE[route] == OPEN else shop.me
        query = f"?role=admin&status=completed&price=0&user_id={STRANGER}&userId={STRANGER}&credits=999"
        response, said = await visitor.send(method, path + query, json=body)
        assert response.status < 500, (route, said)
        statuses[route] = response.status
        if TABLE[route] not in (OPEN, PERSON, HAND, OWNER):
            assert response.status == 403, (route, said)
    after = await shop.rows()

    assert {route: statuses[route] for route in taken if statuses[route] >= 300} == {}, "what is refused proves nothing"
    # Who is what: nobody but the one who came by the door for everybody, as a candidate.
    people = {row[0]: row for row in await shop.asked("SELECT id, role, disabled_at FROM users")}
    was = {row[0] for row in before["users"]}
    assert [row[1] for id_, row in people.items() if id_ not in was] == ["candidate"]
    assert {row[1] for row in people.values() if row[0] in (shop.id, kept(STRANGER))} == {"candidate"}
    # What is whose: the stranger has what they had, which is nothing.
    assert [name for name, rows in after.items() if STRANGER in str(rows) or kept(STRANGER) in str(rows)] == ["users"]
    # What it is worth: no credit, no plan, no pass, no payment but the one that was asked for, at the price of the house and not yet paid.
    for table in ("money_lines", "holds", "subscriptions", "refunds", "vouchers", "referrals", "reviews", "invites"):
        assert after[table] == before[table], table
    orders = await shop.asked("SELECT user_id, session_id, amount, currency, status, refunded, plan FROM orders")
    assert orders == [(shop.id, kept(unpaid), 14_900, "INR", "pending", 0, None)]
    # How it stands: the held interview as it was; the new one waits for its payment; neither is anybody else's, or a vendor's.
    sessions = {row[0]: row[1:] for row in await shop.asked("SELECT id, user_id, status, engine FROM interview_sessions")}
    new = set(sessions) - {row[0] for row in before["interview_sessions"]}
    # One was set up; the other is a question of the held one once more, which is practice and costs nothing.
    assert sorted(sessions[id_] for id_ in new) == [(shop.id, "awaiting_payment", "local"), (shop.id, "ready", "local")]
    old = [row for row in before["interview_sessions"] if row[0] == kept(unpaid)]
    assert [row for row in after["interview_sessions"] if row[0] == kept(unpaid)] == old != []
    assert sessions[kept(shop.session.id)][:2] == (shop.id, shop.session.status.value)
    # What a token may do: what it was asked for.
    assert {row[0] for row in await shop.asked("SELECT scopes FROM api_tokens")} == {'["read"]'}
    assert (await shop.me.call("POST", f"/api/interviews/{unpaid}/start", AGREED | EXTRA))[0] == 402
