"""Bodies and operations of the API about accounts: signing in, one's own account, other people. Read next: `api.sign_in`, `api.account`, `api.people`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from bridge.domain.account import DEFAULT_SCOPES, Role, Scope
from bridge.domain.mail import MAX_ADDRESS, checked_address
from bridge.domain.sign_in import MAX_PASSWORD
from bridge.errors import InvalidInput

from .schemas import Model

MAX_NAME = 100
MAX_CODE = 200


def _address(text: str) -> str:
    try:
        return checked_address(text)
    except InvalidInput as error:
        raise ValueError(error.message) from None


Email = Annotated[str, Field(max_length=MAX_ADDRESS), AfterValidator(_address)]
# One more than may be, so that the rules of `domain.sign_in` say what is wrong.
Password = Annotated[str, Field(max_length=MAX_PASSWORD + 1)]
Name = Annotated[str, Field(max_length=MAX_NAME)]
Code = Annotated[str, Field(max_length=MAX_CODE)]


class LoginRequest(Model):
    """`POST /api/auth/login`."""

    email: Email
    password: Password


class RegisterRequest(Model):
    """`POST /api/auth/register`."""

    email: Email
    password: Password
    name: Name = ""
    invite: Code = Field("", description="The invitation's code, where this server asks for one.")


class SetUpRequest(Model):
    """The first account."""

    token: Code = Field(description="From the address the server printed.")
    email: Email
    password: Password
    name: Name = ""


class LetterRequest(Model):
    """Where to write to."""

    email: Email


class LinkRequest(Model):
    """What a letter's link holds."""

    token: Code


class ResetRequest(Model):
    """What a letter's link holds, and the new password."""

    token: Code
    password: Password


class OidcRequest(Model):
    """Where to go after the sign-in."""

    next: str = Field("/", max_length=2000)


class NameRequest(Model):
    """What pages and shared reports call you."""

    name: Name


class PasswordRequest(Model):
    """The present password and the new one."""

    current: Password = Field("", description="Empty only where there is none yet.")
    password: Password


class TokenRequest(Model):
    """A new API token."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    scopes: list[Scope] = Field(default_factory=lambda: sorted(DEFAULT_SCOPES), min_length=1, max_length=len(Scope))
    expires_in_days: int | None = Field(None, ge=1, le=3650, description="Without it, it works until it is taken back.")


class PersonRequest(Model):
    """What changes about a person."""

    role: Role | None = None
    disabled: bool | None = None


class InviteRequest(Model):
    """A new invitation."""

    note: Annotated[str, Field(max_length=MAX_NAME)] = ""
    role: Role = Role.CANDIDATE
    places: int = Field(1, ge=1, le=1000, description="Accounts that can be made with it.")
    expires_in_days: int = Field(14, ge=1, le=365)


class Me(Model):
    """The account that asks."""

    id: str
    email: str
    name: str
    role: Role
    created_at: str
    auth_mode: str
    scopes: list[Scope] | None = Field(description="What the token that asked may do; null for a browser.")


SIGNED_IN = "`{user: {id, email, name, role}}` and the cookie"
LETTER = "`{sent: true}`, whether there is such an account or not"
OPERATIONS: tuple[tuple[str, str, str, type[BaseModel] | None, dict[int, Any]], ...] = (
    ("POST", "/api/auth/login", "Sign in with e-mail and password", LoginRequest, {200: SIGNED_IN}),
    ("POST", "/api/auth/register", "Make an account", RegisterRequest, {201: SIGNED_IN}),
    ("POST", "/api/auth/setup", "Make the first account, from the address the server printed", SetUpRequest, {201: SIGNED_IN}),
    ("POST", "/api/auth/logout", "Sign out; open sockets are closed", None, {200: "`{signedOut: true}`"}),
    ("POST", "/api/auth/link", "Have a link sent that signs in", LetterRequest, {202: LETTER}),
    ("POST", "/api/auth/link/use", "Sign in with that link, in the same browser", LinkRequest, {200: SIGNED_IN}),
    ("POST", "/api/auth/reset", "Have a link sent that sets a new password", LetterRequest, {202: LETTER}),
    ("POST", "/api/auth/reset/use", "Set a new password with that link", ResetRequest, {200: SIGNED_IN}),
    ("POST", "/api/auth/oidc", "Where to sign in at the OpenID provider", OidcRequest, {200: "`{url}`"}),
    ("GET", "/api/me", "The account that asks", None, {200: Me}),
    ("PATCH", "/api/me", "Change one's name", NameRequest, {200: Me}),
    ("POST", "/api/me/password", "Change one's password; other sign-ins end", PasswordRequest, {200: SIGNED_IN}),
    ("GET", "/api/me/logins", "Where one is signed in", None, {200: "`{logins: […]}`"}),
    ("DELETE", "/api/me/logins/{login_id}", "End one of them", None, {200: "`{revoked: true}`"}),
    ("GET", "/api/me/tokens", "One's API tokens", None, {200: "`{tokens: […]}`, without what to send"}),
    ("POST", "/api/me/tokens", "A new API token; what to send is told this once", TokenRequest, {201: "`{id, token, …}`"}),
    ("DELETE", "/api/me/tokens/{token_id}", "Take a token back at once", None, {200: "`{revoked: true}`"}),
    ("GET", "/api/people", "Everybody with an account; admins", None, {200: "`{people: […]}`"}),
    ("PATCH", "/api/people/{user_id}", "Give a role, close or open an account; admins", PersonRequest, {200: "The person"}),
    ("GET", "/api/invites", "Invitations, without codes; admins", None, {200: "`{invites: […]}`"}),
    (
        "POST",
        "/api/invites",
        "A new invitation; its code is told this once; admins",
        InviteRequest,
        {201: "`{id, code, url, …}`"},
    ),
    ("DELETE", "/api/invites/{invite_id}", "Take an invitation back; admins", None, {200: "`{revoked: true}`"}),
)
