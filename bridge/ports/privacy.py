"""A transaction's part about privacy: what was agreed to, what is due, what is held, and what became of what was to be erased."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..domain.privacy import Consent, Copy, Receipt


@dataclass(frozen=True)
class Export:
    """An archive of everything about one person."""

    id: str
    user_id: str
    state: str
    """`waiting`, `ready` or `failed`."""
    made_at: datetime
    finished_at: datetime | None = None
    size: int | None = None
    """Bytes."""


class PrivacyTx(Protocol):
    """Privacy."""

    # Consent ------------------------------------------------------------------------------------------------------------
    async def add_consent(self, consent: Consent) -> None:
        """Keep it; the newest of a session counts. Raises NotFound for an unknown session."""

    async def consent(self, session_id: str) -> Consent | None:
        """The session's newest."""

    async def withdraw_consent(self, session_id: str, now: datetime) -> bool:
        """False when there was none that stood."""

    async def training(self, user_id: str) -> bool:
        """Whether the person's interviews may be used for training."""

    async def choose_training(self, user_id: str, *, allowed: bool, now: datetime) -> None:
        """Keep the choice."""

    # Retention and holds --------------------------------------------------------------------------------------------------
    async def recorded_before(self, before: datetime, *, limit: int) -> list[str]:
        """Ids of sessions made before the moment that are over and still have a recording, oldest first, held ones left out."""

    async def drop_loose_deliveries(self, before: datetime) -> int:
        """Remove vendors' messages of no interview of ours that came before the moment."""

    async def hold_back(self, session_id: str, reason: str, now: datetime) -> None:
        """Nothing of the session may be erased. Raises NotFound for an unknown one."""

    async def let_go(self, session_id: str) -> bool:
        """False when it was not held."""

    async def held_back(self, session_id: str) -> bool:
        """Whether it is."""

    # Erasure and receipts -------------------------------------------------------------------------------------------------
    async def sessions_of(self, user_id: str) -> list[str]:
        """Ids of a person's sessions that are not deleted, oldest first."""

    async def add_receipt(self, receipt: Receipt, subject_id: str) -> None:
        """Keep it."""

    async def receipt(self, receipt_id: str) -> Receipt | None:
        """What became of it so far."""

    async def receipts_about(self, subject_id: str) -> list[Receipt]:
        """Of a session or a person, oldest first."""

    async def mark_copies(self, receipt_id: str, copies: Mapping[str, Copy]) -> None:
        """Write these lines of a receipt, in place of older ones with the same keys."""

    async def erase_account(self, user_id: str) -> dict[str, int]:
        """Remove or unlink every row that is tied to the person, by the table of `storage.personal`; the bare rows of deleted interviews and the
        person's empty row stay. Returns how many rows, by table."""

    # Export -------------------------------------------------------------------------------------------------------------
    async def personal_rows(self, user_id: str) -> dict[str, list[dict[str, Any]]]:
        """Every row that is tied to the person, by table, secrets left out, ready for JSON."""

    async def add_export(self, export: Export) -> None:
        """Keep the order."""

    async def save_export(self, export: Export) -> None:
        """Write state, time and size; nothing happens when it is gone."""

    async def exports(self, user_id: str) -> list[Export]:
        """A person's, newest first."""

    async def export(self, export_id: str) -> Export | None:
        """One."""

    async def exports_before(self, before: datetime) -> list[str]:
        """Ids of those made before the moment."""

    async def drop_export(self, export_id: str) -> None:
        """Forget it."""
