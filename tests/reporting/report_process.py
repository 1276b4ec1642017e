"""A process that makes a report as a job, for a test that kills it. Run as a module: URL GEMINI_URL, and lines of N SESSION_ID.

For each line a process is forked, which ends itself with SIGKILL at the N-th instant of its work: instants are counted before and after every transaction that commits and every
request to the model, so that each N is another point of report making. With N of 0 it works until the job is done.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from bridge.language_model import M, ModelReply, ModelRequest
from bridge.usecases.calling import REPORT_JOB
from reporting.grading import Grader
from reporting.job import write_report
from storage.database import Database
from storage.job_queue import JobStatus
from storage.jobs import DurableJobs

from ..fuse import Fuse, FusedStore
from .judging import MODEL, client


class FusedModel:
    """The model, with instants around every request."""

    def __init__(self, model: Any, fuse: Fuse) -> None:
        self._model, self._fuse = model, fuse

    async def ask(self, request: ModelRequest[M]) -> ModelReply[M]:
        """As the model's."""
        self._fuse.instant()
        reply: ModelReply[M] = await self._model.ask(request)
        self._fuse.instant()
        return reply


async def main(url: str, gemini_url: str, at: int, session_id: str) -> None:
    """Work until the job is done, or the fuse is burnt down."""
    database = await Database.open(url)
    async with client(gemini_url) as model:
        fuse = Fuse(at)
        store: Any = FusedStore(database, fuse)
        grader = Grader(FusedModel(model, fuse), MODEL, 2)

        async def handle(payload: dict[str, Any]) -> None:
            await write_report(store, payload["sessionId"], grader=grader)

        jobs = DurableJobs(database, {REPORT_JOB: handle}, poll_seconds=0.05)
        await jobs.start()
        while await jobs.status(REPORT_JOB, session_id) is not JobStatus.DONE:
            await asyncio.sleep(0.05)
        await jobs.stop()
    await database.close()


def fork(url: str, gemini_url: str, at: int, session_id: str) -> int:
    """A process of its own without the seconds of importing; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        asyncio.run(main(url, gemini_url, at, session_id))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for line in sys.stdin:
        number, session = line.split()
        sys.stdout.write(f"{fork(sys.argv[1], sys.argv[2], int(number), session)}\n")
        sys.stdout.flush()
