"""`oidc` mode against a strict provider on loopback: the way there and back, and every ID token that must not let anybody in (R-002)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from yarl import URL

from bridge.config import AuthMode
from bridge.domain.account import Role
from bridge.usecases import people
from tests.oidc import CLIENT, SECRET, Provider, providing
from web import limiting

from .house import House, running
from .visitors import Visitor, person

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Provider]:
    """The provider."""
    async with providing() as up:
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None, provider: Provider) -> AsyncIterator[House]:
    """A server that trusts it."""
    settings = {
        "auth_mode": AuthMode.OIDC, "oidc_issuer": provider.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET,
        "role_map": "staff=operator, bosses=admin",
    }  # fmt: skip
    async with running(tmp_path_factory.mktemp("oidc"), **settings) as up:
        provider.redirects = (f"{up.origin}/auth/callback",)
        yield up


@pytest.fixture(autouse=True)
def fresh(house: House, provider: Provider) -> None:
    """Each test begins with an honest provider."""
    provider.fault, provider.claims = "", {}
    house.app[limiting.LIMITS].forget()


async def there(visitor: Visitor, next_page: str = "/history") -> str:
    """Go to the provider; the address it sends the browser back to."""
    status, body = await visitor.call("POST", "/api/auth/oidc", {"next": next_page})
    assert status == 200, body
    async with visitor.house.client.get(URL(body["url"], encoded=True), allow_redirects=False) as response:
        assert response.status == 302
        return response.headers["Location"].removeprefix(visitor.house.origin)


async def test_there_and_back(house: House, provider: Provider) -> None:
    """R-002: a first visit makes the account, the next one is the same account; the wanted page is shown."""
    visitor = Visitor(house)
    assert await visitor.page("/history") == (303, "/sign-in?next=/history")
    assert 'data-post="/api/auth/oidc"' in (await visitor.page("/sign-in?next=/history"))[1]
    assert await visitor.page(await there(visitor)) == (303, "/history")
    _, first = await visitor.call("GET", "/api/me")
    assert (first["email"], first["name"], first["role"]) == ("ada@example.org", "Ada", "candidate")
    again = Visitor(house)
    await again.page(await there(again))
    assert (await again.call("GET", "/api/me"))[1]["id"] == first["id"]
    assert await visitor.page("/register") == (303, "/")
    assert (await visitor.call("POST", "/api/auth/login", {"email": "a@example.org", "password": "x"}))[0] == 404
    assert (await visitor.call("POST", "/api/auth/logout", {}))[0] == 200
    assert (await visitor.call("GET", "/api/me"))[0] == 401


@pytest.mark.parametrize(
    "fault",
    [
        "issuer", "audience", "audiences", "party", "nonce", "expired", "future", "subject", "none", "symmetric", "key",
    ],
)  # fmt: skip
async def test_tokens_that_let_nobody_in(house: House, provider: Provider, fault: str) -> None:
    """OpenID Connect Core 3.1.3.7: wrong issuer, audience, party, nonce, time, signer or algorithm; no cookie, no account."""
    provider.claims = {"sub": f"bad-{fault}"}
    visitor = Visitor(house)
    back = await there(visitor)
    provider.fault = fault
    response, _ = await visitor.send("GET", back)
    assert response.status == 401
    assert "prepkit-login" not in visitor.cookies
    async with house.store.read() as tx:
        assert await tx.account_of(provider.url, f"bad-{fault}") is None


async def test_back_only_once_and_only_here(house: House, provider: Provider) -> None:
    """RFC 9700: a callback in another browser, a second time, with a made-up state or a refusal signs nobody in."""
    visitor, thief = Visitor(house), Visitor(house)
    back = await there(visitor)
    assert (await thief.page(back))[0] == 404
    assert (await Visitor(house, {"prepkit-browser": "x" * 43}).page(back))[0] == 404
    assert (await visitor.page("/auth/callback?state=made-up&code=x"))[0] == 404
    browser = dict(visitor.cookies)
    assert (await visitor.page(back))[0] == 303
    assert (await Visitor(house, browser).page(back))[0] == 404
    refused = Visitor(house)
    state = URL(await there(refused)).query["state"]
    assert (await refused.page(f"/auth/callback?error=access_denied&state={state}"))[0] == 403
    assert thief.cookies == {}


async def test_an_address_is_no_identity(house: House, provider: Provider) -> None:
    """Nobody gets another's account by having their address: identity is issuer and subject."""
    victim = await person(house, email="victim@example.org")
    provider.claims = {"sub": "taker", "email": "victim@example.org"}
    visitor = Visitor(house)
    await visitor.page(await there(visitor))
    _, me = await visitor.call("GET", "/api/me")
    assert me["id"] != victim.id
    assert me["email"] == ""
    provider.claims = {"sub": "unproved", "email": "new@example.org", "email_verified": False}
    other = Visitor(house)
    await other.page(await there(other))
    assert (await other.call("GET", "/api/me"))[1]["email"] == ""


async def test_groups_give_roles(house: House, provider: Provider) -> None:
    """C-37: the mightiest mapped group counts at each sign-in; without one the role stays; a closed account stays out."""

    async def role(groups: object) -> str:
        provider.claims = {"sub": "worker", "groups": groups}
        visitor = Visitor(house)
        await visitor.page(await there(visitor))
        return (await visitor.call("GET", "/api/me"))[1]["role"]

    assert [await role(groups) for groups in (["staff", "x"], ["bosses", "staff"], ["x"], "staff", ["staff"])] == [
        "operator", "admin", "admin", "admin", "operator",
    ]  # fmt: skip
    async with house.store.read() as tx:
        account = await tx.account_of(provider.url, "worker")
    assert account is not None
    assert account.role is Role.OPERATOR
    await people.set_disabled(house.store, None, account.id, disabled=True, now=account.created_at)
    visitor = Visitor(house)
    assert (await visitor.page(await there(visitor)))[0] == 403


async def test_a_provider_that_is_down_or_changes_keys(house: House, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of reach is said; new keys are fetched, but not for every bad token."""
    monkeypatch.setattr("bridge.clients.oidc.KEYS_AGAIN_SECONDS", 0)
    visitor = Visitor(house)
    back = await there(visitor)
    provider.fault = "down"
    status, page = await visitor.page(back)
    assert (status, "cannot be reached" in page) == (503, True)
    provider.fault = ""
    provider.rotate()
    assert (await visitor.page(await there(visitor)))[0] == 303
    monkeypatch.setattr("bridge.clients.oidc.KEYS_AGAIN_SECONDS", 60)
    provider.fault = "key"
    before = provider.asked.count("keys")
    for _ in range(3):
        visitor = Visitor(house)
        await visitor.page(await there(visitor))
    assert provider.asked.count("keys") == before
