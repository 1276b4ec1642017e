"""One OpenID provider: discovery, keys, code flow with PKCE and nonce, and the ID token checked by joserfc.

What must hold of a token: signed by a key of the provider with an asymmetric algorithm, its issuer, our client as the only audience (or the
authorised party), not expired, not from the future, and our nonce. Keys are fetched again when an unknown one signed, at most once a minute.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ..errors import BadSignature, InvalidInput, UpstreamFailed
from ..wire import strict_json

SECONDS = 10.0
LEEWAY_SECONDS = 60
KEYS_AGAIN_SECONDS = 60
MAX_BYTES = 512 * 1024
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
UNREACHABLE = "Your sign-in provider cannot be reached right now. Try again in a minute."
NOT_VALID = "Your sign-in provider's answer does not hold. Start again from the sign-in page."


class OidcClient:
    """Implements `ports.OpenIdProvider`."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, scopes: str, *, here: bool) -> None:
        """`here`: the provider is on this machine (a stand-in), and may be spoken to in plain http."""
        self._issuer = issuer
        self._client_id, self._client_secret, self._scopes = client_id, client_secret, scopes
        self._here = here
        self._http = httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, trust_env=not here)
        self._metadata: dict[str, Any] | None = None
        self._keys: KeySet | None = None
        self._keys_at = 0.0

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def address(self, *, state: str, nonce: str, verifier: str, redirect_uri: str) -> str:
        """Where the browser goes to sign in. Raises UpstreamFailed."""
        metadata = await self._discovered()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client_id,
                "redirect_uri": redirect_uri,
                "scope": self._scopes,
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        endpoint = metadata["authorization_endpoint"]
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{query}"

    async def claims(self, code: str, *, nonce: str, verifier: str, redirect_uri: str) -> Mapping[str, Any]:
        """The verified claims of the ID token for this code. Raises UpstreamFailed, BadSignature."""
        metadata = await self._discovered()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        auth = httpx.BasicAuth(self._client_id, self._client_secret) if self._client_secret else None
        if auth is None:
            form["client_id"] = self._client_id
        answer = await self._asked(self._http.build_request("POST", metadata["token_endpoint"], data=form), auth, refusal=True)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise BadSignature(NOT_VALID)
        return await self._verified(token, nonce)

    async def _verified(self, token: str, nonce: str) -> Mapping[str, Any]:
        try:
            decoded = jwt.decode(token, await self._signing_keys(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have changed its keys.
            try:
                decoded = jwt.decode(token, await self._signing_keys(again=True), algorithms=ALGORITHMS)
            except (JoseError, ValueError):
                raise BadSignature(NOT_VALID) from None
        claims = decoded.claims
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        now = time.time()
        expires, issued = claims.get("exp"), claims.get("iat")
        holds = (
            claims.get("iss") == self._issuer
            and self._client_id in audiences
            and (len(audiences) == 1 or claims.get("azp") == self._client_id)
            and claims.get("azp", self._client_id) == self._client_id
            and isinstance(expires, int | float)
            and now < expires + LEEWAY_SECONDS
            and isinstance(issued, int | float)
            and issued < now + LEEWAY_SECONDS
            and claims.get("nonce") == nonce
            and isinstance(claims.get("sub"), str)
            and bool(claims["sub"])
        )
        if not holds:
            raise BadSignature(NOT_VALID)
        return claims

    async def _discovered(self) -> dict[str, Any]:
        if self._metadata is None:
            url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            found = await self._asked(self._http.build_request("GET", url), None)
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if found.get("issuer") != self._issuer or not all(self._may_ask(found.get(name)) for name in names):
                raise UpstreamFailed("The sign-in provider is not set up as this server expects.", reason="discovery")
            self._metadata = found
        return self._metadata

    def _may_ask(self, url: object) -> bool:
        return isinstance(url, str) and (url.startswith("https://") or (self._here and url.startswith("http://127.0.0.1:")))

    async def _signing_keys(self, *, again: bool = False) -> KeySet:
        if self._keys is None or (again and time.monotonic() - self._keys_at >= KEYS_AGAIN_SECONDS):
            metadata = await self._discovered()
            found = await self._asked(self._http.build_request("GET", metadata["jwks_uri"]), None)
            keys = [
                key
                for key in found.get("keys", [])
                if isinstance(key, dict) and key.get("use", "sig") == "sig" and key.get("kty") != "oct"
            ]
            try:
                self._keys = KeySet.import_key_set({"keys": keys})
            except (JoseError, ValueError, TypeError, KeyError):
                raise UpstreamFailed(UNREACHABLE, reason="keys") from None
            self._keys_at = time.monotonic()
        return self._keys

    async def _asked(self, request: httpx.Request, auth: httpx.Auth | None, *, refusal: bool = False) -> dict[str, Any]:
        try:
            response = await self._http.send(request, auth=auth, stream=True)
            try:
                data = b""
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > MAX_BYTES:
                        raise UpstreamFailed(UNREACHABLE, reason="too_large")
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise UpstreamFailed(UNREACHABLE, reason=type(error).__name__) from None
        if refusal and response.status_code in (400, 401, 403):
            # Used, expired, or not ours.
            raise BadSignature(NOT_VALID)
        found: Any = None
        if response.status_code == 200:
            try:
                found = strict_json.loads(data)
            except InvalidInput:
                found = None
        if not isinstance(found, dict):
            raise UpstreamFailed(UNREACHABLE, reason=f"http_{response.status_code}")
        return found
