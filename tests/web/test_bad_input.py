"""Contract 6 on every route: what cannot be understood gets a clear error with a stable code, and is nowhere stored."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from .house import UNKNOWN, House, ready_session

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETUP = "/api/interviews/setup"
background_random = pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")
"""The job engine's threads roll dice while Hypothesis draws; nothing that is drawn depends on it."""
# Every route: whether it reads a body. A route that is not here fails the first test.
ROUTES: dict[str, bool] = {
    "GET /": False,
    "GET /interviews/{session_id}": False,
    "GET /interviews/{session_id}/report": False,
    "GET /history": False,
    "GET /privacy": False,
    "GET /api/docs": False,
    "GET /api/openapi.json": False,
    "POST /api/interviews/setup": True,
    "GET /api/interviews/history": False,
    "GET /api/interviews/{session_id}": False,
    "DELETE /api/interviews/{session_id}": False,
    "POST /api/interviews/{session_id}/start": True,
    "POST /api/interviews/{session_id}/complete": True,
    "POST /api/interviews/documents": False,  # takes a form: test_documents_api
    "GET /api/interviews/{session_id}/report": False,
    "GET /api/interviews/{session_id}/recording": False,
    "POST /api/interviews/{session_id}/report": False,
    "GET /api/interviews/{session_id}/report.pdf": False,
    "GET /api/interviews/{session_id}/report/events": False,
    "GET /api/interviews/{session_id}/report/versions": False,
    "GET /api/interviews/{session_id}/share": False,
    "POST /api/interviews/{session_id}/share": False,
    "DELETE /api/interviews/{session_id}/share/{share_id}": False,
    "GET /sign-in": False,
    "GET /sign-in/link": False,
    "GET /register": False,
    "GET /forgot": False,
    "GET /reset": False,
    "GET /welcome": False,
    "GET /account": False,
    "GET /people": False,
    "GET /auth/callback": False,
    "POST /api/auth/login": False,  # nobody signs in in single mode: tests/web/test_sign_in, test_openid
    "POST /api/auth/register": False,  # nobody signs in in single mode: tests/web/test_sign_in, test_openid
    "POST /api/auth/setup": False,  # nobody signs in in single mode: tests/web/test_sign_in, test_openid
    "POST /api/auth/link": False,  # nobody signs in in single mode: tests/web/test_sign_in, test_openid
    "POST /api/auth/link/use": False,  # nobody signs in in single mode: tests/web/test_sign_in, test_openid
    "POST /api/auth/reset": False,  # nobody signs in in single mode: tests/web/test_sign_in, test_openid
    "POST /api/auth/reset/use": False,  # nobody signs in in single mode: tests/web/test_sign_in, test_openid
    "POST /api/auth/oidc": False,  # nobody signs in in single mode: tests/web/test_sign_in, test_openid
    "POST /api/auth/logout": False,  # any body will do
    "GET /api/me": False,
    "PATCH /api/me": True,
    "POST /api/me/password": False,
    "GET /api/me/logins": False,
    "DELETE /api/me/logins/{login_id}": False,
    "GET /api/me/tokens": False,
    "POST /api/me/tokens": True,
    "DELETE /api/me/tokens/{token_id}": False,
    "GET /api/people": False,
    "PATCH /api/people/{user_id}": True,
    "GET /api/invites": False,
    "POST /api/invites": True,
    "DELETE /api/invites/{invite_id}": False,
    "GET /api/me/progress": False,
    "GET /api/me/statistics": False,
    "GET /api/interviews/{session_id}/consent": False,
    "POST /api/interviews/{session_id}/consent": True,
    "DELETE /api/interviews/{session_id}/consent": False,
    "DELETE /api/me": True,
    "GET /api/me/privacy": False,
    "POST /api/me/privacy": True,
    "POST /api/me/export": False,  # any body will do: test_privacy_api
    "GET /api/me/export": False,
    "GET /api/me/export/{export_id}": False,
    "GET /api/me/export/{export_id}/archive": False,
    "GET /api/erasures/{receipt_id}": False,
    "GET /erasures/{receipt_id}": False,
    "GET /progress": False,
    "GET /share/{token}": False,
    "GET /share/{token}/recording": False,
    "POST /api/webhooks/vapi": False,  # without a key nothing is there; with one: tests/web/webhooks
    "POST /api/vapi/tools": False,
    "GET /ws/interviews/{session_id}": False,
    "GET /operator": False,  # the operators' own: tests/web/test_operator_door and tests/acceptance/test_operators
    "GET /operator/sessions": False,
    "GET /operator/figures": False,
    "GET /operator/deliveries": False,
    "GET /operator/jobs": False,
    "GET /api/operator/figures": False,
    "POST /api/operator/sessions/{session_id}/report": False,
    "POST /api/operator/sessions/{session_id}/refund": False,
    "POST /api/operator/deliveries/{delivery_id}/retry": False,
    "POST /api/operator/jobs/retry": False,
    "POST /api/interviews/{session_id}/review": False,  # any body will do: test_reviews
    "GET /operator/reviews": False,
    "GET /operator/reviews/{session_id}": False,
    "POST /api/operator/reviews/{session_id}/take": False,
    "POST /api/operator/reviews/{session_id}/release": False,
    "POST /api/operator/reviews/{session_id}": False,  # test_reviews
    "GET /metrics": False,
    "POST /api/interviews/{session_id}/feedback": False,  # tests/web/test_operator_desk
    "GET /api/interviews/{session_id}/feedback": False,
    "GET /api/interviews/{session_id}/visits": False,
    "GET /operator/calls/{session_id}": False,
    "GET /api/operator/calls": False,
    "GET /api/operator/calls/{session_id}/events": False,
    "GET /api/operator/calls/{session_id}/log": False,
    "POST /api/operator/calls/{session_id}/whisper": False,
    "POST /api/operator/calls/{session_id}/say": False,
    "POST /api/operator/calls/{session_id}/extend": False,
    "POST /api/operator/calls/{session_id}/end": False,
    "POST /api/operator/pause": False,
    "POST /api/operator/drain": False,
    "POST /api/operator/undrain": False,
    "GET /ws/operator/calls/{session_id}/listen": False,
    "GET /healthz": False,
    "GET /readyz": False,
    "GET /plans": False,
    "GET /billing": False,
    "GET /payments/{payment_id}": False,
    "GET /demo-checkout/{ref}": False,
    "POST /demo-checkout/{ref}": False,
    "POST /api/operator/vouchers": False,  # without a price nothing is there: test_promotions
    "POST /api/operator/vouchers/{voucher_id}/end": False,
    "POST /api/billing/voucher": False,
    "POST /api/billing/referral": False,
    "POST /api/payments/create": False,
    "POST /api/payments/portal": False,
    "GET /api/payments/{payment_id}": False,
    "POST /api/webhooks/stripe": False,
    "POST /api/webhooks/razorpay": False,
    "POST /api/interviews/{session_id}/questions/{order}/again": False,
    "POST /api/interviews/{session_id}/report/mail": False,
    "GET /api/interviews/{session_id}/report/mail": False,
    "DELETE /api/interviews/{session_id}/report/mail": False,
    "GET /operator/money": False,
    "POST /api/operator/credits": False,
    "POST /api/operator/payments/{payment_id}/refund": False,
    "GET /static": False,
}
READING = [route for route, reads in ROUTES.items() if reads]
WITH_ID = [route for route in ROUTES if "{session_id}" in route and not route.endswith("/report/mail")]
"""Letters are refused before the id is looked at where no mail server is set: tests/web/test_report_mail."""
JSON = {"Content-Type": "application/json"}
BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "NaN": (b'{"type": "dsa", "duration": NaN}', JSON, 400),
    "infinity": (b'{"type": "dsa", "duration": -Infinity}', JSON, 400),
    "a number out of range": (b'{"type": "dsa", "duration": 1e999}', JSON, 400),
    "a lone surrogate": (b'{"type": "dsa", "company": "\\ud800"}', JSON, 400),
    "a lone surrogate as a name": (b'{"type": "dsa", "\\udfff": 1}', JSON, 400),
    "NUL": (b'{"type": "dsa", "company": "a\\u0000b"}', JSON, 400),
    "NUL in a list": (b'{"type": "dsa", "focusAreas": ["\\u0000"]}', JSON, 400),
    "a depth bomb": (b"[" * 100_000, JSON, 400),
    "a deep object": (b'{"type":' * 5_000 + b"1" + b"}" * 5_000, JSON, 400),
    "5,000 digits": (b'{"type": "dsa", "duration": ' + b"9" * 5_000 + b"}", JSON, 400),
    "5,000 decimals": (b'{"type": "dsa", "duration": 1.' + b"9" * 5_000 + b"}", JSON, 400),
    "not UTF-8": (b'{"type": "dsa", "company": "\xff\xfe"}', JSON, 400),
    "UTF-16": ('{"type": "dsa"}'.encode("utf-16"), JSON, 400),
    "a byte order mark": (b'\xef\xbb\xbf{"type": "dsa"}', JSON, 400),
    "a raw control character": (b'{"type": "dsa\n"}', JSON, 400),
    "cut off": (b'{"type": "ds', JSON, 400),
    "words": (b"hello", JSON, 400),
    "a list": (b'[{"type": "dsa"}]', JSON, 400),
    "a string": (b'"dsa"', JSON, 400),
    "a number": (b"42", JSON, 400),
    "null": (b"null", JSON, 400),
    "only spaces": (b"   ", JSON, 400),
    "plain text": (b'{"type": "dsa"}', {"Content-Type": "text/plain"}, 400),
    "a form": (b"type=dsa", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
    "no content type": (b'{"type": "dsa"}', {"Content-Type": ""}, 400),
    "a nonsense content type": (b'{"type": "dsa"}', {"Content-Type": "json;;;=/"}, 400),
    "a megabyte": (b'{"type": "' + b"d" * 1_000_000 + b'"}', JSON, 413),
    "a megabyte of spaces": (b" " * 1_000_000, JSON, 413),
    "a gzip bomb": (gzip.compress(b'{"type": "' + b"d" * 20_000_000 + b'"}'), JSON | {"Content-Encoding": "gzip"}, 413),
    "gzip that is none": (b"nope", JSON | {"Content-Encoding": "gzip"}, 400),
    "gzip cut off": (
        gzip.compress(json.dumps({"type": list(range(9_000))}).encode())[:9_000],
        JSON | {"Content-Encoding": "gzip"},
        400,
    ),
}
IDS = {
    "unknown": UNKNOWN,
    "a word": "abc",
    "zero": "0",
    "minus one": "-1",
    "NUL": "%00",
    "NUL behind an id": f"{UNKNOWN}%00",
    "a line feed": "%0d%0aX-Evil:%201",
    "a lone surrogate": "%ED%A0%80",
    "not UTF-8": "%ff%fe",
    "half a percent": "%",
    "traversal": "..%2f..%2f..%2fetc%2fpasswd",
    "double traversal": "%252e%252e%252fetc%252fpasswd",
    "backslashes": "..%5c..%5cprepkit.db",
    "overlong UTF-8": "%c0%ae%c0%ae%c0%af",
    "an absolute path": "%2fetc%2fpasswd",
    "a braced id": f"{{{UNKNOWN}}}",
    "a URN": f"urn:uuid:{UNKNOWN}",
    "an id without dashes": UNKNOWN.replace("-", ""),
    "SQL": quote("' OR 1=1 --"),
    "markup": quote("<script>alert(1)</script>"),
    "a template": quote("{{7*7}}"),
    "spaces": "%20%20",
    "Arabic digits": quote("٩" * 8 + "-9999-4999-8999-999999999999"),
    "very long": "a" * 7_000,
}
QUERIES = [
    "page=0", "page=-1", "page=abc", "page=1.5", "page=99999999999999999999999", "page=%00", "page=%ED%A0%80", "page=NaN", "page=1e3",
    "page=", "limit=0", "limit=101", "limit=-5", "limit=x", "type=cooking", "type=%00", "type=%27%20OR%201%3D1", "type=../dsa",
    "difficulty=nightmare", "difficulty=%ff", "difficulty=" + "x" * 5_000,
]  # fmt: skip


