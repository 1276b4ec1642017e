"""A transaction's part about the ages of secrets (C-52)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ..domain.secret_ages import Secret


class SecretTx(Protocol):
    """Ages of secrets."""

    async def see_secrets(self, secrets: Sequence[Secret], now: datetime) -> None:
        """Keep since when each is set; one that is known keeps its time."""

    async def secrets_since(self, secrets: Sequence[Secret]) -> dict[str, datetime]:
        """Since when, by name; those that no server has seen are left out."""
