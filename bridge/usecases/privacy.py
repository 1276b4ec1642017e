"""Delete an interview: hidden at once, its words and sound purged by a durable job; on request and by age (R-096, R-114, R-115, C-34)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from ..domain.session import SessionStatus, move
from ..ports import RecordingStore, Store
from . import holds
from .calling import owned

PURGE_JOB = "purge-session"
RETENTION_BATCH = 50
"""Sessions deleted by age in one transaction, so that a live call never waits long for it."""


async def delete_session(store: Store, user_id: str, session_id: str) -> None:
    """Hide the session and enqueue its purge, in one transaction. Raises NotFound."""
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        await tx.save_session(move(session, SessionStatus.DELETED))
        await holds.settle_hold(tx, session, datetime.now(UTC))
        await tx.enqueue(PURGE_JOB, session_id, {"sessionId": session_id})


async def delete_old(store: Store, *, older_than_days: int, now: datetime) -> int:
    """Delete a batch of sessions past the retention clock, oldest first; returns how many. Live ones wait for their end (R-114)."""
    async with store.begin() as tx:
        due = await tx.kept_since(now - timedelta(days=older_than_days), limit=RETENTION_BATCH)
        for session_id in due:
            session = await tx.session(session_id, for_update=True)
            if session is not None:
                await tx.save_session(move(session, SessionStatus.DELETED))
                await holds.settle_hold(tx, session, now)
                await tx.enqueue(PURGE_JOB, session_id, {"sessionId": session_id})
        return len(due)


async def purge_session(store: Store, recordings: RecordingStore, session_id: str) -> None:
    """Remove what a deleted session left: the recording first, then the rows. Safe to repeat."""
    await asyncio.to_thread(recordings.delete, session_id)
    async with store.begin() as tx:
        await tx.purge_session(session_id)
