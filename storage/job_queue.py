"""Enqueueing jobs and asking after them: the half of the job engine (DBOS) that every process needs. Read next: `jobs` (running them).

A job is the workflow `kind:key`; the same id is one job for ever. A failed one is run again under `kind:key#2`, `#3`, …, because the engine
gives the old outcome back for an old id. Handlers are idempotent, so the id means nothing to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from dbos import DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, WorkflowStatus
from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection

APPLICATION = "prepkit"
VERSION = "1"
"""Constant: with the engine's default, a hash of the source, jobs enqueued before an upgrade would never run."""
QUEUE = "jobs"
WORKFLOW = "run-job"
SERIALIZER = DBOSPortableJSONSerializer()
"""The engine's default is pickle, which would turn write access to the database into code execution."""


class JobStatus(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    """In the queue, or its time has not come."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Given up: every attempt raised, or it killed its process too often."""


_STATUS = {
    "ENQUEUED": JobStatus.WAITING,
    "DELAYED": JobStatus.WAITING,
    "PENDING": JobStatus.RUNNING,
    "SUCCESS": JobStatus.DONE,
}
FAILED = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "CANCELLED"]
ENDED = ["SUCCESS", *FAILED]
FORGOTTEN_AT_ONCE = 1_000


@dataclass(frozen=True)
class JobRun:
    """One run of a job."""

    kind: str
    key: str
    run: int
    """1 for the first; a retry by hand is the next one."""
    status: JobStatus
    created_at: datetime | None
    attempts: int


def _run(found: WorkflowStatus) -> JobRun:
    kind, _, rest = found.workflow_id.partition(":")
    key, _, number = rest.partition("#")
    created = datetime.fromtimestamp(found.created_at / 1000, UTC) if found.created_at else None
    status = _STATUS.get(found.status, JobStatus.FAILED)
    return JobRun(kind, key, int(number) if number.isdigit() else 1, status, created, found.recovery_attempts or 0)


class JobQueue:
    """Puts jobs in and looks at them; needs no running job engine in this process."""

    def __init__(self, engine: Engine) -> None:
        self.client = DBOSClient(system_database_engine=engine, serializer=SERIALIZER, application_name=APPLICATION, lazy=True)

    async def enqueue(
        self, connection: AsyncConnection, kind: str, key: str, payload: dict[str, Any], after_seconds: float = 0
    ) -> None:
        """Enqueue in the connection's transaction; nothing happens when the job exists, whatever its time.

        The time is kept as the wall clock's in the row, so a delay survives a restart; one that ran out meanwhile starts at once.
        """
        options = _options(f"{kind}:{key}")
        if after_seconds > 0:
            options["delay_seconds"] = after_seconds

        def _insert(blocking: Connection) -> None:
            self.client.enqueue_in_transaction(blocking, options, kind, payload)

        await connection.run_sync(_insert)

    async def status(self, kind: str, key: str) -> JobStatus | None:
        """Status of the newest run, or None for an unknown job."""
        runs = await self._runs(kind, key)
        return _STATUS.get(runs[-1].status, JobStatus.FAILED) if runs else None

    async def retry(self, kind: str, key: str) -> bool:
        """Run a failed job again with the same payload; False when it is unknown or has not failed."""
        runs = await self._runs(kind, key)
        if not runs or _STATUS.get(runs[-1].status, JobStatus.FAILED) is not JobStatus.FAILED:
            return False
        stored = runs[-1].input
        if stored is None:
            return False
        await self.client.enqueue_async(_options(f"{kind}:{key}#{len(runs) + 1}"), *stored["args"])
        return True

    async def recent(self, *, failed_only: bool, limit: int) -> list[JobRun]:
        """The newest runs of jobs, newest first. What they are to do is not in them."""
        wanted = FAILED if failed_only else None
        found = await self.client.list_workflows_async(
            status=wanted, limit=limit, sort_desc=True, load_input=False, load_output=False
        )
        return [_run(each) for each in found if ":" in each.workflow_id]

    async def forget(self, kind: str, ended_before: datetime) -> int:
        """Remove what is kept of a kind's jobs that ended before then, payload included; returns how many. A removed key may be enqueued anew."""
        found = await self.client.list_workflows_async(
            workflow_id_prefix=f"{kind}:", status=ENDED, completed_before=ended_before.isoformat(),
            limit=FORGOTTEN_AT_ONCE, load_input=False, load_output=False,
        )  # fmt: skip
        if found:
            await self.client.delete_workflows_async([each.workflow_id for each in found])
        return len(found)

    async def _runs(self, kind: str, key: str) -> list[WorkflowStatus]:
        job = f"{kind}:{key}"
        found = await self.client.list_workflows_async(workflow_id_prefix=job)
        runs = [run for run in found if run.workflow_id == job or run.workflow_id.startswith(f"{job}#")]
        return sorted(runs, key=lambda run: int(run.workflow_id.removeprefix(job).removeprefix("#") or 1))

    def close(self) -> None:
        """Let go of the engine."""
        self.client.destroy()


def _options(workflow_id: str) -> EnqueueOptions:
    return {
        "workflow_name": WORKFLOW,
        "queue_name": QUEUE,
        "workflow_id": workflow_id,
        "app_version": VERSION,
    }
