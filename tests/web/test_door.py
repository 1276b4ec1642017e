"""The door: whose host and origin is let in, what every response carries, and that nothing a candidate wrote becomes markup."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bridge.config import Settings
from bridge.domain.session import SessionStatus
from bridge.domain.setup import InterviewSetup
from web import app as web_app
from web import middlewares

from .house import (
    AGREED,
    REAL_LIMIT,
    SETUP,
    UNKNOWN,
    House,
    add_recording,
    copy_for,
    finished_session,
    live_session,
    ready_session,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGING = [
    ("POST", "/api/interviews/setup"),
    ("POST", "/api/interviews/{id}/start"),
    ("POST", "/api/interviews/{id}/complete"),
    ("DELETE", "/api/interviews/{id}"),
    ("POST", "/api/interviews/{id}/report"),
    ("POST", "/api/interviews/{id}/share"),
    ("DELETE", "/api/interviews/{id}/share/{share_id}"),
    ("POST", "/api/interviews/documents"),
    ("POST", "/api/interviews/{id}/consent"),
    ("DELETE", "/api/interviews/{id}/consent"),
    ("DELETE", "/api/me"),
    ("POST", "/api/me/privacy"),
    ("POST", "/api/me/export"),
    ("POST", "/api/webhooks/vapi"),
    ("POST", "/api/vapi/tools"),
    ("POST", "/api/operator/calls/{id}/whisper"),
    ("POST", "/api/operator/calls/{id}/say"),
    ("POST", "/api/operator/calls/{id}/extend"),
    ("POST", "/api/operator/calls/{id}/end"),
    ("POST", "/api/operator/sessions/{id}/report"),
    ("POST", "/api/operator/sessions/{id}/refund"),
    ("POST", "/api/operator/deliveries/{delivery_id}/retry"),
    ("POST", "/api/operator/jobs/retry"),
    ("POST", "/api/interviews/{id}/feedback"),
    ("POST", "/api/operator/pause"),
    ("POST", "/api/operator/drain"),
    ("POST", "/api/operator/undrain"),
    ("POST", "/demo-checkout/{ref}"),
    ("POST", "/api/payments/create"),
    ("POST", "/api/payments/portal"),
    ("POST", "/api/webhooks/stripe"),
    ("POST", "/api/webhooks/razorpay"),
    ("POST", "/api/interviews/{id}/questions/{order}/again"),
    ("POST", "/api/interviews/{id}/review"),
    ("POST", "/api/operator/reviews/{id}/take"),
    ("POST", "/api/operator/reviews/{id}/release"),
    ("POST", "/api/operator/reviews/{id}"),
    ("POST", "/api/interviews/{id}/report/mail"),
    ("DELETE", "/api/interviews/{id}/report/mail"),
    ("POST", "/api/operator/credits"),
    ("POST", "/api/operator/vouchers"),
    ("POST", "/api/operator/vouchers/{voucher_id}/end"),
    ("POST", "/api/billing/voucher"),
    ("POST", "/api/billing/referral"),
    ("POST", "/api/operator/payments/{payment_id}/refund"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/setup"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/auth/link"),
    ("POST", "/api/auth/link/use"),
    ("POST", "/api/auth/reset"),
    ("POST", "/api/auth/reset/use"),
    ("POST", "/api/auth/oidc"),
    ("PATCH", "/api/me"),
    ("POST", "/api/me/password"),
    ("DELETE", "/api/me/logins/{login_id}"),
    ("POST", "/api/me/tokens"),
    ("DELETE", "/api/me/tokens/{token_id}"),
    ("PATCH", "/api/people/{user_id}"),
    ("POST", "/api/invites"),
    ("DELETE", "/api/invites/{invite_id}"),
]
OPERATORS = re.compile(r"/(api/|ws/)?operator\b")
FOREIGN_ORIGINS = [
    "null",
    "https://evil.example",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1.evil.example:{port}",
    "http://evil@127.0.0.1:{port}",
    "HTTP://127.0.0.1:{port}",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port} http://evil.example",
    "file://",
]


def routes_of(house: House) -> list[tuple[str, str]]:
    """Every route: method and path."""
    return [(route.method, route.resource.canonical) for route in house.app.router.routes() if route.resource]


async def crawl(house: House, session_id: str) -> list[str]:
    """Every address that GET takes, with this interview's id, and some that lead nowhere; without the operators', some of which never end."""
    paths = [
        path.replace("{session_id}", session_id)
        for method, path in routes_of(house)
        if method == "GET" and not OPERATORS.match(path)
    ]
    return [
        *paths,
        "/?type=dsa",
        "/history?page=2&type=dsa",
        "/api/interviews/history?page=2",
        "/static/base.css",
        "/static/live/page.js",
        "/static/icon.svg",
        "/nope",
        "/api/nope",
        f"/interviews/{UNKNOWN}",
    ]


async def content(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of ours but the audit log: who looks at others' things leaves a line there (A17)."""
    return await house.rows(without={"audit_log"})