def sound(route: str, status: int, content_type: str, text: str) -> Any:
    """Check what holds for every refusal, and give the error, if it is JSON."""
    assert 400 <= status < 500, (status, text)
    assert "Traceback" not in text
    assert ".py" not in text
    if not route.startswith(("/api/", "/ws/")):
        assert content_type == "text/html"
        assert re.search(r'id="reference">[0-9a-f]{12}<', text)
        return None
    body = json.loads(text)
    assert {"error"} == set(body)
    assert {"code", "message", "details"} == set(body["error"])
    assert re.fullmatch(r"[a-z_]+", body["error"]["code"])
    assert body["error"]["message"].strip()
    return body["error"]


def filled(route: str, session_id: str) -> list[str]:
    """Method and path, with ids of nothing in the places of all others."""
    route = re.sub(r"{\w+_id}", UNKNOWN, route.replace("{session_id}", session_id))
    return route.replace("{ref}", "unknown").replace("{order}", "1").replace("{token}", "unknown").split(maxsplit=1)


EMPTY = {
    "POST /api/interviews/setup": 422,
    "POST /api/interviews/{session_id}/start": 200,
    "POST /api/interviews/{session_id}/complete": 409,
    "POST /api/interviews/{session_id}/consent": 422,
    "POST /api/me/privacy": 422,
    "DELETE /api/me": 400,
    "PATCH /api/me": 422,
    "POST /api/me/tokens": 422,
    "PATCH /api/people/{user_id}": 400,
    "POST /api/invites": 201,
}
"""What each route that reads a body says to none."""


