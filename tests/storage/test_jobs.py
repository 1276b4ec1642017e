"""Durable jobs, on both databases: once by key, again after a failure or a kill, never two processes on one file."""

import asyncio
import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from loguru import logger
from sqlalchemy import Connection, MetaData, text

from bridge.errors import Conflict, SettingsError
from bridge.ports import Jobs
from storage.database import Database
from storage.job_queue import JobStatus
from storage.jobs import DurableJobs
from storage.tables import metadata

from .samples import stored

Start = Callable[..., Any]


@pytest.fixture
async def start(database: Database) -> AsyncIterator[Start]:
    """Starts jobs with the given handlers, quick enough for tests; stops them afterwards."""
    started: list[DurableJobs] = []

    async def make(handlers: dict[str, Any], **options: Any) -> DurableJobs:
        quick: dict[str, Any] = {"poll_seconds": 0.05, "first_delay_seconds": 0.01}
        jobs = DurableJobs(database, handlers, **(quick | options))
        started.append(jobs)
        await jobs.start()
        return jobs

    yield make
    for jobs in started:
        await jobs.stop()


async def ended(jobs: DurableJobs, kind: str, key: str) -> JobStatus | None:
    """Waits for the job's end; its status."""
    async with asyncio.timeout(30):
        while (status := await jobs.status(kind, key)) not in (JobStatus.DONE, JobStatus.FAILED):
            await asyncio.sleep(0.02)
    return status


async def test_a_job_runs_once_by_its_key(database: Database, start: Start):
    """C-23: enqueued twice, in two transactions, it runs once, on the loop of the server, with its payload."""
    jobs: Jobs
    calls: list[tuple[dict[str, Any], object]] = []

    async def handle(payload: dict[str, Any]) -> None:
        calls.append((payload, asyncio.get_running_loop()))

    async with database.begin() as tx:
        await tx.enqueue("greet", "a", {"sessionId": "a", "n": [1, None, "ü"]})
    async with database.begin() as tx:
        await tx.enqueue("greet", "a", {"sessionId": "other"})
        await tx.enqueue("greet", "a2", {"sessionId": "a2"})
    assert await database.jobs.status("greet", "a") == JobStatus.WAITING

    jobs = await start({"greet": handle})

    assert await ended(jobs, "greet", "a") == JobStatus.DONE
    assert await ended(jobs, "greet", "a2") == JobStatus.DONE
    loop = asyncio.get_running_loop()
    assert [({"sessionId": "a", "n": [1, None, "ü"]}, loop), ({"sessionId": "a2"}, loop)] == sorted(
        calls, key=lambda call: call[0]["sessionId"]
    )


async def test_a_job_lives_and_dies_with_its_transaction(database: Database, start: Start):
    """C-23: rolled back, there is no job, and the key is still free."""
    calls: list[str] = []

    async def handle(payload: dict[str, Any]) -> None:
        calls.append(payload["n"])

    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - it is raised inside the transaction
        async with database.begin() as tx:
            await tx.enqueue("greet", "a", {"n": "rolled back"})
            raise ZeroDivisionError
    assert await database.jobs.status("greet", "a") is None

    jobs = await start({"greet": handle})
    made = await stored(database)
    async with database.begin() as tx:
        await tx.save_session(made)
        await tx.enqueue("greet", "a", {"n": "committed"})
        assert made == await tx.session(made.id)

    await ended(jobs, "greet", "a")
    assert calls == ["committed"]


async def test_a_delayed_job_waits_its_time(database: Database, start: Start):
    """C-23: another job of the same moment goes first; it runs once, when its time has come."""
    calls: list[tuple[str, float]] = []

    async def handle(payload: dict[str, Any]) -> None:
        calls.append((payload["n"], time.time()))

    jobs = await start({"wait": handle})
    began = time.time()
    async with database.begin() as tx:
        await tx.enqueue("wait", "later", {"n": "later"}, after_seconds=1.5)
        await tx.enqueue("wait", "now", {"n": "now"}, after_seconds=0)
        await tx.enqueue("wait", "past", {"n": "past"}, after_seconds=-5)

    assert await ended(jobs, "wait", "now") == JobStatus.DONE
    assert await ended(jobs, "wait", "past") == JobStatus.DONE
    assert await jobs.status("wait", "later") == JobStatus.WAITING
    assert await ended(jobs, "wait", "later") == JobStatus.DONE

    (first, _), (second, _), (third, at) = calls
    assert {"now", "past"} == {first, second}
    assert (third, at >= began + 1.499) == ("later", True)


