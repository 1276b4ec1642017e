"""A process that writes one report as a job, and hangs the first time, for tests that kill it. Run as a module: URL SESSION_ID LOG."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from storage.database import Database
from storage.job_queue import JobStatus
from storage.jobs import DurableJobs

from .samples import report


def say(word: str) -> None:
    """To the test that started this."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(url: str, session_id: str, log: Path) -> None:
    """Work until the job is done."""
    database = await Database.open(url)

    async def write_report(payload: dict[str, Any]) -> None:
        starts = len(log.read_text().split()) if log.exists() else 0
        with log.open("a") as file:
            file.write("started\n")
        async with database.begin() as tx:
            await tx.add_report(report(payload["sessionId"]))
        if starts == 0:
            say("half-way")
            await asyncio.Event().wait()

    jobs = DurableJobs(database, {"write-report": write_report}, poll_seconds=0.05, silence_seconds=1.0)
    await jobs.start()
    say("working")
    while await jobs.status("write-report", session_id) is not JobStatus.DONE:
        await asyncio.sleep(0.05)
    await jobs.stop()
    await database.close()
    say("done")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
