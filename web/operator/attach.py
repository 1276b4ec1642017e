"""Puts the operators' part together: its routes, what the application keeps for it, and how its readers are let go at the end."""

from __future__ import annotations

from aiohttp import web

from bridge.usecases.watching import Watching
from storage.database import Database

from ..keys import JOBS, STORE, SUPERVISOR
from . import api, desk, figures, listen, pages, reviews, secret_ages, tracing
from .api import WATCHING
from .door import NOTED
from .metrics import METRICS, Metrics, show, timed

CALL = "/api/operator/calls/{session_id}"


def attach(app: web.Application, database: Database) -> None:
    """Give the application its operators' part; the supervisor must be there."""
    app[METRICS] = metrics = Metrics()
    app[JOBS] = database.jobs
    database.time_statements(metrics.statement)
    app[SUPERVISOR].feed.on_event = metrics.event
    app.middlewares.append(timed)
    tracing.attach(app)
    app.cleanup_ctx.append(figures.heartbeat)
    app.cleanup_ctx.append(secret_ages.noting)
    app[NOTED] = {}
    app[WATCHING] = Watching(app[STORE])
    app.on_shutdown.append(_let_go)
    app.add_routes(
        [
            web.get("/operator", pages.live),
            web.get("/operator/calls/{session_id}", pages.call),
            web.get("/api/operator/calls", api.calls, allow_head=False),
            web.get(f"{CALL}/events", api.events, allow_head=False),
            web.get(f"{CALL}/log", api.download, allow_head=False),
            web.post(f"{CALL}/whisper", api.whisper),
            web.post(f"{CALL}/say", api.say),
            web.post(f"{CALL}/extend", api.extend),
            web.post(f"{CALL}/end", api.end),
            web.post("/api/operator/pause", api.pause),
            web.post("/api/operator/drain", api.drain),
            web.post("/api/operator/undrain", api.undrain),
            web.get("/operator/sessions", desk.sessions),
            web.get("/operator/figures", figures.page),
            web.get("/operator/deliveries", desk.deliveries),
            web.get("/operator/jobs", desk.jobs),
            web.get("/operator/reviews", reviews.queue),
            web.get("/operator/reviews/{session_id}", reviews.show),
            web.post("/api/operator/reviews/{session_id}/take", reviews.take),
            web.post("/api/operator/reviews/{session_id}/release", reviews.release),
            web.post("/api/operator/reviews/{session_id}", reviews.submit),
            web.get("/api/operator/figures", figures.api, allow_head=False),
            web.post("/api/operator/sessions/{session_id}/report", desk.report_again),
            web.post("/api/operator/sessions/{session_id}/refund", desk.refund),
            web.post("/api/operator/deliveries/{delivery_id}/retry", desk.redo),
            web.post("/api/operator/jobs/retry", desk.retry),
            web.get("/metrics", show, allow_head=False),
            web.get("/ws/operator/calls/{session_id}/listen", listen.listen, allow_head=False),
        ]
    )


async def _let_go(app: web.Application) -> None:
    """After the calls were interrupted: readers get the last events, and come back to the next process with the last id they saw."""
    app[SUPERVISOR].feed.close()