async def test_a_delay_survives_a_restart(database: Database, start: Start):
    """R-152, C-23: stopped while one job waits and another's time runs out, the next start runs each once, in time."""
    calls: list[tuple[str, float]] = []

    async def handle(payload: dict[str, Any]) -> None:
        calls.append((payload["n"], time.time()))

    jobs = await start({"wait": handle})
    began = time.time()
    async with database.begin() as tx:
        await tx.enqueue("wait", "long", {"n": "long"}, after_seconds=3)
        await tx.enqueue("wait", "short", {"n": "short"}, after_seconds=0.5)
        assert await jobs.status("wait", "short") is None
    await jobs.stop()
    assert [JobStatus.WAITING] * 2 == [await database.jobs.status("wait", key) for key in ("long", "short")]
    await asyncio.sleep(max(0.0, began + 0.6 - time.time()))
    assert calls == []

    jobs = await start({"wait": handle})

    assert await ended(jobs, "wait", "short") == JobStatus.DONE
    assert await ended(jobs, "wait", "long") == JobStatus.DONE
    assert ["short", "long"] == [n for n, _ in calls]
    assert calls[-1][1] >= began + 2.999


async def test_a_delayed_key_is_one_job_for_ever(database: Database, start: Start):
    """C-23: enqueued again, sooner or later, before or after it ran, it neither moves nor runs twice; rolled back, it is none."""
    calls: list[tuple[str, float]] = []

    async def handle(payload: dict[str, Any]) -> None:
        calls.append((payload["n"], time.time()))

    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - it is raised inside the transaction
        async with database.begin() as tx:
            await tx.enqueue("wait", "a", {"n": "rolled back"}, after_seconds=60)
            raise ZeroDivisionError
    began = time.time()
    for n, delay in (("first", 1.0), ("sooner", 0.0), ("later", 3600.0)):
        async with database.begin() as tx:
            await tx.enqueue("wait", "a", {"n": n}, after_seconds=delay)

    jobs = await start({"wait": handle})
    assert await ended(jobs, "wait", "a") == JobStatus.DONE
    async with database.begin() as tx:
        await tx.enqueue("wait", "a", {"n": "again"}, after_seconds=0.1)
        await tx.enqueue("wait", "b", {"n": "next"}, after_seconds=0.2)
    assert await ended(jobs, "wait", "b") == JobStatus.DONE

    assert ["first", "next"] == [n for n, _ in calls]
    assert calls[0][1] >= began + 0.999