async def count(house: House) -> int:
    """How many interviews the user has."""
    _, body = await house.call("GET", "/api/interviews/history?limit=1")
    return body["total"]


async def test_every_route_is_listed(house: House):
    """Contract 6: a new route has to say here what it reads."""
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in house.app.router.routes()
        if route.resource and route.method != "HEAD"
    }

    assert set(ROUTES) == routes


@pytest.mark.parametrize("case", list(BODIES))
@pytest.mark.parametrize("route", READING)
async def test_a_bad_body(house: House, route: str, case: str):
    """Contract 6, B4, B6: refused with the right status and a sentence; nothing is made or changed."""
    body, headers, expected = BODIES[case]
    session = await ready_session(house.store, house.user)
    before = await count(house)
    method, path = filled(route, session.id)

    response, text = await house.fetch(method, path, data=body, headers=headers)

    sound(path, response.status, response.content_type, text)
    assert expected == response.status
    async with house.store.read() as tx:
        assert session == await tx.session(session.id)
    assert before == await count(house)


@pytest.mark.parametrize("route", READING)
async def test_an_empty_body(house: House, route: str):
    """Contract 6: where a body is needed its missing fields are named; where none is, an empty one is fine."""
    session = await ready_session(house.store, house.user)
    method, path = filled(route, session.id)

    response, text = await house.fetch(method, path)

    expected = EMPTY[route]
    assert expected == response.status
    if expected == 422:
        assert sound(path, 422, response.content_type, text)["details"][0]["message"] == "Field required"


