"""The commands about vouchers; `cli` adds them. Heavy imports stay inside."""

from __future__ import annotations

import asyncio

import click

from .user_cli import settings_from_environment


@click.group()
def voucher() -> None:
    """Vouchers of partner companies: codes that give credit to each person who uses them, once."""


@voucher.command()
@click.argument("amount", type=click.IntRange(1, 10_000_000))
@click.option("--uses", type=click.IntRange(1, 100_000), default=1, show_default=True, help="People who may use it.")
@click.option("--days", type=click.IntRange(1, 3650), help="When it ends; without it, it does not end by itself.")
@click.option("--partner", default="", help="Whose it is.")
def add(amount: int, uses: int, days: int | None, partner: str) -> None:
    """Print the code of a new voucher, and nothing else. AMOUNT: interviews with PREPKIT_PAYMENTS=credits, else paise."""
    from .commands import voucher as command

    asyncio.run(command.add(settings_from_environment(), amount, uses, days, partner))


@voucher.command("list")
def list_() -> None:
    """The newest vouchers, and how they are used; codes are kept nowhere."""
    from .commands import voucher as command

    asyncio.run(command.show(settings_from_environment()))


@voucher.command()
@click.argument("voucher_id")
def end(voucher_id: str) -> None:
    """Let nobody use a voucher any more; what it gave stays."""
    from .commands import voucher as command

    asyncio.run(command.end(settings_from_environment(), voucher_id))
