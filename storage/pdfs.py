"""PDFs of reports that were drawn: the last of each session, sealed (R-117, P1, P2, P4). Read next: `web.kept_pdfs`, which seals and opens them.

They lie beside the reports they are drawn from and go in the same transaction, so that none can outlive its interview, whoever is drawing at that moment.
"""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID, uuid5

from sqlalchemy import select

from bridge.domain.session import SessionStatus
from bridge.ports import KeptPdf

from .columns import as_uuid
from .tables import interview_sessions, report_pdfs
from .transaction import TransactionPart


def key_owner(session_id: str) -> str:
    """Whose key opens a session's PDF.

    Not the session's own: that one goes alone when a recording is erased by its clock or its candidate, and must never come again,
    since a server that still holds a piece of the recording knows by it that the piece is to be removed.
    """
    return str(uuid5(UUID(session_id), "report.pdf"))


class PdfRows(TransactionPart):
    """The part of a transaction about PDFs of reports."""

    async def keep_pdf(self, pdf: KeptPdf) -> bool:
        """Keep it in place of an older one; False when the session is unknown or deleted."""
        s = interview_sessions.c
        # Locked, so that it is either seen as deleted here or deletes this row as well.
        statement = select(s.status).where(s.id == as_uuid(pdf.session_id)).with_for_update()
        if await self.connection.scalar(statement) in (None, SessionStatus.DELETED):
            return False
        await self.change(self.upsert(report_pdfs, ["session_id"]).values(asdict(pdf)))
        return True

    async def kept_pdf(self, session_id: str) -> KeptPdf | None:
        """The one that was drawn last."""
        statement = select(report_pdfs).where(report_pdfs.c.session_id == as_uuid(session_id))
        row = (await self.connection.execute(statement)).one_or_none()
        return KeptPdf(**row._asdict()) if row else None
