"""Durable background work: runs what `tx.enqueue` put in, again after a kill -9, until it succeeds or is given up (R-072, C-23).

A thin face on DBOS, so that exchanging the engine is this module and `job_queue`. Handlers must be idempotent: what they do outside one
transaction may happen twice. They run on the loop that called `start`; the engine keeps its own loop and threads away from the audio.
Read next: `job_queue`, and `nodes` for what happens to a dead process's jobs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from traceback import extract_tb
from typing import Any, ClassVar, cast

from dbos import DBOS, DBOSConfig, StepOptions
from loguru import logger

from bridge.errors import SettingsError

from . import engines
from .database import Database
from .holders import SILENCE_SECONDS
from .job_queue import APPLICATION, QUEUE, SERIALIZER, VERSION, WORKFLOW, JobStatus
from .nodes import Nodes
from .process_lock import ProcessLock

Handler = Callable[[dict[str, Any]], Awaitable[None]]
MAX_RECOVERIES = 5
"""A job that killed its process this often is given up."""


class DurableJobs:
    """Implements `bridge.ports.Jobs`. One per process, and on SQLite one per file."""

    _running: ClassVar[DurableJobs | None] = None

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        *,
        concurrency: int = 4,
        attempts: int = 6,
        first_delay_seconds: float = 2.0,
        timeout_seconds: float = 900.0,
        poll_seconds: float = 1.0,
        stop_seconds: float = 20.0,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._database = database
        self._handlers = dict(handlers)
        self._concurrency = concurrency
        self._attempts = attempts
        self._first_delay_seconds = first_delay_seconds
        self._timeout_seconds = timeout_seconds
        self._poll_seconds = poll_seconds
        self._stop_seconds = stop_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._lock: ProcessLock | None = None
        self._nodes: Nodes | None = None
        self._watch: asyncio.Task[None] | None = None
        self._engine: DBOS | None = None
        self._id = database.node
        if database.is_sqlite:
            file = engines.file_of(database.url)
            self._lock = ProcessLock(file.with_name(f"{file.name}.jobs-lock"))
        else:
            self._nodes = Nodes(database.engine, database.jobs, self._id, silence_seconds=silence_seconds)

    async def start(self) -> None:
        """Recover what was running and begin to work. Raises SettingsError when another process works on the same file."""
        if DurableJobs._running is not None:
            raise SettingsError("This process already runs its jobs.")
        if self._lock is not None:
            self._lock.take()
        DurableJobs._running = self
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        launched = False
        try:
            if self._nodes is not None:
                await self._nodes.join()
            # From another thread the engine keeps a loop of its own and leaves ours, and its thread pool, alone.
            await asyncio.to_thread(self._launch)
            launched = True
        finally:
            if not launched:
                await self._shut_down(0)
        if self._nodes is not None:
            self._watch = asyncio.create_task(self._nodes.run(), name="job-nodes")

    def _launch(self) -> None:
        self._engine = DBOS(
            config=DBOSConfig(
                name=APPLICATION,
                system_database_engine=self._database.jobs_engine,
                run_migrations=False,
                application_version=VERSION,
                executor_id=self._id,
                serializer=SERIALIZER,
                log_level="ERROR",
                max_executor_threads=8,
            )
        )
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MAX_RECOVERIES)(self._workflow())
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._concurrency,
            polling_interval_sec=self._poll_seconds,
            on_conflict="always_update",
        )

    def _workflow(self) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
        options = StepOptions(
            name="handle",
            retries_allowed=True,
            interval_seconds=self._first_delay_seconds,
            max_attempts=self._attempts,
            backoff_rate=2.0,
            timeout_seconds=self._timeout_seconds,
        )

        async def run_job(kind: str, payload: dict[str, Any]) -> None:
            await DBOS.run_step_async(options, self._cross, kind, payload)

        return run_job

    async def _cross(self, kind: str, payload: dict[str, Any]) -> None:
        """From the engine's loop to ours and back."""
        if self._stopping:
            # Leaves no outcome behind, so the job is found again at the next start.
            raise asyncio.CancelledError
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._handle(kind, payload), self._loop))

    async def _handle(self, kind: str, payload: dict[str, Any]) -> None:
        handler = self._handlers.get(kind)
        if handler is None:
            raise SettingsError(f"Nothing here handles jobs of kind {kind}.")
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        try:
            await handler(payload)
        except Exception as error:  # the top of a job: whatever it is, it is told, and the engine decides what comes next
            # Where and what, but not its text: that may be a candidate's words.
            place = extract_tb(error.__traceback__)[-1]
            logger.warning("Job {} failed: {} at {}:{}", kind, type(error).__name__, Path(place.filename).name, place.lineno)
            raise
        finally:
            self._tasks.discard(task)

    async def stop(self) -> None:
        """Let what runs finish within the bound, park the rest for the next start; nothing happens when not started."""
        if DurableJobs._running is not self:
            return
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        running = set(self._tasks)
        if running:
            _, late = await asyncio.wait(running, timeout=self._stop_seconds)
            for task in late:
                task.cancel()
        await self._shut_down(2 if running else 0)

    async def _shut_down(self, outcome_seconds: int) -> None:
        """End the engine, leaving it so long to write down what finished. It blocks, so it must not sit on our loop."""
        await asyncio.to_thread(self._stop_taking)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=outcome_seconds)
        DurableJobs._running = None
        if self._nodes is not None:
            await self._nodes.leave()
        if self._lock is not None:
            self._lock.release()

    def _stop_taking(self) -> None:
        """Wait until no thread of the engine takes a job any more: `destroy` closes the loop they hand jobs to before it waits for them."""
        if self._engine is None:
            return
        for event in self._engine.background_thread_stop_events:
            event.set()
        for thread in threading.enumerate():
            if thread.name.startswith("queue-worker-"):
                thread.join(timeout=10.0)
        self._engine = None

    async def status(self, kind: str, key: str) -> JobStatus | None:
        """Where a job stands, or None for an unknown one."""
        return await self._database.jobs.status(kind, key)

    async def retry(self, kind: str, key: str) -> bool:
        """Run a failed job again; False when it is unknown or has not failed."""
        return await self._database.jobs.retry(kind, key)
