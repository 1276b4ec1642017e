"""The jobs around reports (R-126)."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import delete

from storage.database import Database
from storage.job_queue import JobStatus
from storage.tables import report_facts
from storage.unit_of_work import Transaction
from web.aftercare import FACTS_JOB, FACTS_VERSION
from web.reports import TOTALS

from .house import JOB_SECONDS, House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def done(house: House, kind: str, key: str) -> None:
    """Wait until a job is done."""
    assert isinstance(house.store, Database)
    async with asyncio.timeout(JOB_SECONDS):
        while await house.store.jobs.status(kind, key) is not JobStatus.DONE:
            await asyncio.sleep(0.05)


async def test_older_reports_get_their_facts_by_a_job(house: House) -> None:
    """R-126: the start of a server enqueues it; what was kept between requests is forgotten when it made any."""
    await done(house, FACTS_JOB, FACTS_VERSION)
    made = await house.finished()
    async with house.store.begin() as tx:
        assert isinstance(tx, Transaction)
        await tx.connection.execute(delete(report_facts).where(report_facts.c.session_id == made.id))
        await tx.save_session(made)
        before = (await house.app[TOTALS].of(tx, house.user))[0].scored

    async with house.store.begin() as tx:
        await tx.enqueue(FACTS_JOB, "again", {})
    await done(house, FACTS_JOB, "again")

    async with house.store.read() as tx:
        assert before + 1 == (await house.app[TOTALS].of(tx, house.user))[0].scored
