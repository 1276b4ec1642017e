"""Work that ends itself with SIGKILL at its N-th instant, for tests of what a kill leaves. Run as a module: lines of {"work", "at", …} in JSON.

For each line a process is forked, without the seconds of importing. Instants are right before and right after every commit of the work, so that each N is another
point of it; with N of 0 it is not killed. Its exit code is the answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bridge.config import Settings
from bridge.domain.privacy import Retention
from bridge.usecases import privacy
from storage.database import Database
from storage.job_queue import JobStatus
from storage.jobs import DurableJobs
from storage.keys import SessionKeys
from web import kept_pdfs, pdf
from web.commands.keys import rotate
from web.keys import KEYS, STORE
from web.privacy import keys_of, recordings_of

from ..fuse import Fuse, FusedStore


def fused(method: str, fuse: Fuse) -> None:
    """Instants before and after a method of the keys."""
    real = getattr(SessionKeys, method)

    def call(keys: SessionKeys, *arguments: Any) -> Any:
        fuse.instant()
        answer = real(keys, *arguments)
        fuse.instant()
        return answer

    setattr(SessionKeys, method, call)


async def purge(fuse: Fuse, folder: str, now: str, ids: list[str]) -> None:
    """What a server does by age: delete what is old, then work the purges of these sessions until none is left."""
    settings, at = Settings(data_dir=Path(folder)), datetime.fromisoformat(now)
    database = await Database.open(settings.database)
    store: Any = FusedStore(database, fuse)
    recordings = recordings_of(settings, database)
    fused("destroy", fuse)

    async def handle(payload: dict[str, Any]) -> None:
        await privacy.purge_session(store, recordings, payload["sessionId"], at)

    await privacy.delete_old(store, retention=Retention(90, 90, 7), now=at)
    jobs = DurableJobs(database, {privacy.PURGE_JOB: handle}, poll_seconds=0.02)
    await jobs.start()
    while {await jobs.status(privacy.PURGE_JOB, session_id) for session_id in ids} != {JobStatus.DONE}:
        await asyncio.sleep(0.02)
    await jobs.stop()
    await database.close()


async def rotation(fuse: Fuse, folder: str) -> None:
    """`prepkit keys rotate`, with instants while keys are wrapped anew."""
    event.listen(Engine, "commit", lambda _: fuse.instant() if wrapping else None)
    wrapping: list[bool] = []
    rewrap = SessionKeys.rewrap

    def call(keys: SessionKeys) -> int:
        wrapping.append(True)
        left = rewrap(keys)
        wrapping.clear()
        fuse.instant()
        return left

    SessionKeys.rewrap = call  # type: ignore[method-assign]
    await rotate(Settings(data_dir=Path(folder)))


async def keep_pdf(fuse: Fuse, folder: str, session_id: str) -> None:
    """A report's PDF as somebody asks for it, by the writer that lies in the folder."""
    pdf.files = lambda _: Path(folder)  # type: ignore[assignment, attr-defined]
    settings = Settings(data_dir=Path(folder))
    database = await Database.open(settings.database)
    fused("make", fuse)
    app = web.Application()
    app[STORE], app[KEYS] = FusedStore(database, fuse), keys_of(settings, database)
    app[pdf.WRITERS] = asyncio.Semaphore(1)
    async with database.read() as tx:
        report = await tx.report(session_id)
    assert report is not None
    assert (await kept_pdfs.of(app, session_id, report.body)).startswith(b"%PDF-")
    await database.close()


WORK = {"purge": purge, "rotation": rotation, "keep_pdf": keep_pdf}


def fork(work: str, at: int, **arguments: Any) -> int:
    """The work in a process of its own; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        asyncio.run(WORK[work](Fuse(at), **arguments))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@asynccontextmanager
async def working() -> AsyncIterator[Callable[..., Awaitable[int]]]:
    """For a test: `await work("purge", at, …)` → the exit code of the work in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.killed", cwd=Path(__file__).parents[2], stdin=PIPE, stdout=PIPE
    )
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    async def work(work: str, at: int, **arguments: Any) -> int:
        stdin.write(json.dumps({"work": work, "at": at, **arguments}).encode() + b"\n")
        async with asyncio.timeout(120):
            return int(await stdout.readline())

    try:
        yield work
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{fork(**json.loads(line))}\n")
        sys.stdout.flush()
