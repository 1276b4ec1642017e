"""Delete an interview: hidden at once, its words and sound purged by a durable job (R-096, R-115, C-34)."""

from __future__ import annotations

import asyncio

from ..domain.session import SessionStatus, move
from ..ports import RecordingStore, Store
from .calling import owned

PURGE_JOB = "purge-session"


async def delete_session(store: Store, user_id: str, session_id: str) -> None:
    """Hide the session and enqueue its purge, in one transaction. Raises NotFound."""
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        await tx.save_session(move(session, SessionStatus.DELETED))
        await tx.enqueue(PURGE_JOB, session_id, {"sessionId": session_id})


async def purge_session(store: Store, recordings: RecordingStore, session_id: str) -> None:
    """Remove what a deleted session left: the recording first, then the rows. Safe to repeat."""
    await asyncio.to_thread(recordings.delete, session_id)
    async with store.begin() as tx:
        await tx.purge_session(session_id)
