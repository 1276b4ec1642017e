"""`/healthz`: the process answers. `/readyz`: it can serve a call, with every reason as JSON."""

from __future__ import annotations

import asyncio

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from bridge.errors import PrepkitError
from pipeline.loading import FAILED
from pipeline.voice.available import describe

from . import troubles
from .auth import public
from .keys import SETTINGS, STORE, SUPERVISOR


@public
async def alive(request: web.Request) -> web.Response:
    """No I/O: 200 while the loop turns. The page times it for the round trip."""
    return web.json_response({"status": "ok"})


@public
async def ready(request: web.Request) -> web.Response:
    """200 when database, voice and capacity are there; 503 with the reasons otherwise. A vendor that fails is shown and fails nothing: interviews go on."""
    supervisor = request.app[SUPERVISOR]
    checks: dict[str, dict[str, object]] = {}
    try:
        await request.app[STORE].ping()
        checks["database"] = {"ok": True}
    except (PrepkitError, SQLAlchemyError, OSError) as error:
        checks["database"] = {"ok": False, "reason": f"The database cannot be written ({type(error).__name__})."}
    checks["calls"] = {
        "ok": not supervisor.draining,
        "live": supervisor.count,
        "max": supervisor.max_calls,
        "reason": "The server is shutting down." if supervisor.draining else None,
    }
    settings = request.app[SETTINGS]
    voices = await asyncio.to_thread(describe, settings.recogniser.value, settings.speech.value)
    failed = FAILED if supervisor.loading.failed else None
    checks["voice"] = {
        "ok": voices.speaks and not failed, "recogniser": voices.recogniser, "voice": voices.voice, "reason": failed or voices.problem,
    }  # fmt: skip
    good = all(check["ok"] for check in checks.values())
    for name, trouble in troubles.of(request.app).items():
        checks[name] = {"ok": not trouble.failing, "failing": trouble.failing, "reason": trouble.reason or None}
    return web.json_response({"ready": good, "checks": checks}, status=200 if good else 503)
