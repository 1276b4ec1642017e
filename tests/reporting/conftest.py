"""A real database for the report's job, and a way to put a played interview into it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bridge.domain.events import TurnRecorded
from bridge.domain.segments import turn_of
from storage.database import Database
from storage.migrate import migrate

from .samples import NOW, Play

Stored = Callable[..., Awaitable[str]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file."""
    path = tmp_path_factory.mktemp("reporting") / "prepkit.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def store(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database."""
    path = tmp_path / "prepkit.db"
    shutil.copy(migrated, path)
    opened = await Database.open(f"sqlite+aiosqlite:///{path}", clock=lambda: NOW)
    yield opened
    await opened.close()


@pytest.fixture
def stored(store: Database) -> Stored:
    """Puts a played interview into the database; returns its session's id."""

    async def put(play: Play, **changes: Any) -> str:
        session_id = str(uuid4())
        async with store.begin() as tx:
            session = replace(play.session(), id=session_id, user_id=await tx.single_user(), **changes)
            await tx.add_session(session)
            await tx.append_events(
                session_id,
                list(enumerate(play.events, 1)),
                turns=[turn_of(event) for event in play.events if isinstance(event, TurnRecorded)],
                segments=play.segments,
            )
            await tx.save_session(session)
        return session_id

    return put
