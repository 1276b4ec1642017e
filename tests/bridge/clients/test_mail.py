"""The mailer against a real SMTP server (aiosmtpd) over loopback: TLS, sign-in, refusals (contract §3)."""

import socket
import ssl
import subprocess

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from bridge.clients.mail import SmtpMailer, message_of
from bridge.config import load
from bridge.domain.mail import Attachment, Letter, checked_address
from bridge.errors import InvalidInput, SettingsError, UpstreamFailed
from tests.smtp import Post, listening

SENDER = "PrepKit <reports@prepkit.test>"
LETTER = Letter("report-ready.1", "ana@example.org", "Your report – ready", "Olá, it is ready.\n", "<p>Olá</p>")


@pytest.fixture
def post():
    """The receiving side."""
    return Post()


@pytest.fixture
async def smtp(post):
    """The address of a plain SMTP server."""
    async with listening(post) as port:
        yield f"smtp://127.0.0.1:{port}"


async def test_a_letter_arrives_as_it_was_written(smtp, post):
    """Text, HTML, attachment, sender and a Message-ID that is the same for the same letter."""
    letter = Letter(
        LETTER.id, LETTER.to, LETTER.subject, LETTER.text, LETTER.html, (Attachment("r.pdf", "application/pdf", b"%PDF"),)
    )
    await SmtpMailer(smtp, SENDER, here=True).send(letter)

    (envelope,), (received,) = post.envelopes, post.letters
    assert ("reports@prepkit.test", ["ana@example.org"]) == (envelope.mail_from, envelope.rcpt_tos)
    assert ("Your report – ready", "<report-ready.1@prepkit.test>") == (received["Subject"], received["Message-ID"])
    assert "Olá, it is ready." in received.get_body(("plain",)).get_content()
    assert "<p>Olá</p>" in received.get_body(("html",)).get_content()
    assert [("r.pdf", b"%PDF")] == [(a.get_filename(), a.get_content()) for a in received.iter_attachments()]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"rcpt": "550 no such user"}, "mail_refused"),
        ({"rcpt": "451 later"}, "mail_unavailable"),
        ({"data": "554 spam"}, "mail_refused"),
        ({"data": "452 full"}, "mail_unavailable"),
    ],
)
async def test_a_refusal_says_whether_trying_again_can_help(smtp, post, answers, reason):
    """5xx is final, 4xx is not; the server's own words stay out of the error."""
    post.answers = answers
    with pytest.raises(UpstreamFailed) as failed:
        await SmtpMailer(smtp, SENDER, here=True).send(LETTER)

    assert reason == failed.value.reason
    assert not set(next(iter(answers.values())).split()[1:]) & set(failed.value.message.split())


async def test_nobody_there_can_be_tried_again():
    """A refused connection is not the letter's fault."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UpstreamFailed) as failed:
        await SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, here=True).send(LETTER)

    assert failed.value.reason == "mail_unavailable"


async def test_a_host_elsewhere_must_offer_tls(smtp, post):
    """Without STARTTLS nothing is handed to a host that is not this machine."""
    with pytest.raises(UpstreamFailed):
        await SmtpMailer(smtp, SENDER, here=False).send(LETTER)
    assert [] == post.envelopes

    await SmtpMailer(f"{smtp}?tls=off", SENDER, here=False).send(LETTER)
    assert len(post.envelopes) == 1


async def test_signs_in_over_tls(tmp_path, post, monkeypatch):
    """`smtps://` speaks TLS from the first byte, checks the certificate and signs in with the decoded password."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    seen = []

    def check(server, session, envelope, mechanism, data):
        assert isinstance(data, LoginPassword)
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss/word")

    async with listening(post, tls=context, authenticator=check, auth_require_tls=False) as port:
        url = f"smtps://mailer:p%40ss%2Fword@localhost:{port}"
        with pytest.raises(UpstreamFailed) as unknown:
            await SmtpMailer(url, SENDER, here=True).send(LETTER)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await SmtpMailer(url, SENDER, here=True).send(LETTER)
        with pytest.raises(UpstreamFailed) as wrong:
            await SmtpMailer(url.replace("p%40ss", "other"), SENDER, here=True).send(LETTER)

    assert ("mail_unavailable", "mail_unavailable") == (unknown.value.reason, wrong.value.reason)
    assert (b"mailer", b"p@ss/word") == seen[0]
    assert len(post.envelopes) == 1


@pytest.mark.parametrize("field", ["to", "subject"])
def test_a_line_break_in_a_header_is_refused(field):
    """No header is ever added by what somebody typed."""
    values = {"to": "a@example.org", "subject": "s"} | {field: "a@example.org\r\nBcc: b@example.org"}
    with pytest.raises(ValueError, match=r"linefeed|carriage"):
        message_of(Letter("1", text="", **values), SENDER)


def test_addresses():
    """One plain address; nothing that holds two, a line break or a name."""
    assert checked_address(" ana+x@example.co.in ") == "ana+x@example.co.in"
    for wrong in ("", "ana", "a@b@c", "a@b.c, d@e.f", "a@b.c\nBcc: d@e.f", "Ana <a@b.c>", "a@-b.c", f"{'a' * 65}@b.c", "a b@c.d"):
        with pytest.raises(InvalidInput):
            checked_address(wrong)


def test_settings():
    """Without `SMTP_URL` nothing; with it a sender, TLS for passwords, and the password is never shown."""
    assert load({}).smtp_url == ""
    good = load({"SMTP_URL": "smtps://u:s3cret@mail.example", "PREPKIT_MAIL_FROM": "PrepKit <a@b.c>"})
    assert "s3cret" not in repr(good)
    for environment, words in (
        ({"SMTP_URL": "smtps://mail.example"}, "PREPKIT_MAIL_FROM"),
        ({"SMTP_URL": "http://mail.example", "PREPKIT_MAIL_FROM": "a@b.c"}, "SMTP_URL must look like"),
        ({"SMTP_URL": "smtp://mail.example:x", "PREPKIT_MAIL_FROM": "a@b.c"}, "SMTP_URL must look like"),
        ({"SMTP_URL": "smtp://u:s3cret@mail.example?tls=off", "PREPKIT_MAIL_FROM": "a@b.c"}, "without TLS"),
    ):
        with pytest.raises(SettingsError, match=words) as refused:
            load(environment)
        assert "s3cret" not in refused.value.message
