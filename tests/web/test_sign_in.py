"""`local` mode over loopback: the first account, signing in and out, invitations, passwords, limits (R-002, R-135, A4, A14, A15)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import update

from bridge.config import AuthMode, SignUp
from bridge.domain.account import Role, Scope
from bridge.domain.sign_in import Purpose
from bridge.usecases import people, sign_in
from storage.tables import logins
from web import accounts, limiting, middlewares

from .house import AGREED, REAL_LIMIT, House, finished_session, running
from .visitors import PASSWORD, Visitor, person, program, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW = "another long enough one"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[House]:
    """A server in local mode that nobody has an account on yet."""
    async with running(tmp_path_factory.mktemp("local"), auth_mode=AuthMode.LOCAL) as up:
        yield up


@pytest.fixture(autouse=True)
def fresh_limits(house: House) -> None:
    """Each test begins with nothing counted."""
    house.app[limiting.LIMITS].forget()


async def registered(house: House, email: str, role: Role = Role.CANDIDATE) -> Visitor:
    """Somebody who came in with an invitation."""
    _, code = await people.invite(house.store, None, note="", role=role, places=1, days=1, now=datetime.now(UTC))
    visitor = Visitor(house)
    status, body = await visitor.call(
        "POST", "/api/auth/register", {"email": email, "password": PASSWORD, "name": "Ada", "invite": code}
    )
    assert status == 201, body
    async with house.store.read() as tx:
        visitor.account = await tx.account(body["user"]["id"])
    house.app[limiting.LIMITS].forget()
    return visitor


async def test_the_first_account(house: House) -> None:
    """R-002: made once, by the printed address; it is the admin, and what was there before is theirs."""
    before = await finished_session(house.store, house.user)
    url = await accounts.first_account_url(house.app[accounts.SETTINGS], house.store)
    assert url is not None
    path, _, token = url.removeprefix(house.origin).partition("#")
    visitor = Visitor(house)
    status, page = await visitor.page(path)
    assert (status, path) == (200, "/welcome")
    assert token not in page
    body = {"token": token, "email": "admin@example.org", "password": PASSWORD, "name": "Grace"}
    assert (await Visitor(house).call("POST", "/api/auth/setup", body | {"token": token[:-1]}))[0] == 404
    assert (await Visitor(house).call("POST", "/api/auth/setup", body | {"password": "short"}))[0] == 400

    status, made = await visitor.call("POST", "/api/auth/setup", body)

    assert (status, made["user"]["role"]) == (201, "admin")
    assert (await Visitor(house).call("POST", "/api/auth/setup", body))[0] == 404
    assert await accounts.first_account_url(house.app[accounts.SETTINGS], house.store) is None
    history = (await visitor.call("GET", "/api/interviews/history"))[1]
    assert [before.id] == [item["sessionId"] for item in history["interviews"]]
    assert (await visitor.call("GET", "/api/people"))[0] == 200


async def test_every_page_about_everybody_is_a_line_of_the_audit_log(house: House) -> None:
    """A17: who looks at people's addresses and roles outside the operators' pages is noted as well, once a look."""
    admin = await signed_in(house, Role.ADMIN)
    assert admin.account is not None
    for path in ("/people", "/api/people"):
        async with house.store.read() as tx:
            before = len(await tx.audit_trail(actor_id=admin.account.id))
        assert (await admin.send("GET", path))[0].status == 200
        async with house.store.read() as tx:
            found = await tx.audit_trail(actor_id=admin.account.id)
        added = found[: len(found) - before]
        assert [(admin.account.id, "people.list")] == [(row.actor_id, row.action) for row in added], path


async def test_sign_in_and_out(house: House) -> None:
    """R-002, A4: the right password lets in, a wrong one does not; each sign-in is a new token; out is out."""
    made = await registered(house, "in-and-out@example.org")
    assert (await made.call("GET", "/api/me"))[1]["email"] == "in-and-out@example.org"
    first = dict(made.cookies)
    body = {"email": " In-And-Out@Example.org ", "password": PASSWORD}
    status, wrong = await Visitor(house).call("POST", "/api/auth/login", body | {"password": "wrong"})
    assert (status, wrong["error"]["code"]) == (401, "bad_credentials")

    assert (await made.call("POST", "/api/auth/login", body))[0] == 200

    assert made.cookies != first
    assert (await Visitor(house, first).call("GET", "/api/me"))[0] == 401, "the token from before the new sign-in still works"
    second = dict(made.cookies)
    assert await made.call("POST", "/api/auth/logout", {}) == (200, {"signedOut": True})
    assert made.cookies == {}
    assert (await Visitor(house, second).call("GET", "/api/me"))[0] == 401
    assert (await Visitor(house, second).page("/history")) == (303, "/sign-in?next=/history")


async def test_the_cookie(house: House) -> None:
    """A18: not readable by a page, of this site only; behind https its name binds it to this host."""
    await registered(house, "cookie@example.org")
    body = {"email": "cookie@example.org", "password": PASSWORD}
    response, _ = await Visitor(house).send("POST", "/api/auth/login", json=body)
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("prepkit-login=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Strict-Transport-Security" not in response.headers
    settings = house.app[accounts.SETTINGS]
    secure = settings.model_copy(update={"public_url": "https://interviews.example.org"})
    house.app._state[accounts.SETTINGS] = secure
    try:
        response, _ = await Visitor(house).send("POST", "/api/auth/login", json=body)
    finally:
        house.app._state[accounts.SETTINGS] = settings
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-prepkit-login=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Secure"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert response.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_attempts_are_limited(house: House) -> None:
    """A14: ten attempts in five minutes for one account, and from one address; the next is told when."""
    visitor = Visitor(house)
    body = {"email": "nobody@example.org", "password": "wrong one"}
    assert [401] * 10 == [(await visitor.call("POST", "/api/auth/login", body))[0] for _ in range(10)]

    response, _ = await visitor.send("POST", "/api/auth/login", json=body)

    assert response.status == 429
    assert 0 < int(response.headers["Retry-After"]) <= 300
    # Another account from the same address is counted by the address.
    other = await visitor.send("POST", "/api/auth/login", json=body | {"email": "somebody@example.org"})
    assert other[0].status == 429


async def test_a_hundred_requests_a_minute_are_each_person_s_own(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14, R-121: the 101st of a minute is told when to come again, by whichever way it comes; somebody else at the same address is not held up."""
    monkeypatch.setattr(middlewares, "LIMIT", REAL_LIMIT)
    mine, other = await signed_in(house), await signed_in(house)
    token = await program(house, mine.account, Scope.READ)
    assert [200] * 100 == [(await (mine, token)[n % 2].call("GET", "/api/me"))[0] for n in range(100)]

    for visitor in (mine, token):
        response, _ = await visitor.send("GET", "/api/me")
        assert response.status == 429
        assert 0 < int(response.headers["Retry-After"]) <= 60
    assert (await other.call("GET", "/api/me"))[0] == 200


