"""The mailer behind its port, as the settings have it. Read next: `bridge.clients.mail`."""

from __future__ import annotations

from bridge.clients.mail import SmtpMailer
from bridge.config import Settings
from bridge.ports import Mailer


def of(settings: Settings) -> Mailer | None:
    """The mailer; None without `SMTP_URL`, and then nothing about e-mail is shown."""
    return SmtpMailer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
