"""What of a report leaves its owner's hands: links that show it, and the letter that says it is ready (R-118, R-130).

A link's token is shown once and kept only as a hash; what the link hides is decided when it is made. Read next: `usecases.sharing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ShareLink:
    """A link to one report, for whoever has it."""

    id: str
    session_id: str
    hide_name: bool
    hide_transcript: bool
    """Also the quotes and answers: none of the candidate's words are shown."""
    hide_audio: bool
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def works(self, now: datetime) -> bool:
        """Whether it opens the report."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class ReportMail:
    """Somebody's wish to be told when a report is ready."""

    session_id: str
    address: str
    requested_at: datetime
    attach_pdf: bool = False
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    """Given up: the address was refused, or no mail server was to be had for many hours."""

    @property
    def open(self) -> bool:
        """Whether a letter is still to be sent."""
        return self.sent_at is None and self.failed_at is None