async def test_an_address_in_front_counts_only_from_a_known_proxy(house: House) -> None:
    """A14: X-Forwarded-For of a stranger does not open a new window; a known proxy's does."""
    visitor = Visitor(house)
    body = {"email": "nobody@example.org", "password": "wrong one"}
    settings = house.app[accounts.SETTINGS]

    async def statuses() -> list[int]:
        house.app[limiting.LIMITS].forget()
        return [
            (
                await visitor.call(
                    "POST",
                    "/api/auth/login",
                    body | {"email": f"n{n}@example.org"},
                    headers={"X-Forwarded-For": f"203.0.113.{n}, 198.51.100.{n}"},
                )
            )[0]
            for n in range(12)
        ]

    assert [401] * 10 + [429] * 2 == await statuses()
    house.app._state[accounts.SETTINGS] = settings.model_copy(update={"trusted_proxies": "127.0.0.0/8"})
    try:
        assert [401] * 12 == await statuses()
        # One account is counted wherever the attempts come from.
        house.app[limiting.LIMITS].forget()
        tried = [
            (await visitor.call("POST", "/api/auth/login", body, headers={"X-Forwarded-For": f"198.51.100.{n}"}))[0]
            for n in range(12)
        ]
        assert [401] * 10 + [429] * 2 == tried
    finally:
        house.app._state[accounts.SETTINGS] = settings


