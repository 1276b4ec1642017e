"""A strict OpenID provider on this loop, for tests: it refuses what the specification refuses, and can sign what it should not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "prepkit", "client secret"


@dataclass
class Grant:
    """What a code stands for."""

    challenge: str
    redirect_uri: str
    nonce: str


@dataclass
class Provider:
    """The provider; `claims` go into every ID token over the right ones, `fault` says what is wrong with the next ones."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True))
    claims: dict[str, Any] = field(default_factory=dict)
    fault: str = ""
    redirects: tuple[str, ...] = ()
    grants: dict[str, Grant] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def discovery(self, request: web.Request) -> web.Response:
        """The discovery document."""
        issuer = "https://elsewhere.example" if self.fault == "discovery" else self.url
        return web.json_response(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        )

    async def keys(self, request: web.Request) -> web.Response:
        """The public keys."""
        self.asked.append("keys")
        return web.json_response({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: web.Request) -> web.Response:
        """The person says yes at once."""
        query = request.query
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["redirect_uri"] in self.redirects
        assert "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        assert len(query["nonce"]) >= 43
        assert len(query["state"]) >= 43
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(query["code_challenge"], query["redirect_uri"], query["nonce"])
        raise web.HTTPFound(f"{query['redirect_uri']}?code={code}&state={query['state']}")

    async def token(self, request: web.Request) -> web.Response:
        """A code for an ID token, once, to our client, with the verifier."""
        self.asked.append("token")
        if self.fault == "down":
            return web.Response(status=503)
        form = await request.post()
        grant = self.grants.pop(str(form["code"]), None)
        verifier = str(form["code_verifier"])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        right = (
            grant is not None
            and form["grant_type"] == "authorization_code"
            and request.headers.get("Authorization") == f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"
            and grant.challenge == challenge
            and grant.redirect_uri == form["redirect_uri"]
        )
        if not right or grant is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"token_type": "Bearer", "access_token": "x", "id_token": self.id_token(grant.nonce)})

    def id_token(self, nonce: str) -> str:
        """The ID token, or a bad one."""
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": "subject-1", "nonce": nonce, "iat": now, "exp": now + 300,
            "email": "ada@example.org", "email_verified": True, "name": "Ada",
        } | self.claims  # fmt: skip
        wrong: dict[str, dict[str, Any]] = {
            "issuer": {"iss": "https://elsewhere.example"},
            "audience": {"aud": "another"},
            "audiences": {"aud": [CLIENT, "another"]},
            "party": {"azp": "another"},
            "nonce": {"nonce": "another"},
            "expired": {"exp": now - 120},
            "future": {"iat": now + 600},
            "subject": {"sub": ""},
        }
        claims |= wrong.get(self.fault, {})
        if self.fault == "none":
            parts = (json.dumps({"alg": "none"}), json.dumps(claims))
            return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."
        if self.fault == "symmetric":
            # By hand, because the library refuses a public key as a secret.
            parts = (json.dumps({"alg": "HS256", "kid": "one"}), json.dumps(claims))
            signed = ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
            mac = hmac.new(self.key.as_pem(private=False), signed.encode(), "sha256").digest()
            return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        key = RSAKey.generate_key(2048, {"kid": "one"}, private=True) if self.fault == "key" else self.key
        return jwt.encode({"alg": "RS256", "kid": str(key.kid)}, claims, key)

    def rotate(self) -> None:
        """Another key from now on."""
        self.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"}, private=True)


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    """A provider on a free port of the loopback interface."""
    provider = Provider()
    app = web.Application()
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", provider.discovery),
            web.get("/keys", provider.keys),
            web.get("/authorize", provider.authorize),
            web.post("/token", provider.token),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
