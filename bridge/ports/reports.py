"""A transaction's part about reports, what is counted over them, links to them and letters about them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ..domain.catalog import Difficulty, InterviewType
from ..domain.sharing import ReportMail, ShareLink
from ..domain.standing import ReportFacts, Scores, TypeTotals
from .rows import KeptPdf, StoredReport


class ReportTx(Protocol):
    """Reports."""

    # Reports ------------------------------------------------------------------------------------------------------------
    async def add_report(self, report: StoredReport) -> bool:
        """Insert a version; False when this session already has one with the same content hash."""

    async def report(self, session_id: str) -> StoredReport | None:
        """The newest version."""

    async def reports(self, session_id: str) -> list[StoredReport]:
        """Every version, oldest first."""

    async def keep_pdf(self, pdf: KeptPdf) -> bool:
        """Keep it in place of an older one; False when the session is deleted, which nothing may be added to any more."""

    async def kept_pdf(self, session_id: str) -> KeptPdf | None:
        """The one that was drawn last."""

    # Statistics, trends, comparison -------------------------------------------------------------------------------------
    async def save_facts(self, facts: ReportFacts) -> None:
        """Keep the facts of a session's current report. Raises NotFound for an unknown session."""

    async def facts(self, user_id: str, *, limit: int, type: InterviewType | None = None) -> list[ReportFacts]:
        """The person's newest facts, newest first; those of a deleted session are gone."""

    async def facts_before(self, user_id: str, type: InterviewType, before: datetime) -> ReportFacts | None:
        """Those of the person's last scored interview of this type before the moment."""

    async def reports_without_facts(self, *, after: str, limit: int) -> list[StoredReport]:
        """Current reports whose facts are not kept, in order of session id, from the one after `after`."""

    async def changed_at(self, user_id: str) -> datetime | None:
        """When anything last changed in the person's interviews; None without any."""

    async def type_totals(self, user_id: str) -> list[TypeTotals]:
        """Sums over the interviews that were held, by type."""

    async def scores(self, type: InterviewType, difficulty: Difficulty) -> Scores:
        """Scores of everybody's interviews of one type and difficulty."""

    # Share links, letters about reports ---------------------------------------------------------------------------------
    async def add_share(self, link: ShareLink, token_hash: str) -> None:
        """Keep a link. Raises Conflict for a taken token, NotFound for an unknown session."""

    async def share(self, token_hash: str) -> ShareLink | None:
        """The link with this token, whether it still works or not."""

    async def shares(self, session_id: str) -> list[ShareLink]:
        """A session's links, oldest first; revoked and expired ones too."""

    async def revoke_share(self, session_id: str, share_id: str, *, now: datetime) -> bool:
        """Close a link; False when the session has none of this id that was open."""

    async def name_of(self, user_id: str) -> str:
        """What the person is called; empty when unknown."""

    async def ask_mail(self, mail: ReportMail) -> None:
        """Keep the wish in place of an older one. Raises NotFound for an unknown session."""

    async def mail(self, session_id: str, *, for_update: bool = False) -> ReportMail | None:
        """The session's wish, or None."""

    async def drop_mail(self, session_id: str) -> None:
        """Forget the wish."""