async def test_duplicate_names_are_no_trouble(house: House):
    """B4: of two fields with one name the last one counts, in the check and in what is stored."""
    response, text = await house.fetch("POST", SETUP, data=b'{"type": "cooking", "type": "dsa"}', headers=JSON)

    assert response.status == 201
    _, body = await house.call("GET", f"/api/interviews/{json.loads(text)['sessionId']}")
    assert body["configuration"]["type"] == "dsa"


async def test_deep_and_numerous_but_allowed(house: House):
    """B4: what is odd and yet allowed is taken: 32 levels, 10,000 unknown fields, a long integer."""
    nested: Any = 1
    for _ in range(30):
        nested = [nested]
    body = {"type": "dsa", "extra": nested, "number": 10**39} | {f"f{n}": n for n in range(10_000)}

    status, _ = await house.call("POST", SETUP, json=body)

    assert status == 201


@pytest.mark.parametrize("case", list(IDS))
async def test_a_bad_id(house: House, case: str):
    """Contract 6, A12: on every route an id that names nothing is 404, whatever it is made of; no header is smuggled in."""
    for route in WITH_ID:
        method, path = route.replace("{session_id}", IDS[case]).split(maxsplit=1)
        response, text = await house.fetch(method, path)
        sound(path, response.status, response.content_type, text)
        assert (400 if path.startswith("/ws/") and response.status == 400 else 404) == response.status, route
        assert "X-Evil" not in response.headers
        assert "root:" not in text


