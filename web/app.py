"""The composition root: which real things stand behind the ports, and the order in which they start and stop.

database → recovery of interrupted calls → jobs → sweeper → listening … stopped in reverse, live calls first.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web
from loguru import logger

from bridge.config import Settings
from bridge.domain.session import InterviewSession
from bridge.ports import Post
from bridge.usecases import calling, report_mail, set_up
from bridge.usecases.engine_calls import Reconciler
from bridge.usecases.neighbours import Neighbours
from pipeline.engines.choose import EngineMaker
from pipeline.supervisor import Supervisor
from pipeline.voice.available import describe
from reporting.job import write_report
from storage.database import Database
from storage.jobs import DurableJobs, Handler
from storage.migrate import migrate
from storage.post import post_of
from storage.recordings import FolderRecordings

from . import (
    accounts,
    aftercare,
    auth,
    carrying,
    connections,
    directing,
    documents,
    kept_pdfs,
    language_model,
    middlewares,
    payments,
    privacy,
    reports,
    routes,
)
from .capacity import calls_at_once
from .keys import DEMO, ORIGINS, RECORDINGS, SETTINGS, STORE, SUPERVISOR, USER, VAPI_AUTH
from .operator import attach as operators

if TYPE_CHECKING:
    from pipeline.engines.gemini_lives import GeminiLives
    from pipeline.engines.local import Voices

    from .vapi import Vapi

MAX_BODY_BYTES = 256 * 1024
SWEEP_SECONDS = 5


async def create_app(settings: Settings, *, demo: bool = False, evals: bool = False) -> web.Application:
    """The application with everything open behind it; its clean-up closes all. `evals` opens the evals harness's socket, which no setting does."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await migrate(settings.database)
    database = await Database.open(settings.database)
    database.rate = settings.exchange_rate
    recordings = privacy.recordings_of(settings, database)
    app = web.Application(
        client_max_size=MAX_BODY_BYTES,
        middlewares=[
            connections.note,
            middlewares.errors,
            middlewares.same_house,
            auth.identify,
            middlewares.rate_limit,
            auth.guard,
        ],
    )
    app[SETTINGS], app[STORE], app[RECORDINGS], app[DEMO], app[connections.ANSWERED] = settings, database, recordings, demo, {}
    app[documents.READERS] = asyncio.Semaphore(documents.MAX_READERS)
    vapi = vapi_of(settings, database, recordings)
    post = post_of(database)
    app[SUPERVISOR] = supervisor_of(settings, database, recordings, vapi, post)
    app[ORIGINS] = origins(settings)
    if vapi:
        app[VAPI_AUTH] = vapi.auth
    async with database.begin() as tx:
        app[USER] = await tx.single_user()

    people = accounts.attach(app, database)
    handlers = {
        **own_jobs(app), **people, **aftercare.attach(app), **payments.attach(app, settings, database, base_url(settings)), **(vapi.jobs if vapi else {}),
        **privacy.attach(app, settings, database, recordings, {"vapi": vapi.client} if vapi else {}),
    }  # fmt: skip
    jobs = DurableJobs(database, handlers)

    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        await jobs.start()
        await post.start()
        orphans = await calling.recover(database, datetime.now(UTC), starting=True)
        if orphans:
            logger.info("{} interrupted interviews can be resumed", orphans)
        reconciler = reconciler_of(vapi, database, app[SUPERVISOR]) if vapi else None
        sweeper = asyncio.create_task(_sweep(database, reconciler, app[SUPERVISOR]))
        yield
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
        await jobs.stop()
        await post.stop()
        if vapi:
            await vapi.client.close()

    async def drain(app: web.Application) -> None:
        await app[SUPERVISOR].stop_all()

    app.cleanup_ctx.append(_closing(database))
    carrying.attach(app, settings)
    # Closed after the jobs have stopped: one that lost its model in the middle would write a report without it.
    language_model.attach(app, settings, database)
    directing.attach(app, settings)
    app.cleanup_ctx.append(lifetime)
    app.on_shutdown.append(drain)
    operators.attach(app, database)
    app.on_response_prepare.append(middlewares.on_prepare)
    routes.add(app)
    if evals:
        routes.add_evals(app)
    return app


def _closing(database: Database) -> Callable[[web.Application], AsyncIterator[None]]:
    """Closes the database when all that was attached later is closed."""

    async def closing(_: web.Application) -> AsyncIterator[None]:
        yield
        await database.close()

    return closing


