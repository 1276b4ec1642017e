"""Operators in real calls against a running server: what they see is what is stored, what they do is in the call's log (M7, A17)."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
import pytest_asyncio

from bridge.errors import PrepkitError
from web.commands.tail import tail

from .live import ANSWER, running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory):
    """A server of ours."""
    async with running(tmp_path_factory.mktemp("operators")) as server:
        yield server


class Reader:
    """A server-sent stream, read as the specification says."""

    def __init__(self, response):
        self.response = response
        self.items = []

    async def until(self, wanted, seconds=30):
        """The next item that is wanted."""
        async with asyncio.timeout(seconds):
            async for line in self.response.content:
                if line.startswith(b"data: "):
                    self.items.append(json.loads(line[6:]))
                    if wanted(self.items[-1]):
                        return self.items[-1]
        raise AssertionError("the stream ended")

    async def kind(self, kind, **data):
        """The next item of a kind with these data."""
        return await self.until(lambda item: item["kind"] == kind and data.items() <= item["data"].items())


@asynccontextmanager
async def follow(server, session_id, **headers):
    """Follow a call."""
    async with server.http.get(f"{server.url}/api/operator/calls/{session_id}/events", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield Reader(response)


async def act(server, session_id, name, body=None, status=200):
    """Do something in a call."""
    return await server.call("POST", f"/api/operator/calls/{session_id}/{name}", body or {}, status=status)


async def listed(server, session_id):
    """The call's line in the list, once a fresh list has it."""
    async with asyncio.timeout(10):
        while True:
            found = await server.call("GET", "/api/operator/calls")
            for call in found["calls"]:
                if call["sessionId"] == session_id and call["question"]["n"]:
                    return call
            await asyncio.sleep(0.3)


async def test_a_call_is_listed_and_followed_from_its_beginning(server):
    """The list says where the call is; the stream gives its log without gap, tool calls with arguments, milliseconds and source."""
    async with server.interview() as (session_id, caller):
        await caller.verb("text", text=ANSWER)
        async with follow(server, session_id) as reader:
            tool = await reader.kind("tool-answered", tool="getFollowUpQuestion")
            call = await listed(server, session_id)
            await caller.verb("text", text=ANSWER)
            await reader.kind("turn-recorded", speaker="candidate", source="typed")
            seqs = [item["seq"] for item in reader.items if item["seq"]]
            told = [item["kind"] for item in reader.items]
        async with follow(server, session_id, **{"Last-Event-ID": "3"}) as reader:
            first = await reader.until(lambda item: item["seq"] is not None)

    assert list(range(1, len(seqs) + 1)) == seqs
    assert "caught-up" in told
    assert {"currentQuestionId"} <= tool["data"]["arguments"].keys()
    assert ("prepared", True) == (tool["data"]["source"], tool["data"]["took_ms"] >= 0)
    assert ("local", True, True, 3) == (call["engine"], call["connected"], call["here"], call["question"]["of"])
    assert ([], 600) == (call["cost"], call["total"])
    assert 4 == first["seq"]


async def test_whatever_an_operator_does_is_an_event_and_reaches_the_candidate(server):
    """Say is spoken and told, extend moves the candidate's clock, a whisper is heard by nobody and done; each is in the log (M7)."""
    async with server.interview() as (session_id, caller):
        caller.forget()
        extended = await act(server, session_id, "extend", {"minutes": 7})
        assert "7 more minutes" in (await caller.told("notice", code="operator"))["message"]
        assert 17 * 60 == (await caller.told("clock", total=17 * 60))["total"]
        said = await act(server, session_id, "say", {"text": "Take your  time,\nplease."})
        await caller.told("turn", speaker="interviewer", text="Take your time, please.")
        caller.forget()
        whispered = await act(server, session_id, "whisper", {"text": "Next question, please"})
        question = await caller.told("question", n=2)
        refused = await act(server, session_id, "whisper", {"text": "Be kinder to them"}, status=409)
        shown = [m["data"] for m in caller.notes if m["type"] == "server-message" and "kinder" in str(m)]
        async with follow(server, session_id) as reader:
            await reader.kind("operator-acted", action="whisper")
            acts = {item["data"]["action"]: item for item in reader.items if item["kind"] == "operator-acted"}

    assert {"extend": extended["seq"], "say": said["seq"], "whisper": whispered["seq"]} == {k: v["seq"] for k, v in acts.items()}
    assert ("", 7) == (acts["whisper"]["data"]["told"], acts["extend"]["data"]["minutes"])
    assert 2 == question["n"]
    assert "Say" in refused["error"]["message"]
    assert [] == shown


