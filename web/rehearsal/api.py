"""The public HTTP API as a client calls it: bodies in, bodies out, every failure one sentence.

Read next: `client`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import aiohttp

from bridge.errors import PrepkitError
from bridge.wire.candidate import PCM_PROTOCOL

REQUEST_TIMEOUT_SECONDS = 15
CONNECT_TIMEOUT_SECONDS = 10
RETRY_SECONDS = 0.5
REPORT_PATIENCE_SECONDS = 120
MAX_MESSAGE_BYTES = 1024 * 1024


class RehearsalFailed(PrepkitError):
    """The rehearsal cannot go on; the sentence says why. `status` is the HTTP status that said so, if one did."""

    code: ClassVar[str] = "rehearsal_failed"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """Calls of one rehearsal."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url.rstrip("/")

    async def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, patience: float = 0.0
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """Status, body and headers. A server that is away is tried again for `patience` seconds. Raises RehearsalFailed."""
        give_up = time.monotonic() + patience
        while True:
            try:
                return await self._once(method, path, body)
            except (aiohttp.ClientError, TimeoutError) as error:
                if time.monotonic() >= give_up:
                    raise RehearsalFailed(f"{self._url} does not answer ({_why(error)}).") from None
                await asyncio.sleep(RETRY_SECONDS)

    async def _once(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
        # A request without a body still says what it would be, as browsers' fetch does.
        json = dict(body) if body is not None else ({} if method == "POST" else None)
        async with self._http.request(method, self._url + path, json=json, timeout=timeout) as response:
            try:
                data = await response.json(content_type=None)
            except ValueError:
                data = None
            if not isinstance(data, dict):
                raise RehearsalFailed(f"{self._url} is no PrepKit server: {path} answered {response.status} without JSON.")
            if response.status >= 400:
                raise RehearsalFailed(_sentence(data, path, response.status), status=response.status)
            return response.status, data, dict(response.headers)

    async def get(self, path: str, *, patience: float = 0.0) -> dict[str, Any]:
        """The body of a GET."""
        return (await self.call("GET", path, patience=patience))[1]

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, patience: float = 0.0) -> dict[str, Any]:
        """The body of a POST's answer."""
        return (await self.call("POST", path, body, patience=patience))[1]

    async def report(self, session_id: str) -> dict[str, Any]:
        """The report, waiting as long as the server asks to (202 and Retry-After). Raises RehearsalFailed."""
        give_up = time.monotonic() + REPORT_PATIENCE_SECONDS
        path = f"/api/interviews/{session_id}/report"
        while True:
            status, body, headers = await self.call("GET", path, patience=max(0.0, give_up - time.monotonic()))
            if status == 200:
                return body
            if time.monotonic() >= give_up:
                raise RehearsalFailed(
                    f"The report was not ready after {REPORT_PATIENCE_SECONDS} s (it is {body.get('reportStatus')})."
                )
            await asyncio.sleep(_seconds(headers.get("Retry-After")))

    async def connect(self, url: str, token: str) -> aiohttp.ClientWebSocketResponse:
        """The audio socket. Raises aiohttp's errors while the server is away, RehearsalFailed when it refuses."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                return await self._http.ws_connect(
                    url, params={"token": token}, protocols=(PCM_PROTOCOL,), max_msg_size=MAX_MESSAGE_BYTES, compress=0
                )
        except aiohttp.WSServerHandshakeError as error:
            if error.status in (403, 404):
                raise RehearsalFailed(f"The audio socket was refused with {error.status}.", status=error.status) from None
            raise


def _sentence(data: dict[str, Any], path: str, status: int) -> str:
    error = data.get("error")
    if not isinstance(error, dict):
        return f"{path} answered {status}."
    details = error.get("details")
    fields = (
        [f"{d.get('field')}: {d.get('message')}" for d in details if isinstance(d, dict)] if isinstance(details, list) else []
    )
    return " ".join([str(error.get("message", "")), *fields])


def _seconds(retry_after: str | None) -> float:
    return min(30.0, float(retry_after)) if retry_after and retry_after.isdigit() else 1.0


def _why(error: BaseException) -> str:
    return "it took too long" if isinstance(error, TimeoutError) else type(error).__name__
