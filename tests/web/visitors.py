"""Browsers and programs of several people at one server: each keeps its own cookies, as a browser does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp
from yarl import URL

from bridge.domain.account import Account, Role, Scope
from bridge.usecases import sign_in

from .house import House

PASSWORD = "correct horse battery"


@dataclass
class Visitor:
    """One browser, or one program with a token."""

    house: House
    cookies: dict[str, str] = field(default_factory=dict)
    bearer: str = ""
    origin: str | None = None
    """What is sent as Origin on changing requests; the server's own when None."""
    account: Account | None = None

    async def send(self, method: str, path: str, **options: Any) -> tuple[aiohttp.ClientResponse, bytes]:
        """The response and its body; redirects are not followed."""
        headers = dict(options.pop("headers", {}))
        if self.cookies:
            headers.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if self.bearer:
            headers.setdefault("Authorization", f"Bearer {self.bearer}")
        elif method not in ("GET", "HEAD"):
            headers.setdefault("Origin", self.house.origin if self.origin is None else self.origin)
        if not headers.get("Origin", "x"):
            del headers["Origin"]
        url = URL(self.house.origin + path, encoded=True)
        async with self.house.client.request(method, url, headers=headers, allow_redirects=False, **options) as response:
            body = await response.read()
        for name, morsel in response.cookies.items():
            if morsel.value and morsel["max-age"] != "0":
                self.cookies[name] = morsel.value
            else:
                self.cookies.pop(name, None)
        return response, body

    async def call(self, method: str, path: str, json: Any = None, **options: Any) -> tuple[int, Any]:
        """Status and JSON body."""
        if json is not None:
            options["json"] = json
        response, _ = await self.send(method, path, **options)
        return response.status, await response.json()

    async def page(self, path: str) -> tuple[int, str]:
        """Status and text of a page; the address it leads to in place of the text when it leads elsewhere."""
        response, body = await self.send("GET", path)
        return response.status, response.headers.get("Location") or body.decode()


async def person(house: House, role: Role = Role.CANDIDATE, email: str = "", **changes: Any) -> Account:
    """An account, straight into the database."""
    made = replace(Account(str(uuid4()), role, datetime.now(UTC), email=email or f"{uuid4().hex}@example.org"), **changes)
    async with house.store.begin() as tx:
        await tx.add_account(made)
        await tx.add_identity(sign_in.EMAIL_ISSUER, made.email, made.id)
    return made


async def signed_in(house: House, role: Role = Role.CANDIDATE, account: Account | None = None) -> Visitor:
    """The browser of somebody with that role, by the real use case."""
    account = account or await person(house, role)
    async with house.store.begin() as tx:
        done = await sign_in.start(tx, account, sign_in.Caller("tests"), "password", datetime.now(UTC))
    return Visitor(house, {"prepkit-login": done.token}, account=account)


async def program(house: House, account: Account, *scopes: Scope) -> Visitor:
    """A program with a token of theirs."""
    _, secret = await sign_in.make_api_token(house.store, account.id, "tests", frozenset(scopes), datetime.now(UTC))
    return Visitor(house, bearer=secret, account=account)
