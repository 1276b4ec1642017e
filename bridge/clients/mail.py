"""Letters over SMTP: TLS from the start (`smtps`) or by STARTTLS, which is demanded of every host but this machine.

A connection a letter: letters are rare, and a kept one would have gone stale. No address and no server's sentence reaches a log.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from ..domain.mail import Letter
from ..errors import UpstreamFailed
from ..ports.mail import MAIL_REFUSED, MAIL_UNAVAILABLE

SECONDS = 20.0
"""For each answer of the server."""
PORTS = {"smtp": 587, "smtps": 465}
WORDS = {
    MAIL_REFUSED: "The mail server did not take this letter: check the address.",
    MAIL_UNAVAILABLE: "The mail server cannot be reached right now.",
}


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """The letter as it travels. Raises ValueError for a line break in a header."""
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = sender, letter.to, letter.subject
    made["Date"] = formatdate(usegmt=True)
    made["Message-ID"] = f"<{letter.id}@{parseaddr(sender)[1].rpartition('@')[2] or 'prepkit'}>"
    # No out-of-office replies to a machine (RFC 3834).
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.text)
    if letter.html:
        made.add_alternative(letter.html, subtype="html")
    for attachment in letter.attachments:
        kind, _, subtype = attachment.media_type.partition("/")
        made.add_attachment(attachment.content, maintype=kind, subtype=subtype, filename=attachment.name)
    return made


class SmtpMailer:
    """Implements `bridge.ports.Mailer` on one server."""

    def __init__(self, url: str, sender: str, *, here: bool) -> None:
        """`here`: the server is on this machine, and may go without TLS."""
        parts = urlsplit(url)
        self._sender = sender
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._user, self._password = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._tls = parts.scheme == "smtps"
        plain = parse_qs(parts.query).get("tls") == ["off"]
        # None: STARTTLS where the server offers it. False: never. True: or nothing is sent.
        self._start_tls = False if plain or self._tls else None if here else True

    async def send(self, letter: Letter) -> None:
        """Hand a letter over. Raises UpstreamFailed."""
        import aiosmtplib  # a letter's cost only

        message = message_of(letter, self._sender)
        try:
            async with aiosmtplib.SMTP(
                hostname=self._host,
                port=self._port,
                username=self._user or None,
                password=self._password or None,
                use_tls=self._tls,
                start_tls=self._start_tls,
                timeout=SECONDS,
            ) as connection:
                await connection.send_message(message, sender=parseaddr(self._sender)[1], recipients=[letter.to])
        except (aiosmtplib.SMTPException, OSError) as error:
            reason = reason_of(error)
            raise UpstreamFailed(WORDS[reason], reason=reason) from None


def reason_of(error: Exception) -> str:
    """Whether trying again can help: only a permanent refusal (5xx) of sender, recipient or content cannot."""
    from aiosmtplib import SMTPDataError, SMTPRecipientRefused, SMTPRecipientsRefused, SMTPSenderRefused

    refusals = error.recipients if isinstance(error, SMTPRecipientsRefused) else [error]
    final = all(
        isinstance(each, SMTPDataError | SMTPRecipientRefused | SMTPSenderRefused) and each.code >= 500 for each in refusals
    )
    return MAIL_REFUSED if final else MAIL_UNAVAILABLE
