"""Settings of accounts: a mode without what it needs, or that lets everybody in, is refused in words (C-37)."""

import pytest

from bridge.config import AuthMode, load
from bridge.domain.account import Role
from bridge.errors import SettingsError

HTTPS = {"PREPKIT_HOST": "0.0.0.0", "PREPKIT_PUBLIC_URL": "https://interviews.example.org"}
OIDC = {"PREPKIT_AUTH_MODE": "oidc", "PREPKIT_OIDC_ISSUER": "https://id.example.org", "PREPKIT_OIDC_CLIENT_ID": "prepkit"}
PROXY = {"PREPKIT_AUTH_MODE": "proxy", "PREPKIT_TRUSTED_PROXIES": "10.0.0.5, fd00::/8"}
LOCAL = {"PREPKIT_AUTH_MODE": "local"}


@pytest.mark.parametrize(
    "environ", [{}, LOCAL, LOCAL | HTTPS, OIDC | HTTPS, PROXY | HTTPS, LOCAL | {"PREPKIT_PUBLIC_URL": "http://localhost:9"}]
)
def test_modes_that_can_start(environ: dict[str, str]):
    """Every mode but `single` may be reached from elsewhere, by https."""
    assert load(environ).auth_mode is AuthMode(environ.get("PREPKIT_AUTH_MODE", "single"))


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        (HTTPS, "PREPKIT_HOST"),
        (LOCAL | {"PREPKIT_HOST": "0.0.0.0"}, "PREPKIT_PUBLIC_URL"),
        (LOCAL | HTTPS | {"PREPKIT_PUBLIC_URL": "http://interviews.example.org"}, "PREPKIT_PUBLIC_URL"),
        (LOCAL | HTTPS | {"PREPKIT_PUBLIC_URL": "https://example.org/prepkit"}, "PREPKIT_PUBLIC_URL"),
        (PROXY | {"PREPKIT_TRUSTED_PROXIES": ""}, "PREPKIT_TRUSTED_PROXIES"),
        (PROXY | {"PREPKIT_TRUSTED_PROXIES": "*"}, "PREPKIT_TRUSTED_PROXIES"),
        (PROXY | {"PREPKIT_TRUSTED_PROXIES": "0.0.0.0/0"}, "PREPKIT_TRUSTED_PROXIES"),
        (PROXY | {"PREPKIT_TRUSTED_PROXIES": "10.0.0.1, ::/0"}, "PREPKIT_TRUSTED_PROXIES"),
        (LOCAL | {"PREPKIT_TRUSTED_PROXIES": "proxy.example"}, "PREPKIT_TRUSTED_PROXIES"),
        (PROXY | {"PREPKIT_PROXY_USER_HEADER": ""}, "PREPKIT_PROXY_USER_HEADER"),
        (OIDC | {"PREPKIT_OIDC_ISSUER": "http://id.example.org"}, "PREPKIT_OIDC_ISSUER"),
        (OIDC | {"PREPKIT_OIDC_ISSUER": ""}, "PREPKIT_OIDC_ISSUER"),
        (OIDC | {"PREPKIT_OIDC_CLIENT_ID": ""}, "PREPKIT_OIDC_CLIENT_ID"),
        (OIDC | {"PREPKIT_OIDC_SCOPES": "email"}, "PREPKIT_OIDC_SCOPES"),
        (OIDC | {"PREPKIT_ROLE_MAP": "staff=emperor"}, "PREPKIT_ROLE_MAP"),
        ({"PREPKIT_SIGNUP": "everybody"}, "PREPKIT_SIGNUP"),
    ],
)
def test_modes_that_cannot(environ: dict[str, str], named: str):
    """The variable is named."""
    with pytest.raises(SettingsError, match=named):
        load(environ)


def test_groups_and_networks():
    """As they are used."""
    settings = load(PROXY | HTTPS | {"PREPKIT_ROLE_MAP": "staff=operator, a=b = reviewer , bosses=admin"})
    assert {"staff": Role.OPERATOR, "a=b": Role.REVIEWER, "bosses": Role.ADMIN} == settings.roles_by_group
    assert [str(network) for network in settings.proxies] == ["10.0.0.5/32", "fd00::/8"]