async def test_a_socket_with_a_bad_id(house: House):
    """Contract 5, 6: the socket closes 4401 for ids and tokens that make no sense, never 1011."""
    closed = {}
    for case, bad in IDS.items():
        url = f"{house.origin}/ws/interviews/{bad}?token=%00%ED%A0%80{'x' * 500}"
        try:
            async with house.client.ws_connect(URL(url, encoded=True)) as ws:
                closed[case] = (await ws.receive()).data
        except aiohttp.WSServerHandshakeError as refused:
            closed[case] = refused.status

    assert {4401, 404} >= set(closed.values()), closed
    assert 4401 == closed["unknown"] == closed["NUL"]


@pytest.mark.parametrize("query", QUERIES)
async def test_a_bad_query(house: House, query: str):
    """Contract 6, R-095: 422 naming the parameter on the API, an error page on the page."""
    name = query.split("=", maxsplit=1)[0]
    response, text = await house.fetch("GET", f"/api/interviews/history?{query}")
    page, html = await house.fetch("GET", f"/history?{query}")

    assert response.status == 422
    assert [name] == [problem["field"] for problem in sound("/api/", 422, response.content_type, text)["details"]]
    if name == "limit":  # the page has its own
        assert page.status == 200
    else:
        sound("/history", page.status, page.content_type, html)
        assert page.status == 422


async def test_unknown_query_fields_are_ignored(house: House):
    """Contract 6: a thousand unknown or repeated parameters change nothing."""
    plain = await house.call("GET", "/api/interviews/history?limit=1")

    assert plain == await house.call("GET", "/api/interviews/history?limit=1&" + "&".join(f"p{n}=%00" for n in range(500)))
    assert plain[0] == (await house.call("GET", "/api/interviews/history?limit=1&limit=2"))[0]


@pytest.mark.parametrize("route", list(ROUTES))
async def test_a_wrong_method(house: House, route: str):
    """Contract 6: 405 with the methods it does take, in our shape."""
    _, path = filled(route, UNKNOWN)
    taken = {other.split()[0] for other in ROUTES if other.split()[1] == route.split()[1]}
    for method in sorted({"PUT", "PATCH", "TRACE", "OPTIONS"} - taken):
        response, text = await house.fetch(method, path)
        assert response.status == 405, method
        assert {"GET", "POST", "DELETE", "PATCH"} & set(response.headers["Allow"].split(","))
        if method != "OPTIONS" or path.startswith("/api/"):
            assert json.loads(text)["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path",
    [
        "/nope", "/api/nope", "/api/", "/api/interviews", "/interviews/", "/static/nope.js", "/static/%00", "/static/..%2fapp.py",
        "/static/%2e%2e/app.py", "/static/..%5capp.py", "/static//etc/passwd", "/static/" + "a" * 300, "/static/" + "%C3%A4" * 40 + "/x",
        "/%ff%fe", "/%00", "//evil.example/", "/api/interviews/history/", "/INTERVIEWS/x", "/.git/config", "/static/../../pyproject.toml",
    ],
)  # fmt: skip
async def test_an_unknown_address(house: House, path: str):
    """A12, contract 6: 404 without a byte from outside the static folder."""
    response, text = await house.fetch("GET", path)

    assert response.status == 404
    if path.startswith("/static/") and not text:
        return  # a missing file is no page
    sound(path, response.status, response.content_type, text)
    assert "import " not in text


MALFORMED = {
    "a header without a colon": b"GET / HTTP/1.1\r\n{host}Bad Header\r\n\r\n",
    "64 KB of header": b"GET / HTTP/1.1\r\n{host}X: " + b"a" * 65_536 + b"\r\n\r\n",
    "an address of 9 KB": b"GET /api/interviews/" + b"a" * 9_000 + b" HTTP/1.1\r\n{host}\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\n{host}{host}\r\n",
    "a bad chunk": b"POST /api/interviews/setup HTTP/1.1\r\n{host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
    "raw bytes in the path": b"GET /api/interviews/\xff\xfe HTTP/1.1\r\n{host}\r\n",
    "length and chunks": b"POST / HTTP/1.1\r\n{host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\n{host}Content-Length: -3\r\n\r\n",
    "an unknown encoding": (
        b"POST /api/interviews/setup HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}"
    ),
}


