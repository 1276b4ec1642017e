"""Puts the Vapi engine together: client, calls, jobs, the door's secrets. Nothing of it is loaded without a key. Read next: `app`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.clients.vapi import VapiClient
from bridge.config import Settings
from bridge.domain.upstream import Message
from bridge.ports import RecordingStore, Store, StoredDelivery
from bridge.usecases import engine_calls
from bridge.usecases.conducting import Line
from bridge.wire import vapi_create, vapi_messages
from bridge.wire.vapi_auth import HmacScheme
from pipeline.engines.engine import CallParts
from pipeline.engines.vapi import MakeBody
from pipeline.engines.vapi_call import VapiCalls

from .aiohttp_socket import AiohttpSocket

NAME = "vapi"


@dataclass(frozen=True)
class DoorAuth:
    """What authenticates a webhook."""

    secrets: tuple[str, ...] = field(repr=False)
    scheme: HmacScheme | None


@dataclass(frozen=True)
class Vapi:
    """The Vapi engine's parts, for the composition root."""

    client: VapiClient[AiohttpSocket]
    calls: VapiCalls
    make_body: MakeBody
    auth: DoorAuth
    jobs: dict[str, Callable[[dict[str, Any]], Awaitable[None]]]


def assemble(settings: Settings, store: Store, recordings: RecordingStore, public_url: str) -> Vapi:
    """Everything of it, closed by `client.close()` after `calls.close()`. Needs a running loop."""
    secret = settings.vapi_webhook_secret or kept_secret(settings.data_dir / "keys" / "vapi-webhook-secret")
    client = VapiClient(settings.vapi_api_key, settings.vapi_base_url, AiohttpSocket)
    hooks = vapi_create.Hooks(f"{public_url}/api/webhooks/vapi", f"{public_url}/api/vapi/tools", secret)
    voices = dict(pair.split("=", 1) for pair in settings.vapi_voices.split(","))

    def make_body(parts: CallParts, line: Line) -> dict[str, Any]:
        agenda = parts.agenda
        minutes_left = max(1.0, (agenda.duration_ms - parts.clock()) / 60_000)
        questions = agenda.questions[max(0, agenda.position - 1) :]
        opening = vapi_create.Opening(line.spoken, questions, minutes_left)
        return vapi_create.create_body(
            parts.session, opening, hooks, model=settings.vapi_model, voices=voices, now=datetime.now(UTC)
        )

    async def opened(session_id: str, created: vapi_create.Created, base_ms: int) -> None:
        async with store.read() as tx:
            session = await tx.session(session_id)
        if session is not None:
            await engine_calls.opened(store, session, NAME, created.call_id, base_ms=base_ms, now=datetime.now(UTC))

    async def apply(payload: dict[str, Any]) -> None:
        await engine_calls.apply(store, payload["deliveryId"], messages_of, datetime.now(UTC))

    async def settle(payload: dict[str, Any]) -> None:
        now, again = datetime.now(UTC), payload["round"]
        await engine_calls.settle(store, payload["engine"], payload["callId"], messages_of, now, again=again)

    async def fetch(payload: dict[str, Any]) -> None:
        again = payload.get("again", 0)
        await engine_calls.fetch_recording(store, recordings, client, payload["engine"], payload["callId"], again=again)

    scheme = HmacScheme(
        (settings.vapi_hmac_secret,), settings.vapi_hmac_header, settings.vapi_hmac_timestamp_header,
        settings.vapi_hmac_payload, settings.vapi_hmac_encoding, settings.vapi_hmac_prefix,
    )  # fmt: skip
    return Vapi(
        client=client,
        calls=VapiCalls(client, opened),
        make_body=make_body,
        auth=DoorAuth((secret,), scheme if settings.vapi_hmac_secret else None),
        jobs={engine_calls.APPLY_JOB: apply, engine_calls.SETTLE_JOB: settle, engine_calls.RECORDING_JOB: fetch},
    )


def messages_of(stored: StoredDelivery) -> tuple[Message, ...]:
    """A stored webhook's messages."""
    return vapi_messages.parse_delivery(stored.body).messages


def kept_secret(path: Path) -> str:
    """The secret kept in a file, made at first use; only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.is_file() or not path.read_text(encoding="ascii").strip():
        # Whole or not at all: another process may read it at this moment.
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600, exist_ok=False)
        try:
            draft.write_text(secrets.token_urlsafe(32), encoding="ascii")
            if path.is_file() and path.stat().st_size == 0:
                path.unlink(missing_ok=True)
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
