"""The commands about accounts; `cli` adds them. Heavy imports stay inside."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bridge.config import Settings

ROLES = click.Choice(["candidate", "operator", "reviewer", "admin"])
SCOPES = click.Choice(["read", "write", "staff"])


def settings_from_environment() -> Settings:
    """The settings; problems are raised as one sentence."""
    from bridge import config, log

    log.configure("WARNING", "text")
    return config.load(os.environ)


@click.group()
def user() -> None:
    """Accounts: add, list, roles, API tokens, invitations.

    An account is named by its e-mail address, or by its id where it has none.
    """


@user.command()
@click.argument("email")
@click.option("--role", type=ROLES, default="candidate", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; its line's end is not part of it.")
def add(email: str, role: str, password_stdin: bool) -> None:
    """Make an account. Without a password: for API tokens, and for signing in by e-mail where SMTP is set."""
    from bridge.domain.account import Role

    from .commands import user as command

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    asyncio.run(command.add(settings_from_environment(), email, Role(role), password))


@user.command("list")
def list_() -> None:
    """Everybody with an account."""
    from .commands import user as command

    asyncio.run(command.show(settings_from_environment()))


@user.command("role")
@click.argument("email")
@click.argument("role", type=ROLES)
def role_(email: str, role: str) -> None:
    """Give somebody a role."""
    from bridge.domain.account import Role

    from .commands import user as command

    asyncio.run(command.set_role(settings_from_environment(), email, Role(role)))


@user.command()
@click.argument("email")
@click.argument("amount", type=int)
@click.option("--note", default="", help="Shown to the person beside it.")
def credit(email: str, amount: int, note: str) -> None:
    """Give somebody credit: interviews with PREPKIT_PAYMENTS=credits, else paise. A negative amount takes some back."""
    from .commands import user as command

    asyncio.run(command.credit(settings_from_environment(), email, amount, note))


@user.command()
@click.argument("email")
@click.option("--scope", "scopes", type=SCOPES, multiple=True, help="What it may do; read and write when left out.")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it works; until it is taken back when left out.")
def token(email: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Print a new API token, and nothing else."""
    from bridge.domain.account import DEFAULT_SCOPES, Scope

    from .commands import user as command

    chosen = tuple(Scope(scope) for scope in scopes) or tuple(DEFAULT_SCOPES)
    asyncio.run(command.token(settings_from_environment(), email, chosen, days))


@user.command()
@click.option("--role", type=ROLES, default="candidate", show_default=True)
@click.option("--places", type=click.IntRange(1, 1000), default=1, show_default=True, help="Accounts that can be made with it.")
@click.option("--days", type=click.IntRange(1, 365), default=14, show_default=True)
@click.option("--note", default="")
def invite(role: str, places: int, days: int, note: str) -> None:
    """Print the code of a new invitation, and nothing else."""
    from bridge.domain.account import Role

    from .commands import user as command

    asyncio.run(command.invite(settings_from_environment(), Role(role), places, days, note))


@user.command()
@click.argument("email")
def disable(email: str) -> None:
    """Close an account: it is signed out everywhere, its interviews stay."""
    from .commands import user as command

    asyncio.run(command.set_disabled(settings_from_environment(), email, disabled=True))


@user.command()
@click.argument("email")
def enable(email: str) -> None:
    """Open a closed account again."""
    from .commands import user as command

    asyncio.run(command.set_disabled(settings_from_environment(), email, disabled=False))