async def test_invitations(house: House) -> None:
    """R-135: a code makes as many accounts as it has places, with its role, until it is taken back; none without one."""
    admin = await signed_in(house, Role.ADMIN)
    status, made = await admin.call("POST", "/api/invites", {"note": "beta", "places": 2, "role": "reviewer"})
    assert status == 201
    assert made["url"] == f"{house.origin}/register#{made['code']}"
    body = {"password": PASSWORD, "name": ""}

    async def register(email: str, **more: Any) -> int:
        house.app[limiting.LIMITS].forget()
        return (await Visitor(house).call("POST", "/api/auth/register", body | {"email": email} | more))[0]

    assert await register("a@example.org") == 403
    assert await register("a@example.org", invite="wrong") == 403
    assert await register("a@example.org", invite=made["code"]) == 201
    assert await register("A@example.org", invite=made["code"]) == 409, "an address made two accounts"
    assert await register("b@example.org", invite=made["code"], role="admin", status="paid", credits=100, userId="x") == 201
    assert await register("c@example.org", invite=made["code"]) == 403, "there were two places"
    async with house.store.read() as tx:
        found = await tx.account_by_email("b@example.org")
        assert found is not None
        assert found.role is Role.REVIEWER, "A15: a role was taken from the body"
        assert [2] == [invite.taken for invite in await tx.invites() if invite.id == made["id"]]
    _, other = await admin.call("POST", "/api/invites", {"places": 5})
    assert (await admin.call("DELETE", f"/api/invites/{other['id']}"))[0] == 200
    assert await register("d@example.org", invite=other["code"]) == 403
    assert made["code"] not in str(await admin.call("GET", "/api/invites"))


async def test_fifty_at_once_for_one_place(house: House) -> None:
    """R-135: an invitation with one place makes one account however many come at once."""
    _, code = await people.invite(house.store, None, note="", role=Role.CANDIDATE, places=1, days=1, now=datetime.now(UTC))

    async def come(n: int) -> bool:
        try:
            await sign_in.register(
                house.store, house.app[accounts.HASHER], email=f"rush{n}@example.org", password=PASSWORD, name="", invite=code,
                caller=sign_in.Caller(""), now=datetime.now(UTC),
            )  # fmt: skip
        except sign_in.Refused:
            return False
        return True

    assert sum(await asyncio.gather(*(come(n) for n in range(50)))) == 1


@pytest.mark.parametrize(("signup", "status"), [(SignUp.OPEN, 201), (SignUp.CLOSED, 403)])
async def test_who_may_make_an_account(house: House, signup: SignUp, status: int) -> None:
    """R-002: with an open sign-up anybody, with a closed one nobody."""
    settings = house.app[accounts.SETTINGS]
    house.app._state[accounts.SETTINGS] = settings.model_copy(update={"signup": signup})
    try:
        body = {"email": f"{signup}@example.org", "password": PASSWORD}
        assert (await Visitor(house).call("POST", "/api/auth/register", body))[0] == status
        assert (await Visitor(house).page("/register"))[0] == 200
    finally:
        house.app._state[accounts.SETTINGS] = settings


@pytest.mark.parametrize("password", ["short", "password1", "QWERTYUIOP", "aaaaaaaaaaaa", "weak@example.org", "x" * 257])
async def test_weak_passwords(house: House, password: str) -> None:
    """ASVS 5: too short, among the most used, the address itself and over the limit are refused, with the field named."""
    _, code = await people.invite(house.store, None, note="", role=Role.CANDIDATE, places=1, days=1, now=datetime.now(UTC))
    body = {"email": "weak@example.org", "password": password, "invite": code}
    status, answer = await Visitor(house).call("POST", "/api/auth/register", body)
    assert status == 400
    assert [item["field"] for item in answer["error"]["details"]] == ["password"]