# Who is let in -------------------------------------------------------------------------------------------------------
async def test_every_changing_route_is_listed(house: House):
    """A3: a new route that changes something has to be in the tests below."""
    changing = {
        (method, path.replace("{session_id}", "{id}")) for method, path in routes_of(house) if method not in ("GET", "HEAD")
    }

    assert set(CHANGING) == changing


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", "localhost.:{port}", "", "[::1", "0.0.0.0:{port}", "169.254.169.254"],
)  # fmt: skip
async def test_a_foreign_host_is_refused(house: House, host: str):
    """A3 (DNS rebinding): pages, API, static files and the socket answer to our own names only; probes tell nothing."""
    name = host.format(port=house.port)
    for path in ("/", "/api/interviews/history", "/static/base.css", f"/ws/interviews/{UNKNOWN}"):
        answer = await house.raw(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.0 400 ")), (path, answer[:100])
        assert b"PrepKit is" not in answer


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
async def test_our_own_names_are_let_in(house: House, name: str):
    """A3: every name the loopback interface goes by."""
    answer = await house.raw(f"GET /history HTTP/1.1\r\nHost: {name}:{house.port}\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_the_scheme_s_own_port_is_left_out():
    """Contract 3: on port 80 a browser sends neither Host nor Origin with a port."""
    assert web_app.origins(Settings(port=80)) == {"http://127.0.0.1", "http://localhost", "http://[::1]"}
    assert web_app.origins(Settings(port=8080)) == {"http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"}
    assert web_app.origins(Settings(public_url="https://prep.example/")) == {"https://prep.example"}


@pytest.mark.parametrize("path", CHANGING, ids=" ".join)
async def test_a_foreign_page_changes_nothing(house: House, path: tuple[str, str]):
    """A3 (CSRF): another Origin or a cross-site request is refused on every changing route, and changes nothing."""
    session = await ready_session(house.store, house.user)
    method, address = path[0], re.sub(r"{\w+}", session.id, path[1])
    before = await content(house)
    foreign: list[dict[str, str]] = [{"Origin": origin.format(port=house.port)} for origin in FOREIGN_ORIGINS]
    foreign += [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "nonsense", "")]
    foreign += [{"Origin": house.origin, "Sec-Fetch-Site": "cross-site"}, {"Origin": "", "Sec-Fetch-Site": "none"}]

    for headers in foreign:
        status, body = await house.call(method, address, headers=headers, json={"type": "dsa"})
        assert (status, body["error"]["code"]) == (403, "forbidden"), headers

    assert before == await content(house)


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}], ids=str)
@pytest.mark.parametrize("own", [True, False])
async def test_our_own_pages_and_programs_are_let_in(house: House, headers: dict[str, str], own: bool):
    """A3: our own Origin, or none as a program sends it."""
    origin = {"Origin": house.origin} if own else {}

    status, _ = await house.call("POST", "/api/interviews/setup", headers=headers | origin, json={"type": "dsa"})

    assert status == 201


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_foreign_page_opens_no_socket(house: House, origin: str):
    """A2: with a good token and a foreign Origin the handshake is 403, and the token is not used up; an operator's ear hears nothing either."""
    session = await ready_session(house.store, house.user)
    _, body = await house.call("POST", f"/api/interviews/{session.id}/start", json=AGREED)
    url = f"{house.origin}/ws/interviews/{session.id}?token={body['token']}"

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await house.client.ws_connect(url, headers={"Origin": origin.format(port=house.port)})

    assert refused.value.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError) as unheard:
        await house.client.ws_connect(
            f"{house.origin}/ws/operator/calls/{session.id}/listen", headers={"Origin": origin.format(port=house.port)}
        )
    assert unheard.value.status == 403
    async with house.store.read() as tx:
        assert (await tx.session(session.id)).status is SessionStatus.INITIATED


