"""The real google-genai client, pointed at a stand-in, and raw requests for what the SDK would not send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from google import genai
from google.genai import types

from web.standins.gemini import GeminiStandin
from web.standins.gemini_session import LiveOptions
from web.standins.gemini_voice import IN_RATE, OUT_RATE, hum, resampled

FLASH = "gemini-3.8-flash"
LIVE = "gemini-3.8-live"
HURRY = 30.0
SILENCE = bytes(IN_RATE * 2)
"""A second of it."""


async def humming(text: str) -> bytes:
    """A voice that takes no time."""
    return hum(text)


def hurried(**changes: Any) -> LiveOptions:
    """Live sessions at thirty times the speed of time."""
    return LiveOptions(**{"voice": humming, "send_speed": HURRY, "play_speed": HURRY, "delay": 0.01} | changes)


def speech(words: str) -> bytes:
    """An utterance for a microphone, with the silence that ends it."""
    return resampled(hum(words), OUT_RATE, IN_RATE) + SILENCE


def connect(standin: GeminiStandin, *, key: str | None = None, **options: Any) -> genai.Client:
    """A client. The SDK tries a lost connection again by itself, after up to ten seconds, unless retries are ours."""
    options.setdefault("retry_options", types.HttpRetryOptions(attempts=1))
    http = types.HttpOptions(base_url=standin.url, api_version="v1beta", **options)
    return over_plain_sockets(genai.Client(api_key=key or standin.key, http_options=http))


def over_plain_sockets(client: genai.Client) -> genai.Client:
    """Live over ws:// for an http:// base URL: the SDK always asks for wss and brings a TLS context, so both are taken from it."""
    internals = client._api_client
    url = str(internals._http_options.base_url)
    if url.startswith("http://"):
        internals._websocket_base_url = lambda http_options=None: "ws" + url.removeprefix("http")  # type: ignore[method-assign]
        internals._websocket_ssl_ctx = {}
    return client


@asynccontextmanager
async def client_of(standin: GeminiStandin, **options: Any) -> AsyncIterator[genai.Client]:
    """A client, closed afterwards."""
    client = connect(standin, **options)
    try:
        yield client
    finally:
        await client.aio.aclose()
        client.close()


async def post(standin: GeminiStandin, body: Any, *, model: str = FLASH, method: str = "generateContent") -> tuple[int, Any]:
    """(status, JSON) of a request as written."""
    async with (
        aiohttp.ClientSession(headers={"x-goog-api-key": standin.key}) as http,
        http.post(f"{standin.url}/v1beta/models/{model}:{method}", json=body) as answer,
    ):
        return answer.status, await answer.json()


def said(text: str) -> dict[str, Any]:
    """The smallest request."""
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}
