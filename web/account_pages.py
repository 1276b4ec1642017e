"""The pages about accounts: sign in, register, forgotten password, the first account, one's own account, everybody's.

Secrets of letters and invitations stand behind the `#` of an address: a page's script sends them, so no GET uses anything up and no log has
them. Read next: `templates/sign_in.html`, `accounts.add_section`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.config import AuthMode, SignUp
from bridge.domain.account import Role, Scope
from bridge.domain.sign_in import MIN_PASSWORD

from .accounts import SECTIONS
from .api.account import login_json, token_json
from .api.people import invite_json, person_json
from .auth import current, public, require
from .keys import MAILER, PERSON, SETTINGS, STORE, USER
from .pages import render

METHODS = {
    "password": "Password",
    "link": "Link from a letter",
    "reset": "New password",
    "setup": "First account",
    "invite": "Invitation",
    "oidc": "Provider",
}
SCOPES = {
    Scope.READ: "Read my interviews, reports and numbers",
    Scope.WRITE: "Set up, hold and delete interviews",
    Scope.STAFF: "Use what my role opens",
}
ROLES = {Role.CANDIDATE: "Candidate", Role.OPERATOR: "Operator", Role.REVIEWER: "Reviewer", Role.ADMIN: "Admin"}


def safe_next(text: str) -> str:
    """A path of ours to go to after signing in; the start page for anything else."""
    ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if ours else "/"


def _context(request: web.Request) -> dict[str, Any]:
    settings = request.app[SETTINGS]
    local = settings.auth_mode is AuthMode.LOCAL
    return {
        "next": safe_next(request.query.get("next", "/")),
        "local": local,
        "oidc": settings.oidc_name if settings.auth_mode is AuthMode.OIDC else "",
        "letters": local and request.app[MAILER] is not None,
        "signup": settings.signup.value,
        "min_password": MIN_PASSWORD,
    }


def _entrance(name: str, *, stay: bool = False) -> Any:
    @public
    async def page(request: web.Request) -> web.StreamResponse:
        context = _context(request)
        mode = request.app[SETTINGS].auth_mode
        if mode in (AuthMode.SINGLE, AuthMode.PROXY) or (request.get(PERSON) and not stay):
            raise web.HTTPSeeOther(context["next"])
        if mode is AuthMode.OIDC and name != "sign_in":
            raise web.HTTPSeeOther("/sign-in")
        return render(request, f"{name}.html", **context)

    return page


sign_in = _entrance("sign_in")
link = _entrance("sign_in_link", stay=True)
register = _entrance("register")
forgot = _entrance("forgot")
reset = _entrance("reset", stay=True)
welcome = _entrance("welcome")


def _times(values: dict[str, Any]) -> dict[str, Any]:
    """The same with readable times beside."""
    return values | {
        f"{name}Text": f"{(t := datetime.fromisoformat(value)).day} {t:%b %Y, %H:%M} UTC"
        for name, value in values.items()
        if name.endswith("At") and isinstance(value, str)
    }


async def account(request: web.Request) -> web.Response:
    """`/account`: profile, password, where one is signed in, API tokens, and what other parts add."""
    person, now, settings = current(request), datetime.now(UTC), request.app[SETTINGS]
    async with request.app[STORE].read() as tx:
        logins = [login_json(login, person) for login in await tx.logins(person.id) if login.works(now)]
        tokens = [token_json(token, now) for token in await tx.api_tokens(person.id) if token.revoked_at is None]
        has_password = await tx.password(person.id) is not None
    sections = request.app[SECTIONS]
    return render(
        request,
        "account.html",
        account=person.account,
        mode=settings.auth_mode.value,
        role=ROLES[person.role],
        is_admin=person.may(Role.ADMIN),
        has_password=has_password,
        min_password=MIN_PASSWORD,
        logins=[_times(login) | {"how": METHODS.get(login["method"], login["method"])} for login in logins],
        tokens=[_times(token) for token in tokens],
        scopes=[
            {"slug": scope.value, "title": title}
            for scope, title in SCOPES.items()
            if scope is not Scope.STAFF or person.role is not Role.CANDIDATE
        ],
        sign_out=settings.auth_mode in (AuthMode.LOCAL, AuthMode.OIDC),
        proxy_logout=settings.proxy_logout_url if settings.auth_mode is AuthMode.PROXY else "",
        templates=[section.template for section in sections],
        sections={section.slug: await section.context(request) for section in sections},
    )


@require(Role.ADMIN)
async def people(request: web.Request) -> web.Response:
    """`/people`: roles, closed accounts, invitations."""
    now, person = datetime.now(UTC), current(request)
    async with request.app[STORE].begin() as tx:
        await tx.audit(person.id, "people.list")
        everybody = await tx.accounts()
        invites = await tx.invites()
    settings = request.app[SETTINGS]
    # Until the first account takes it over, nobody can sign in as the one user of `single` mode.
    people = [each for each in everybody if each.id != request.app[USER] or each.email]
    return render(
        request,
        "people.html",
        people=[_times(person_json(each)) for each in people],
        invites=[_times(invite_json(each, now)) for each in invites if each.works(now)],
        roles=[{"slug": role.value, "title": title} for role, title in ROLES.items()],
        me_id=person.id,
        invites_work=settings.auth_mode is AuthMode.LOCAL and settings.signup is not SignUp.CLOSED,
    )
