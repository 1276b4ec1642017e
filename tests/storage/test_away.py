"""A database that restarts under a call, and migrations that are killed (F10, F11, F16)."""

import asyncio
import sqlite3
import sys
from contextlib import closing

import pytest

from bridge.domain.agenda import Agenda
from bridge.usecases.call_log import CallLog
from storage.database import Database
from storage.migrate import migrate, newest_revision

from ..samples import QUESTIONS, SETUP, said
from .samples import stored

KILLS = 20
KILLED = """
import asyncio, os, random, signal, sys, time
from storage.migrate import migrate

chance, finished = random.Random(16), 0
for _ in range(int(sys.argv[2])):
    pid = os.fork()
    if pid == 0:
        asyncio.run(migrate(sys.argv[1]))
        os._exit(0)
    time.sleep(chance.uniform(0.0, 0.6))
    os.kill(pid, signal.SIGKILL)
    finished += os.waitpid(pid, 0)[1] == 0
print(finished)
"""
"""Loaded once and forked, so that the time until the kill is spent in the migration."""


async def logged(database, session, lines, between):
    """Append one turn after another, with something happening in the middle; the stored texts."""
    acknowledged = []

    async def on_stored(entry):
        acknowledged.append(entry.seq)

    log = CallLog(database, session.id, Agenda(SETUP, QUESTIONS), last_seq=0, on_stored=on_stored)
    running = asyncio.create_task(log.run())
    for n, line in enumerate(lines):
        log.append(said(line, n * 100, n * 100 + 50))
        if n == len(lines) // 2:
            await between()
        await asyncio.sleep(0.01)
    log.close()
    await running
    async with database.read() as tx:
        there = await tx.events(session.id)
    return [event.event.text for event in there], acknowledged


async def test_postgresql_restarts_at_once_and_the_log_goes_on(own_server):
    """F11: no turn lost or doubled, no call ended; three power cuts."""
    name = own_server.create()
    await migrate(own_server.url(name))
    database = await Database.open(own_server.url(name))
    try:
        for cut in range(3):
            session = await stored(database)
            lines = [f"line {cut}.{n}" for n in range(30)]
            texts, acknowledged = await logged(database, session, lines, lambda: asyncio.to_thread(own_server.restart))
            assert (texts, acknowledged) == (lines, list(range(1, 31)))
    finally:
        await database.close()


async def test_an_outsider_s_lock_is_waited_out(tmp_path):
    """F10: three seconds of somebody else's write lock cost no turn and no error."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}"
    await migrate(url)
    database = await Database.open(url)
    session = await stored(database)

    def hold():
        with closing(sqlite3.connect(tmp_path / "prepkit.db", isolation_level=None)) as outsider:
            outsider.execute("BEGIN IMMEDIATE")
            asyncio.run(asyncio.sleep(3))

    try:
        lines = [f"line {n}" for n in range(20)]
        texts, acknowledged = await logged(database, session, lines, lambda: asyncio.to_thread(hold))
    finally:
        await database.close()

    assert (texts, acknowledged) == (lines, list(range(1, 21)))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_migration_killed_anywhere_is_done_again(kind, tmp_path, own_server):
    """F16: `kill -9` at random moments of the first migration; the next run ends at the newest tables."""
    name = own_server.create() if kind == "postgresql" else ""
    url = own_server.url(name) if name else f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, url, str(KILLS), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    finished = int(output)

    await migrate(url)

    database = await Database.open(url)
    await database.ping()
    made = await stored(database)
    async with database.read() as tx:
        assert await tx.session(made.id) == made
    await database.close()
    assert finished < KILLS, "no run was killed in the middle"
    assert newest_revision()
