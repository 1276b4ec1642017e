"""The mailer behind its port, as the settings have it. Read next: `bridge.clients.mail`."""

from __future__ import annotations

from urllib.parse import urlsplit

from bridge.clients.mail import SmtpMailer
from bridge.config import Settings, is_loopback
from bridge.ports import Mailer


def of(settings: Settings) -> Mailer | None:
    """The mailer; None without `SMTP_URL`, and then nothing about e-mail is shown."""
    if not settings.smtp_url:
        return None
    here = is_loopback(urlsplit(settings.smtp_url).hostname or "")
    return SmtpMailer(settings.smtp_url, settings.mail_from, here=here)
