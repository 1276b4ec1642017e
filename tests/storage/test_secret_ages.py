"""Since when secrets are set, in the database (C-52)."""

from __future__ import annotations

from datetime import timedelta

from bridge.domain.secret_ages import Secret
from storage.database import Database

from .samples import NOW

OLD, NEW = Secret("STRIPE_WEBHOOK_SECRET", "aaaaaaaa"), Secret("STRIPE_WEBHOOK_SECRET", "bbbbbbbb")


async def test_the_first_sight_counts(database: Database) -> None:
    """C-52: a restart makes no key younger; a new one beside it, while both work, has its own age."""
    for day, seen in ((0, [OLD]), (80, [OLD, NEW]), (95, [OLD, NEW])):
        async with database.begin() as tx:
            await tx.see_secrets(seen, NOW + timedelta(days=day))
    async with database.read() as tx:
        assert {OLD.name: NOW, NEW.name: NOW + timedelta(days=80)} == await tx.secrets_since([OLD, NEW])
        assert {} == await tx.secrets_since([Secret("VAPI_API_KEY", "aaaaaaaa")])
