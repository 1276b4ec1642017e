"""A1: every route for every kind of visitor, against one table. A route that is not in it fails, and so does a door that opens to the wrong one."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import update

from bridge.config import AuthMode
from bridge.domain.account import Role, Scope
from bridge.domain.session import InterviewSession
from bridge.usecases import people, sharing, sign_in
from storage.tables import logins
from web import limiting

from .house import UNKNOWN, House, add_recording, finished_session, running
from .visitors import Visitor, program, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN = "whoever comes"
"""Signed in or not; what is behind it protects itself (a signature, a ticket, a link's token)."""
PERSON = "anybody signed in"
OWNER = "its owner"
"""A stranger is answered as if it did not exist, whatever their role."""
HAND = "anybody signed in, at a page"
"""API tokens are refused."""
ADMIN, ADMIN_HAND, OPERATOR, REVIEWER = "admins", "admins, at a page", "operators", "reviewers"

DOORS: dict[str, tuple[str, ...]] = {
    OPEN: (
        "GET /sign-in", "GET /sign-in/link", "GET /register", "GET /forgot", "GET /reset", "GET /welcome", "GET /privacy",
        "GET /auth/callback", "POST /api/auth/login", "POST /api/auth/register", "POST /api/auth/setup", "POST /api/auth/link",
        "POST /api/auth/link/use", "POST /api/auth/reset", "POST /api/auth/reset/use", "POST /api/auth/oidc", "GET /api/docs",
        "GET /api/openapi.json", "GET /share/{token}", "GET /share/{token}/recording", "POST /api/webhooks/vapi",
        "POST /api/vapi/tools", "POST /api/webhooks/stripe", "POST /api/webhooks/razorpay", "GET /api/erasures/{receipt_id}", "GET /erasures/{receipt_id}",
        "GET /ws/interviews/{session_id}", "GET /healthz", "GET /readyz", "GET /metrics", "GET /static",
    ),
    PERSON: (
        "GET /", "GET /history", "GET /progress", "GET /account", "GET /plans", "GET /billing", "GET /payments/{payment_id}",
        "GET /demo-checkout/{ref}", "POST /demo-checkout/{ref}", "POST /api/payments/create", "POST /api/payments/portal",
        "GET /api/payments/{payment_id}", "POST /api/interviews/setup", "POST /api/interviews/documents",
        "GET /api/interviews/history", "GET /api/me", "GET /api/me/statistics", "GET /api/me/progress", "GET /api/me/privacy",
        "POST /api/me/privacy", "POST /api/me/export", "GET /api/me/export", "GET /api/me/export/{export_id}",
        "GET /api/me/export/{export_id}/archive", "DELETE /api/me", "POST /api/billing/voucher", "POST /api/billing/referral",
    ),
    HAND: (
        "POST /api/auth/logout", "PATCH /api/me", "POST /api/me/password", "GET /api/me/logins",
        "DELETE /api/me/logins/{login_id}", "GET /api/me/tokens", "POST /api/me/tokens", "DELETE /api/me/tokens/{token_id}",
    ),
    OWNER: (
        "GET /interviews/{session_id}", "GET /interviews/{session_id}/report", "GET /api/interviews/{session_id}",
        "DELETE /api/interviews/{session_id}", "POST /api/interviews/{session_id}/start",
        "POST /api/interviews/{session_id}/complete", "GET /api/interviews/{session_id}/report",
        "GET /api/interviews/{session_id}/recording", "POST /api/interviews/{session_id}/report",
        "GET /api/interviews/{session_id}/report/events", "GET /api/interviews/{session_id}/report.pdf",
        "POST /api/interviews/{session_id}/questions/{order}/again", "POST /api/interviews/{session_id}/report/mail",
        "GET /api/interviews/{session_id}/report/mail", "DELETE /api/interviews/{session_id}/report/mail",
        "POST /api/interviews/{session_id}/share", "GET /api/interviews/{session_id}/share",
        "DELETE /api/interviews/{session_id}/share/{share_id}", "GET /api/interviews/{session_id}/consent",
        "POST /api/interviews/{session_id}/consent", "DELETE /api/interviews/{session_id}/consent",
        "GET /api/interviews/{session_id}/report/versions", "POST /api/interviews/{session_id}/feedback",
        "GET /api/interviews/{session_id}/feedback", "GET /api/interviews/{session_id}/visits",
        "POST /api/interviews/{session_id}/review",
    ),
    OPERATOR: (
        "GET /operator", "GET /operator/calls/{session_id}", "GET /api/operator/calls",
        "GET /api/operator/calls/{session_id}/events", "GET /api/operator/calls/{session_id}/log",
        "POST /api/operator/calls/{session_id}/whisper",
        "POST /api/operator/calls/{session_id}/say", "POST /api/operator/calls/{session_id}/extend",
        "POST /api/operator/calls/{session_id}/end", "POST /api/operator/pause", "POST /api/operator/drain",
        "POST /api/operator/undrain",
        "GET /operator/sessions", "GET /operator/figures", "GET /operator/deliveries", "GET /operator/jobs",
        "GET /api/operator/figures", "POST /api/operator/sessions/{session_id}/report",
        "POST /api/operator/sessions/{session_id}/refund", "POST /api/operator/deliveries/{delivery_id}/retry",
        "POST /api/operator/jobs/retry", "GET /ws/operator/calls/{session_id}/listen",
    ),
    REVIEWER: (
        "GET /operator/reviews", "GET /operator/reviews/{session_id}", "POST /api/operator/reviews/{session_id}/take",
        "POST /api/operator/reviews/{session_id}/release", "POST /api/operator/reviews/{session_id}",
    ),
    ADMIN: ("GET /people", "GET /api/people", "GET /api/invites", "GET /operator/money", "POST /api/operator/credits",
        "POST /api/operator/payments/{payment_id}/refund", "POST /api/operator/vouchers",
        "POST /api/operator/vouchers/{voucher_id}/end",
    ),
    ADMIN_HAND: ("PATCH /api/people/{user_id}", "POST /api/invites", "DELETE /api/invites/{invite_id}"),
}  # fmt: skip
TABLE = {route: door for door, routes in DOORS.items() for route in routes}
OPENS_FOR: dict[str, set[str]] = {
    OPEN: {
        "anonymous",
        "stranger",
        "owner",
        "operator",
        "reviewer",
        "admin",
        "expired",
        "closed",
        "reader",
        "writer",
        "link",
        "link as a token",
        "old token",
        "closed one's token",
        "token taken back",
        "operator's token",
        "admin's token",
    },
    PERSON: {"stranger", "owner", "operator", "reviewer", "admin", "writer", "operator's token", "admin's token"},
    HAND: {"stranger", "owner", "operator", "reviewer", "admin"},
    OWNER: {"owner", "writer"},
    OPERATOR: {"operator", "admin"},
    REVIEWER: {"reviewer", "admin"},
    ADMIN: {"admin"},
    ADMIN_HAND: {"admin"},
}
OUT = {"anonymous", "expired", "closed", "link", "link as a token", "old token", "closed one's token", "token taken back"}
"""Nobody is signed in; who has a share link has that page and its recording, and nothing else by its token."""
BODIES = {
    "POST /api/interviews/setup": {"type": "dsa"},
    "POST /api/interviews/{session_id}/feedback": {"rating": 5},
}
NOT_SENT_BY_ALLOWED = {"POST /api/auth/logout", "DELETE /api/me"}
"""They would take their visitor's account away; test_sign_in and test_privacy send them."""


@dataclass
class Street:
    """A server, an interview of somebody's, and everybody who comes by."""

    house: House
    session: InterviewSession
    visitors: dict[str, Visitor]
    shared: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[Street]:
    """Local mode, one finished interview with report, recording and a share link; there is a mailer, whose server nobody reaches."""
    settings = {"auth_mode": AuthMode.LOCAL, "smtp_url": "smtp://127.0.0.1:9", "mail_from": "prepkit@example.org"}
    async with running(tmp_path_factory.mktemp("access"), **settings) as house:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limiting, "SIGN_IN", limiting.parse("1000000/minute"))
            patch.setattr(limiting, "LETTERS_ASKED", limiting.parse("1000000/minute"))
            patch.setattr(limiting, "LETTERS", limiting.parse("1000000/minute"))
            owner = await signed_in(house)
            assert owner.account is not None
            session = await finished_session(house.store, owner.account.id)
            await add_recording(house.recordings, session.id)
            now = datetime.now(UTC)
            _, token = await sharing.share(
                house.store, owner.account.id, session.id, days=1, hide_name=False, hide_transcript=False, hide_audio=False, now=now
            )  # fmt: skip
            closed, expired = await signed_in(house), await signed_in(house)
            operator, admin = await signed_in(house, Role.OPERATOR), await signed_in(house, Role.ADMIN)
            assert operator.account is not None
            assert admin.account is not None
            assert closed.account is not None
            assert expired.account is not None
            closed_program = await program(house, closed.account, *Scope)
            await people.set_disabled(house.store, None, closed.account.id, disabled=True, now=now)
            gone = []
            for ends in (now - timedelta(seconds=1), None):
                token_, secret = await sign_in.make_api_token(
                    house.store, owner.account.id, "gone", frozenset(Scope), now - timedelta(days=1), expires_at=ends
                )
                gone.append(Visitor(house, bearer=secret))
            await sign_in.revoke_api_token(house.store, owner.account.id, token_.id, now)
            async with house.store.begin() as tx:
                mine = logins.c.user_id == expired.account.id
                await tx.connection.execute(update(logins).where(mine).values(seen_at=now - timedelta(days=1)))
            yield Street(
                house,
                session,
                {
                    "anonymous": Visitor(house),
                    "expired": expired,
                    "closed": closed,
                    "stranger": await signed_in(house),
                    "operator": operator,
                    "reviewer": await signed_in(house, Role.REVIEWER),
                    "admin": admin,
                    "reader": await program(house, owner.account, Scope.READ),
                    "writer": await program(house, owner.account, Scope.READ, Scope.WRITE),
                    "link": Visitor(house, {"prepkit-login": token}),
                    "link as a token": Visitor(house, bearer=token),
                    "old token": gone[0],
                    "token taken back": gone[1],
                    "closed one's token": closed_program,
                    # What staff may do, a token of theirs may only with the scope for it.
                    "operator's token": await program(house, operator.account, Scope.READ, Scope.WRITE),
                    "admin's token": await program(house, admin.account, Scope.READ, Scope.WRITE),
                    "owner": owner,
                },
                token,
            )