async def test_a_call_is_followed_in_the_terminal(server):
    """`prepkit tail`: history first, in words, to the end; what was said cannot steer the terminal."""
    async with server.interview() as (session_id, caller):
        await caller.verb("text", text=f"{ANSWER} \x1b[2J")
        lines = []
        following = asyncio.create_task(tail(server.url, session_id, "", say=lines.append))
        await act(server, session_id, "end", {"now": True}, status=202)
        async with asyncio.timeout(30):
            await following
    with pytest.raises(PrepkitError):
        await tail(server.url, "99999999-9999-4999-8999-999999999999", "")

    assert any("question 1 of 3" in line for line in lines)
    assert any(f"candidate: {ANSWER}" in line for line in lines)
    assert "interview-ended" in lines[-1]
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("now", [False, True])
async def test_an_operator_ends_a_call(server, now):
    """With a goodbye or at once: the candidate is told by whom, the words are kept, the stream ends with the interview."""
    async with server.interview() as (session_id, caller):
        await caller.verb("text", text=ANSWER)
        async with follow(server, session_id) as reader:
            await act(server, session_id, "end", {"now": now}, status=202)
            ended = await caller.told("ended", seconds=40)
            assert 1000 == await caller.closed()
            await reader.until(lambda item: item["kind"] == "end")
            last = [item for item in reader.items if item["seq"]][-1]
    shown = await server.status(session_id, "partial")

    assert "ended_by_operator" == ended["reason"]
    assert ("interview-ended", "ended_by_operator") == (last["kind"], last["data"]["reason"])
    assert any(turn["text"] == ANSWER for turn in shown["transcript"])
    assert any("ending the interview" in m["data"].get("message", "") for m in caller.notes if m["type"] == "server-message")


async def test_listening_is_heard_by_the_operator_told_to_the_candidate_and_heard_by_nobody(server):
    """Both sides come as stereo; the candidate is told when it begins and ends; nothing reaches the candidate's own audio (M7)."""
    async with server.interview() as (session_id, caller):
        url = f"{server.url}/ws/operator/calls/{session_id}/listen"
        async with server.http.ws_connect(url, origin=server.url) as ws:
            assert "listening" in (await caller.told("notice", code="operator"))["message"]
            loud = False
            async with asyncio.timeout(30):
                while not loud:
                    frames = await ws.receive_bytes()
                    samples = memoryview(frames).cast("h")
                    loud = max(map(abs, samples[1::2]), default=0) > 1000
            assert 0 == len(frames) % 4
        assert "stopped listening" in (await caller.told("notice", code="operator"))["message"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await server.http.ws_connect(url, origin="https://evil.example")


async def test_a_paused_server_lets_nobody_begin_and_a_drained_one_is_not_ready(server):
    """Pause: 503 for a new start, live calls and their resumes go on, ready all the same. Drain: not ready. Undrain: as before (F13)."""
    made = await server.set_up()
    async with server.interview() as (_, caller):
        await server.call("POST", "/api/operator/pause", {})
        await server.call("POST", f"/api/interviews/{made['sessionId']}/start", {}, status=503)
        assert (await server.call("GET", "/readyz"))["ready"]
        assert (await caller.verb("text", text=ANSWER))["type"] == "server-response"
        drained = await server.call("POST", "/api/operator/drain", {})
        await server.call("GET", "/readyz", status=503)
        opened = await server.call("POST", "/api/operator/undrain", {})
        assert (await server.call("GET", "/readyz"))["ready"]
    await server.start(made["sessionId"])

    assert (True, False) == (drained["capacity"]["draining"], opened["capacity"]["draining"])


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("whisper", {}), ("whisper", {"text": ""}), ("whisper", {"text": " \n"}), ("whisper", {"text": "x" * 501}), ("say", {"text": 3}),
        ("extend", {"minutes": 0}), ("extend", {"minutes": 31}), ("extend", {"minutes": "5"}), ("extend", {"minutes": 1.5}),
        ("end", {"now": "yes"}),
    ],
)  # fmt: skip
async def test_bad_acts_are_refused_in_words(server, name, body):
    """Contract §6: 422 with the field; nothing is done."""
    made = await server.set_up()
    refused = await act(server, made["sessionId"], name, body, status=422)

    assert refused["error"]["details"]


async def test_acts_where_nobody_is_are_refused_in_words(server):
    """An interview that has not begun, and one that nobody set up."""
    made = await server.set_up()
    for name, body in (("whisper", {"text": "next question"}), ("extend", {"minutes": 5}), ("end", {})):
        assert (await act(server, made["sessionId"], name, body, status=409))["error"]["message"]
        await act(server, "99999999-9999-4999-8999-999999999999", name, body, status=404)