@pytest.mark.parametrize("case", list(MALFORMED))
async def test_a_request_that_is_no_http(house: House, case: str):
    """B6: 400 and the connection is closed; the parser answers before the application is asked, so only then not in our shape."""
    host = f"Host: 127.0.0.1:{house.port}\r\n".encode()

    answer = await house.raw(MALFORMED[case].replace(b"{host}", host))

    assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 ")), answer[:200]
    assert b"Traceback" not in answer
    assert (await house.fetch("GET", "/healthz"))[0].status == 200


async def test_an_unfinished_body_holds_nobody_up(house: House):
    """Contract 6: a client that announces a body and leaves disturbs nobody and makes nothing."""
    before = await count(house)
    host = f"Host: 127.0.0.1:{house.port}\r\n".encode()
    request = b"POST /api/interviews/setup HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(request + b'{"type": "dsa"')
    await writer.drain()
    writer.close()

    assert before == await count(house)


WORDS = st.one_of(
    st.text(max_size=50),
    st.sampled_from(
        ["dsa", "system-design", "behavioural", "easy", "expert", "warm", "slow", "light", "en", "", " ", "\x00", "\ud800"]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=8,
)
FIELDS = [
    "type", "difficulty", "duration", "focusAreas", "specificRequirements", "language", "voice", "pace", "followUpStyle", "mode", "company",
    "role", "level", "questionCount", "focus_areas", "question_count", "status", "userId",
]  # fmt: skip
CHOICES = st.one_of(
    # Mostly right, so that many get through to the database.
    st.fixed_dictionaries(
        {"type": st.sampled_from(["dsa", "JS", "System Design", "hr", "machine-coding"])},
        optional={
            "difficulty": st.sampled_from(["easy", "Medium", "HARD", "expert"]),
            "duration": st.integers(4, 46),
            "focusAreas": st.lists(st.text(max_size=130), max_size=9),
            "specificRequirements": st.text(max_size=300),
            "company": st.text(max_size=130),
            "role": st.text(max_size=40),
            "questionCount": st.integers(2, 11),
        },
    ),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8),
    VALUES,
)


@background_random
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(choice=CHOICES)
async def test_any_json_at_set_up(house: House, choice: Any):
    """B4, B5: whatever JSON is sent: 201 and it can be read back, or a 4xx in our shape. Never a 5xx, never half a row."""
    text = json.dumps(choice)  # NaN and lone surrogates included
    response, answer = await house.fetch("POST", SETUP, data=text.encode(), headers=JSON)

    if response.status != 201:
        assert response.status in (400, 422)
        sound(SETUP, response.status, response.content_type, answer)
        return
    status, body = await house.call("GET", f"/api/interviews/{json.loads(answer)['sessionId']}")
    assert (status, body["status"]) == (200, "ready")
    kept = body["configuration"]
    for name in ("specificRequirements", "company", "role", "level"):
        assert str(choice.get(name, "")).strip() == kept[name]


@background_random
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=200), route=st.sampled_from(READING))
async def test_any_bytes(house: House, body: bytes, route: str):
    """B5: bytes as JSON: a 4xx in our shape, or what an empty object gets."""
    method, path = filled(route, UNKNOWN)
    response, answer = await house.fetch(method, path, data=body, headers=JSON)

    if not body.strip() and EMPTY[route] < 300 and response.status < 300:
        return
    sound(path, response.status, response.content_type, answer)


@background_random
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(segment=st.text(min_size=1, max_size=60), route=st.sampled_from(WITH_ID))
async def test_any_id(house: House, segment: str, route: str):
    """B5, A12: any text as an id is a 404 (or another address), on every route."""
    encoded = quote(segment, safe="", errors="surrogatepass")
    method, path = route.replace("{session_id}", encoded).split(maxsplit=1)
    response, answer = await house.fetch(method, path)

    if response.status not in (301, 302, 303, 308):
        sound(path, response.status, response.content_type, answer)
