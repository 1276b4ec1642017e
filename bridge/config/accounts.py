"""Settings of accounts: who may come in and how (R-002, C-37). A mode without what it needs is refused at the start, in words.

A header that names the user is believed from named peers only: there is no default for them, and one that means everybody is refused.
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, model_validator

from ..domain.account import Role
from .fields import https_or_loopback, is_loopback

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HEADER_NAME = r"^[A-Za-z][A-Za-z0-9-]{1,60}$"
OPTIONAL_HEADER = r"^([A-Za-z][A-Za-z0-9-]{1,60})?$"


class AuthMode(StrEnum):
    """Who may come in."""

    SINGLE = "single"
    LOCAL = "local"
    OIDC = "oidc"
    PROXY = "proxy"


class SignUp(StrEnum):
    """Who may make an account in `local` mode."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class AccountSettings(BaseModel):
    """The part about accounts."""

    auth_mode: AuthMode = Field(
        AuthMode.SINGLE,
        description="`single`: one person, signed in, on this machine. `local`: e-mail and password. `oidc`: an OpenID provider. "
        "`proxy`: a proxy in front says who it is.",
    )
    signup: SignUp = Field(
        SignUp.INVITE,
        description="Who may make an account in `local` mode: anybody (`open`), who has a code (`invite`), nobody (`closed`: `prepkit user add`).",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses or networks of the proxies in front, with commas. Only their word is taken for a visitor's address and, in "
        "`proxy` mode, name. `*` is refused.",
    )
    connections_per_address: int = Field(
        50,
        ge=4,
        le=10_000,
        description="Connections of one address that may wait for a request to be whole or to begin; the oldest beyond it are closed. "
        "Calls and answers under way do not count, and a trusted proxy's visitors each on their own.",
    )
    proxy_user_header: str = Field(
        "X-Forwarded-User",
        pattern=HEADER_NAME,
        description="`proxy` mode: header with the user's lasting name; each is one account.",
    )
    proxy_email_header: str = Field(
        "X-Forwarded-Email", pattern=OPTIONAL_HEADER, description="`proxy` mode: header with their e-mail address; may be empty."
    )
    proxy_groups_header: str = Field(
        "X-Forwarded-Groups",
        pattern=OPTIONAL_HEADER,
        description="`proxy` mode: header with their groups, with commas; may be empty.",
    )
    proxy_logout_url: str = Field(
        "", description="`proxy` mode: where the proxy ends a sign-in; without it no sign-out is shown."
    )
    oidc_issuer: str = Field("", description="`oidc` mode: the provider's issuer URL, as its discovery document has it.")
    oidc_client_id: str = Field("", description="`oidc` mode: our client id there.")
    oidc_client_secret: str = Field("", description="`oidc` mode: the client's secret; empty for a public client.", repr=False)
    oidc_scopes: str = Field("openid email profile", description="`oidc` mode: scopes that are asked for.")
    oidc_groups_claim: str = Field("groups", description="`oidc` mode: claim of the ID token that lists groups.")
    oidc_name: str = Field(
        "your organisation", max_length=60, description="`oidc` mode: what the sign-in button calls the provider."
    )
    role_map: str = Field(
        "",
        description="`oidc` and `proxy` modes: roles by group, as `group=role` with commas. The mightiest counts and is given at each sign-in; "
        "without a match, or when empty, the role stays as it is.",
    )

    @property
    def proxies(self) -> tuple[Network, ...]:
        """Networks whose word is taken."""
        return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in self.trusted_proxies.split(",") if part.strip())

    @property
    def roles_by_group(self) -> dict[str, Role]:
        """The role each group gives."""
        pairs = (part.rpartition("=") for part in self.role_map.split(",") if part.strip())
        return {group.strip(): Role(role.strip()) for group, _, role in pairs}

    def reach_problem(self, host: str, public_url: str) -> str | None:
        """What is wrong with being reached there in this mode."""
        if self.auth_mode is AuthMode.SINGLE:
            if not is_loopback(host):
                return "PREPKIT_HOST must be a loopback address in single mode, since anyone who reaches it is signed in"
            return None
        if not public_url:
            return None if is_loopback(host) else "PREPKIT_PUBLIC_URL must be set when PREPKIT_HOST is not a loopback address"
        if not https_or_loopback(public_url):
            return "PREPKIT_PUBLIC_URL must be https, or http on a loopback address: browsers give a page the microphone nowhere else"
        if urlsplit(public_url).path not in ("", "/"):
            return "PREPKIT_PUBLIC_URL must have no path"
        return None

    @model_validator(mode="after")
    def _proxies_are_named(self) -> Self:
        try:
            proxies = self.proxies
        except ValueError:
            raise ValueError(
                "PREPKIT_TRUSTED_PROXIES must list addresses or networks, for example 127.0.0.1,10.0.0.0/24"
            ) from None
        if any(network.prefixlen == 0 for network in proxies):
            raise ValueError("PREPKIT_TRUSTED_PROXIES must not mean everybody: name the proxy's own address")
        if self.auth_mode is AuthMode.PROXY and not proxies:
            raise ValueError(
                "PREPKIT_TRUSTED_PROXIES must name the proxy in proxy mode: nobody else's word is taken for who it is"
            )
        return self

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Self:
        try:
            _ = self.roles_by_group
        except ValueError:
            raise ValueError(f"PREPKIT_ROLE_MAP must be like group=role; roles are {', '.join(Role)}") from None
        if self.auth_mode is not AuthMode.OIDC:
            return self
        if not https_or_loopback(self.oidc_issuer):
            raise ValueError("PREPKIT_OIDC_ISSUER must be the provider's https URL in oidc mode")
        if not self.oidc_client_id:
            raise ValueError("PREPKIT_OIDC_CLIENT_ID must be set in oidc mode")
        if "openid" not in self.oidc_scopes.split():
            raise ValueError("PREPKIT_OIDC_SCOPES must hold openid")
        return self
