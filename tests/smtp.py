"""A real SMTP server (aiosmtpd) on this loop, for tests: what it received, and how it answers."""

import asyncio
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default

from aiosmtpd.smtp import SMTP


class Post:
    """The receiving side: letters in order; `answers` may hold what RCPT and DATA are answered with."""

    def __init__(self):
        self.envelopes = []
        self.answers = {}

    @property
    def letters(self):
        """What arrived, parsed."""
        return [message_from_bytes(envelope.content, policy=default) for envelope in self.envelopes]

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if "rcpt" in self.answers:
            return self.answers["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if "data" in self.answers:
            return self.answers["data"]
        self.envelopes.append(envelope)
        return "250 OK"


@asynccontextmanager
async def listening(post, *, tls=None, **options):
    """The port of a server that hands its mail to `post`; `tls` is the context of a server that speaks TLS from the first byte."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(post, loop=loop, hostname="post.test", enable_SMTPUTF8=True, **options), "127.0.0.1", 0, ssl=tls
    )
    async with server:
        yield server.sockets[0].getsockname()[1]
