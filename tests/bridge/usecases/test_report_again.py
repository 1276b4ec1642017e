"""A failed report is a state with a way out (C-60)."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from bridge.domain.session import ReportStatus
from bridge.errors import Conflict, NotFound
from bridge.usecases.calling import REPORT_JOB
from bridge.usecases.report_again import try_again
from storage.database import Database
from storage.job_queue import JobStatus

from .test_sharing import reported, store

__all__ = ["store"]


async def waiting(store: Database, session_id: str) -> int:
    """How many jobs are enqueued for this report."""
    found = await store.jobs.client.list_workflows_async(workflow_id_prefix=f"{REPORT_JOB}:{session_id}")
    return len(found)


async def test_a_failed_report_is_enqueued_again(store: Database) -> None:
    """C-60: with its new state in one transaction; a second press changes nothing."""
    made = await reported(store)
    async with store.begin() as tx:
        await tx.save_session(replace(made, report_status=ReportStatus.FAILED))
        await tx.enqueue(REPORT_JOB, made.id, {"sessionId": made.id})
    assert JobStatus.WAITING is await store.jobs.status(REPORT_JOB, made.id)

    for _ in range(2):
        session = await try_again(store, made.user_id, made.id)
        assert ReportStatus.QUEUED is session.report_status

    assert 2 == await waiting(store, made.id)
    async with store.read() as tx:
        stored = await tx.session(made.id)
    assert stored is not None
    assert ReportStatus.QUEUED is stored.report_status


@pytest.mark.parametrize("status", [ReportStatus.READY, ReportStatus.NONE])
async def test_nothing_else_is_tried_again(store: Database, status: ReportStatus) -> None:
    """A report that is there, or that there will never be, is left alone."""
    made = await reported(store)
    async with store.begin() as tx:
        await tx.save_session(replace(made, report_status=status))

    with pytest.raises(Conflict):
        await try_again(store, made.user_id, made.id)
    assert 0 == await waiting(store, made.id)


async def test_only_the_owner_may(store: Database) -> None:
    """A1."""
    made = await reported(store)
    with pytest.raises(NotFound):
        await try_again(store, str(uuid4()), made.id)