@pytest.mark.parametrize("token", ["", "?token=", "?token=wrong", "?token={used}"])
async def test_a_socket_without_an_origin_needs_its_ticket(house: House, token: str):
    """A2: a program sends no Origin: without a ticket that is still good it is closed with 4401 before a word is said; with one it is let in."""
    session = await ready_session(house.store, house.user)
    _, body = await house.call("POST", f"/api/interviews/{session.id}/start", json=AGREED)
    address = f"{house.origin}/ws/interviews/{session.id}"
    async with house.client.ws_connect(f"{address}?token={body['token']}", protocols=["prepkit.pcm.v1"]) as let_in:
        assert "Origin" not in let_in._response.request_info.headers
        assert not let_in.closed
        async with house.client.ws_connect(address + token.replace("{used}", body["token"])) as other, asyncio.timeout(20):
            said = await other.receive()
            assert (said.type, other.close_code) == (aiohttp.WSMsgType.CLOSE, 4401)
        assert not let_in.closed


async def test_reading_changes_nothing(house: House):
    """A3: a crawl over every GET and HEAD route, for interviews in every state, leaves every row as it was."""
    done = await house.finished()
    await add_recording(house.recordings, done.id)
    live = (await live_session(house.store, house.user)).session
    ready = await ready_session(house.store, house.user)
    others = [
        await copy_for(house.store, ready, status=status) for status in (SessionStatus.INTERRUPTED, SessionStatus.CANCELLED)
    ]
    async with asyncio.timeout(20):  # the finished one's job writes the same report once more
        while (await house.call("GET", f"/api/interviews/{done.id}"))[1]["reportStatus"] != "ready":
            await asyncio.sleep(0.05)
    before = await content(house)

    for session in (done, live, ready, *others):
        for path in await crawl(house, session.id):
            for method in ("GET", "HEAD"):
                await house.fetch(method, path)
        for route in routes_of(house):
            if route[0] in ("GET", "HEAD") and OPERATORS.match(route[1]):
                # Some never end: their beginning is what is looked at.
                address = house.origin + route[1].replace("{session_id}", session.id)
                async with asyncio.timeout(20), house.client.request(route[0], address, allow_redirects=False) as response:
                    assert response.status < 500, route

    assert before == await content(house)


