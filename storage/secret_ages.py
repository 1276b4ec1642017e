"""Since when secrets have had their values (C-52). Read next: `bridge.domain.secret_ages`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from bridge.domain.secret_ages import Secret

from .tables import secret_ages
from .transaction import TransactionPart


class SecretRows(TransactionPart):
    """The part of a transaction about ages of secrets."""

    async def see_secrets(self, secrets: Sequence[Secret], now: datetime) -> None:
        """Keep since when each is set; one that is known keeps its time."""
        for secret in secrets:
            row = {"name": secret.name, "mark": secret.mark, "since": now}
            await self.change(self.insert(secret_ages).values(row).on_conflict_do_nothing(index_elements=["name"]))

    async def secrets_since(self, secrets: Sequence[Secret]) -> dict[str, datetime]:
        """Since when, by name; those that no server has seen are left out."""
        wanted = secret_ages.c.name.in_([secret.name for secret in secrets])
        rows = await self.connection.execute(select(secret_ages.c.name, secret_ages.c.since).where(wanted))
        return {row.name: row.since for row in rows}
