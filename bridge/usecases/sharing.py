"""Give a report away by a link, take it back, and open it with nothing but the link's token (R-118, A5).

A token is 192 random bits, shown once and kept as a hash. A link that is unknown, expired, revoked, or of a deleted interview, is simply not
there: the four are never told apart. Read next: `reporting.shared` (what a link hides).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from ..domain.session import InterviewSession, SessionStatus
from ..domain.sharing import ShareLink
from ..errors import Conflict, NotFound
from ..ports import Store, StoredReport, Tx
from .calling import hash_token, owned

TOKEN_BYTES = 24
MAX_DAYS = 90
DEFAULT_DAYS = 7
MAX_OPEN = 20
"""Working links of one report."""
NOT_THERE = "This link does not work: it was never given out, has expired, or was taken back."


@dataclass(frozen=True)
class Opened:
    """What a link leads to."""

    link: ShareLink
    session: InterviewSession
    report: StoredReport
    name: str
    """The owner's name; empty when hidden or unknown."""


async def share(
    store: Store,
    user_id: str,
    session_id: str,
    *,
    days: int,
    hide_name: bool,
    hide_transcript: bool,
    hide_audio: bool,
    now: datetime,
) -> tuple[ShareLink, str]:
    """A new link and its token. Who hides the words hides the recording too. Raises NotFound, Conflict without a report."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id)
        if await tx.report(session.id) is None:
            raise Conflict("There is no report to share yet.")
        if sum(link.works(now) for link in await tx.shares(session.id)) >= MAX_OPEN:
            raise Conflict(f"This report has {MAX_OPEN} links that work. Take one back first.")
        link = ShareLink(
            id=str(uuid4()),
            session_id=session.id,
            hide_name=hide_name,
            hide_transcript=hide_transcript,
            hide_audio=hide_audio or hide_transcript,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        await tx.add_share(link, hash_token(token))
    return link, token


async def links(store: Store, user_id: str, session_id: str) -> list[ShareLink]:
    """The report's links, oldest first. Raises NotFound."""
    async with store.read() as tx:
        return await tx.shares((await owned(tx, user_id, session_id)).id)


async def revoke(store: Store, user_id: str, session_id: str, share_id: str, now: datetime) -> None:
    """Take a link back, from this moment on; a repeat changes nothing. Raises NotFound."""
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id)
        if not any(link.id == share_id for link in await tx.shares(session.id)):
            raise NotFound("This report has no such link.")
        await tx.revoke_share(session.id, share_id, now=now)


async def opened(tx: Tx, token: str, now: datetime) -> Opened:
    """What the token leads to now. Raises NotFound."""
    link = await tx.share(hash_token(token))
    session = await tx.session(link.session_id) if link is not None and link.works(now) else None
    if link is None or session is None or session.status is SessionStatus.DELETED:
        raise NotFound(NOT_THERE)
    report = await tx.report(session.id)
    if report is None:
        raise NotFound(NOT_THERE)
    return Opened(link, session, report, "" if link.hide_name else await tx.name_of(session.user_id))