# What every response carries ----------------------------------------------------------------------------------------
async def test_security_headers_are_on_every_response(house: House):
    """A18: pages, API, errors, static files, ranges, redirects, refusals and the socket's upgrade, 100 %."""
    done = await house.finished()
    await add_recording(house.recordings, done.id)
    requests: list[tuple[str, str, dict[str, Any]]] = [("GET", path, {}) for path in await crawl(house, done.id)]
    requests += [("HEAD", path, {}) for path in await crawl(house, done.id)]
    requests += [
        ("GET", f"/api/interviews/{done.id}/recording", {"headers": {"Range": "bytes=0-3"}}),
        ("GET", f"/api/interviews/{done.id}/recording", {"headers": {"Range": "bytes=9999999-"}}),
        ("POST", "/api/interviews/setup", {"json": {"type": "dsa"}}),
        ("POST", "/api/interviews/setup", {"data": b"nope"}),
        ("POST", "/api/interviews/setup", {"data": b" " * 1_000_000, "headers": {"Content-Type": "application/json"}}),
        ("POST", "/api/interviews/setup", {"headers": {"Origin": "https://evil.example"}}),
        ("PUT", "/", {}),
        ("OPTIONS", "/api/interviews/setup", {}),
        ("GET", "/static/" + "x" * 300, {}),
        ("GET", "/static/base.css", {"headers": {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}}),
    ]
    seen: set[int] = set()
    for method, path, options in requests:
        response, _ = await house.fetch(method, path, **options)
        seen.add(response.status)
        found = {name: response.headers.get(name) for name in middlewares.HEADERS}
        assert found == middlewares.HEADERS, (method, path, response.status)
        assert re.fullmatch(r"[0-9a-f]{12}", response.headers["X-Request-Id"]), (method, path)
        cached = response.headers.get("Cache-Control")
        assert cached == ("no-cache" if path.startswith("/static/") else "no-store"), (method, path)
    async with house.client.ws_connect(f"{house.origin}/ws/interviews/{UNKNOWN}") as ws:
        upgraded = ws._response
        assert {name: upgraded.headers.get(name) for name in middlewares.HEADERS} == middlewares.HEADERS
        seen.add(upgraded.status)

    assert {101, 200, 201, 206, 303, 304, 400, 403, 404, 405, 413, 416} <= seen


async def test_the_policy_allows_no_inline_script():
    """A18: our own scripts and styles only, no frame around us, no plug-in, no base."""
    policy = dict(part.strip().split(" ", 1) for part in middlewares.CSP.split(";"))

    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert not re.search(r"unsafe|\*|https?:", middlewares.CSP)
    assert middlewares.HEADERS["X-Content-Type-Options"] == "nosniff"


async def test_the_101st_request_of_a_minute_waits(house: House, monkeypatch: pytest.MonkeyPatch):
    """R-121, contract 4: 100 API requests a minute; then 429 in our shape with Retry-After; health and pages go on."""
    monkeypatch.setattr(middlewares, "LIMIT", REAL_LIMIT)
    statuses = [(await house.fetch("GET", "/api/openapi.json"))[0].status for _ in range(100)]

    response, _ = await house.fetch("GET", "/api/interviews/history")

    assert {200} == set(statuses)
    assert response.status == 429
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert (await response.json())["error"]["code"] == "rate_limited"
    assert [(await house.fetch("GET", path))[0].status for path in ("/healthz", "/", "/static/base.css")] == [200, 200, 200]


@pytest.mark.parametrize(
    ("path", "status", "headline"),
    [("/nope", 404, "Not here"), (f"/interviews/{UNKNOWN}", 404, "Not here"), ("/history?page=x", 422, "That did not work")],
)
async def test_an_error_is_a_page_for_a_browser(house: House, path: str, status: int, headline: str):
    """R-113: what happened, what now, and a reference that is also in the header."""
    response, html = await house.fetch("GET", path, headers={"Accept": "text/html"})

    assert (response.status, response.content_type) == (status, "text/html")
    assert f"<h1>{headline}</h1>" in html
    assert f'<code id="reference">{response.headers["X-Request-Id"]}</code>' in html


# What a candidate wrote -----------------------------------------------------------------------------------------------
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "'\"><svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}{{ config }}",
    "${7*7}#{7*7}<%= 7*7 %>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    '" autofocus onfocus="alert(1)',
    "`-alert(1)-`",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>@import'//evil.example'</style>",
    "\u2028alert(1)\u2029<script>",
    "＜script＞alert(1)＜/script＞",
]


