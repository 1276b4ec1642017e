"""Vapi over HTTPS: make a call, look at it, dial its socket, speak to it live, fetch its recording (vapi-protocol §1, §3).

A create is never repeated blindly: after an ambiguous failure the calls are listed and ours is adopted, if it was made. Keys and URLs are in no log and no error.
Every failure is an UpstreamFailed: a sentence for the candidate, a stable reason for us. Read next: `bridge.wire.vapi_create`.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import ResolveResult
from loguru import logger

from .. import __version__
from ..domain.upstream import Delivery
from ..errors import InvalidInput, UpstreamFailed
from ..ports import VendorAccount
from ..wire import vapi_keeping, vapi_urls
from ..wire.vapi_create import BUSY, Created, check_url, parse_created, without_silence_timeout
from ..wire.vapi_keeping import redact
from ..wire.vapi_messages import report_of_call
from .heartbeat import SeldomReset

CREATE_SECONDS = 12.0
READ_SECONDS = 5.0
CONTROL_SECONDS = 2.0
DIAL_SECONDS = 5.0
HEARTBEAT_SECONDS = 3.0
"""A ping this often; no answer for half of it and the socket is lost: silence is noticed within 5 s (F2)."""
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""A conversation-update holds the whole history."""
RECORDING_SECONDS = 60.0
MAX_RECORDING_BYTES = 200 * 1024 * 1024
CLOCKS_DIFFER_SECONDS = 60
"""Vapi's clock may be so far from ours; a call of ours is known by its metadata."""
USER_AGENT = f"prepkit/{__version__}"
WORDS = {
    "vapi_unauthorised": "The voice service did not accept this server's key.",
    "vapi_edge_refused": "The voice service did not let this server in.",
    "vapi_no_credit": "The voice service's account has no credit left.",
    "vapi_rate_limited": "The voice service is taking no more calls this minute.",
    "vapi_busy": BUSY,
    "vapi_bad_request": "The voice service did not take this call.",
    "vapi_timeout": "The voice service did not answer in time.",
    "vapi_unavailable": "The voice service is out of order.",
}
BY_STATUS = {
    401: "vapi_unauthorised",
    402: "vapi_no_credit",
    403: "vapi_unauthorised",
    408: "vapi_timeout",
    429: "vapi_rate_limited",
}
LINK_OR_KEY = re.compile(r"\S*(://|@)\S*|(?=[\w+/=-]*\d)[\w+/=-]{24,}")
SocketT = TypeVar("SocketT")


def failed(reason: str) -> UpstreamFailed:
    """A failure of Vapi, in words."""
    return UpstreamFailed(WORDS[reason], reason=reason)


class _AudioWebSocket(SeldomReset, aiohttp.ClientWebSocketResponse):
    """Vapi's end of a call."""


