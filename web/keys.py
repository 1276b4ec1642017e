"""Typed keys of the application and of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from bridge.config import Settings
from bridge.domain.account import Person
from bridge.language_model import ServedModel
from bridge.ports import Mailer, RecordingStore, Store
from pipeline.supervisor import Supervisor
from storage.job_queue import JobQueue
from storage.keys import SessionKeys

if TYPE_CHECKING:
    from .vapi import DoorAuth

SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
STORE: web.AppKey[Store] = web.AppKey("store", Store)
JOBS: web.AppKey[JobQueue] = web.AppKey("jobs", JobQueue)
RECORDINGS: web.AppKey[RecordingStore] = web.AppKey("recordings", RecordingStore)
KEYS: web.AppKey[SessionKeys] = web.AppKey("session-keys", SessionKeys)
"""Of what is encrypted at rest."""
SUPERVISOR: web.AppKey[Supervisor] = web.AppKey("supervisor", Supervisor)
USER: web.AppKey[str] = web.AppKey("user", str)
"""Id of the one user of `single` mode."""
PERSON: web.RequestKey[Person | None] = web.RequestKey("person")
"""Who asks; None when nobody is signed in."""
ORIGINS: web.AppKey[frozenset[str]] = web.AppKey("origins", frozenset)
"""Origins whose pages may change state or open the socket."""
DEMO: web.AppKey[bool] = web.AppKey("demo", bool)
MODEL: web.AppKey[ServedModel | None] = web.AppKey("model")
"""None without a key."""
MAILER: web.AppKey[Mailer | None] = web.AppKey("mailer")
"""None without `SMTP_URL`: e-mail features are hidden."""
VAPI_AUTH: web.AppKey[DoorAuth] = web.AppKey("vapi_auth")
"""What authenticates Vapi's webhooks; missing without a key."""
