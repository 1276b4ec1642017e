"""Typed keys of the application and of a request."""

from __future__ import annotations

from aiohttp import web

from bridge.config import Settings
from bridge.ports import RecordingStore, Store
from pipeline.supervisor import Supervisor

SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
STORE: web.AppKey[Store] = web.AppKey("store", Store)
RECORDINGS: web.AppKey[RecordingStore] = web.AppKey("recordings", RecordingStore)
SUPERVISOR: web.AppKey[Supervisor] = web.AppKey("supervisor", Supervisor)
USER: web.AppKey[str] = web.AppKey("user", str)
"""Id of the one user of `single` mode."""
ORIGINS: web.AppKey[frozenset[str]] = web.AppKey("origins", frozenset)
"""Origins whose pages may change state or open the socket."""
DEMO: web.AppKey[bool] = web.AppKey("demo", bool)