def routes_of(house: House) -> set[str]:
    """Every route but the HEAD beside a GET."""
    return {f"{r.method} {r.resource.canonical}" for r in house.app.router.routes() if r.resource and r.method != "HEAD"}


async def test_every_route_is_in_the_table(street: Street) -> None:
    """A1: a new route has to say here to whom it opens."""
    assert set(TABLE) == routes_of(street.house)


async def test_every_kind_of_door_is_meant(street: Street) -> None:
    """A1: what the handlers are marked with says the same as the table, so that neither can be changed alone."""
    from web.auth import HAND as BY_HAND
    from web.auth import guard_of

    found = {}
    for route in street.house.app.router.routes():
        if not route.resource or route.method == "HEAD" or route.resource.canonical == "/static":
            continue
        role = guard_of(route.handler)
        by_hand = getattr(route.handler, BY_HAND, False)
        found[f"{route.method} {route.resource.canonical}"] = (role, by_hand)
    roles = {OPEN: None, OPERATOR: Role.OPERATOR, REVIEWER: Role.REVIEWER, ADMIN: Role.ADMIN, ADMIN_HAND: Role.ADMIN}
    meant = {route: (roles.get(door, Role.CANDIDATE), door in (HAND, ADMIN_HAND)) for route, door in TABLE.items()}
    assert {route: door for route, door in meant.items() if route != "GET /static"} == found


