"""Share links and the outbox, on both databases (R-118, R-130)."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from bridge.domain.sharing import ReportMail
from bridge.errors import Conflict, NotFound
from storage.database import Database

from .samples import NOW, share, stored


async def test_a_link_is_found_by_its_hash_alone(database: Database):
    """A5: as it was kept; any other token finds nothing."""
    made = await stored(database)
    one = share(made.id, hide_name=True)
    two = share(made.id, hide_transcript=True, hide_audio=True, created_at=NOW + timedelta(seconds=1))
    async with database.begin() as tx:
        await tx.add_share(two, "b" * 64)
        await tx.add_share(one, "a" * 64)

    async with database.read() as tx:
        assert one == await tx.share("a" * 64)
        assert await tx.share("c" * 64) is None
        assert await tx.share("") is None
        assert [one, two] == await tx.shares(made.id)
        assert [] == await tx.shares("none")


async def test_a_link_is_revoked_once_and_by_its_session_only(database: Database):
    """R-118: the time of the first revocation stays."""
    made, other = await stored(database), await stored(database)
    link = share(made.id)
    later = NOW + timedelta(hours=1)
    async with database.begin() as tx:
        await tx.add_share(link, "a" * 64)
        assert not await tx.revoke_share(other.id, link.id, now=NOW)
        assert not await tx.revoke_share(made.id, "none", now=NOW)
        assert await tx.revoke_share(made.id, link.id, now=later)
        assert not await tx.revoke_share(made.id, link.id, now=later + timedelta(hours=1))

        assert replace(link, revoked_at=later) == await tx.share("a" * 64)


async def test_a_link_needs_its_session_and_its_own_token(database: Database):
    """R-171: refused in words of our own."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.add_share(share(made.id), "a" * 64)
    with pytest.raises(Conflict):
        async with database.begin() as tx:
            await tx.add_share(share(made.id), "a" * 64)
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.add_share(share(str(uuid4())), "b" * 64)


async def test_one_letter_a_session(database: Database):
    """R-130: a newer wish takes the older one's place; it can be taken back."""
    made = await stored(database)
    first = ReportMail(made.id, "a@example.org", NOW)
    second = ReportMail(made.id, "b@example.org", NOW, attach_pdf=True, sent_at=NOW + timedelta(minutes=1))
    async with database.begin() as tx:
        await tx.ask_mail(first)
        assert first == await tx.mail(made.id, for_update=True)
        await tx.ask_mail(second)
        assert second == await tx.mail(made.id)
        await tx.drop_mail(made.id)
        assert await tx.mail(made.id) is None
        assert await tx.mail("none") is None
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.ask_mail(ReportMail(str(uuid4()), "a@example.org", NOW))
