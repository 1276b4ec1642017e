"""A strict stand-in of Google's Gemini API on loopback, for the real google-genai client: REST and Live, with faults on command.

    async with GeminiStandin(key="test-key") as gemini:
        client = genai.Client(api_key="test-key", http_options=HttpOptions(base_url=gemini.url))

It refuses what Gemini refuses (`gemini_fields`, `gemini_checks`, `gemini_schemas`, `gemini_setup`), answers through a brain (`gemini_minds`), notes
every call and fails when told to (`gemini_faults`). Beside Google's paths:

    GET /standin/requests                 the calls so far
    GET, POST, DELETE /standin/faults     the faults; POST one or a list, fields as `Fault`
    POST /standin/words {"words": […]}    what the next utterances in Live sessions will have said
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from .gemini_answers import Brain, Reply, Request, Spent, as_answer, reply, tokens
from .gemini_checks import check_request
from .gemini_errors import UNREGISTERED, GoogleError, bad_key, no_model
from .gemini_faults import Fault, Faults, Kind, refusal, spoil
from .gemini_fields import read
from .gemini_live import LiveHouse
from .gemini_minds import RULES, Rule, StandinBrain, purpose_of
from .gemini_models import MODELS, Model
from .gemini_session import LiveOptions, LiveSession
from .gemini_voice import Hearing

MAX_BODY = 20 << 20
CHUNK_CHARACTERS = 120
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_VERSION = "{version:v1|v1beta|v1alpha}"
_LIVE_PATH = f"/ws/google.ai.generativelanguage.{_VERSION}.GenerativeService.BidiGenerateContent"
_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


@dataclass
class Call:
    """One call of a content method that came with a valid key; times in seconds of the monotonic clock."""

    n: int
    method: str
    model: str
    version: str
    started: float
    purpose: str = ""
    prompt: str = ""
    system: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    """As sent."""
    status: int = 0
    """0 while it runs, and for a connection that was reset."""
    error: str = ""
    fault: str = ""
    text: str = ""
    """What was answered."""
    spent: Spent = field(default_factory=Spent)
    ended: float | None = None


class GeminiStandin:
    """See the module. `latency` in seconds, or a function of the request; `words` are what Live utterances will have said."""

    def __init__(
        self, *, key: str = "test-key", brain: Brain | None = None, latency: float | Callable[[Request], float] = 0.0,
        faults: Faults | Iterable[Fault] = (), rules: Sequence[Rule] = RULES, chunk_characters: int = CHUNK_CHARACTERS,
        chunk_seconds: float = 0.0, live: LiveOptions | None = None, words: Iterable[str] = (), recogniser: bool = True,
        port: int = 0, tls: bool = False,
    ) -> None:  # fmt: skip
        self.key = key
        self.brain: Brain = brain or StandinBrain()
        self.latency = latency
        self.faults = faults if isinstance(faults, Faults) else Faults(*faults)
        self.rules = list(rules)
        self.chunk_characters = chunk_characters
        self.chunk_seconds = chunk_seconds
        self.requests: list[Call] = []
        self.hearing = Hearing(words, recogniser=recogniser)
        self._live = LiveHouse(live or LiveOptions(), self.hearing, self.faults, self._changed)
        self._port = port
        self._tls = tls
        self._news = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.certificate: Path | None = None
        """PEM to trust when it speaks TLS."""

    @property
    def live_sessions(self) -> list[LiveSession]:
        """Every Live connection so far."""
        return self._live.sessions

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    async def start(self) -> Self:
        """Listen."""
        context = None
        if self._tls:
            from .gemini_tls import make_certificate  # noqa: PLC0415 - only then is a certificate's library needed

            self._folder = tempfile.TemporaryDirectory(prefix="prepkit-standin-")
            context, self.certificate = make_certificate(Path(self._folder.name))
        self._runner = web.AppRunner(self._application(), access_log=None, handle_signals=False, shutdown_timeout=0.2)
        await self._runner.setup()
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener, ssl_context=context).start()
        return self

    async def stop(self) -> None:
        """Drop every connection and be gone."""
        if self._runner is not None:
            await self._runner.cleanup()
        await self.hearing.close()
        if self._folder is not None:
            self._folder.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def wait_for(self, wanted: Callable[[GeminiStandin], Any], seconds: float = 10) -> Any:
        """The first true value of `wanted(self)`, looked at after every change. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not (found := wanted(self)):
                self._news.clear()
                await self._news.wait()
        return found

    def _changed(self) -> None:
        self._news.set()

    # Routes --------------------------------------------------------------------------------------------------------------
    def _application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY, middlewares=[_errors])
        model = f"/{_VERSION}/models/{{model:[^:/]+}}"
        app.router.add_post(f"{model}:generateContent", self._generate)
        app.router.add_post(f"{model}:streamGenerateContent", self._stream)
        app.router.add_post(f"{model}:countTokens", self._count)
        app.router.add_get(f"/{_VERSION}/models", self._list)
        app.router.add_get(model, self._get)
        app.router.add_get(_LIVE_PATH, self._converse)
        app.router.add_get("/standin/requests", self._show_requests)
        app.router.add_get("/standin/faults", self._show_faults)
        app.router.add_post("/standin/faults", self._add_faults)
        app.router.add_delete("/standin/faults", self._clear_faults)
        app.router.add_post("/standin/words", self._promise_words)
        return app

    def _key_problem(self, request: web.Request) -> str | None:
        key = request.headers.get("x-goog-api-key") or request.query.get("key")
        return "missing" if not key else None if key == self.key else "wrong"

    def _authorise(self, request: web.Request) -> None:
        problem = self._key_problem(request)
        if problem == "missing":
            raise GoogleError(403, UNREGISTERED)
        if problem:
            raise bad_key()

    def _model(self, request: web.Request, method: str) -> Model:
        name, version = request.match_info["model"], request.match_info["version"]
        model = MODELS.get(name)
        if model is None or method not in [*model.methods, "streamGenerateContent" if not model.live else "", "get"]:
            raise no_model(name, version, method)
        return model

    async def _list(self, request: web.Request) -> web.Response:
        self._authorise(request)
        cards = [model.card for model in MODELS.values()]
        size = min(int(request.query.get("pageSize", 50)), 1_000)
        start = int(request.query.get("pageToken", 0))
        page: dict[str, Any] = {"models": cards[start : start + size]}
        return web.json_response(page | ({"nextPageToken": str(start + size)} if start + size < len(cards) else {}))

    async def _get(self, request: web.Request) -> web.Response:
        self._authorise(request)
        return web.json_response(self._model(request, "get").card)

    async def _count(self, request: web.Request) -> web.Response:
        self._authorise(request)
        self._model(request, "countTokens")
        body = read("CountTokensRequest", await _json(request))
        asked = body.get("generateContentRequest", body)
        if not asked.get("contents"):
            raise GoogleError(400, "* CountTokensRequest.contents: contents is not specified\n")
        parts = [p for c in [asked.get("systemInstruction", {}), *asked["contents"]] for p in c.get("parts", [])]
        total = tokens("\n".join(part.get("text", "") for part in parts))
        return web.json_response({"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]})

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, "generateContent", self._send_whole)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, "streamGenerateContent", self._send_stream)

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        return await self._live.serve(request, self._key_problem(request))

    # Answering -----------------------------------------------------------------------------------------------------------
    async def _answer(
        self, http: web.Request, method: str, send: Callable[[web.Request, Reply, Fault | None], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self._authorise(http)
        call = Call(len(self.requests) + 1, method, http.match_info["model"], http.match_info["version"], time.monotonic())
        self.requests.append(call)
        self._changed()
        try:
            call.body = await _json(http)
            request = self._understood(http, method, call)
            fault = self.faults.strike(live=False, purpose=call.purpose, text=request.text, model=call.model)
            answered = await self._think(request, fault, call)
            response = await send(http, answered, fault)
            call.status = 0 if fault is not None and fault.kind in (Kind.RESET, Kind.DISCONNECT) else response.status
        except GoogleError as error:
            call.status, call.error = error.code, error.message
            raise
        else:
            return response
        finally:
            call.ended = time.monotonic()
            self._changed()

    def _understood(self, http: web.Request, method: str, call: Call) -> Request:
        body = read("GenerateContentRequest", call.body)
        model = self._model(http, method)
        request = Request(model, call.version, method, body, check_request(body, model))
        call.purpose = purpose_of(request, self.rules)
        call.prompt, call.system = request.prompt, request.system
        return Request(model, call.version, method, body, request.schema, call.purpose)

    async def _think(self, request: Request, fault: Fault | None, call: Call) -> Reply:
        if fault is not None:
            call.fault = fault.kind.value
            if error := refusal(fault, request.model.name):
                raise error
        if (
            fault is not None
            and fault.kind in (Kind.HANG, Kind.SLOW)
            and not (fault.kind is Kind.SLOW and "stream" in request.method)
        ):
            await asyncio.sleep(fault.seconds)
        await asyncio.sleep(self.latency(request) if callable(self.latency) else self.latency)
        answer = as_answer(self.brain(request))
        if fault is not None:
            answer = spoil(fault, request, answer)
        answered = reply(request, answer, unlimited=fault is not None and fault.kind is Kind.HUGE)
        call.text, call.spent = answered.answer.text, answered.spent
        return answered

    async def _send_whole(self, http: web.Request, answered: Reply, fault: Fault | None) -> web.StreamResponse:
        data = json.dumps(answered.body()).encode()
        if fault is not None and fault.kind is Kind.DISCONNECT:
            return _reset(http)
        if fault is None or fault.kind is not Kind.RESET:
            return web.Response(body=data, content_type="application/json", charset="UTF-8")
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(data))})
        await response.prepare(http)
        await response.write(data[: len(data) // 2])
        _reset(http)
        return response

    async def _send_stream(self, http: web.Request, answered: Reply, fault: Fault | None) -> web.StreamResponse:
        if fault is not None and fault.kind is Kind.DISCONNECT:
            return _reset(http)
        sse = http.query.get("alt") == "sse"
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream" if sse else "application/json; charset=UTF-8"})
        await response.prepare(http)
        for n, chunk in enumerate(answered.chunks(self.chunk_characters)):
            data = json.dumps(chunk)
            await response.write((f"data: {data}\r\n\r\n" if sse else f"{',' if n else '['}{data}\r\n").encode())
            if n == 0 and fault is not None and fault.kind is Kind.RESET:
                _reset(http)
                return response
            await asyncio.sleep(fault.seconds if n == 0 and fault is not None and fault.kind is Kind.SLOW else self.chunk_seconds)
        if not sse:
            await response.write(b"]")
        await response.write_eof()
        return response

    # Commands ------------------------------------------------------------------------------------------------------------
    async def _show_requests(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(call) | {"text": call.text[:500]} for call in self.requests])

    async def _show_faults(self, _request: web.Request) -> web.Response:
        return web.json_response([fault.model_dump(mode="json") for fault in self.faults])

    async def _add_faults(self, request: web.Request) -> web.Response:
        value = await _json(request)
        try:
            faults = _FAULTS.validate_python(value if isinstance(value, list) else [value])
        except ValidationError as error:
            raise GoogleError(400, str(error)) from error
        for fault in faults:
            self.faults.add(**fault.model_dump())
        return web.json_response([fault.model_dump(mode="json") for fault in faults], status=201)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def _promise_words(self, request: web.Request) -> web.Response:
        words = (await _json(request)).get("words", [])
        self.hearing.words.extend(str(each) for each in words)
        return web.json_response({"waiting": len(self.hearing.words)}, status=201)


@web.middleware
async def _errors(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """GoogleError as Google sends it: in a list for a stream that is not server-sent events."""
    try:
        return await handler(request)
    except GoogleError as error:
        listed = request.path.endswith(":streamGenerateContent") and request.query.get("alt") != "sse"
        return web.json_response([error.body] if listed else error.body, status=error.code, headers=error.headers)


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(await request.text() or "{}")
    except ValueError as error:
        raise GoogleError(400, f"Invalid JSON payload received. {error}") from error
    return value


def _reset(request: web.Request) -> web.StreamResponse:
    """End the connection with RST instead of FIN. Returns a response for form's sake."""
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()
    return web.StreamResponse()
