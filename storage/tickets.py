"""One-use tickets for the candidate's socket; only hashes are kept. Read next: `reports`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from bridge.errors import NotFound

from .columns import as_uuid
from .tables import TicketPurpose, tickets
from .transaction import TransactionPart

KEPT_UNUSED = 2
"""The newest and the one a page may be about to use."""


class TicketRows(TransactionPart):
    """The ticket part of a transaction."""

    async def add_ticket(self, token_hash: str, session_id: str, *, purpose: str, expires_at: datetime) -> None:
        """Keep a hashed token; of the session's unused ones only the two newest stay."""
        known = as_uuid(session_id)
        if known is None:
            raise NotFound("There is no such interview.")
        row = {
            "session_id": known,
            "token_hash": token_hash,
            "purpose": TicketPurpose(purpose),
            "created_at": self.now(),
            "expires_at": expires_at,
        }
        await self.change(insert(tickets), [row])
        unused = (tickets.c.session_id == known, tickets.c.used_at.is_(None))
        newest = select(tickets.c.id).where(*unused).order_by(tickets.c.id.desc()).limit(KEPT_UNUSED)
        await self.connection.execute(delete(tickets).where(*unused, tickets.c.id.not_in(newest)))

    async def take_ticket(self, token_hash: str, session_id: str, *, now: datetime) -> str | None:
        """Use a ticket once, in one statement: its purpose, or None when unknown, used, expired or another session's."""
        statement = (
            update(tickets)
            .where(
                tickets.c.token_hash == token_hash,
                tickets.c.session_id == as_uuid(session_id),
                tickets.c.used_at.is_(None),
                tickets.c.expires_at > now,
            )
            .values(used_at=now)
            .returning(tickets.c.purpose)
        )
        purpose = (await self.connection.execute(statement)).scalar_one_or_none()
        return purpose.value if purpose is not None else None