async def test_long_and_foreign_passwords(house: House) -> None:
    """ASVS 5: 64 characters and more, spaces and any script count whole; nothing is cut."""
    made = await registered(house, "long@example.org")
    long = "пароль с пробелами 🎙 " * 10
    assert (await made.call("POST", "/api/me/password", {"current": PASSWORD, "password": long}))[0] == 200
    body = {"email": "long@example.org", "password": long}
    assert (await Visitor(house).call("POST", "/api/auth/login", body | {"password": long[:-1]}))[0] == 401
    assert (await Visitor(house).call("POST", "/api/auth/login", body))[0] == 200


async def test_changing_the_password(house: House) -> None:
    """A4: needs the present one; this browser stays in with a new token, every other is out."""
    made = await registered(house, "change@example.org")
    other = Visitor(house)
    assert (await other.call("POST", "/api/auth/login", {"email": "change@example.org", "password": PASSWORD}))[0] == 200
    before = dict(made.cookies)
    assert (await made.call("POST", "/api/me/password", {"current": "wrong", "password": NEW}))[0] == 401
    assert (await made.call("POST", "/api/me/password", {"password": NEW}))[0] == 401

    assert (await made.call("POST", "/api/me/password", {"current": PASSWORD, "password": NEW}))[0] == 200

    assert (await made.call("GET", "/api/me"))[0] == 200
    assert [401, 401] == [(await each.call("GET", "/api/me"))[0] for each in (other, Visitor(house, before))]
    assert (await Visitor(house).call("POST", "/api/auth/login", {"email": "change@example.org", "password": PASSWORD}))[0] == 401


async def test_where_one_is_signed_in(house: House) -> None:
    """A4: the page lists browsers; one of them can be signed out from another; a stranger's cannot."""
    mine = await signed_in(house)
    other = await signed_in(house, account=mine.account)
    stranger = await signed_in(house)
    _, listed = await mine.call("GET", "/api/me/logins")
    assert sorted(login["current"] for login in listed["logins"]) == [False, True]
    theirs = next(login["id"] for login in listed["logins"] if not login["current"])
    assert (await stranger.call("DELETE", f"/api/me/logins/{theirs}"))[0] == 404

    assert (await mine.call("DELETE", f"/api/me/logins/{theirs}"))[0] == 200

    assert [200, 401] == [(await each.call("GET", "/api/me"))[0] for each in (mine, other)]
    status, page = await mine.page("/account")
    assert status == 200
    assert "Where you are signed in" in page


@pytest.mark.parametrize(
    ("column", "ago"), [("seen_at", timedelta(hours=12)), ("created_at", timedelta(days=30)), ("expires_at", timedelta(0))]
)
async def test_a_sign_in_ends_by_itself(house: House, column: str, ago: timedelta) -> None:
    """ASVS: 12 hours without use, or 30 days in any case."""
    visitor = await signed_in(house)
    assert visitor.account is not None
    for moment, status in ((ago - timedelta(minutes=1), 200), (ago + timedelta(seconds=1), 401)):
        async with house.store.begin() as tx:
            past = {column: datetime.now(UTC) - moment}
            await tx.connection.execute(update(logins).where(logins.c.user_id == visitor.account.id).values(past))
        if column == "created_at":
            async with house.store.begin() as tx:
                await tx.connection.execute(
                    update(logins).where(logins.c.user_id == visitor.account.id).values(seen_at=datetime.now(UTC))
                )
        assert (await visitor.call("GET", "/api/me"))[0] == status