class Markup(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.wrong: list[str] = []
        self.text = ""
        self.data: list[str] = []
        """Contents of data blocks."""
        self._in_data = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element: no handler, no inline style or script, no address of a foreign kind."""
        self.elements.append(tag)
        values = {name: value or "" for name, value in attrs}
        self._in_data = tag == "script" and values.get("type") == "application/json"
        if tag in ("script", "link", "img", "iframe", "audio", "source") and not self._in_data:
            address = values.get("src", values.get("href", ""))
            if not address.startswith(("/static/", "/api/interviews/")):
                self.wrong.append(f"{tag} {values}")
        if tag in ("style", "base", "object", "embed", "iframe"):
            self.wrong.append(tag)
        for name, value in values.items():
            address = name in ("href", "src", "action", "formaction", "srcdoc", "data")
            if (
                name.startswith("on")
                or name == "style"
                or (address and re.match(r"\s*(javascript|data|vbscript):|//", value, re.I))
            ):
                self.wrong.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        if self._in_data:
            self.data.append(data)
            self._in_data = False
        self.text += data


def pages_of(session_id: str) -> list[str]:
    """Every page that may show something of an interview."""
    return ["/", "/history", f"/interviews/{session_id}", f"/interviews/{session_id}/report", "/privacy", "/api/docs"]


async def shape(house: House, session_id: str) -> dict[str, dict[str, int]]:
    """How many of each element that could run, load or swallow something each page has. Checks that none of them is of a wrong kind."""
    found = {}
    for path in pages_of(session_id):
        _, html = await house.fetch("GET", path)
        markup = Markup(html)
        assert markup.wrong == [], path
        kinds = ("script", "link", "style", "img", "iframe", "object", "textarea", "title", "audio", "b", "form", "noscript")
        found[path.replace(session_id, "ID")] = {kind: markup.elements.count(kind) for kind in kinds}
    return found


async def poisoned(house: House, text: str, *, over: bool) -> str:
    """An interview in which the candidate wrote and said `text` wherever that is possible."""
    setup = InterviewSetup(
        SETUP.type, SETUP.difficulty, 15, other_areas=(text,), specific_requirements=text, company=text, role=text, level=text,
        question_count=3,
    )  # fmt: skip
    if not over:
        return (await ready_session(house.store, house.user, setup)).id
    answer = f"A cache and a shard by key. {text} That is my answer."
    while True:
        session_id = (await finished_session(house.store, house.user, setup, answers=[answer] * 3)).id
        async with house.store.read() as tx:
            # Questions are drawn by chance; one draw in a few finds no answer in these words and makes another page.
            if await tx.report(session_id) is not None:
                return session_id


async def test_our_pages_have_no_inline_script_or_style(house: House):
    """A18, A10: nothing on any page needs what the policy forbids."""
    for over in (True, False):
        await shape(house, await poisoned(house, "plain words", over=over))
    for path in ("/nope", "/history?page=x"):
        assert Markup((await house.fetch("GET", path))[1]).wrong == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plain(house: House) -> dict[bool, dict[str, dict[str, int]]]:
    """The pages of a finished interview (True) and of one that is ready, in plain words."""
    return {over: await shape(house, await poisoned(house, "plain words", over=over)) for over in (True, False)}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nothing_written_becomes_markup(house: House, plain: dict[bool, dict[str, dict[str, int]]], attack: str):
    """A10: in requirements, company, role, level, area or an answer an attack makes no element that plain words do not."""
    for over in (True, False):
        assert plain[over] == await shape(house, await poisoned(house, attack, over=over))
    _, html = await house.fetch("GET", "/")
    data = [block for block in Markup(html).data if "difficulties" in block]
    assert len(data) == 1  # the set-up's data block is whole: nothing in it ends it
    assert re.sub(r"\\u[0-9a-f]{4}", "", data[0]).count("<") == 0


async def test_what_was_said_is_shown_as_it_was_said(house: House):
    """A10: escaped, not removed: the transcript on the report's page has the very words."""
    attack = "<script>alert(1)</script> & <b>"
    session_id = await poisoned(house, attack, over=True)

    _, html = await house.fetch("GET", f"/interviews/{session_id}/report")

    assert attack in Markup(html).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;" in html
    assert attack not in html


async def test_json_is_never_sniffed_as_a_page(house: House):
    """A10: what the API says of an attack is JSON and says so."""
    session_id = await poisoned(house, ATTACKS[0], over=True)
    for path in (f"/api/interviews/{session_id}", f"/api/interviews/{session_id}/report", "/api/interviews/history"):
        response, _ = await house.fetch("GET", path)
        assert (response.content_type, response.headers["X-Content-Type-Options"]) == ("application/json", "nosniff")


# The API's own description ------------------------------------------------------------------------------------------
async def openapi(house: House) -> dict[str, Any]:
    """The document."""
    return (await house.call("GET", "/api/openapi.json"))[1]


async def test_every_api_route_is_described(house: House):
    """Contract 4: /api/openapi.json has every route under /api but the two that describe it, and no other."""
    document = await openapi(house)
    described = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    own = {("GET", "/api/docs"), ("GET", "/api/openapi.json")}

    there = {route for route in routes_of(house) if route[1].startswith("/api/") and route[0] != "HEAD"}

    assert there - own == described


def references(value: Any) -> list[str]:
    """Every $ref below a value."""
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in references(item)]
    return [ref for item in value for ref in references(item)] if isinstance(value, list) else []


