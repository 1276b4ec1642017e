"""Vapi over real sockets: every failure of a create has its words, no call is made twice, nothing leads elsewhere, no key or link gets out (F2, A11, A13)."""

import asyncio
import json
import socket as sockets
import time
import traceback
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from loguru import logger

from bridge import __version__
from bridge.clients import vapi
from bridge.clients.vapi import VapiClient
from bridge.domain.upstream import CallReport
from bridge.errors import UpstreamFailed
from tests.vapi_examples import example

KEY = "canary-key-5d41402abc4b2a76b9719d911017c592"
LINK = "canary-link-7d793037a0760186"
AUDIO = b"ID3" + bytes(range(256)) * 2000


def body():
    """A create body with metadata as ours have it."""
    metadata = {"sessionId": "s1", "interviewType": "dsa", "timestamp": "2026-11-25T10:00:00+00:00"}
    assistant = {"silenceTimeoutSeconds": 180, "metadata": metadata}
    return {"name": "prepkit-s1", "assistant": assistant, "assistantOverrides": {"metadata": metadata}}


class Api:
    """A small Vapi: answers a create with what the test put into `creates`, else makes a call. Keeps every request."""

    def __init__(self):
        self.url = ""
        self.creates = []
        """One entry for each POST to come: a status, a response body with it, or a coroutine function of the request."""
        self.calls = []
        self.seen = []
        self.controls = []
        """Statuses of control requests to come; a number below 10 waits so many seconds."""
        self.list_status = 200
        self.routes = {}
        """Handlers for anything else, by path."""

    def posts(self):
        """Bodies of the creates that came."""
        return [json.loads(data) for method, path, _, data in self.seen if (method, path) == ("POST", "/call")]

    def make(self, order):
        """A call as Vapi lists it."""
        call_id = f"call-{len(self.calls) + 1}"
        ws = self.url.replace("http", "ws")
        self.calls.append(
            {
                **order,
                "id": call_id,
                "status": "queued",
                "transport": {"websocketCallUrl": f"{ws}/{LINK}/transport"},
                "monitor": {"controlUrl": f"{self.url}/{LINK}/control", "listenUrl": f"{ws}/{LINK}/listen"},
            }
        )
        return self.calls[-1]

    async def serve(self, request):
        """Any request."""
        data = await request.read()
        self.seen.append((request.method, request.path, dict(request.headers), data))
        match request.method, request.path:
            case "POST", "/call":
                return await self._create(request, json.loads(data))
            case "GET", "/call":
                assert "createdAtGe" in request.query or request.query["limit"] == "1"
                return web.json_response(self.calls, status=self.list_status)
            case "POST", path if path.endswith("/control"):
                status = self.controls.pop(0) if self.controls else 200
                if status < 10:
                    await asyncio.sleep(status)
                return web.Response(status=status if status >= 10 else 200)
            case _, path if path in self.routes:
                return await self.routes[path](request)
            case "GET", path if path.startswith("/call/"):
                found = [call for call in self.calls if f"/call/{call['id']}" == path]
                return web.json_response(found[0]) if found else web.json_response({"message": "no"}, status=404)
            case _:
                return web.Response(status=404)

    async def _create(self, request, order):
        answer = self.creates.pop(0) if self.creates else None
        if answer is None:
            return web.json_response(self.make(order), status=201)
        if callable(answer):
            return await answer(request, order)
        status, content = answer if isinstance(answer, tuple) else (answer, {"message": "no", "statusCode": answer})
        return (
            web.Response(status=status, text=content) if isinstance(content, str) else web.json_response(content, status=status)
        )


@asynccontextmanager
async def served(handler):
    """A server on loopback; gives its URL."""
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def api():
    """The small Vapi."""
    api = Api()
    async with served(api.serve) as api.url:
        yield api


@pytest.fixture
async def client(api):
    """A client of it, whose sockets stay aiohttp's."""
    client = VapiClient(KEY, f"{api.url}/", lambda ws: ws)
    yield client
    await client.close()


@pytest.fixture
async def canary():
    """A server nobody may ask."""
    asked = []

    async def ask(request):
        asked.append(request.path)
        return web.Response(body=AUDIO, content_type="audio/mpeg")

    async with served(ask) as url:
        yield url
    assert asked == []


@pytest.fixture(autouse=True)
def lines():
    """Everything that is logged, which must hold neither key nor link."""
    lines = []
    sink = logger.add(lambda message: lines.append(str(message)), level="TRACE")
    yield lines
    logger.remove(sink)
    assert not [line for line in lines if "canary" in line]


