"""Letters out of the house. Implemented by `clients.mail`; without `SMTP_URL` there is no mailer, and whatever needs one is hidden."""

from __future__ import annotations

from typing import Protocol

from ..domain.mail import Letter

MAIL_REFUSED = "mail_refused"
"""The server will not take this letter, however often it is tried: an unknown recipient, a sender it does not allow."""
MAIL_UNAVAILABLE = "mail_unavailable"
"""Out of reach, busy, or it does not let us in; trying later may help."""


class Mailer(Protocol):
    """Sends letters."""

    async def send(self, letter: Letter) -> None:
        """Hand a letter over. Raises UpstreamFailed with one of the reasons above.

        An SMTP server that breaks off after the last byte leaves open whether it took the letter: a repeat may then arrive twice,
        with the same Message-ID.
        """
