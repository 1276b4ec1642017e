"""Share links and the outbox of letters about reports: both go with their session. Read next: `reports`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from bridge.domain.sharing import ReportMail, ShareLink

from .columns import as_uuid
from .tables import report_mails, share_links, users
from .transaction import TransactionPart


class SharingRows(TransactionPart):
    """The sharing part of a transaction."""

    async def add_share(self, link: ShareLink, token_hash: str) -> None:
        """Keep a link. Raises Conflict for a taken token, NotFound for an unknown session."""
        await self.change(insert(share_links), [asdict(link) | {"token_hash": token_hash}], taken="There is such a link already.")

    async def share(self, token_hash: str) -> ShareLink | None:
        """The link with this token, whether it still works or not."""
        statement = select(share_links).where(share_links.c.token_hash == token_hash)
        row = (await self.connection.execute(statement)).one_or_none()
        return _link(row) if row else None

    async def shares(self, session_id: str) -> list[ShareLink]:
        """A session's links, oldest first; revoked and expired ones too."""
        wanted = share_links.c.session_id == as_uuid(session_id)
        statement = select(share_links).where(wanted).order_by(share_links.c.created_at, share_links.c.id)
        return [_link(row) for row in await self.connection.execute(statement)]

    async def revoke_share(self, session_id: str, share_id: str, *, now: datetime) -> bool:
        """Close a link; False when the session has none of this id that was open."""
        s = share_links.c
        wanted = (s.session_id == as_uuid(session_id), s.id == as_uuid(share_id), s.revoked_at.is_(None))
        result = await self.connection.execute(update(share_links).where(*wanted).values(revoked_at=now))
        return result.rowcount > 0

    async def name_of(self, user_id: str) -> str:
        """What the person is called; empty when unknown."""
        return await self.connection.scalar(select(users.c.name).where(users.c.id == as_uuid(user_id))) or ""

    async def ask_mail(self, mail: ReportMail) -> None:
        """Keep the wish in place of an older one. Raises NotFound for an unknown session."""
        await self.change(self.upsert(report_mails, ["session_id"]).values(asdict(mail)))

    async def mail(self, session_id: str, *, for_update: bool = False) -> ReportMail | None:
        """The session's wish, or None."""
        statement = select(report_mails).where(report_mails.c.session_id == as_uuid(session_id))
        row = (await self.connection.execute(statement.with_for_update() if for_update else statement)).one_or_none()
        return ReportMail(**row._asdict()) if row else None

    async def drop_mail(self, session_id: str) -> None:
        """Forget the wish."""
        await self.connection.execute(delete(report_mails).where(report_mails.c.session_id == as_uuid(session_id)))


def _link(row: Row[Any]) -> ShareLink:
    return ShareLink(
        id=row.id,
        session_id=row.session_id,
        hide_name=row.hide_name,
        hide_transcript=row.hide_transcript,
        hide_audio=row.hide_audio,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
