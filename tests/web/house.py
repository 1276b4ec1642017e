"""The running server for the tests of the door, and interviews to put into it through the real use cases."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web
from sqlalchemy import insert
from yarl import URL

from bridge.config import Settings
from bridge.domain.account import Role
from bridge.domain.agenda import Agenda
from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.events import (
    CursorMoved,
    Event,
    HintGiven,
    LegEnded,
    LegStarted,
    QuestionAsked,
    Speaker,
    TurnRecorded,
    TurnSource,
)  # fmt: skip
from bridge.domain.privacy import CONSENT_VERSION
from bridge.domain.session import InterviewSession
from bridge.domain.setup import InterviewSetup
from bridge.ports import RecordingStore, Store, Tx
from bridge.usecases import calling, set_up
from bridge.usecases.call_log import CallLog, Entry
from reporting.job import write_report
from storage.database import Database
from storage.tables import metadata, users
from web import kept_pdfs, middlewares
from web.app import create_app
from web.keys import RECORDINGS, STORE, USER
from web.reports import GROUPS, TOTALS
from web.server import listen

REAL_LIMIT = middlewares.LIMIT
"""Before the fixtures lift it."""
AGREED = {"consent": {"version": CONSENT_VERSION}}
"""What a candidate's client sends with a start."""
SETUP = InterviewSetup(InterviewType.SYSTEM_DESIGN, Difficulty.MEDIUM, 15, question_count=3)
STRANGER = "11111111-1111-4111-8111-111111111111"
UNKNOWN = "99999999-9999-4999-8999-999999999999"
JOB_SECONDS = 20
"""How long a test waits for a job; the engine looks for work once a second."""