async def test_a_failing_job_is_tried_again(database: Database, start: Start):
    """C-23: with back-off, until it succeeds."""
    calls = 0

    async def handle(_payload: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise ConnectionError("not now")

    jobs = await start({"flaky": handle})
    async with database.begin() as tx:
        await tx.enqueue("flaky", "a", {})

    assert await ended(jobs, "flaky", "a") == JobStatus.DONE
    assert calls == 3


async def test_a_job_that_is_given_up_can_be_run_again(database: Database, start: Start):
    """C-23: it is seen to have failed; a person may run it again, as often as it takes, with the same payload."""
    broken = True
    calls: list[str] = []

    async def handle(payload: dict[str, Any]) -> None:
        calls.append(payload["n"])
        if broken:
            raise Conflict("still broken")

    jobs = await start({"report": handle}, attempts=2)
    async with database.begin() as tx:
        await tx.enqueue("report", "a", {"n": "1"})
        await tx.enqueue("report", "ab", {"n": "2"})

    assert await ended(jobs, "report", "a") == JobStatus.FAILED
    assert await ended(jobs, "report", "ab") == JobStatus.FAILED
    async with database.begin() as tx:
        await tx.enqueue("report", "a", {"n": "1"})
    assert await jobs.status("report", "a") == JobStatus.FAILED
    assert await jobs.retry("report", "a") is True
    assert await ended(jobs, "report", "a") == JobStatus.FAILED
    broken = False
    assert await jobs.retry("report", "a") is True
    assert await ended(jobs, "report", "a") == JobStatus.DONE
    assert await jobs.retry("report", "a") is False
    assert await jobs.retry("report", "unknown") is False
    assert ([c for c in calls if c == "1"], [c for c in calls if c == "2"]) == (["1"] * 5, ["2"] * 2)


async def test_a_job_nobody_handles_fails(database: Database, start: Start):
    """C-23: said, not swallowed."""
    jobs = await start({}, attempts=1)
    async with database.begin() as tx:
        await tx.enqueue("unknown", "a", {})

    assert await ended(jobs, "unknown", "a") == JobStatus.FAILED


async def test_a_job_that_hangs_is_cut_off(database: Database, start: Start):
    """C-23: a handler that never returns gives its place back."""
    cut = asyncio.Event()

    async def handle(_payload: dict[str, Any]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    jobs = await start({"hang": handle}, attempts=1, timeout_seconds=0.1)
    async with database.begin() as tx:
        await tx.enqueue("hang", "a", {})

    assert await ended(jobs, "hang", "a") == JobStatus.FAILED
    assert cut.is_set()


async def test_stopping_lets_a_running_job_finish(database: Database, start: Start):
    """R-152: within the bound, and what it did is known at the next start."""
    begun, calls = asyncio.Event(), 0

    async def handle(_payload: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        begun.set()
        await asyncio.sleep(0.3)

    jobs = await start({"slow": handle})
    async with database.begin() as tx:
        await tx.enqueue("slow", "a", {})
    await begun.wait()

    await jobs.stop()

    assert await database.jobs.status("slow", "a") == JobStatus.DONE
    assert calls == 1


async def test_stopping_parks_a_job_that_takes_too_long(database: Database, start: Start):
    """R-152: cancelled after the bound, it is run again by the next start."""
    begun, calls = asyncio.Event(), 0

    async def handle(_payload: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        begun.set()
        if calls == 1:
            await asyncio.Event().wait()

    jobs = await start({"slow": handle}, stop_seconds=0.05)
    async with database.begin() as tx:
        await tx.enqueue("slow", "a", {})
    await begun.wait()
    await jobs.stop()
    assert await database.jobs.status("slow", "a") == JobStatus.RUNNING

    jobs = await start({"slow": handle}, silence_seconds=1)

    assert await ended(jobs, "slow", "a") == JobStatus.DONE
    assert calls == 2


async def test_stopping_again_and_again_hands_no_job_to_a_closed_loop(
    database: Database, start: Start, caplog: pytest.LogCaptureFixture
):
    """R-072, F10: stopped at any moment of taking jobs, none is handed to a loop that is gone, and every one is done once in the end."""
    done: list[str] = []
    taken = asyncio.Event()

    async def handle(payload: dict[str, Any]) -> None:
        taken.set()
        done.append(payload["n"])

    keys = [f"{number:03}" for number in range(120)]
    async with database.begin() as tx:
        for key in keys:
            await tx.enqueue("greet", key, {"n": key})
    for _ in range(8):
        taken.clear()
        jobs = await start({"greet": handle}, poll_seconds=0.005, concurrency=3)
        async with asyncio.timeout(20):
            await taken.wait()
        await jobs.stop()
    jobs = await start({"greet": handle}, poll_seconds=0.01, concurrency=30)
    for key in keys:
        assert await ended(jobs, "greet", key) == JobStatus.DONE

    assert set(keys) == set(done)
    assert [record for record in caplog.records if record.name == "dbos"] == []


async def test_the_server_keeps_its_own_thread_pool(database: Database, start: Start):
    """M5: the engine's threads are its own; ours work while it runs and after it has stopped."""
    jobs = await start({})
    assert not (await asyncio.to_thread(threading.current_thread)).name.startswith("dbos")
    await jobs.stop()
    assert await asyncio.to_thread(lambda: 1) == 1
    await jobs.stop()


async def test_one_engine_a_process(database: Database, start: Start):
    """R-152: a second start is refused in words, and the first goes on."""
    jobs = await start({})
    second = DurableJobs(database, {})

    with pytest.raises(SettingsError):
        await second.start()
    await second.stop()

    async with database.begin() as tx:
        await tx.enqueue("unknown", "a", {})
    assert await ended(jobs, "unknown", "a") is not None


async def run_until(url: str, session_id: str, log: Path, word: str) -> asyncio.subprocess.Process:
    """A job process that has said `word`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.job_process", url, session_id, str(log), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(120):
        while (line := (await process.stdout.readline()).decode().strip()) != word:
            assert line, "the process ended before its time"
    return process


async def test_a_kill_in_mid_job_loses_nothing_and_doubles_nothing(database: Database, database_url: str, tmp_path: Path):
    """M1, C-23: SIGKILL after the effect and before its note; the next process (or the handed-over job) leaves one report."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.enqueue("write-report", made.id, {"sessionId": made.id})
    log = tmp_path / "log"
    process = await run_until(database_url, made.id, log, "half-way")
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert await database.jobs.status("write-report", made.id) == JobStatus.RUNNING

    process = await run_until(database_url, made.id, log, "done")
    assert await process.wait() == 0

    assert log.read_text().split() == ["started", "started"]
    async with database.read() as tx:
        assert await tx.connection.scalar(text("SELECT count(*) FROM interview_reports")) == 1


async def test_a_living_process_takes_over_a_dead_ones_jobs(postgres_url: str, tmp_path: Path):
    """R-152: on a shared server nobody has to start again."""
    database = await Database.open(postgres_url)
    made = await stored(database)
    async with database.begin() as tx:
        await tx.enqueue("write-report", made.id, {"sessionId": made.id})
    log = tmp_path / "log"
    first = await run_until(postgres_url, made.id, log, "half-way")
    second = await run_until(postgres_url, made.id, log, "working")

    os.kill(first.pid, signal.SIGKILL)
    await first.wait()

    async with asyncio.timeout(60):
        assert await second.wait() == 0
    assert log.read_text().split() == ["started", "started"]
    async with database.read() as tx:
        assert await tx.connection.scalar(text("SELECT count(*) FROM interview_reports")) == 1
        assert await tx.connection.scalar(text("SELECT count(*) FROM job_nodes")) == 0
    await database.close()


async def test_a_second_process_on_the_same_file_is_refused(sqlite_url: str, tmp_path: Path):
    """R-146: in words, while the first is there; a killed one is not in the way."""
    database = await Database.open(sqlite_url)
    made = await stored(database)
    first = await run_until(sqlite_url, made.id, tmp_path / "log", "working")
    jobs = DurableJobs(database, {})

    with pytest.raises(SettingsError, match="PREPKIT_DATA_DIR"):
        await jobs.start()

    os.kill(first.pid, signal.SIGKILL)
    await first.wait()
    await jobs.start()
    await jobs.stop()
    await database.close()


async def engine_rows(database: Database) -> str:
    """Everything the engine has stored."""

    def read(connection: Connection) -> str:
        schema = None if database.is_sqlite else "dbos"
        engine_tables = MetaData()
        engine_tables.reflect(connection, schema=schema)
        ours = set(metadata.tables) | {"alembic_version"}
        theirs = [table for table in engine_tables.tables.values() if table.name not in ours]
        return "\n".join(str(row) for table in theirs for row in connection.execute(table.select()))

    async with database.engine.connect() as connection:
        return await connection.run_sync(read)


async def test_job_rows_are_json(database: Database):
    """M9: what is in the database cannot become code."""
    async with database.begin() as tx:
        await tx.enqueue("greet", "a", {"n": 1})

    assert '{"namedArgs":{},"positionalArgs":["greet",{"n":1}]}' in await engine_rows(database)


async def test_what_has_ended_can_be_forgotten(database: Database, start: Start):
    """P2: with everything that was in it; what waits, another kind and what ended later stay."""

    async def handle(payload: dict[str, Any]) -> None:
        if payload.get("fails"):
            raise ValueError

    async with database.begin() as tx:
        await tx.enqueue("letter", "a", {"to": "somebody"})
        await tx.enqueue("letter", "b", {"fails": True})
        await tx.enqueue("letter", "later", {}, after_seconds=600)
        await tx.enqueue("letters", "a", {})
    jobs = await start({"letter": handle, "letters": handle}, attempts=1)
    for kind, key in (("letter", "a"), ("letter", "b"), ("letters", "a")):
        await ended(jobs, kind, key)

    assert await database.jobs.forget("letter", datetime.now(UTC) - timedelta(hours=1)) == 0
    assert await database.jobs.forget("letter", datetime.now(UTC) + timedelta(seconds=1)) == 2

    left = [await database.jobs.status(*job) for job in (("letter", "a"), ("letter", "b"), ("letter", "later"), ("letters", "a"))]
    assert left == [None, None, JobStatus.WAITING, JobStatus.DONE]


async def test_a_failure_is_logged_without_its_words(database: Database, start: Start, capfd: pytest.CaptureFixture[str]):
    """M9: exception texts may be a candidate's words: neither the logs nor the job rows have them, nor the vendor's adverts."""

    async def handle(_payload: dict[str, Any]) -> None:
        raise ValueError("my salary is a secret")

    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    jobs = await start({"report": handle}, attempts=2)
    async with database.begin() as tx:
        await tx.enqueue("report", "a", {})
    await ended(jobs, "report", "a")
    await jobs.stop()
    logger.remove(sink)

    assert [line.rpartition(":")[0] for line in lines] == ["Job report failed: ValueError at test_jobs.py"] * 2
    written = "".join(capfd.readouterr())
    assert "secret" not in written
    assert "dbos.dev" not in written
    rows = await engine_rows(database)
    assert "report:a" in rows
    assert "secret" not in rows


def test_nothing_of_the_vendors_paid_parts_is_here():
    """M9: no licence but MIT, no telemetry, no vendor console."""
    assert importlib.util.find_spec("dbos_enterprise") is None
