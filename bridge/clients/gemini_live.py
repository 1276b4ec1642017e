"""The way to Gemini's Live API: the SDK's client for it, and what the end of a connection means (F7).

The talk itself is pipecat's and ours (`pipeline.engines.gemini_service`); what is told here is where it connects and in which words it fails. The SDK always
asks for wss and keeps its socket options to itself, so both are set on its inner client. Read next: `gemini_answers`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import Trouble

if TYPE_CHECKING:
    from google.genai import Client

API_VERSION = "v1beta"
CLOSE_SECONDS = 1.0
"""How long a closing handshake may take: behind it waits the next connection."""
CHECK_SECONDS = 10.0
INVALID = 1007
"""Close code of a set-up Gemini does not take."""
WORDS = {
    Trouble.UNAUTHORISED: "Google does not accept this server's key.",
    Trouble.UNKNOWN_MODEL: "Google does not know the voice model that is set.",
    Trouble.QUOTA: "Google's quota for this server is used up for now.",
    Trouble.REJECTED: "Google did not take the call.",
    Trouble.TIMEOUT: "Google's voice service did not answer in time.",
    Trouble.UNREACHABLE: "The line to Google's voice service was lost.",
}
FINAL = frozenset({Trouble.UNAUTHORISED, Trouble.UNKNOWN_MODEL, Trouble.QUOTA, Trouble.REJECTED})
"""Troubles that dialling again does not mend."""


@dataclass(frozen=True)
class LiveOptions:
    """Where and as whom."""

    api_key: str = field(repr=False)
    base_url: str


@dataclass(frozen=True)
class Ended:
    """Why a connection is gone. `reason` is ours to log and count, `message` tells the candidate."""

    reason: str
    message: str
    final: bool


def build(options: LiveOptions) -> Client:
    """A client for Live alone; slow (it reads certificates), so not on the event loop."""
    from google.genai import Client, types

    client = Client(
        vertexai=False,
        api_key=options.api_key,
        http_options=types.HttpOptions(base_url=options.base_url, api_version=API_VERSION),
    )
    inner = client._api_client
    if urlsplit(options.base_url).scheme == "http":
        socket_url = "ws" + options.base_url.removeprefix("http")
        inner._websocket_base_url = lambda http_options=None: socket_url  # type: ignore[method-assign]
        inner._websocket_ssl_ctx = {"proxy": None}
    inner._websocket_ssl_ctx = {**inner._websocket_ssl_ctx, "close_timeout": CLOSE_SECONDS}
    return client


async def check(options: LiveOptions, model: str) -> Ended | None:
    """Set a session up and leave, which costs nothing: None where that works."""
    client = await asyncio.to_thread(build, options)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            config: Any = {"response_modalities": ["AUDIO"]}
            async with client.aio.live.connect(model=f"models/{model.removeprefix('models/')}", config=config):
                return None
    except Exception as error:  # noqa: BLE001 - whatever SDK and socket raise is what is asked for
        return explain(error)
    finally:
        await client.aio.aclose()
        client.close()


def explain(error: BaseException) -> Ended:
    """What the SDK or the socket raised, as one of our troubles. Trusts nothing in it."""
    trouble = _trouble(error)
    return Ended(f"gemini_{trouble.value}", WORDS[trouble], trouble in FINAL)


def _trouble(error: BaseException) -> Trouble:
    if isinstance(error, TimeoutError):
        return Trouble.TIMEOUT
    status: Any = getattr(getattr(error, "response", None), "status_code", None)
    code: Any = getattr(error, "code", None)
    text = str(error).lower()
    if status in (401, 403) or "api key" in text or "unregistered callers" in text or "permission" in text:
        return Trouble.UNAUTHORISED
    if status == 429 or "quota" in text or "resource_exhausted" in text:
        return Trouble.QUOTA
    if status == 404 or "is not found for api version" in text or "not supported for bidigeneratecontent" in text:
        return Trouble.UNKNOWN_MODEL
    if code == INVALID or status == 400:
        return Trouble.REJECTED
    return Trouble.UNREACHABLE