class VapiClient(Generic[SocketT]):
    """One account. `wrap` makes of aiohttp's websocket what the pipeline takes; `close` when done."""

    def __init__(self, api_key: str, base_url: str, wrap: Callable[[aiohttp.ClientWebSocketResponse], SocketT]) -> None:
        self._base = base_url.rstrip("/")
        host = urlsplit(self._base).hostname or ""
        self._wrap = wrap
        self._headers = {"Authorization": f"Bearer {api_key}"}
        no_redirects = aiohttp.TraceConfig()
        # A websocket's opening follows them, and cannot be told not to.
        no_redirects.on_request_redirect.append(_refuse_redirect)
        # Every live call holds a connection, and aiohttp's own limit of 100 would have the next one wait until it is lost. Calls are limited elsewhere.
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers={"User-Agent": USER_AGENT},
            trace_configs=[no_redirects],
            ws_response_class=_AudioWebSocket,
        )
        self._downloads = aiohttp.ClientSession(
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            connector=aiohttp.TCPConnector(resolver=_PublicResolver(allow_loopback=vapi_urls.is_loopback(host))),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()
        await self._downloads.close()

    # Create ---------------------------------------------------------------------------------------------------------
    async def create(self, body: dict[str, Any]) -> Created:
        """`POST /call`. Raises UpstreamFailed; an ambiguous failure adopts the call that was made, or tries once more."""
        began = datetime.now(UTC)
        try:
            return await self._create(body)
        except UpstreamFailed as error:
            if error.reason not in ("vapi_timeout", "vapi_unavailable"):
                raise
            logger.warning("A create at Vapi failed ambiguously ({}); looking for the call", error.reason)
            made, sure = await self._made(body, began)
            if made is not None:
                return parse_created(made, api_base=self._base)
            if error.reason == "vapi_timeout" or not sure:
                # The candidate has waited long enough, and a late answer would make a second call.
                raise
            return await self._create(body)

    async def _create(self, body: dict[str, Any]) -> Created:
        status, answer = await self._request("POST", "/call", CREATE_SECONDS, json=body)
        if (
            status == 400
            and "silenceTimeoutSeconds" in str(answer.get("message"))
            and "silenceTimeoutSeconds" in body["assistant"]
        ):
            return await self._create(without_silence_timeout(body))
        if status == 400 and "concurren" in str(answer.get("message")).lower():
            raise failed("vapi_busy")
        if status != 201:
            logger.warning("Vapi refused a call with {}: {}", status, _hint(answer))
            raise failed("vapi_edge_refused" if status == 403 and "1010" in _hint(answer) else _reason(status))
        return parse_created(answer, api_base=self._base)

    async def _made(self, body: dict[str, Any], began: datetime) -> tuple[dict[str, Any] | None, bool]:
        """The call that this body made, if it did; and whether that is certain (§1.4)."""
        since = (began - timedelta(seconds=CLOCKS_DIFFER_SECONDS)).isoformat().replace("+00:00", "Z")
        try:
            status, calls = await self._request("GET", "/call", READ_SECONDS, params={"createdAtGe": since, "limit": "100"})
        except UpstreamFailed:
            return None, False
        listed = calls.get("items") if status == 200 else None
        if not isinstance(listed, list):
            return None, False
        wanted = body["assistant"]["metadata"]
        return next((call for call in listed if isinstance(call, dict) and _has_metadata(call, wanted)), None), True

    # A call that exists -----------------------------------------------------------------------------------------------
    async def get(self, call_id: str) -> dict[str, Any]:
        """`GET /call/{id}`. Raises UpstreamFailed; reason `vapi_unknown_call` for a 404."""
        status, answer = await self._request("GET", f"/call/{_path(call_id)}", READ_SECONDS)
        if status == 404:
            raise UpstreamFailed("The voice service does not know this call.", reason="vapi_unknown_call")
        if status != 200:
            raise failed(_reason(status))
        return answer

    async def check_key(self) -> None:
        """One cheap request that makes nothing. Raises UpstreamFailed."""
        status, _ = await self._request("GET", "/call", READ_SECONDS, params={"limit": "1"})
        if status != 200:
            raise failed(_reason(status))

    async def account(self, call_id: str) -> VendorAccount:
        """`GET /call/{id}`, read like the end-of-call-report that did not come. Raises UpstreamFailed."""
        call = await self.get(call_id)
        ended = call.get("status") == "ended"
        report = report_of_call(call)
        delivery = Delivery(call_id, "report", "get-call", (report,), redact({"message": {**call, "type": "end-of-call-report"}}))
        # The end may be known a minute before what was said (§1.4).
        return VendorAccount(live=not ended, complete=ended and bool(report.turns or call.get("artifact")), delivery=delivery)

    async def dial(self, url: str) -> SocketT:
        """Open a call's socket; the URL is the key to it. Raises UpstreamFailed."""
        check_url(url, api_base=self._base, scheme="wss")
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                ws = await self._http.ws_connect(
                    url, heartbeat=HEARTBEAT_SECONDS, max_msg_size=MAX_MESSAGE_BYTES, compress=0, timeout=_CLOSE
                )
        except TimeoutError:
            raise failed("vapi_timeout") from None
        except aiohttp.ClientError as error:
            # `from None`: the error's text holds the URL.
            raise UpstreamFailed(WORDS["vapi_unavailable"], reason=f"vapi_dial_{type(error).__name__}") from None
        return self._wrap(ws)

    async def control(self, control_url: str, frame: dict[str, Any]) -> None:
        """Speak to the live call; once more after a timeout or 5xx, not after a 4xx (§3). Raises UpstreamFailed."""
        check_url(control_url, api_base=self._base, scheme="https")
        last = failed("vapi_timeout")
        for _ in range(2):
            try:
                async with (
                    asyncio.timeout(CONTROL_SECONDS),
                    self._http.post(control_url, json=frame, allow_redirects=False) as response,
                ):
                    if response.status < 400:
                        return
                    last = failed(_reason(response.status))
                    if response.status < 500:
                        break
            except TimeoutError:
                last = failed("vapi_timeout")
            except aiohttp.ClientError:
                last = failed("vapi_unavailable")
        raise last

    async def hang_up(self, call_id: str) -> None:
        """End a call of which only the id is known, by the control URL its record gives. Raises UpstreamFailed."""
        monitor = (await self.get(call_id)).get("monitor")
        url = monitor.get("controlUrl") if isinstance(monitor, Mapping) else None
        if not isinstance(url, str):
            raise UpstreamFailed("The call cannot be ended from here.", reason="vapi_no_control")
        await self.control(url, {"type": "end-call"})

    async def erase(self, call_id: str) -> bool:
        """`DELETE /call/{id}`: recording, transcript and record are gone there. False for a 404. Raises UpstreamFailed."""
        status, _ = await self._request("DELETE", f"/call/{_path(call_id)}", READ_SECONDS)
        if status not in (200, 202, 204, 404):
            raise failed(_reason(status))
        return status != 404

    async def recording(self, call_id: str, to: Path) -> str:
        """Fetch the stereo recording into a file; returns its media type. One redirect, allow-listed, bounded (§1.4, A11). Raises UpstreamFailed."""
        url = f"{self._base}/call/{_path(call_id)}/stereo-recording"
        try:
            async with asyncio.timeout(RECORDING_SECONDS):
                async with self._http.get(url, headers=self._headers, allow_redirects=False) as first:
                    location = first.headers.get("Location", "")
                    if first.status not in (301, 302, 303, 307, 308) or not location:
                        raise UpstreamFailed("There is no recording.", reason=f"vapi_recording_{first.status}")
                    target = self._target(urljoin(url, location))
                # Without our key: signed URLs refuse it.
                async with self._downloads.get(target, allow_redirects=False) as second:
                    return await _save(second, to)
        except TimeoutError:
            raise failed("vapi_timeout") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise UpstreamFailed("The recording could not be fetched.", reason=f"vapi_recording_{type(error).__name__}") from None

    def _target(self, url: str) -> str:
        if not vapi_urls.allowed(url, api_base=self._base, scheme="https", hosts=vapi_urls.STORAGE_HOSTS):
            raise UpstreamFailed("The recording is kept in an unknown place.", reason="vapi_recording_foreign")
        return url

    async def _request(
        self, method: str, path: str, seconds: float, *, json: Any = None, params: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object (a list comes as `items`)."""
        try:
            async with (
                asyncio.timeout(seconds),
                self._http.request(
                    method, self._base + path, json=json, params=params, headers=self._headers, allow_redirects=False
                ) as response,
            ):
                raw = await response.content.read(MAX_ANSWER_BYTES)
                while not response.content.at_eof():
                    raw += await response.content.read(MAX_ANSWER_BYTES)
                    if len(raw) > MAX_ANSWER_BYTES:
                        raise failed("vapi_unavailable")
        except TimeoutError:
            raise failed("vapi_timeout") from None
        except aiohttp.ClientError:
            raise failed("vapi_unavailable") from None
        try:
            body = vapi_keeping.read(raw) if raw else {}
        except InvalidInput:
            body = {"message": raw[:200].decode("ascii", "replace")}
        if isinstance(body, list):
            body = {"items": body}
        return response.status, body if isinstance(body, dict) else {}


_CLOSE = aiohttp.ClientWSTimeout(ws_close=2.0)


async def _save(response: aiohttp.ClientResponse, to: Path) -> str:
    media = response.content_type
    packed = response.headers.get("Content-Encoding", "identity") != "identity"
    if response.status != 200 or packed or not (media.startswith("audio/") or media == "application/octet-stream"):
        raise UpstreamFailed("The recording could not be fetched.", reason=f"vapi_recording_{response.status}")
    size = 0
    with await asyncio.to_thread(to.open, "wb") as file:
        async for chunk in response.content.iter_chunked(256 * 1024):
            size += len(chunk)
            if size > MAX_RECORDING_BYTES:
                raise UpstreamFailed("The recording is too large.", reason="vapi_recording_too_large")
            await asyncio.to_thread(file.write, chunk)
    return media


async def _refuse_redirect(*_: object) -> None:
    raise aiohttp.ClientConnectionError("A redirect was not expected")


def _reason(status: int) -> str:
    return BY_STATUS.get(status, "vapi_unavailable" if status >= 500 else "vapi_bad_request")


def _hint(answer: Mapping[str, Any]) -> str:
    """What Vapi says is wrong with a request, for the log: names of fields, but no link and nothing that may be a key."""
    message = answer.get("message")
    text = "; ".join(str(item) for item in message) if isinstance(message, list) else str(message or "no reason given")
    return LINK_OR_KEY.sub("…", text)[:300]


def _path(call_id: str) -> str:
    if not call_id.replace("-", "").replace("_", "").isalnum() or not call_id.isascii():
        raise UpstreamFailed("The voice service does not know this call.", reason="vapi_unknown_call")
    return call_id


def _has_metadata(call: dict[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a call carries what only this create had: a rejoin of the same session has another time."""
    holders = (call, call.get("assistant"), call.get("assistantOverrides"))
    metadata = [holder.get("metadata") for holder in holders if isinstance(holder, dict)]
    return any(isinstance(m, dict) and all(m.get(key) == wanted[key] for key in ("sessionId", "timestamp")) for m in metadata)


class _PublicResolver(aiohttp.ThreadedResolver):
    """Resolves to public addresses only, at the moment of connecting: a name that changes its mind gains nothing."""

    def __init__(self, *, allow_loopback: bool) -> None:
        super().__init__()
        self._allow_loopback = allow_loopback

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """As the base class, without private places."""
        found = await super().resolve(host, port, family)
        good = [r for r in found if vapi_urls.is_public(r["host"]) or (self._allow_loopback and vapi_urls.is_loopback(r["host"]))]
        if not good:
            raise OSError(None, "The name leads to a private address")
        return good
