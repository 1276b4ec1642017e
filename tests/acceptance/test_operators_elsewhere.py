"""An operator acts in a call that another process on the same PostgreSQL holds (M7, M1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bridge.config import Settings
from bridge.domain.events import OperatorActed
from bridge.errors import Conflict, UpstreamFailed
from bridge.usecases import neighbours
from pipeline.operating import ENDED_BY_OPERATOR, Act
from pipeline.supervisor import Supervisor
from storage.database import Database
from storage.migrate import migrate
from storage.post import post_of
from tests.postgres import PostgresServer, postgres_server
from web.app import supervisor_of
from web.privacy import recordings_of

from .live import running

__all__ = ["postgres_server"]  # a fixture
KEY = "ab" * 32


@asynccontextmanager
async def other_process(url: str, folder: Path) -> AsyncIterator[tuple[Supervisor, Database]]:
    """What a second process has to reach the calls of the first: its own database, post and supervisor."""
    database = await Database.open(url)
    post = post_of(database)
    settings = Settings(data_dir=folder, master_key=KEY)
    supervisor = supervisor_of(settings, database, recordings_of(settings, database), None, post)
    await post.start()
    try:
        yield supervisor, database
    finally:
        await post.stop()
        await database.close()


@pytest.fixture
async def url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A migrated database on PostgreSQL."""
    name = postgres_server.create()
    await migrate(postgres_server.url(name))
    yield postgres_server.url(name)
    postgres_server.drop(name)


async def acts(database: Database, session_id: str) -> dict[str, tuple[int, OperatorActed]]:
    """What operators did, by action, with its place in the log."""
    async with database.read() as tx:
        stored = await tx.events(session_id)
    return {each.event.action: (each.seq, each.event) for each in stored if isinstance(each.event, OperatorActed)}


async def test_an_act_reaches_the_process_that_holds_the_call(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """M7 over several servers: say, extend, whisper and end are done by the holder and answered with their place in the log; what the
    interviewer cannot take is refused in its words; a silent holder is an error of its own; nobody's call takes nothing."""
    async with (
        running(tmp_path / "one", database_url=url, master_key=KEY) as server,
        other_process(url, tmp_path / "two") as (there, database),
    ):
        async with server.interview() as (session_id, caller):
            assert there.leg(session_id) is None
            caller.forget()
            extended = await there.operate(session_id, Act("extend", minutes=7, told="You have 7 more minutes."))
            assert (await caller.told("notice", code="operator"))["message"] == "You have 7 more minutes."
            said = await there.operate(session_id, Act("say", text="Take your time, Zoë.", told="Somebody speaks."))
            await caller.told("turn", speaker="interviewer", text="Take your time, Zoë.")
            with pytest.raises(Conflict, match="Use Say"):
                await there.operate(session_id, Act("whisper", text="Be kinder"))
            whispered = await there.operate(session_id, Act("whisper", text="next question"))
            assert 2 == (await caller.told("question", n=2))["n"]

            with monkeypatch.context() as patched:
                patched.setattr(neighbours, "ACT_SECONDS", 0.0)
                with pytest.raises(UpstreamFailed, match="timeline"):
                    await there.operate(session_id, Act("extend", minutes=1))

            ended = await there.operate(session_id, Act("end", told="It is being ended."))
            await there.end(session_id, ENDED_BY_OPERATOR)
            assert 1000 == await caller.closed()
            found = await acts(database, session_id)
            over = await database_reason(database, session_id)
            with_nobody: Any = await there.operate(session_id, Act("extend", minutes=1))

        unknown: Any = await there.operate(str(uuid4()), Act("say", text="Hello"))

    assert {"say": said, "whisper": whispered, "end": ended} == {k: seq for k, (seq, _) in found.items() if k != "extend"}
    assert extended is not None
    assert extended < said < whispered < ended  # type: ignore[operator]
    assert ENDED_BY_OPERATOR == over
    assert (None, None) == (with_nobody, unknown)


async def database_reason(database: Database, session_id: str) -> str | None:
    """Why the interview ended, once it has."""
    async with asyncio.timeout(15):
        while True:
            async with database.read() as tx:
                session = await tx.session(session_id)
            if session and session.end_reason:
                return session.end_reason
            await asyncio.sleep(0.05)