async def failure_of(awaitable):
    """The reason of the failure; neither its text nor its traceback may hold a key or a link."""
    with pytest.raises(UpstreamFailed) as failed:
        await awaitable
    text = "".join(traceback.format_exception(failed.value))
    assert "canary" not in text
    assert failed.value.message.endswith(".")
    return failed.value.reason


# Create -------------------------------------------------------------------------------------------------------------
async def test_a_call_is_made(api, client):
    """The documented request, with key and User-Agent; both URLs come back and are in no repr (R-040, C-16)."""
    created = await client.create(body())

    ((method, path, headers, data),) = api.seen
    assert (method, path, json.loads(data)) == ("POST", "/call", body())
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["User-Agent"] == f"prepkit/{__version__}"
    assert created.call_id == "call-1"
    assert LINK in created.websocket_url
    assert LINK in created.control_url
    assert "canary" not in repr(created) + repr(client)


REFUSALS = {
    "wrong key": (401, "vapi_unauthorised"),
    "no credit": (402, "vapi_no_credit"),
    "edge": ((403, "error code: 1010"), "vapi_edge_refused"),
    "forbidden": (403, "vapi_unauthorised"),
    "rate": (429, "vapi_rate_limited"),
    "unknown field": ((400, {"message": ["property x should not exist"]}), "vapi_bad_request"),
    "lines": ((400, {"message": "Over Concurrency Limit."}), "vapi_busy"),
    "blocked": ((201, example("1-3-created") | {"subscriptionLimits": {"concurrencyBlocked": True}}), "vapi_busy"),
    "no socket": ((201, {"id": "c1"}), "vapi_no_socket"),
    "foreign socket": ((201, example("1-3-created")), "vapi_foreign_url"),
    "redirect": (302, "vapi_bad_request"),
    "no JSON": ((201, "<html>"), "vapi_no_socket"),
    "a list": ((201, []), "vapi_no_socket"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_has_words_and_is_not_repeated(api, client, name):
    """One request, a stable reason, a sentence for the candidate (F2, vapi-protocol §1.4)."""
    answer, reason = REFUSALS[name]
    api.creates = [answer]

    assert await failure_of(client.create(body())) == reason
    assert len(api.posts()) == 1


async def test_what_vapi_says_is_wrong_is_logged_without_secrets(api, client, lines):
    """The field's name helps; a link or key it may echo does not get in."""
    api.creates = [(400, {"message": ["assistant.property foo should not exist", f"bad url https://x/{LINK}", KEY]})]

    assert await failure_of(client.create(body())) == "vapi_bad_request"
    assert "assistant.property foo should not exist" in "".join(lines)


async def test_silence_timeout_is_left_out_where_vapi_does_not_know_it(api, client):
    """One retry without the field (vapi-protocol §1.2)."""
    refused = (400, {"message": ["assistant.property silenceTimeoutSeconds should not exist"], "statusCode": 400})
    api.creates = [refused]

    assert (await client.create(body())).call_id == "call-1"
    assert ["silenceTimeoutSeconds" in post["assistant"] for post in api.posts()] == [True, False]

    api.creates = [refused, refused]
    assert await failure_of(client.create(body())) == "vapi_bad_request"
    assert len(api.posts()) == 4


async def _broken(request):
    request.transport.abort()
    return web.Response()


async def _error(_request):
    return web.Response(status=502, text="bad gateway")


async def _late(_request):
    await asyncio.sleep(3)
    return web.Response()


@pytest.mark.parametrize("answer", [_broken, _error, _late])
async def test_a_call_that_was_made_is_adopted(api, client, answer, monkeypatch):
    """After a reset, a 5xx, silence: the list is asked, and no second call costs money (no idempotency key exists)."""
    monkeypatch.setattr(vapi, "CREATE_SECONDS", 0.3)

    async def handle(request, order):
        # An earlier call of the same session is another one.
        earlier = {"metadata": {"sessionId": "s1", "timestamp": "2026-11-25T09:59:00+00:00"}}
        api.make({"name": order["name"], "assistant": earlier, "assistantOverrides": earlier})
        api.make(order)
        return await answer(request)

    api.creates = [handle]

    assert (await client.create(body())).call_id == "call-2"
    assert len(api.posts()) == 1


async def test_a_call_that_was_not_made_is_made_once_more(api, client):
    """A 5xx with nothing in the list."""
    api.creates = [500]

    assert (await client.create(body())).call_id == "call-1"
    assert len(api.posts()) == 2


async def test_two_failures_are_the_end(api, client):
    """No third request."""
    api.creates = [500, 503]

    assert await failure_of(client.create(body())) == "vapi_unavailable"
    assert len(api.posts()) == 2


@pytest.mark.parametrize("status", [500, 401])
async def test_nothing_is_repeated_blindly(api, client, status):
    """Where the list cannot be read, nobody knows whether a call was made."""
    api.creates, api.list_status = [500], status

    assert await failure_of(client.create(body())) == "vapi_unavailable"
    assert len(api.posts()) == 1


async def test_a_slow_create_is_given_up(api, client, monkeypatch):
    """The candidate is told in time, and no second call is made beside a late first (F2)."""
    monkeypatch.setattr(vapi, "CREATE_SECONDS", 0.3)

    async def slow(_request, _order):
        await asyncio.sleep(3)
        return web.Response()

    api.creates = [slow]
    began = time.monotonic()

    assert await failure_of(client.create(body())) == "vapi_timeout"
    assert time.monotonic() - began < 1.5
    assert len(api.posts()) == 1


async def test_nobody_at_home():
    """Nothing listens there: a failure in words at once."""
    with sockets.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = VapiClient(KEY, f"http://127.0.0.1:{port}", lambda ws: ws)
    try:
        assert await failure_of(client.create(body())) == "vapi_unavailable"
        assert await failure_of(client.dial(f"ws://127.0.0.1:{port}/{LINK}")) == "vapi_dial_ClientConnectorError"
        assert await failure_of(client.control(f"http://127.0.0.1:{port}/{LINK}", {})) == "vapi_unavailable"
    finally:
        await client.close()


# A call that exists ---------------------------------------------------------------------------------------------------
async def test_a_call_is_looked_at(api, client):
    """By its id; a 404 and an id that is no id are the same to us."""
    await client.create(body())

    assert (await client.get("call-1"))["status"] == "queued"
    assert await failure_of(client.get("call-9")) == "vapi_unknown_call"
    asked = len(api.seen)
    for odd in ("", "../x", "a/b", "a?b", "a%2fb", "é", "a b"):
        assert await failure_of(client.get(odd)) == "vapi_unknown_call"
    assert len(api.seen) == asked


async def test_an_answer_with_a_bad_character_is_still_read(api, client):
    """NUL in a transcript, far down."""

    async def odd(_request):
        return web.Response(text='{"id": "c", "status": "ended", "artifact": {"transcript": "USER: a\\u0000b\\ud800"}}')

    api.routes["/call/c"] = odd

    assert (await client.get("c"))["artifact"]["transcript"] == "USER: ab"


async def test_an_endless_answer_is_cut_off(api, client, monkeypatch):
    """Bounded in size."""
    monkeypatch.setattr(vapi, "MAX_ANSWER_BYTES", 1000)

    async def endless(_request):
        return web.Response(text='{"x": "' + "y" * 100_000 + '"}')

    api.routes["/call/c"] = endless

    assert await failure_of(client.get("c")) == "vapi_unavailable"


async def test_the_account_is_like_the_report_that_did_not_come(api, client):
    """Same key and messages as the webhook's, without links; complete only when there is something in it (vapi-protocol §1.4)."""
    report = {k: v for k, v in example("4-2-end-of-call-report").items() if k not in ("type", "call", "timestamp")}
    api.make({"status": "queued"})
    running = await client.account("call-1")
    api.calls[0] |= {"status": "ended", "endedReason": "customer-ended-call"}
    early = await client.account("call-1")
    api.calls[0] |= report
    settled = await client.account("call-1")

    assert (running.live, running.complete) == (True, False)
    assert (early.live, early.complete) == (False, False)
    assert (settled.live, settled.complete) == (False, True)
    (message,) = settled.delivery.messages
    assert isinstance(message, CallReport)
    assert (settled.delivery.key, settled.delivery.call_id, message.duration_seconds) == ("report", "call-1", 60)
    assert LINK not in json.dumps(settled.delivery.body)


async def test_control_is_repeated_once_where_it_may_help(api, client, monkeypatch):
    """After a 5xx or silence, not after a 4xx: then the call is over (vapi-protocol §3). Our key is not sent there."""
    monkeypatch.setattr(vapi, "CONTROL_SECONDS", 0.3)
    url = f"{api.url}/{LINK}/control"
    for statuses, outcome, asked in [
        ([], None, 1),
        ([500], None, 2),
        ([2], None, 2),
        ([500, 500], "vapi_unavailable", 2),
        ([2, 2], "vapi_timeout", 2),
        ([404], "vapi_bad_request", 1),
    ]:
        api.controls, api.seen = list(statuses), []
        if outcome is None:
            await client.control(url, {"type": "end-call"})
        else:
            assert await failure_of(client.control(url, {"type": "end-call"})) == outcome
        assert [json.loads(data) for *_, data in api.seen] == [{"type": "end-call"}] * asked
        assert not [headers for _, _, headers, _ in api.seen if "Authorization" in headers]


async def test_a_call_is_hung_up_by_its_id(api, client):
    """By the control URL of its record; without one, in words."""
    await client.create(body())
    await client.hang_up("call-1")
    assert api.seen[-1][3] == b'{"type": "end-call"}'

    del api.calls[0]["monitor"]
    assert await failure_of(client.hang_up("call-1")) == "vapi_no_control"


async def test_foreign_urls_are_never_asked(client, canary):
    """Another port of this machine, another host: refused before anything is sent (§1.3)."""
    for url in (f"{canary}/{LINK}", f"http://evil.example/{LINK}", f"https://api.vapi.ai.evil.example/{LINK}", ""):
        assert await failure_of(client.control(url, {"type": "end-call"})) == "vapi_foreign_url"
        assert await failure_of(client.dial(url.replace("http", "ws"))) == "vapi_foreign_url"


# The socket ---------------------------------------------------------------------------------------------------------
async def test_a_socket_is_dialled(api, client):
    """Without key or compression; audio and a history of several megabytes come through."""

    async def transport(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str("x" * 5_000_000)
        await ws.send_bytes(bytes(640))
        await ws.receive()
        return ws

    api.routes[f"/{LINK}/transport"] = transport
    ws = await client.dial(f"{api.url.replace('http', 'ws')}/{LINK}/transport")

    assert len((await ws.receive()).data) == 5_000_000
    assert (await ws.receive()).data == bytes(640)
    headers = api.seen[-1][2]
    assert not {"Authorization", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"} & set(headers)
    await ws.close()


async def test_more_than_a_hundred_calls_at_once(api, client):
    """Each holds its socket, and the client still speaks to all of them: aiohttp's own limit of 100 connections is not ours."""

    async def transport(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.receive()
        return ws

    api.routes[f"/{LINK}/transport"] = transport
    sockets = [await client.dial(f"{api.url.replace('http', 'ws')}/{LINK}/transport") for _ in range(120)]
    created = await client.create(body())

    assert created.call_id == "call-1"
    assert not [ws for ws in sockets if ws.closed]
    for ws in sockets:
        await ws.close()


async def test_a_socket_that_is_refused(api, client, canary, monkeypatch):
    """403, a redirect elsewhere, silence: a reason each, never the URL."""
    monkeypatch.setattr(vapi, "DIAL_SECONDS", 0.3)
    url = f"{api.url.replace('http', 'ws')}/{LINK}/transport"

    async def forbidden(_request):
        return web.Response(status=403)

    async def elsewhere(_request):
        return web.Response(status=302, headers={"Location": f"{canary}/{LINK}"})

    for handler, reason in [
        (forbidden, "vapi_dial_WSServerHandshakeError"),
        (elsewhere, "vapi_dial_ClientConnectionError"),
        (_late, "vapi_timeout"),
    ]:
        api.routes[f"/{LINK}/transport"] = handler
        assert await failure_of(client.dial(url)) == reason


# Recordings ---------------------------------------------------------------------------------------------------------
def stored(*, location=None, status=302, content=AUDIO, media="audio/mpeg", second=200, headers=None):
    """Handlers of a recording: the API's redirect, and the storage it leads to."""

    async def first(request):
        to = f"{request.url.origin()}/storage/m.mp3?sig={LINK}" if location is None else location
        return web.Response(status=status, headers={"Location": to} if to else {})

    async def storage(request):
        # Signed links answer 400 to a key (vapi-protocol §1.4).
        if "Authorization" in request.headers:
            return web.Response(status=400)
        return web.Response(status=second, body=content, content_type=media, headers=headers)

    return {"/call/c1/stereo-recording": first, "/storage/m.mp3": storage}


async def test_a_recording_is_fetched(api, client, tmp_path):
    """One redirect by hand, our key to the API only (C-21)."""
    api.routes = stored()

    assert await client.recording("c1", tmp_path / "r") == "audio/mpeg"
    assert (tmp_path / "r").read_bytes() == AUDIO
    assert ["Authorization" in headers for _, _, headers, _ in api.seen] == [True, False]


BAD_RECORDINGS = {
    "none": ({"status": 404}, "vapi_recording_404"),
    "not yet": ({"status": 200}, "vapi_recording_200"),
    "no address": ({"location": ""}, "vapi_recording_302"),
    "a page": ({"media": "text/html"}, "vapi_recording_200"),
    "expired": ({"second": 400}, "vapi_recording_400"),
    "a second redirect": ({"second": 302, "headers": {"Location": "/storage/m.mp3"}}, "vapi_recording_302"),
    "too large": ({"content": bytes(300_000)}, "vapi_recording_too_large"),
    "packed": ({"headers": {"Content-Encoding": "gzip"}}, "vapi_recording_200"),
}


@pytest.mark.parametrize("name", BAD_RECORDINGS)
async def test_what_is_no_recording_is_refused(api, client, tmp_path, monkeypatch, name):
    """Status, type, size, a second redirect, something packed (A11)."""
    monkeypatch.setattr(vapi, "MAX_RECORDING_BYTES", 200_000)
    changes, reason = BAD_RECORDINGS[name]
    api.routes = stored(**{"content": AUDIO[:100_000], **changes})

    assert await failure_of(client.recording("c1", tmp_path / "r")) == reason


async def test_a_recording_that_trickles_is_given_up(api, client, tmp_path, monkeypatch):
    """Bounded in time."""
    monkeypatch.setattr(vapi, "RECORDING_SECONDS", 0.3)

    async def trickle(request):
        response = web.StreamResponse(headers={"Content-Type": "audio/mpeg"})
        await response.prepare(request)
        for _ in range(20):
            await response.write(b"x")
            await asyncio.sleep(0.1)
        return response

    api.routes = stored() | {"/storage/m.mp3": trickle}

    assert await failure_of(client.recording("c1", tmp_path / "r")) == "vapi_timeout"


SSRF = [
    "{canary}/x",
    "{canary_localhost}/x",
    "http://u@127.0.0.1:{port}/x",
    "http://127.0.0.1:{port}@{canary_host}/x",
    "http://127.0.0.1:{port}\\@{canary_host}/x",
    "http://127.0.0.1:{port}#@{canary_host}/x",
    "//{canary_host}/x",
    "http://[::1]:{canary_port}/x",
    "http://[::ffff:127.0.0.1]:{canary_port}/x",
    "http://2130706433:{canary_port}/x",
    "http://0x7f000001:{canary_port}/x",
    "http://0177.0.0.1:{canary_port}/x",
    "http://127.1:{canary_port}/x",
    "http://0:{canary_port}/x",
    "http://0.0.0.0:{canary_port}/x",
    "http://127.0.0.2:{canary_port}/x",
    "http://localhost.:{canary_port}/x",
    "http://LOCALHOST:{canary_port}/x",
    "http://169.254.169.254/latest/meta-data",
    "http://[fd00:ec2::254]/latest",
    "http://10.0.0.1/x",
    "http://192.168.0.1/x",
    "http://metadata.google.internal/x",
    "http://storage.vapi.ai:80/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{canary_port}/x",
    "ftp://127.0.0.1:{canary_port}/x",
    "http://127.0.0.1%2f:{canary_port}/x",
    "http://[::1",
    "http://127.0.0.1:99999/x",
]


@pytest.mark.parametrize("form", SSRF, ids=range(len(SSRF)))
async def test_a_recording_leads_nowhere_else(api, client, canary, tmp_path, form):
    """Thirty forms of a forged redirect: the canary is not asked and nothing is written (A11)."""
    canary_host = canary.removeprefix("http://")
    names = {
        "canary": canary,
        "canary_host": canary_host,
        "canary_port": canary_host.partition(":")[2],
        "canary_localhost": canary.replace("127.0.0.1", "localhost"),
        "port": api.url.rpartition(":")[2],
    }
    api.routes = stored(location=form.format(**names))

    assert (await failure_of(client.recording("c1", tmp_path / "r"))).startswith("vapi_recording_")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "fe80::1",
        "fd00::1",
    ],
)
async def test_a_name_that_leads_to_a_private_place_is_not_followed(address, monkeypatch):
    """What counts is the address at the moment of connecting, so a name that changes its mind gains nothing (rebinding, A11)."""
    family = sockets.AF_INET6 if ":" in address else sockets.AF_INET
    where = (address, 443, 0, 0) if ":" in address else (address, 443)

    async def lookup(*_args, **_options):
        return [(family, sockets.SOCK_STREAM, 6, "", where)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
    client = VapiClient(KEY, "https://api.vapi.ai", lambda ws: ws)
    try:
        with pytest.raises(aiohttp.ClientConnectorError, match="private"):
            await client._downloads.get("https://storage.vapi.ai/m.mp3", timeout=aiohttp.ClientTimeout(2))
    finally:
        await client.close()


async def test_the_key_can_be_checked(api, client):
    """One request that makes nothing."""
    await client.check_key()
    api.list_status = 401

    assert await failure_of(client.check_key()) == "vapi_unauthorised"
    assert api.posts() == []