EACH_TIME = {"Date", "X-Request-ID", "Content-Length"}
"""Headers that are another in each answer; the length is the body's, which is compared."""


async def send(street: Street, who: str, route: str, session_id: str) -> tuple[int, str, str, dict[str, str]]:
    """Status, where it leads, the body without the id that was asked for, and the headers."""
    method, path = route.split(" ", 1)
    path = path.replace("{session_id}", session_id).replace("{token}", street.shared)
    path = path.replace("{order}", "1").replace("/static", "/static/base.css")
    path = re.sub(r"{\w+}", UNKNOWN, path)
    options = {} if method == "GET" else {"json": BODIES.get(route, {"nonsense": True})}
    async with asyncio.timeout(20):
        response, body = await street.visitors[who].send(method, path, **options)
    text = re.sub(r'id="reference">[0-9a-f]+<|Reference [0-9a-f]+', "", body.decode("utf-8", "replace"))
    headers = {name: value for name, value in response.headers.items() if name not in EACH_TIME}
    return response.status, response.headers.get("Location", ""), text.replace(session_id, "{session_id}"), headers


def code_of(text: str) -> str:
    """The stable code of a JSON error."""
    try:
        return str(json.loads(text)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


@pytest.mark.parametrize("route", sorted(TABLE))
async def test_the_door(street: Street, route: str) -> None:
    """A1: who may not come in is told to sign in (401, or the sign-in page), refused (403), or, where it is somebody's, told that it is not there."""
    door = TABLE[route]
    page = route.startswith("GET ") and not route.startswith(("GET /api/", "GET /ws/"))
    for who in street.visitors:
        opens = who in OPENS_FOR[door] or (who == "reader" and route.startswith("GET ") and door in (PERSON, OWNER))
        if opens and (route in NOT_SENT_BY_ALLOWED or door == OWNER):
            continue
        status, leads, text, headers = await send(street, who, route, street.session.id)
        said = (who, status, leads, text[:300])
        signed_out = (status == 401 and code_of(text) in ("unauthorised", "")) or leads.startswith("/sign-in?")
        if opens:
            assert not leads.startswith("/sign-in?"), said
            assert code_of(text) not in ("unauthorised", "forbidden") or "invit" in text or "Origin" in text, said
            assert status < 500 or code_of(text) == "not_installed", said
        elif who in OUT:
            assert signed_out, said
            assert (status == 303) is page, said
        elif door == OWNER and who != "reader":
            assert status == 404, said
            assert (status, leads, text, headers) == await send(street, who, route, UNKNOWN), said
        else:
            assert status == 403, said


async def test_other_people_s_things_are_not_there(street: Street) -> None:
    """A1: an archive, a sign-in, a token and a link of somebody's: to everybody else, whatever their role, answered as if it did not exist, and left alone."""
    owner = street.visitors["owner"]
    assert owner.account is not None
    address = f"/api/interviews/{street.session.id}/share"
    await owner.call("POST", "/api/me/export", {})
    _, exports = await owner.call("GET", "/api/me/export")
    export = exports["exports"][0]["exportId"]
    _, logins_ = await owner.call("GET", "/api/me/logins")
    _, token = await owner.call("POST", "/api/me/tokens", {"name": "theirs"})
    _, links = await owner.call("GET", address)
    things = [
        ("GET", f"/api/me/export/{export}", export),
        ("GET", f"/api/me/export/{export}/archive", export),
        *(("DELETE", f"/api/me/logins/{login['id']}", login["id"]) for login in logins_["logins"]),
        ("DELETE", f"/api/me/tokens/{token['id']}", token["id"]),
        *(("DELETE", f"{address}/{link['id']}", link["id"]) for link in links["links"]),
    ]
    assert len(things) >= 5
    for who in ("stranger", "operator", "reviewer", "admin"):
        for method, path, id_ in things:
            answer = await street.visitors[who].call(method, path)
            unknown = await street.visitors[who].call(method, path.replace(id_, UNKNOWN))
            assert answer == unknown, (who, path)
            assert answer[0] == 404, (who, path)
    assert [link["works"] for link in (await owner.call("GET", address))[1]["links"]] == [
        link["works"] for link in links["links"]
    ]
    assert token["id"] in [each["id"] for each in (await owner.call("GET", "/api/me/tokens"))[1]["tokens"]]


async def test_what_a_link_shows_and_who_sees_it(street: Street) -> None:
    """A5: the page tells nobody the address of its owner, and no other route knows its token."""
    owner = street.visitors["owner"]
    assert owner.account is not None
    status, page = await Visitor(street.house).page(f"/share/{street.shared}")
    assert status == 200
    assert owner.account.email not in page
    assert owner.account.id not in page
    for path in ("", "/report", "/recording", "/report.pdf"):
        address = f"/api/interviews/{street.session.id}{path}"
        assert (await Visitor(street.house).call("GET", f"{address}?token={street.shared}"))[0] == 401, path


OWN_ORDER = sorted(
    DOORS[OWNER], key=lambda route: (route.startswith("DELETE"), route == "DELETE /api/interviews/{session_id}", route)
)


async def test_the_owner_reaches_it(street: Street) -> None:
    """A1: the same routes do open to the owner, so that a 404 for everybody would not pass; deleting comes last."""
    for route in OWN_ORDER:
        status, leads, text, _ = await send(street, "owner", route, street.session.id)
        gone = "share_id" in route or route == "DELETE /api/interviews/{session_id}/consent"
        assert (status == 404) is gone, (route, status, text[:300])
        assert status not in (401, 403), (route, status, text[:300])
        assert not leads.startswith("/sign-in"), route
    assert (await send(street, "owner", "GET /api/interviews/{session_id}", street.session.id))[0] == 404


async def test_neither_origin_nor_fetch_site_changes_nothing(street: Street) -> None:
    """A3: with a cookie, a request that does not say where it comes from is refused on every changing route; a foreign one too."""
    owner = street.visitors["owner"]
    for origin in ("", "https://evil.example", "null"):
        silent = Visitor(street.house, owner.cookies, origin=origin)
        for route in sorted(TABLE):
            method, path = route.split(" ", 1)
            if method == "GET":
                continue
            response, body = await silent.send(method, re.sub(r"{\w+}", street.session.id, path), json={})
            assert response.status == 403, (route, origin, body)
