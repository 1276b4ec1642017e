"""The door for Vapi on the running application: who is let in, what is kept, what is answered (R-051…R-057, R-122, C-15…C-26, C-53, A6, B10)."""

from __future__ import annotations

import asyncio
import base64
import copy
import gzip
import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from limits import parse

from bridge.domain.upstream import EngineCall
from bridge.ports import DeliveryState, StoredDelivery
from bridge.usecases import calling, engine_calls, tool_calls
from web import middlewares
from web.vapi import kept_secret
from web.webhooks import vapi

from ...vapi_examples import example, webhook
from ..house import JOB_SECONDS, REAL_LIMIT, House, live_session, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOOK, TOOLS = "/api/webhooks/vapi", "/api/vapi/tools"
SECRET, HMAC_SECRET = "a-shared-secret-of-this-deployment", "a-secret-for-hmac"
JSON = {"Content-Type": "application/json"}
SIGNED_IN = JSON | {"X-Vapi-Secret": SECRET}
OLD_SECRET = "a-secret-that-was-replaced"
RECEIVED = {"received": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[House]:
    """A server with a Vapi that is out of reach: what comes in is all there is."""
    settings = {
        "vapi_api_key": "key",
        "vapi_base_url": "http://127.0.0.1:9",
        "vapi_webhook_secret": SECRET,
        "vapi_hmac_secret": HMAC_SECRET,
        "recogniser": "none",
    }
    async with running(tmp_path_factory.mktemp("door"), **settings) as up:
        yield up


def signed(body: bytes, *, at: str | None = None, secret: str = HMAC_SECRET) -> dict[str, str]:
    """HMAC headers of a body."""
    at = at or str(int(time.time()))
    digest = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return JSON | {"X-Vapi-Timestamp": at, "X-Vapi-Signature": digest}


async def post(house: House, message: Any, path: str = HOOK, headers: dict[str, str] = SIGNED_IN) -> tuple[int, Any]:
    """Status and JSON answer."""
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return await house.call("POST", path, data=io.BytesIO(data), headers=headers)


async def make_call(house: House) -> EngineCall:
    """An interview in progress and its call at Vapi."""
    session = (await live_session(house.store, house.user)).session
    call_id = str(uuid4())
    await engine_calls.opened(house.store, session, "vapi", call_id, base_ms=0, now=session.created_at)
    return await read_call(house, call_id)


async def read_call(house: House, call_id: str) -> EngineCall:
    """Its row."""
    async with house.store.read() as tx:
        found = await tx.engine_call("vapi", call_id)
    assert found is not None
    return found


async def inbox(house: House, call_id: str | None = None, state: DeliveryState | None = None) -> list[StoredDelivery]:
    """What is kept."""
    async with house.store.read() as tx:
        return await tx.deliveries("vapi", call_id=call_id, state=state)


async def applied(house: House, call_id: str) -> None:
    """Wait until every webhook of a call has been worked on."""
    async with asyncio.timeout(JOB_SECONDS):
        while await inbox(house, call_id, DeliveryState.STORED):
            await asyncio.sleep(0.05)


# What is turned away ------------------------------------------------------------------------------------------------
# First in this file: what was let in is worked on for a while, and rows change.
ENDED = json.dumps(webhook({"type": "status-update", "status": "ended", "endedReason": "customer-ended-call"}, "CALL")).encode()


def forgeries(body: bytes) -> dict[str, tuple[bytes, dict[str, str]]]:
    """A6: name → (body, headers)."""
    now = int(time.time())
    genuine = signed(body)
    return {
        "no header at all": (body, JSON),
        "an empty secret": (body, JSON | {"X-Vapi-Secret": ""}),
        "a wrong secret": (body, JSON | {"X-Vapi-Secret": SECRET[:-1]}),
        "a longer secret": (body, JSON | {"X-Vapi-Secret": SECRET + "x"}),
        "a secret in another case": (body, JSON | {"X-Vapi-Secret": SECRET.upper()}),
        "a replaced secret": (body, JSON | {"X-Vapi-Secret": OLD_SECRET}),
        "a non-ASCII secret": (body, JSON | {"X-Vapi-Secret": "géheim\udcff"}),
        "an empty bearer": (body, JSON | {"Authorization": "Bearer "}),
        "the secret as basic": (body, JSON | {"Authorization": f"Basic {base64.b64encode(SECRET.encode()).decode()}"}),
        "the secret in the address": (body, JSON),
        "a signature of another body": (body + b" ", genuine),
        "a replaced HMAC secret": (body, signed(body, secret=OLD_SECRET)),
        "the shared secret as HMAC secret": (body, signed(body, secret=SECRET)),
        "a non-ASCII signature": (body, genuine | {"X-Vapi-Signature": "ü" * 64}),
        "an empty signature": (body, genuine | {"X-Vapi-Signature": ""}),
        "half a signature": (body, genuine | {"X-Vapi-Signature": genuine["X-Vapi-Signature"][:32]}),
        "no timestamp": (body, {k: v for k, v in genuine.items() if k != "X-Vapi-Timestamp"}),
        "another timestamp": (body, genuine | {"X-Vapi-Timestamp": str(now - 1)}),
        "an old one": (body, signed(body, at=str(now - 3_600))),
        "one of the future": (body, signed(body, at=str(now + 3_600))),
        "a time that is none": (body, signed(body, at="nan")),
        "an endless time": (body, signed(body, at="9" * 5_000)),
        "a body that is not UTF-8": (b"\xff\xfe" + body, JSON | {"X-Vapi-Secret": "wrong"}),
        "a body that is not JSON": (b"{" * 10_000, JSON | {"X-Vapi-Secret": "wrong"}),
    }


@pytest.mark.parametrize("path", [HOOK, TOOLS])
async def test_forged_webhooks_change_nothing(door: House, path: str):
    """A6, R-122: each is refused with 401, none with a 5xx, no row changes, and the answer does not say which check failed."""
    call = await make_call(door)
    body = ENDED.replace(b"CALL", call.id.encode())
    before = await door.rows()
    seen = set()
    for name, (data, headers) in forgeries(body).items():
        where = f"{path}?secret={SECRET}" if name == "the secret in the address" else path
        status, answer = await door.call("POST", where, data=data, headers=headers)
        assert status == 401, (name, status, answer)
        seen.add(json.dumps(answer))
    assert len(seen) == 1
    assert before == await door.rows()


BAD = {
    "nothing": b"",
    "half": b'{"message": {"type": "han',
    "a list": b"[1, 2]",
    "a number": b"7",
    "not UTF-8": b'{"message": {"type": "\xff\xfe"}}',
    "a depth bomb": b'{"message":' * 100_000,
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_read_is_a_clear_refusal(door: House, name: str):
    """Contract 6: 400 with a code, and nothing is stored."""
    before = await door.rows()
    status, answer = await post(door, BAD[name])

    assert (status, answer["error"]["code"]) == (400, "invalid_input")
    assert before == await door.rows()


# Who is let in ------------------------------------------------------------------------------------------------------
async def test_a_replayed_webhook_is_one_webhook(door: House):
    """A6, C-26: the very same signed bytes once more are taken, and change nothing."""
    call = await make_call(door)
    body = ENDED.replace(b"CALL", call.id.encode())
    headers = signed(body)

    assert [await post(door, body, headers=headers) for _ in range(3)] == [(200, RECEIVED)] * 3
    assert len(await inbox(door, call.id)) == 1


async def test_each_way_of_signing_is_let_in(door: House):
    """R-122: shared header, bearer, HMAC in seconds and in milliseconds."""
    for headers in (
        SIGNED_IN,
        JSON | {"Authorization": f"Bearer {SECRET}"},
        signed(ENDED),
        signed(ENDED, at=str(int(time.time() * 1000))),
    ):
        assert await post(door, ENDED, headers=headers) == (200, RECEIVED)


async def test_a_foreign_host_is_refused_all_the_same(door: House):
    """The host check stands before the webhook's own."""
    status, _ = await post(door, ENDED, headers=SIGNED_IN | {"Host": "evil.example"})

    assert status == 403


# What is kept -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("body", example("4-1-server-messages"), ids=lambda body: body["message"]["type"])
async def test_every_kind_of_message_is_answered_and_kept_once(door: House, body: dict[str, Any]):
    """R-051…R-057, §4.1: also a kind we do not act on; the document's answer, or the kind's own."""
    call = await make_call(door)
    message = webhook(body["message"], call.id)
    expected = vapi.NOT_OFFERED.get(body["message"]["type"], RECEIVED)

    assert [await post(door, message), await post(door, message)] == [(200, expected)] * 2
    (stored,) = await inbox(door, call.id)
    assert stored.type == body["message"]["type"]


async def test_a_whole_call_ends_in_its_row(door: House):
    """R-052, R-053: began, spoken, ended, accounted: by jobs, behind the answers."""
    call = await make_call(door)
    report = example("4-2-end-of-call-report") | {"call": {"id": call.id}}
    for message in (
        {"type": "status-update", "status": "in-progress"},
        {"type": "transcript", "role": "user", "transcriptType": "final", "transcript": "Hi."},
        {"type": "status-update", "status": "ended", "endedReason": "customer-ended-call"},
        report,
    ):
        assert await post(door, webhook(message, call.id)) == (200, RECEIVED)
    await applied(door, call.id)

    row = await read_call(door, call.id)
    assert (row.end_reason, row.duration_seconds) == ("customer-ended-call", 60)
    assert row.report_at is not None
    async with door.store.read() as tx:
        costs = {entry.item: entry.amount_micros for entry in await tx.costs(call.session_id) if entry.kind == "actual"}
    assert costs["call"] == 115_000


async def test_the_documents_flat_events_go_the_same_way(door: House):
    """C-15: the product document's own shape, through the same door and the same keys."""
    call = await make_call(door)
    for body in (
        {"type": "call.started", "callId": call.id, "sessionId": "x"},
        {"type": "call.updated", "callId": call.id},
        {"type": "call.transcript", "callId": call.id, "transcript": "INTERVIEWER: Hello!\nUSER: Hi."},
        {"type": "call.recording", "callId": call.id, "recordingUrl": "https://evil.example/r.mp3"},
        {"type": "call.ended", "callId": call.id, "duration": 912, "reason": "customer-ended-call"},
    ):
        assert await post(door, body) == (200, RECEIVED)
    await post(door, ENDED.replace(b"CALL", call.id.encode()))
    await applied(door, call.id)

    assert sorted(d.type for d in await inbox(door, call.id)) == [
        "call.ended", "call.recording", "call.started", "call.transcript", "call.updated",
    ]  # fmt: skip
    assert (await read_call(door, call.id)).end_reason == "customer-ended-call"


async def test_an_unknown_call_is_kept_and_ignored(door: House):
    """C-25: stored, answered, never a crash; so is one without any call."""
    unknown = str(uuid4())

    assert await post(door, ENDED.replace(b"CALL", unknown.encode())) == (200, RECEIVED)
    assert await post(door, {"message": {"type": "hang"}}) == (200, RECEIVED)
    await applied(door, unknown)
    (stored,) = await inbox(door, unknown)
    assert stored.state is DeliveryState.IGNORED


async def test_an_operator_has_a_webhook_taken_in_again(door: House):
    """M7: one that was ignored because nobody knew its call is applied once its call is known; an applied one is not taken in twice."""
    call_id = str(uuid4())
    assert await post(door, ENDED.replace(b"CALL", call_id.encode())) == (200, RECEIVED)
    await applied(door, call_id)
    session = (await live_session(door.store, door.user)).session
    async with door.store.begin() as tx:
        await tx.add_engine_call(EngineCall(call_id, "vapi", session.id, session.created_at))
    (stored,) = await inbox(door, call_id, DeliveryState.IGNORED)
    again = f"/api/operator/deliveries/{stored.id}/retry"

    assert (202, {"queued": True}) == await door.call("POST", again, json={})
    await applied(door, call_id)
    assert [DeliveryState.APPLIED] == [each.state for each in await inbox(door, call_id)]
    assert (await read_call(door, call_id)).end_reason
    assert 409 == (await door.call("POST", again, json={}))[0]
    assert 404 == (await door.call("POST", "/api/operator/deliveries/999999/retry", json={}))[0]


async def test_no_secret_is_kept(door: House):
    """§6: links that open something and our own secret do not reach the database."""
    call = await make_call(door)
    report = example("4-2-end-of-call-report") | {
        "call": {"id": call.id, "monitor": {"controlUrl": "https://x.vapi.ai/control-link"}},
        "assistant": {"server": {"url": "https://bridge.example/hook", "headers": {"X-Vapi-Secret": SECRET}}},
    }
    assert await post(door, webhook(report, call.id)) == (200, RECEIVED)
    (stored,) = await inbox(door, call.id)
    kept = json.dumps(stored.body)

    assert all(secret not in kept for secret in (SECRET, "control-link", "sig=x"))
    assert "Hello!" in kept


# Tools --------------------------------------------------------------------------------------------------------------
def layouts() -> dict[str, dict[str, Any]]:
    """B10, §4.3: one tool call in each layout in which Vapi may send it."""
    whole = example("4-3-tool-calls")
    item = whole["toolCallList"][0]
    as_object = copy.deepcopy(item)
    as_object["function"]["arguments"] = {"currentQuestionId": "q1"}
    flat = {"id": item["id"], "name": "moveToNextQuestion", "parameters": {"currentQuestionId": "q1"}}
    return {
        "both lists": whole,
        "toolCallList": {"type": "tool-calls", "toolCallList": [as_object]},
        "toolCalls": {"type": "tool-calls", "toolCalls": [item]},
        "toolWithToolCallList": {"type": "tool-calls", "toolWithToolCallList": whole["toolWithToolCallList"]},
        "flat": {"type": "tool-calls", "toolCallList": [flat]},
        "function-call": {"type": "function-call", "functionCall": {"id": item["id"], "name": flat["name"], "parameters": {}}},
    }


@pytest.mark.parametrize("path", [HOOK, TOOLS])
@pytest.mark.parametrize("layout", layouts())
async def test_tool_calls_of_every_layout_get_one_answer_each(door: House, path: str, layout: str):
    """B10, C-18: 200, one well-formed result, the id echoed; the candidate is away here, so the answer says so."""
    call = await make_call(door)
    status, answer = await post(door, webhook(layouts()[layout] | {"call": {"id": call.id}}, call.id), path)

    (result,) = answer["results"]
    assert (status, result["toolCallId"]) == (200, "call_VaJOd8ZeZgWCEHDY")
    assert result["error"] == tool_calls.AWAY
    assert len(await inbox(door, call.id)) == 1


async def test_a_batch_is_answered_one_by_one(door: House):
    """B10: a hundred at once, some of them nonsense: an answer for each, in their order, and none fails for another."""
    call = await make_call(door)
    await calling.finish(door.store, call.session_id, "finished", elapsed_ms=1_000, now=call.created_at)
    names = ["moveToNextQuestion", "getFollowUpQuestion", "rm -rf", "moveToNextQuestion"]
    given = [
        {"id": f"t{n}", "type": "function", "function": {"name": names[n % 4], "arguments": "{not json" if n % 3 else "[1]"}}
        for n in range(100)
    ]
    status, answer = await post(door, webhook({"type": "tool-calls", "toolCallList": given}, call.id), TOOLS)

    assert status == 200
    assert [r["toolCallId"] for r in answer["results"]] == [f"t{n}" for n in range(100)]
    for n, result in enumerate(answer["results"]):
        assert result["name"] == names[n % 4]
        if n % 4 == 2:
            assert result["error"] == tool_calls.UNKNOWN_TOOL
        else:
            assert json.loads(result["result"]) == tool_calls.OVER[names[n % 4]]
            assert "\n" not in result["result"]


async def test_tool_calls_of_an_unknown_call_are_answered_in_band(door: House):
    """C-25: any status but 200 would be ignored."""
    for call_id in (str(uuid4()), None):
        status, answer = await post(door, webhook(layouts()["toolCalls"], call_id), TOOLS)
        assert (status, [r["error"] for r in answer["results"]]) == (200, [tool_calls.UNKNOWN_CALL])


async def test_whatever_is_no_tool_call_gets_no_result(door: House):
    """§4.3: always 200 at the tools' address, also for what cannot be read."""
    for body in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff",
        b'{"message": 7}',
        b'{"message": {"type": "tool-calls", "toolCalls": 1}}',
    ):
        assert await post(door, body, TOOLS) == (200, {"results": []})


# Bad input and limits -------------------------------------------------------------------------------------------------
ODD = {
    "no message": {},
    "a message that is none": {"message": []},
    "a type that is none": {"message": {"type": 7}},
    "a long type": {"message": {"type": "x" * 100_000}},
    "a call that is none": {"message": {"type": "hang", "call": "c"}},
    "a long call id": {"message": {"type": "hang", "call": {"id": "c" * 100_000}}},
    "NUL": {"message": {"type": "transcript", "role": "user", "transcript": "a\u0000b", "call": {"id": "n\u0000"}}},
    "a time beyond all": {"message": {"type": "status-update", "status": "ended", "timestamp": 10**18}},
    "deep": {"message": {"type": "hang", "more": json.loads("[" * 200 + "]" * 200)}},
    "turns of nothing": {"message": {"type": "end-of-call-report", "artifact": {"messages": [None, 1, {"role": "user"}, {}]}}},
    "a report of strings": {"message": {"type": "end-of-call-report", "artifact": "x", "analysis": 1, "cost": "much"}},
    "costs beyond all": {"message": {"type": "end-of-call-report", "cost": 1e300, "costBreakdown": {"llm": -1e300, "tts": "x"}}},
}


@pytest.mark.parametrize("name", ODD)
async def test_what_is_odd_is_taken(door: House, name: str):
    """C-25: unknown fields and types must not cost us a message: Vapi does not send it again. Nor may its work fail for ever."""
    call = await make_call(door)
    body = copy.deepcopy(ODD[name])
    if isinstance(body.get("message"), dict) and "call" not in body["message"]:
        body["message"]["call"] = {"id": call.id}
    assert (await post(door, body))[0] == 200
    await applied(door, call.id)


async def test_numbers_of_any_length_and_lone_surrogates_are_taken(door: House):
    """Contract 6: what the JSON text allows and no database takes."""
    for text in ("9" * 4_000, "1e999", "NaN", '"\\ud800"'):
        status, _ = await post(door, f'{{"message": {{"type": "hang", "timestamp": {text}}}}}'.encode())
        assert status == 200, text


async def test_a_body_has_an_own_bound(door: House):
    """§4: reports are large, so the application's 256 KiB do not hold here; 8 MiB do."""
    call = await make_call(door)
    large = webhook({"type": "end-of-call-report", "more": "x" * 3_000_000}, call.id)
    assert await post(door, large) == (200, RECEIVED)

    endless = b'{"message": "' + b"x" * vapi.MAX_BODY_BYTES + b'"}'
    status, answer = await post(door, endless)
    assert (status, answer["error"]["code"]) == (413, "too_large")


async def test_a_packed_body_is_unpacked_within_the_bound(door: House):
    """A bomb is 413, a broken one 400."""
    packed = SIGNED_IN | {"Content-Encoding": "gzip"}
    assert await post(door, gzip.compress(ENDED), headers=packed) == (200, RECEIVED)
    status, _ = await post(door, gzip.compress(b" " * (vapi.MAX_BODY_BYTES + 1)), headers=packed)
    assert status in (400, 413)
    status, _ = await post(door, b"\x1f\x8b" + b"garbage" * 10, headers=packed)
    assert status == 400


async def test_each_call_has_its_own_limit(door: House, monkeypatch: pytest.MonkeyPatch):
    """C-53: a call that sends too much is told 429, its tools in-band; other calls and the user's own requests are not touched."""
    monkeypatch.setattr(vapi, "LIMIT", parse("5/minute"))
    monkeypatch.setattr(middlewares, "LIMIT", REAL_LIMIT)
    loud, quiet = str(uuid4()), str(uuid4())

    statuses = [(await post(door, webhook({"type": "hang", "timestamp": n}, loud)))[0] for n in range(8)]
    _, answer = await post(door, webhook(layouts()["toolCalls"], loud), TOOLS)

    assert statuses == [200] * 5 + [429] * 3
    assert [r["error"] for r in answer["results"]] == [vapi.TOO_MANY]
    assert (await post(door, webhook({"type": "hang"}, quiet)))[0] == 200
    assert (await door.call("GET", "/api/interviews/history"))[0] == 200


async def test_webhooks_do_not_count_as_the_users_requests(door: House, monkeypatch: pytest.MonkeyPatch):
    """C-53, R-121: more than a hundred a minute, and the page still works."""
    monkeypatch.setattr(middlewares, "LIMIT", parse("3/minute"))
    for n in range(12):
        assert (await post(door, webhook({"type": "hang", "timestamp": n}, str(uuid4()))))[0] == 200


async def test_the_door_takes_posts_only(door: House):
    """Nothing to read here."""
    for path in (HOOK, TOOLS):
        assert (await door.call("GET", path, headers=SIGNED_IN))[0] == 405


async def test_the_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path):
    """§5: random for each deployment, kept in the data folder."""
    path = tmp_path / "keys" / "vapi-webhook-secret"
    made = kept_secret(path)

    assert len(made) >= 32
    assert kept_secret(path) == made
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
