"""Links to a report on a real database: made, opened, taken back (R-118, A5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bridge.domain.session import InterviewSession, SessionStatus
from bridge.errors import Conflict, NotFound
from bridge.ports import StoredReport
from bridge.usecases import sharing
from storage.database import Database
from storage.migrate import migrate
from storage.tables import share_links

from ...samples import QUESTIONS, SETUP

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
EVERYTHING: dict[str, Any] = {"days": 7, "hide_name": False, "hide_transcript": False, "hide_audio": False, "now": NOW}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}"
    await migrate(url)
    opened = await Database.open(url, clock=lambda: NOW)
    yield opened
    await opened.close()


async def reported(store: Database, *, report: bool = True) -> InterviewSession:
    """An ended interview with a report."""
    async with store.begin() as tx:
        made = InterviewSession(
            id=str(uuid4()),
            user_id=await tx.single_user(),
            setup=SETUP,
            questions=QUESTIONS,
            status=SessionStatus.COMPLETED,
            created_at=NOW,
        )
        await tx.add_session(made)
        if report:
            await tx.add_report(StoredReport(f"r-{made.id}", made.id, 1, NOW, 50, "hash", {"overallScore": 50}))
    return made


async def opened(store: Database, token: str, now: datetime = NOW) -> sharing.Opened:
    """What a token leads to."""
    async with store.read() as tx:
        return await sharing.opened(tx, token, now)


async def test_a_token_is_long_and_never_stored(store: Database) -> None:
    """A5: at least 128 random bits; what is stored does not hold it."""
    made = await reported(store)
    tokens = [(await sharing.share(store, made.user_id, made.id, **EVERYTHING))[1] for _ in range(3)]

    assert all(len(token) * 6 >= 128 for token in tokens)
    assert 8 * sharing.TOKEN_BYTES >= 128
    assert 3 == len(set(tokens))
    async with store.read() as tx:
        rows = (await tx.connection.execute(share_links.select())).all()
    assert not any(token in str(row) for token in tokens for row in rows)
    found = await opened(store, tokens[1])
    assert (made.id, 50) == (found.session.id, found.report.overall_score)


@pytest.mark.parametrize("after", [timedelta(days=7), timedelta(days=7, seconds=1)])
async def test_a_link_expires(store: Database, after: timedelta) -> None:
    """R-118: works until the very moment, not after it."""
    made = await reported(store)
    _, token = await sharing.share(store, made.user_id, made.id, **EVERYTHING)

    assert await opened(store, token, NOW + after - timedelta(seconds=2))
    with pytest.raises(NotFound) as refused:
        await opened(store, token, NOW + after)
    with pytest.raises(NotFound) as unknown:
        await opened(store, "x" * len(token))
    assert str(unknown.value) == str(refused.value)


async def test_a_link_taken_back_is_gone_at_once(store: Database) -> None:
    """A5: and others of the same report stay; a repeat changes nothing."""
    made = await reported(store)
    link, token = await sharing.share(store, made.user_id, made.id, **EVERYTHING)
    kept, other = await sharing.share(store, made.user_id, made.id, **EVERYTHING)
    for _ in range(2):
        await sharing.revoke(store, made.user_id, made.id, link.id, NOW)

    with pytest.raises(NotFound):
        await opened(store, token)
    assert await opened(store, other)
    assert {link.id: False, kept.id: True} == {
        each.id: each.works(NOW) for each in await sharing.links(store, made.user_id, made.id)
    }


async def test_nothing_of_a_deleted_interview_is_shown(store: Database) -> None:
    """R-115: the link stops with the deletion, before anything is purged."""
    made = await reported(store)
    _, token = await sharing.share(store, made.user_id, made.id, **EVERYTHING)
    async with store.begin() as tx:
        await tx.save_session(replace(made, status=SessionStatus.DELETED))

    with pytest.raises(NotFound):
        await opened(store, token)


async def test_only_the_owner_gives_and_takes(store: Database) -> None:
    """A1: a stranger's answer is that of an interview that does not exist."""
    made = await reported(store)
    link, _ = await sharing.share(store, made.user_id, made.id, **EVERYTHING)
    stranger, other = str(uuid4()), await reported(store)

    with pytest.raises(NotFound):
        await sharing.share(store, stranger, made.id, **EVERYTHING)
    with pytest.raises(NotFound):
        await sharing.links(store, stranger, made.id)
    for user_id, session_id, share_id in (
        (stranger, made.id, link.id),
        (made.user_id, other.id, link.id),
        (made.user_id, made.id, str(uuid4())),
    ):
        with pytest.raises(NotFound):
            await sharing.revoke(store, user_id, session_id, share_id, NOW)
    assert [True] == [each.works(NOW) for each in await sharing.links(store, made.user_id, made.id)]


async def test_hiding_the_words_hides_the_sound(store: Database) -> None:
    """R-118: the recording says what the transcript would."""
    made = await reported(store)
    link, _ = await sharing.share(store, made.user_id, made.id, **EVERYTHING | {"hide_transcript": True})

    assert link.hide_audio


async def test_there_must_be_a_report_and_an_end_of_links(store: Database) -> None:
    """R-118: refused in words."""
    without = await reported(store, report=False)
    with pytest.raises(Conflict, match="no report"):
        await sharing.share(store, without.user_id, without.id, **EVERYTHING)
    made = await reported(store)
    for _ in range(sharing.MAX_OPEN):
        link, _ = await sharing.share(store, made.user_id, made.id, **EVERYTHING)
    with pytest.raises(Conflict, match="Take one back"):
        await sharing.share(store, made.user_id, made.id, **EVERYTHING)
    await sharing.revoke(store, made.user_id, made.id, link.id, NOW)
    assert await sharing.share(store, made.user_id, made.id, **EVERYTHING)


async def test_the_name_is_told_unless_it_is_hidden(store: Database) -> None:
    """R-118: hide the name."""
    made = await reported(store)
    async with store.begin() as tx:
        await tx.connection.exec_driver_sql("UPDATE users SET name = 'Asha'")
    _, shown = await sharing.share(store, made.user_id, made.id, **EVERYTHING)
    _, hidden = await sharing.share(store, made.user_id, made.id, **EVERYTHING | {"hide_name": True})

    assert ("Asha", "") == ((await opened(store, shown)).name, (await opened(store, hidden)).name)