async def test_the_description_is_whole(house: House):
    """Contract 4: version 3.1, every reference leads somewhere, each path parameter is declared, each response described."""
    document = await openapi(house)

    assert document["openapi"].startswith("3.1")
    assert {"title", "version"} <= set(document["info"])
    refs = references(document)
    assert refs
    for ref in refs:
        target: Any = document
        for part in ref.removeprefix("#/").split("/"):
            target = target[part]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert set(re.findall(r"{(\w+)}", path)) == declared
            assert all(response["description"] for response in operation["responses"].values())


async def test_answers_have_the_described_fields(house: House):
    """Contract 4: set-up, start, complete and history answer with exactly the fields their schema lists."""
    schemas = (await openapi(house))["components"]["schemas"]
    made = await house.set_up()
    _, started = await house.call("POST", f"/api/interviews/{made['sessionId']}/start", json=AGREED)
    done = await house.finished()
    _, completed = await house.call("POST", f"/api/interviews/{done.id}/complete")
    _, listed = await house.call("GET", "/api/interviews/history")

    for name, body in [
        ("SetupResponse", made),
        ("QuestionView", made["questions"][0]),
        ("Quote", made["quote"]),
        ("StartResponse", started),
        ("CompleteResponse", completed),
        ("HistoryResponse", listed),
        ("HistoryItem", listed["interviews"][0]),
    ]:
        assert set(schemas[name]["properties"]) == set(body), name


async def test_the_readable_description(house: House):
    """Contract 4: /api/docs shows every operation and every field of the set-up."""
    response, html = await house.fetch("GET", "/api/docs")
    document = await openapi(house)

    assert (response.status, response.content_type) == (200, "text/html")
    text = Markup(html).text
    assert [path for path in document["paths"] if path not in text] == []
    fields = document["components"]["schemas"]["SetupRequest"]["properties"]
    assert [name for name in fields if name not in text] == []


async def test_no_cookie_is_set(house: House):
    """Contract 4: in single mode nobody signs in, so nothing is kept in the browser."""
    response, _ = await house.fetch("GET", "/")

    assert "Set-Cookie" not in response.headers