@dataclass
class House:
    """A server that is up, and what stands behind it."""

    app: web.Application
    client: aiohttp.ClientSession
    port: int
    data_dir: Path

    @property
    def origin(self) -> str:
        """Where it is served from."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def store(self) -> Store:
        """Its database."""
        return self.app[STORE]

    @property
    def recordings(self) -> RecordingStore:
        """Its recordings."""
        return self.app[RECORDINGS]

    @property
    def user(self) -> str:
        """The one user's id."""
        return self.app[USER]

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON body; `path` is sent as it is."""
        async with self.client.request(method, URL(self.origin + path, encoded=True), **options) as response:
            return response.status, await response.json()

    async def fetch(self, method: str, path: str, **options: Any) -> tuple[aiohttp.ClientResponse, str]:
        """The response and its body as text; `path` is sent as it is."""
        url = URL(self.origin + path, encoded=True)
        async with self.client.request(method, url, allow_redirects=False, **options) as response:
            return response, (await response.read()).decode("utf-8", "replace")

    async def raw(self, request: bytes) -> bytes:
        """All the server answers to these bytes, until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            await writer.drain()
            async with asyncio.timeout(10):
                return await reader.read()
        finally:
            writer.close()

    async def rows(self, *, without: Collection[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Every row by table of ours, but for the server's own heartbeat and the tables named; only of SQLite."""

        def read() -> dict[str, list[tuple[Any, ...]]]:
            names = [table.name for table in metadata.sorted_tables if table.name not in {"uptime_spans", *without}]
            with closing(sqlite3.connect(f"file:{self.data_dir / 'prepkit.db'}?mode=ro", uri=True)) as connection:
                return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in names}

        return await asyncio.to_thread(read)

    async def set_up(self, **fields: Any) -> dict[str, Any]:
        """A new interview over the API: the body of the 201."""
        status, body = await self.call("POST", "/api/interviews/setup", json={"type": "dsa"} | fields)
        assert status == 201, body
        return body

    def forget(self) -> None:
        """Let the server look again at what it keeps for a while."""
        self.app[TOTALS].clear()
        self.app[GROUPS].clear()

    async def finished(self, **options: Any) -> InterviewSession:
        """A finished interview of the one user."""
        return await finished_session(self.store, self.user, **options)


@asynccontextmanager
async def running(data_dir: Path, **changes: Any) -> AsyncIterator[House]:
    """The real application on a free port of the loopback interface, with its own data folder; `changes` are settings."""
    settings = Settings(data_dir=data_dir, port=0, **changes)
    sock = listen(settings)
    port = sock.getsockname()[1]
    app = await create_app(settings.model_copy(update={"port": port}))
    # Who compares rows, or waits until nothing is left to do, does not want a PDF a minute later.
    kept_pdfs.SOON_SECONDS = 24 * 3600
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    try:
        # A fresh connection each time: a refused body closes the old one.
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as client:
            yield House(app, client, port, data_dir)
    finally:
        await runner.cleanup()


async def ready_session(
    store: Store, user_id: str, setup: InterviewSetup = SETUP, now: datetime | None = None
) -> InterviewSession:
    """An interview that may be started."""
    return await set_up.set_up(store, user_id, setup, now or datetime.now(UTC))


async def live_session(
    store: Store, user_id: str, setup: InterviewSetup = SETUP, now: datetime | None = None
) -> calling.Admission:
    """An interview whose candidate is connected."""
    moment = now or datetime.now(UTC)
    made = await ready_session(store, user_id, setup, moment)
    _, token = await calling.start(store, user_id, made.id, "local", moment)
    return await calling.admit(store, made.id, token, moment)


async def tell(
    store: Store,
    session: InterviewSession,
    *,
    answers: list[str | None] | None = None,
    over: bool = True,
    hints: Mapping[int, Sequence[str]] | None = None,
) -> int:
    """Play the interview into the log: each question asked and answered with its model answer, or as `answers` has it.

    None is silence; fewer answers than questions end it there, more do not matter. `over` moves the cursor past the last question that was
    asked; `hints` are those given on the n-th question, before it is answered. Returns the call clock.
    """
    told = [question.model_answer for question in session.questions] if answers is None else answers
    events: list[Event] = [LegStarted(at_ms=0, leg=1, engine="local")]
    at_ms, before = 0, None

    def say(speaker: Speaker, text: str, question_id: str, n: int) -> None:
        nonlocal at_ms
        start_ms, at_ms = at_ms + 500, at_ms + 500 + 300 * len(text.split())
        events.append(
            TurnRecorded(
                at_ms=at_ms,
                turn_id=f"{speaker.value}-{n}",
                speaker=speaker,
                text=text,
                question_id=question_id,
                start_ms=start_ms,
                end_ms=at_ms,
                source=TurnSource.SCRIPT if speaker is Speaker.INTERVIEWER else TurnSource.SPEECH,
            )
        )

    for n, (question, answer) in enumerate(zip(session.questions, told, strict=False), 1):
        events.append(CursorMoved(at_ms=at_ms, from_id=before, to_id=question.id, reason="answered" if before else "opening"))
        events.append(QuestionAsked(at_ms=at_ms, question_id=question.id, n=n, of=len(session.questions), text=question.text))
        say(Speaker.INTERVIEWER, question.spoken, question.id, n)
        given = (hints or {}).get(n, ())
        for rung, text in enumerate(given, 1):
            events.append(HintGiven(at_ms=at_ms, question_id=question.id, n=rung, of=len(given), text=text))
        if answer is not None:
            say(Speaker.CANDIDATE, answer, question.id, n)
        before = question.id
    if over:
        events.append(CursorMoved(at_ms=at_ms, from_id=before, to_id=None, reason="answered"))
    events.append(LegEnded(at_ms=at_ms, leg=1, reason="finished"))

    async def stored(_: Entry) -> None:
        """Nobody waits for it."""

    log = CallLog(store, session.id, Agenda(session.setup, session.questions), last_seq=0, on_stored=stored)
    for event in events:
        log.append(event)
    log.close()
    await log.run()
    return at_ms


async def finished_session(
    store: Store,
    user_id: str,
    setup: InterviewSetup = SETUP,
    *,
    answers: list[str | None] | None = None,
    reason: str = "finished",
    report: bool = True,
    now: datetime | None = None,
) -> InterviewSession:
    """An interview played to its end and finished by the real use case; its report is written at once unless `report` is False."""
    admission = await live_session(store, user_id, setup, now)
    at_ms = await tell(store, admission.session, answers=answers, over=reason == "finished")
    await calling.finish(store, admission.session.id, reason, elapsed_ms=at_ms, now=now or datetime.now(UTC))
    if report:
        await write_report(store, admission.session.id)
    async with store.read() as tx:
        session = await tx.session(admission.session.id)
    assert session is not None
    return session


async def add_user(store: Store, user_id: str = STRANGER) -> str:
    """Another person, who has no way in yet."""
    assert isinstance(store, Database)
    async with store.begin() as tx:
        row = {"id": user_id, "name": "Stranger", "role": Role.CANDIDATE, "created_at": datetime.now(UTC)}
        await tx.connection.execute(insert(users).values(row).prefix_with("OR IGNORE"))
    return user_id


async def add_recording(recordings: RecordingStore, session_id: str, seconds: float = 0.5) -> bytes:
    """A recording of silence and a click; the bytes of its file."""
    file = await asyncio.to_thread(recordings.open, session_id)
    file.append(b"\x01\x00\x02\x00" + bytes(4 * (round(16_000 * seconds) - 1)))
    file.close()
    found = await asyncio.to_thread(recordings.find, session_id)
    assert found is not None
    with closing(found):
        return found.read(0, found.size)


async def change(store: Store, session: InterviewSession) -> InterviewSession:
    """Store a session in the given state, whatever the transition table says."""
    async with store.begin() as tx:
        await tx.save_session(session)
    return session


async def copy_for(store: Store, session: InterviewSession, **changes: Any) -> InterviewSession:
    """A session of its own with these changes, as if set up by somebody else or at another time."""
    made = replace(session, **({"id": str(uuid4())} | changes))
    async with store.begin() as tx:
        await tx.add_session(made)
    return made


async def until_none(read: Any, seconds: float = JOB_SECONDS) -> None:
    """Wait until an asynchronous question has an empty answer. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while await read():
            await asyncio.sleep(0.05)


async def left(tx: Tx, session_id: str) -> list[Any]:
    """Everything that is stored of what was said, asked and written in a session."""
    session = await tx.session(session_id)
    return [
        *(await tx.turns(session_id)),
        *(await tx.segments(session_id)),
        *(await tx.events(session_id)),
        *(session.questions if session else ()),
        *([report] if (report := await tx.report(session_id)) else ()),
    ]
