"""Vapi played on this machine: strict about what it is sent, real about what it sends.

`POST /call` and its relatives, the audio socket, live control, recordings, webhooks and tool calls, with faults on command. No answer of it says anything
about Vapi's quality; it holds our side to the wire. Tests use `VapiStandin` and look at its `calls`; other processes use `/standin/…`.
Read next: `vapi_call` (one call), `vapi_checks` (what is refused), `vapi_faults`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

import aiohttp
from aiohttp import web
from pydantic import ValidationError

from .vapi_call import Call, reset
from .vapi_checks import Refused, check_create
from .vapi_echo import Echo, EchoLines
from .vapi_faults import Faults, Manner
from .vapi_order import settle
from .vapi_record import Stage, session_of
from .vapi_report import SIDES
from .vapi_speech import Hears, Speaks, speak

BUILT_IN_AGENTS = ("Python/", "python-urllib", "Java/", "Go-http-client")
"""What a library says of itself when nobody gave it a User-Agent."""
NOT_FOUND = "Couldn't Find Call. It may have been deleted or its id is wrong"
REFUSALS: dict[int, tuple[str, str]] = {
    400: ("Bad Request", "Over Concurrency Limit"),
    401: ("Unauthorized", "Invalid Key. Hot tip, you may be using the public key instead of the private key"),
    402: ("Payment Required", "Wallet balance is insufficient to make a call"),
    403: ("Forbidden", "Key doesn't allow this operation"),
    404: ("Not Found", NOT_FOUND),
    429: ("Too Many Requests", "Rate limit exceeded"),
    500: ("Internal Server Error", "Internal server error"),
}
LIST_LIMIT = 100


def refuse(status: int, message: str | list[str] | None = None) -> web.Response:
    """A refusal in Vapi's shape; a 503 comes from the edge, as plain text."""
    if status == 503:
        return web.Response(status=status, text="no healthy upstream")
    error, usual = REFUSALS[status]
    return web.json_response({"message": message or usual, "error": error, "statusCode": status}, status=status)