async def test_api_tokens(house: House) -> None:
    """Contract §4: a token works as Bearer within its scopes, shows its secret once, and stops at once when taken back."""
    mine = await signed_in(house)
    status, made = await mine.call("POST", "/api/me/tokens", {"name": "script", "scopes": ["read"], "expiresInDays": 1})
    assert status == 201
    reader = Visitor(house, bearer=made["token"])
    assert made["token"].startswith(made["prefix"])
    assert made["token"] not in str(await mine.call("GET", "/api/me/tokens"))
    assert (await reader.call("GET", "/api/me"))[1]["scopes"] == ["read"]
    assert (await reader.call("POST", "/api/interviews/setup", {"type": "dsa"}))[0] == 403
    writer = await program(house, mine.account, Scope.READ, Scope.WRITE)
    assert (await writer.call("POST", "/api/interviews/setup", {"type": "dsa"}))[0] == 201
    for path in ("/api/me/tokens", "/api/me/logins"):
        assert (await writer.call("GET", path))[0] == 403, "a token reached what is about the account"
    assert (await writer.call("POST", "/api/me/tokens", {"name": "more"}))[0] == 403

    assert (await mine.call("DELETE", f"/api/me/tokens/{made['id']}"))[0] == 200

    assert (await reader.call("GET", "/api/me"))[0] == 401
    assert (await Visitor(house, bearer="pk_unknown").call("GET", "/api/me"))[0] == 401


async def test_roles_and_closed_accounts(house: House) -> None:
    """A4, C-37: a role counts from the next request; a closed account is out everywhere at once; the last admin stays; all is noted."""
    admin, other = await signed_in(house, Role.ADMIN), await signed_in(house)
    assert other.account is not None
    token = await program(house, other.account, *Scope)
    assert (await other.call("GET", "/api/people"))[0] == 403
    assert (await admin.call("PATCH", f"/api/people/{other.account.id}", {"role": "admin"}))[0] == 200
    assert [200, 200] == [(await each.call("GET", "/api/people"))[0] for each in (other, token)]

    assert (await admin.call("PATCH", f"/api/people/{other.account.id}", {"disabled": True}))[0] == 200

    assert [401, 401] == [(await each.call("GET", "/api/me"))[0] for each in (other, token)]
    async with house.store.read() as tx:
        trail = [row.action for row in await tx.audit_trail(subject=other.account.id)]
        admins = [each for each in await tx.accounts() if each.role is Role.ADMIN and each.disabled_at is None]
    assert trail[:2] == ["account.close", "account.role"]
    for each in admins[:-1]:
        await people.set_disabled(house.store, None, each.id, disabled=True, now=datetime.now(UTC))
    last = admins[-1]
    for change in ({"disabled": True}, {"role": "candidate"}):
        keeper = await signed_in(house, account=last)
        assert (await keeper.call("PATCH", f"/api/people/{last.id}", change))[0] == 409
    for each in admins[:-1]:
        await people.set_disabled(house.store, None, each.id, disabled=False, now=datetime.now(UTC))


async def _open_socket(visitor: Visitor, session_id: str) -> aiohttp.ClientWebSocketResponse:
    status, started = await visitor.call("POST", f"/api/interviews/{session_id}/start", AGREED)
    assert status == 200, started
    socket = await visitor.house.client.ws_connect(
        f"{started['bridgeUrl']}?token={started['token']}", protocols=["prepkit.pcm.v1"]
    )
    await socket.send_json({"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": {"version": "1.0.0"}})
    await asyncio.wait_for(socket.receive(), 20)
    return socket


