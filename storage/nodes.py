"""On PostgreSQL: hands the jobs of a dead process over to the living. SQLite has one process, which finds its own jobs at start.

Every process says by the database's clock that it is there; whoever gets the lock puts the running jobs of silent ones back into the
queue. The job engine lets a process that was only frozen no longer write its results. Read next: `jobs`.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from loguru import logger
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from .holders import SILENCE_SECONDS
from .job_queue import QUEUE, JobQueue
from .tables import job_nodes

MAX_HAND_OVERS = 5
"""A job that outlived this many processes is what killed them."""
_LOCK = 7_264_151_002


class Nodes:
    """This process among the others."""

    def __init__(self, engine: AsyncEngine, jobs: JobQueue, node_id: str, *, silence_seconds: float = SILENCE_SECONDS) -> None:
        self._engine = engine
        self._jobs = jobs
        self._id = node_id
        self._silence_seconds = silence_seconds

    async def run(self) -> None:
        """Say so and look after the others, for ever."""
        while True:
            try:
                await self.join()
                await self.hand_over()
            except SQLAlchemyError as error:
                # The database is away; the next round sees to it.
                logger.warning("Could not look after other processes' jobs: {}", type(error).__name__)
            await asyncio.sleep(self._silence_seconds / 3)

    async def join(self) -> None:
        """Say that this process is alive. Called once before it takes any job."""
        statement = insert(job_nodes).values(id=self._id, seen_at=func.clock_timestamp())
        async with self._engine.begin() as connection:
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["id"], set_={"seen_at": statement.excluded.seen_at})
            )

    async def leave(self) -> None:
        """Say that it is going: what it could not finish is free at once."""
        try:
            async with self._engine.begin() as connection:
                await connection.execute(delete(job_nodes).where(job_nodes.c.id == self._id))
        except SQLAlchemyError as error:
            # The others will notice the silence.
            logger.warning("Could not sign off from the database: {}", type(error).__name__)

    async def hand_over(self) -> int:
        """Put running jobs of dead processes back into the queue; how many."""
        async with self._engine.begin() as connection:
            if not await connection.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
                return 0
            # The jobs first: a process that joins in between is then among the living.
            running = await self._jobs.client.list_workflows_async(
                status="PENDING", queue_name=QUEUE, load_input=False, load_output=False
            )
            silent = job_nodes.c.seen_at < func.clock_timestamp() - timedelta(seconds=self._silence_seconds)
            await connection.execute(delete(job_nodes).where(silent))
            alive = set((await connection.scalars(select(job_nodes.c.id))).all())
            orphans = [run for run in running if run.executor_id not in alive]
            for run in orphans:
                times = int((run.attributes or {}).get("hand_overs", 0)) + 1
                if times > MAX_HAND_OVERS:
                    logger.error("Job {} has outlived {} processes and is given up", run.workflow_id, MAX_HAND_OVERS)
                    await self._jobs.client.cancel_workflow_async(run.workflow_id)
                    continue
                await self._jobs.client.update_workflow_attributes_async(run.workflow_id, {"hand_overs": times})
                await self._jobs.client.resume_workflows_async([run.workflow_id], queue_name=QUEUE)
            return len(orphans)
