"""`proxy` mode: a header is believed from the proxy we named and from nobody else (C-37)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from bridge.config import AuthMode
from bridge.usecases import people
from web.keys import SETTINGS

from .house import House, running
from .visitors import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="module")
ADA = {"X-Forwarded-User": "ada", "X-Forwarded-Email": "ada@example.org", "X-Forwarded-Groups": "x, staff"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[House]:
    """A server behind a proxy on this machine."""
    settings = {"auth_mode": AuthMode.PROXY, "trusted_proxies": "127.0.0.1", "role_map": "staff=operator"}
    async with running(tmp_path_factory.mktemp("proxy"), **settings) as up:
        yield up


async def test_the_proxys_word(house: House) -> None:
    """The first visit makes the account, later ones find it; the groups give the role; nothing is written when nothing changed."""
    status, me = await Visitor(house).call("GET", "/api/me", headers=ADA)
    assert (status, me["role"], me["email"], me["name"]) == (200, "operator", "ada@example.org", "ada")
    async with house.store.read() as tx:
        before = len(await tx.audit_trail())
    assert (await Visitor(house).call("GET", "/api/me", headers=ADA))[1]["id"] == me["id"]
    async with house.store.read() as tx:
        assert before == len(await tx.audit_trail())
    other = (await Visitor(house).call("GET", "/api/me", headers=ADA | {"X-Forwarded-User": "eve"}))[1]
    assert other["id"] != me["id"], "the address was taken for the person"
    assert other["email"] == ""
    await people.set_disabled(house.store, None, other["id"], disabled=True, now=datetime.now(UTC))
    assert (await Visitor(house).call("GET", "/api/me", headers=ADA | {"X-Forwarded-User": "eve"}))[0] == 401


async def test_nobody_elses_word(house: House) -> None:
    """Forgejo's lesson: the same header from a peer that was not named is no sign-in, on pages and in the API; nor is an empty one."""
    settings = house.app[SETTINGS]
    house.app._state[SETTINGS] = settings.model_copy(update={"trusted_proxies": "10.0.0.1, 192.168.0.0/16"})
    try:
        assert (await Visitor(house).call("GET", "/api/me", headers=ADA))[0] == 401
        assert (await Visitor(house).send("GET", "/history", headers=ADA))[0].status == 401
        assert (await Visitor(house).call("GET", "/api/me", headers=ADA | {"X-Forwarded-For": "10.0.0.1"}))[0] == 401
    finally:
        house.app._state[SETTINGS] = settings
    assert (await Visitor(house).call("GET", "/api/me"))[0] == 401
    assert (await Visitor(house).call("GET", "/api/me", headers={"X-Forwarded-User": " "}))[0] == 401


async def test_a_changing_request_must_say_where_from(house: House) -> None:
    """A3: behind a proxy that signs in by itself, a request with neither Origin nor Sec-Fetch-Site changes nothing."""
    body = {"type": "dsa"}
    assert (await Visitor(house).call("POST", "/api/interviews/setup", body, headers=ADA))[0] == 201
    assert (await Visitor(house, origin="").call("POST", "/api/interviews/setup", body, headers=ADA))[0] == 403
    assert (await Visitor(house, origin="https://evil.example").call("POST", "/api/interviews/setup", body, headers=ADA))[
        0
    ] == 403
