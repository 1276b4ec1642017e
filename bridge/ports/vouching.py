"""An OpenID provider: where people sign in, and what it says of them when they come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class OpenIdProvider(Protocol):
    """Speaks the code flow with PKCE (OpenID Connect Core 3.1, RFC 7636)."""

    async def close(self) -> None:
        """Close its connections."""

    async def address(self, *, state: str, nonce: str, verifier: str, redirect_uri: str) -> str:
        """Where the browser goes to sign in. Raises UpstreamFailed."""

    async def claims(self, code: str, *, nonce: str, verifier: str, redirect_uri: str) -> Mapping[str, Any]:
        """The verified claims of the ID token for this code. Raises UpstreamFailed out of reach, BadSignature for one that does not hold."""