def supervisor_of(
    settings: Settings, database: Database, recordings: FolderRecordings, vapi: Vapi | None, post: Post
) -> Supervisor:
    """What runs the calls of this process, as many as its cores carry."""
    cores = max(1, len(os.sched_getaffinity(0)) // settings.workers)
    most, local_calls = calls_at_once(settings.max_calls, settings.engines[0], cores)
    engines = EngineMaker(
        settings.engines,
        voice_maker(settings),
        local_calls=local_calls,
        vapi=(vapi.calls, vapi.make_body) if vapi else None,
        gemini=gemini_of(settings, database, vapi),
    )
    return Supervisor(database, recordings, engines, Neighbours(database, post), max_calls=most)


def own_jobs(app: web.Application) -> dict[str, Handler]:
    """The jobs that every server has."""

    async def report(payload: dict[str, Any]) -> None:
        grader = language_model.grader(app)
        await write_report(app[STORE], payload["sessionId"], grader=grader, asking=payload.get("asking", ""))
        await report_mail.due(app[STORE], payload["sessionId"])
        await kept_pdfs.draw_soon(app, payload["sessionId"])
        app[reports.GROUPS].clear()

    return {calling.REPORT_JOB: report}


def vapi_of(settings: Settings, store: Database, recordings: FolderRecordings) -> Vapi | None:
    """The Vapi engine, where its key is set."""
    if "vapi" not in settings.engines:
        return None
    # Without a key nothing of a vendor is loaded (M7).
    from .vapi import assemble  # noqa: PLC0415

    return assemble(settings, store, recordings, base_url(settings))


def base_url(settings: Settings) -> str:
    """What vendors and their pages send people back to."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url.rstrip("/") or f"http://{host}:{settings.port}"


def gemini_of(settings: Settings, store: Database, vapi: Vapi | None) -> GeminiLives | None:
    """The Gemini Live engine, where it may be called on."""
    if "gemini" not in settings.engines:
        return None
    from .gemini_live import assemble  # noqa: PLC0415

    return assemble(settings, store, vapi.calls.vad if vapi else None)


def reconciler_of(vapi: Vapi, store: Database, supervisor: Supervisor) -> Reconciler:
    """Asks Vapi about calls whose end never came."""
    return Reconciler(store, "vapi", vapi.client, lambda session_id: supervisor.live_tools(session_id) is not None)


def origins(settings: Settings) -> frozenset[str]:
    """Where our own pages are served from."""
    if settings.public_url:
        return frozenset({settings.public_url.rstrip("/")})
    hosts = {settings.host, "127.0.0.1", "localhost", "[::1]"}
    # Browsers leave the scheme's own port out, in Host and in Origin alike.
    port = "" if settings.port == 80 else f":{settings.port}"
    return frozenset(f"http://{host}{port}" for host in hosts)


def voice_maker(settings: Settings) -> Any:
    """Builds the recogniser and the voice of one leg."""

    def make(session: InterviewSession, hears: bool) -> Voices:
        # Only calls need them (`pipeline.loading`).
        from pipeline.engines.local import Voices  # noqa: PLC0415
        from pipeline.voice import choose  # noqa: PLC0415

        recogniser = settings.recogniser.value if hears else "none"
        described = describe(recogniser, settings.speech.value)
        return Voices(
            recogniser=choose.choose_recogniser(recogniser),
            voice=choose.choose_voice(session.setup.voice, session.setup.pace, settings.speech.value),
            labels={"recogniser": described.recogniser, "voice": described.voice},
        )

    return make


async def _sweep(database: Database, reconciler: Reconciler | None, supervisor: Supervisor) -> None:
    while True:
        supervisor.tidy()
        try:
            # An SQLite file has no other process whose calls could be orphaned: the start has seen to its own.
            if not database.is_sqlite and (orphans := await calling.recover(database, datetime.now(UTC))):
                logger.info("{} interviews of a process that is gone can be resumed", orphans)
            for session_id in await calling.sweep(database, datetime.now(UTC)):
                logger.info("Interview {} ended: nobody came back", session_id)
            for session_id in await set_up.finish_forgotten(database, datetime.now(UTC)):
                logger.info("Interview {} got its questions from the bank: its set-up was cut short", session_id)
            await supervisor.store_ends()
            if reconciler:
                await reconciler.round(datetime.now(UTC))
        except Exception:  # noqa: BLE001 - The task's top: one failed round must not end the sweeping.
            logger.opt(exception=True).error("A sweep failed and will be tried again")
        await asyncio.sleep(SWEEP_SECONDS)