class VapiStandin:
    """A stand-in on a free port while the `async with` lasts; leaving it raises what failed inside the stand-in itself."""

    def __init__(
        self,
        *,
        key: str = "test-key",
        port: int = 0,
        words: Iterable[str] = (),
        faults: Faults | None = None,
        manner: Manner | None = None,
        hear: Hears = "auto",
        speak: Speaks = speak,
        echo: Echo | bool = False,
    ) -> None:
        """`words`: what the next turns of candidates are understood to say; without any, `hear` listens. `echo`: no conversation (True is `uplink`)."""
        self.calls: list[Call] = []
        self.url = ""
        self._key = key
        self._port = port
        kind: Echo | None = ("uplink" if echo is True else echo) or None
        self._echo = EchoLines(kind) if kind else None
        self._stage = Stage(manner or Manner(), speak, hear, self._echo, faults or Faults())
        self._stage.words.extend(words)
        self._create_failures = 0
        self.requests: list[tuple[str, str]] = []
        """Method and path of everything that came, to whichever door."""
        self.erased: list[str] = []
        """Ids of calls that were deleted."""
        self._links: dict[str, tuple[Call, str, float]] = {}

    @property
    def faults(self) -> Faults:
        """What goes wrong with the next calls, and with live ones from their next join or message on; `inject` strikes those at once."""
        return self._stage.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._stage.faults = faults
        self._create_failures = 0

    @property
    def faults_of(self) -> dict[str, Faults]:
        """What goes wrong with the calls of certain sessions, in place of everybody's."""
        return self._stage.faults_of

    async def inject(self, **faults: Any) -> None:
        """These faults, by name, for every live call now and for the next ones; seconds count from now."""
        self.faults = Faults(**faults)
        for call in self.calls:
            if call.live:
                await call.struck_by_new_faults()

    def say_next(self, *texts: str) -> None:
        """What the next turns of candidates are understood to say."""
        self._stage.words.extend(texts)

    async def wait_for(self, wanted: Callable[[Self], bool], seconds: float = 10) -> None:
        """Return once it is so. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not wanted(self):  # noqa: ASYNC110 - what is waited for may be anything
                await asyncio.sleep(0.02)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=8 * 1024 * 1024, middlewares=[self._door])
        app.add_routes(
            [
                web.post("/call", self._create),
                web.get("/call", self._list),
                web.get("/call/{id}", self._show),
                web.delete("/call/{id}", self._erase),
                web.get(r"/call/{id}/{side:mono|stereo|customer|assistant}-recording", self._recording),
                web.get("/storage/{id}/{file}", self._stored),
                web.get("/{id}/transport", self._transport),
                web.post("/{id}/control", self._control),
                web.get("/standin/calls", self._observed),
                web.post("/standin/faults", self._set_faults),
                web.post("/standin/words", self._set_words),
                web.route("*", "/{path:.*}", self._nothing),
            ]
        )
        self._stage.http = self._http = aiohttp.ClientSession(headers={"User-Agent": "Vapi/1.0"})
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._stage.url = self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._echo is not None:
            await self._echo.close()
        for call in self.calls:
            await call.close()
        await self._runner.cleanup()
        await self._http.close()
        if self._stage.crashes and kind is None:
            raise self._stage.crashes[0]

    # The door -----------------------------------------------------------------------------------------------------------
    @web.middleware
    async def _door(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """The edge wants a User-Agent of one's own, the API a private key; live calls and signed links are keys themselves."""
        self.requests.append((request.method, request.path))
        if request.path.partition("/")[2].partition("/")[0] == "call":
            agent = request.headers.get("User-Agent", "")
            if not agent or agent.startswith(BUILT_IN_AGENTS):
                return web.Response(status=403, text="error code: 1010")
            if request.headers.get("Authorization") != f"Bearer {self._key}":
                return refuse(401)
        return await handler(request)

    async def _nothing(self, request: web.Request) -> web.Response:
        return refuse(404, f"Cannot {request.method} {request.path}")

    # Calls --------------------------------------------------------------------------------------------------------------
    async def _create(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
        except ValueError:
            return refuse(400, "The body is not JSON")
        faults = self._stage.faults_of.get(session_of(body), self.faults)
        if faults.create_status and (faults.create_failures is None or self._create_failures < faults.create_failures):
            self._create_failures += 1
            return refuse(faults.create_status)
        try:
            order = settle(check_create(body), body)
        except Refused as error:
            return refuse(400, error.messages)
        if faults.refuse_silence_timeout and "silenceTimeoutSeconds" in body["assistant"]:
            return refuse(400, ["assistant.property silenceTimeoutSeconds should not exist"])
        running = sum(call.ended_reason is None for call in self.calls)
        call = Call(self._stage, order)
        call.blocked = faults.concurrency_blocked or (self._echo is None and running >= self._stage.manner.concurrency)
        self.calls.append(call)
        await asyncio.sleep(faults.create_seconds)
        if faults.create_lost and request.transport is not None:
            reset(request.transport)
        limit = self._stage.manner.concurrency
        answer = call.resource()
        answer["subscriptionLimits"] = {
            "concurrencyBlocked": call.blocked,
            "concurrencyLimit": limit,
            "remainingConcurrentCalls": max(0, limit - running - 1),
        }
        if faults.create_without_url:
            del answer["transport"]["websocketCallUrl"]
        return web.json_response(answer, status=201)

    def _find(self, request: web.Request) -> Call | None:
        wanted = request.match_info["id"]
        return next((call for call in self.calls if call.id == wanted and call.id not in self.erased), None)

    async def _list(self, request: web.Request) -> web.Response:
        try:
            found = [
                call for call in reversed(self.calls) if call.id not in self.erased and _within(call.created_at, request.query)
            ]
            limit = int(request.query.get("limit", LIST_LIMIT))
        except ValueError:
            return refuse(400, ["createdAt must be a valid ISO 8601 date string"])
        return web.json_response([call.resource() for call in found[:limit]])

    async def _show(self, request: web.Request) -> web.Response:
        call = self._find(request)
        return refuse(404) if call is None else web.json_response(call.resource())

    async def _erase(self, request: web.Request) -> web.Response:
        """Record, transcript and recording are gone; a live call ends."""
        if self.faults.erase_status:
            return refuse(self.faults.erase_status)
        call = self._find(request)
        if call is None:
            return refuse(404)
        call.end("call-deleted")
        self.erased.append(call.id)
        return web.json_response(call.resource())

    async def _transport(self, request: web.Request) -> web.StreamResponse:
        call = self._find(request)
        if call is None:
            return refuse(404)
        if reason := call.refusal():
            return refuse(403, f"You cannot join: {reason}")
        return await call.join(request)

    async def _control(self, request: web.Request) -> web.Response:
        call = self._find(request)
        if (
            call is None
            or call.ended_reason is not None
            or call.started_at is None
            or not call.assistant.monitor_plan.control_enabled
        ):
            return refuse(404)
        if call.assistant.monitor_plan.control_authentication_enabled and "Authorization" not in request.headers:
            return refuse(401)
        try:
            await call.command(await request.json())
        except ValueError:
            return refuse(400, "The body is not JSON")
        except Refused as error:
            call.violate(f"a control message Vapi does not know: {error}")
            return refuse(400, error.messages)
        return web.json_response({"ok": True})

    # Recordings ---------------------------------------------------------------------------------------------------------
    async def _recording(self, request: web.Request) -> web.Response:
        call = self._find(request)
        if call is None or call.tape is None or not call.settled:
            return refuse(404, "Couldn't Find Recording")
        signature = secrets.token_urlsafe(16)
        self._links[signature] = (call, request.match_info["side"], time.monotonic() + self._stage.manner.link_seconds)
        url = f"{self.url}/storage/{call.id}/{request.match_info['side']}.wav?signature={signature}"
        return web.Response(status=302, headers={"Location": url})

    async def _stored(self, request: web.Request) -> web.Response:
        """A signed link, good for a moment; like a store's it refuses a second way to authenticate."""
        call, side, until = self._links.get(request.query.get("signature", ""), (None, "", 0.0))
        if "Authorization" in request.headers:
            return web.Response(status=400, text="Only one auth mechanism allowed", content_type="application/xml")
        if (
            call is None
            or call.id in self.erased
            or call.tape is None
            or time.monotonic() > until
            or request.match_info["file"] != f"{side}.wav"
        ):
            return web.Response(status=403, text="Access Denied", content_type="application/xml")
        wav = await asyncio.to_thread(call.tape.wav, next(name for name in SIDES.values() if name == side))
        return web.Response(body=wav, content_type="audio/wav")

    # On command ---------------------------------------------------------------------------------------------------------
    async def _observed(self, _: web.Request) -> web.Response:
        return web.json_response([call.as_json() for call in self.calls])

    async def _set_faults(self, request: web.Request) -> web.Response:
        """All faults anew; with `?live=1` live calls are struck at once."""
        try:
            faults = Faults.model_validate_json(await request.read())
        except ValidationError as error:
            return refuse(400, [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()])
        if request.query.get("live"):
            await self.inject(**faults.model_dump())
        else:
            self.faults = faults
        return web.json_response(faults.model_dump())

    async def _set_words(self, request: web.Request) -> web.Response:
        """`{"texts": […]}`: what the next turns are understood to say."""
        try:
            texts = (await request.json())["texts"]
        except (ValueError, KeyError, TypeError):
            texts = None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            return refuse(400, "texts must be an array of strings")
        self.say_next(*texts)
        return web.json_response({"waiting": len(self._stage.words)})


def _within(at: datetime, query: Mapping[str, str]) -> bool:
    """Whether a time fits `createdAtGe` and its relatives. Raises ValueError."""
    tests: dict[str, Callable[[datetime, datetime], bool]] = {
        "createdAtGe": datetime.__ge__,
        "createdAtGt": datetime.__gt__,
        "createdAtLe": datetime.__le__,
        "createdAtLt": datetime.__lt__,
    }
    limits = {name: datetime.fromisoformat(query[name]) for name in tests if name in query}
    return all(tests[name](at, limit if limit.tzinfo else limit.replace(tzinfo=UTC)) for name, limit in limits.items())
