"""Kept PDFs on both databases, and what a kill between drawing and keeping leaves (P1, P2, C-23)."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.domain.session import SessionStatus
from bridge.ports import KeptPdf
from storage.database import Database
from storage.keys import SessionKeys
from storage.migrate import migrate
from storage.pdfs import key_owner
from web import pdf
from web.privacy import keys_of

from ..web.house import finished_session
from .killed import working
from .samples import NOW, stored

WRITER = """
import sys
sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4)))
sys.stdout.buffer.write((9).to_bytes(4) + b"%PDF-1.7\\n")
"""
"""Draws at once: what is looked at is what comes after."""


async def test_one_is_kept_of_each_interview(database: Database) -> None:
    """P1: a newer one takes the place; nothing is kept of an interview that is deleted or unknown."""
    session = await stored(database, status=SessionStatus.COMPLETED)
    first = KeptPdf(session.id, "a" * 64, "b" * 64, NOW, b"sealed")
    second = replace(first, whole="c" * 64, sealed=bytes(100_000))
    async with database.begin() as tx:
        assert await tx.kept_pdf(session.id) is None
        assert [True, True] == [await tx.keep_pdf(each) for each in (first, second)]
        assert second == await tx.kept_pdf(session.id)
        assert not await tx.keep_pdf(replace(first, session_id=key_owner(session.id)))
        await tx.save_session(replace(session, status=SessionStatus.DELETED))
        assert not await tx.keep_pdf(first)


async def test_the_purge_takes_it_and_its_key(database: Database) -> None:
    """P2: in one transaction, with the words; another interview's stay."""
    keys = SessionKeys(database.jobs_engine, keys_of(Settings(), database).masters)
    gone, stays = [await stored(database, status=SessionStatus.COMPLETED) for _ in range(2)]
    for each in (gone, stays):
        await asyncio.to_thread(keys.make, key_owner(each.id))
        async with database.begin() as tx:
            await tx.keep_pdf(KeptPdf(each.id, "a" * 64, "b" * 64, NOW, b"sealed"))

    async with database.begin() as tx:
        await tx.purge_session(gone.id)

    async with database.read() as tx:
        assert [True, False] == [await tx.kept_pdf(each.id) is None for each in (gone, stays)]
    assert [True, False] == [await asyncio.to_thread(keys.get, key_owner(each.id)) is None for each in (gone, stays)]


@pytest.mark.skipif(not pdf.available(), reason="WeasyPrint or Pango is not on this machine")
@pytest.mark.timeout(120)
async def test_a_kill_between_drawing_and_keeping_costs_the_drawing(tmp_path: Path) -> None:
    """P1, C-23: killed around its key and around its row there is none or a whole one; the next to ask has it, and with it nothing is left over."""
    (tmp_path / "pdf_writer.py").write_text(WRITER)
    settings = Settings(data_dir=tmp_path)
    await migrate(settings.database)
    database = await Database.open(settings.database)
    try:
        async with database.begin() as tx:
            user_id = await tx.single_user()
        session = await finished_session(database, user_id, answers=["A cache.", None], now=datetime.now(UTC))
        keys = keys_of(settings, database)
        found = []
        async with working() as work:
            for instant in (1, 2, 3, 4):
                assert -signal.SIGKILL == await work("keep_pdf", instant, folder=str(tmp_path), session_id=session.id)
                async with database.read() as tx:
                    kept = await tx.kept_pdf(session.id)
                found.append((await asyncio.to_thread(keys.get, key_owner(session.id)) is not None, kept is not None))
            assert 0 == await work("keep_pdf", 1, folder=str(tmp_path), session_id=session.id), (
                "it is kept: nothing is made any more"
            )
        assert [(False, False), (True, False), (True, False), (True, True)] == found
        async with database.begin() as tx:
            assert kept == await tx.kept_pdf(session.id)
            await tx.purge_session(session.id)
        assert await asyncio.to_thread(keys.get, key_owner(session.id)) is None
    finally:
        await database.close()