async def _closed_with(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    while not socket.closed:
        await socket.receive()
    return socket.close_code


@pytest.mark.parametrize("how", ["logout", "elsewhere", "disable", "command", "password", "reset"])
async def test_sockets_close_when_one_is_out(house: House, how: str) -> None:
    """A4: the live socket is closed within 5 s of signing out (here or from another browser), of the account being closed (here or by a command) or a
    new password (by the old one or by a letter); a ticket given before is worth nothing, and a stranger's call goes on."""
    mine = await registered(house, f"socket-{how}@example.org")
    other = await registered(house, f"socket-other-{how}@example.org")
    admin = await signed_in(house, Role.ADMIN)
    assert mine.account is not None
    sockets = []
    for visitor in (mine, other):
        status, made = await visitor.call("POST", "/api/interviews/setup", {"type": "dsa"})
        assert status == 201
        sockets.append(await _open_socket(visitor, made["sessionId"]))
    _, waiting = await mine.call("POST", "/api/interviews/setup", {"type": "dsa"})
    _, ticket = await mine.call("POST", f"/api/interviews/{waiting['sessionId']}/start", AGREED)

    closing = asyncio.create_task(_closed_with(sockets[0]))
    if how == "logout":
        await mine.call("POST", "/api/auth/logout", {})
    elif how == "disable":
        await admin.call("PATCH", f"/api/people/{mine.account.id}", {"disabled": True})
    elif how == "elsewhere":
        browser = await signed_in(house, account=mine.account)
        _, listed = await browser.call("GET", "/api/me/logins")
        ends = [await browser.call("DELETE", f"/api/me/logins/{each['id']}") for each in listed["logins"] if not each["current"]]
        assert {200} == {status for status, _ in ends}
    elif how == "password":
        await mine.call("POST", "/api/me/password", {"current": PASSWORD, "password": NEW})
    elif how == "reset":
        offered = await sign_in.offer_letter(house.store, Purpose.RESET, mine.account.email, None, datetime.now(UTC))
        assert offered is not None
        assert (await Visitor(house).call("POST", "/api/auth/reset/use", {"token": offered[1], "password": NEW}))[0] == 200
    else:
        await people.set_disabled(house.store, None, mine.account.id, disabled=True, now=datetime.now(UTC))
    answered = time.monotonic()
    code = await asyncio.wait_for(closing, 10)

    assert code == 4401
    assert time.monotonic() - answered < 5
    assert not sockets[1].closed
    late = await house.client.ws_connect(f"{ticket['bridgeUrl']}?token={ticket['token']}", protocols=["prepkit.pcm.v1"])
    assert await asyncio.wait_for(_closed_with(late), 10) == 4401
    closing = asyncio.create_task(_closed_with(sockets[1]))
    await other.call("POST", "/api/auth/logout", {})
    await asyncio.wait_for(closing, 10)


async def test_a_page_leads_back(house: House) -> None:
    """R-001: who comes by a link signs in and arrives there; nobody is led to another site."""
    assert await Visitor(house).page("/history?page=2") == (303, "/sign-in?next=/history?page%3D2")
    assert 'data-then="/history?page=2"' in (await Visitor(house).page("/sign-in?next=%2Fhistory%3Fpage%3D2"))[1]
    for foreign in ("https://evil.example", "//evil.example", "/%5Cevil.example", "javascript:alert(1)", "/%09/evil.example"):
        assert 'data-then="/"' in (await Visitor(house).page(f"/sign-in?next={foreign}"))[1]
    mine = await signed_in(house)
    assert await mine.page("/sign-in?next=/progress") == (303, "/progress")


async def test_who_is_signed_in_is_shown(house: House) -> None:
    """The navigation names the person, escaped; without anybody it offers to sign in."""
    mine = await signed_in(house, account=await person(house, name="Ada <b>"))
    page = (await mine.page("/history"))[1]
    assert "Ada &lt;b&gt;" in page
    assert 'href="/sign-in"' in (await Visitor(house).page("/privacy"))[1]
    assert re.search(r'href="/account"[^>]*>', page)


async def test_without_smtp_nothing_about_letters(house: House) -> None:
    """Contract §3: no SMTP, no e-mail features; asked for anyway, it is said."""
    assert "Forgotten?" not in (await Visitor(house).page("/sign-in"))[1]
    for path in ("link", "reset"):
        status, answer = await Visitor(house).call("POST", f"/api/auth/{path}", {"email": "ada@example.org"})
        assert (status, answer["error"]["code"]) == (501, "not_installed")
