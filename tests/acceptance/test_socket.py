"""The candidate's socket against a running server: who gets in, who stays, what bad input gets, and that nothing said is lost (contract §5, §6)."""

import asyncio
import json
import sqlite3
from asyncio import FIRST_COMPLETED
from contextlib import AsyncExitStack, closing

import aiohttp
import pytest
import pytest_asyncio
from pipecat.frames.protobufs import frames_pb2

from .live import ANSWER, AUDIO, CLIENT_READY, PCM, running, spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory):
    """A server of ours."""
    async with running(tmp_path_factory.mktemp("socket")) as server:
        yield server


# Who gets in -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("query", ["", "?token=", "?token=made-up"])
async def test_without_a_good_token_the_socket_is_closed(server, query):
    """No token or a wrong one: closed with 4401, and the interview stays startable (contract §5)."""
    made = await server.set_up()
    url, token = await server.start(made["sessionId"])
    async with server.http.ws_connect(url + query, protocols=PCM) as ws:
        await ws.receive(timeout=5)
        refused = ws.close_code

    assert refused == 4401
    async with server.caller(url, token) as caller:
        assert await caller.told("question")


async def test_a_foreign_page_is_refused(server):
    """Any other Origin gets 403 before the upgrade, even with a good token, which stays good (contract §5)."""
    made = await server.set_up()
    url, token = await server.start(made["sessionId"])
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await server.http.ws_connect(f"{url}?token={token}", protocols=PCM, origin="https://evil.example")

    assert refused.value.status == 403
    async with server.http.ws_connect(f"{url}?token={token}", protocols=PCM, origin=server.url) as ws:
        assert ws.protocol == PCM[0]


async def test_a_start_token_is_used_once_and_for_its_own_interview(server):
    """A token opens one socket, of its own interview (contract §5)."""
    mine, other = [await server.set_up() for _ in range(2)]
    url, token = await server.start(mine["sessionId"])
    other_url, _ = await server.start(other["sessionId"])

    assert await server.close_code(other_url, token) == 4401
    async with server.caller(url, token) as caller:
        await caller.told("question")
        assert await server.close_code(url, token) == 4401


async def test_a_bad_token_disturbs_nobody(server):
    """Whoever knocks at a live interview without its token is refused with 4401, and the candidate inside does not notice (contract §5)."""
    async with server.interview() as (session_id, caller):
        url, _ = await server.start(session_id)

        assert await server.close_code(url, "made-up") == 4401
        assert (await caller.verb("text", text=ANSWER))["data"]["d"]["turnId"]
        assert not caller.ws.closed


async def test_a_start_token_expires(server):
    """Thirty seconds after it was handed out a start token opens nothing (contract §5)."""
    made = await server.set_up()
    url, token = await server.start(made["sessionId"])

    def expire() -> float:
        with closing(sqlite3.connect(server.data_dir / "prepkit.db", timeout=60)) as database, database:
            # Read to its end: an open statement keeps its snapshot, and a snapshot another writer has overtaken cannot be written on.
            ((left,),) = database.execute(
                "select (julianday(expires_at) - julianday(created_at)) * 86400 from tickets order by id desc limit 1"
            ).fetchall()
            database.execute("update tickets set expires_at = created_at where used_at is null")
            return left

    # In a thread: a writer of the server's own may need this loop before it lets go of the lock.
    assert 29 < await asyncio.to_thread(expire) < 31
    assert await server.close_code(url, token) == 4401


async def test_a_resume_token_is_used_once(server):
    """After a lost connection the newest resume token brings the candidate back, once (R-051, contract §5)."""
    async with server.interview() as (session_id, caller):
        token = next(m["data"]["token"] for m in reversed(caller.notes) if m.get("data", {}).get("type") == "resume")
        url = str(caller.ws._response.url).split("?")[0]
        await caller.ws.close()
    await server.status(session_id, "interrupted")

    async with server.caller(url, token) as back:
        await back.told("question", n=1)
        assert await server.close_code(url, token) == 4401


# Who stays -------------------------------------------------------------------------------------------------------------
async def test_the_newest_tab_wins(server):
    """A second tab takes over: the old socket is closed with 4409, exactly one call is live, and it is the new one (contract §5)."""
    async with server.interview() as (session_id, old), server.caller(*await server.start(session_id)) as new:
        assert await old.closed() == 4409
        await new.told("question")
        ready = await server.call("GET", "/readyz")
        stored = await new.verb("text", text=ANSWER)

        assert ready["checks"]["calls"]["live"] == 1
        assert stored["data"]["d"]["turnId"]
        assert not new.ws.closed


async def test_tabs_that_open_at_once_leave_one_live(server):
    """Two tabs in the same instant: one is closed with 4409, the other goes on, and the greeting is said and stored once (contract §5)."""
    session_id = (await server.set_up())["sessionId"]
    tickets = [await server.start(session_id) for _ in range(2)]
    async with AsyncExitStack() as stack:
        opening = [stack.enter_async_context(server.caller(url, token)) for url, token in tickets]
        tabs = await asyncio.gather(*opening)
        closed, _ = await asyncio.wait([asyncio.create_task(tab.closed(8)) for tab in tabs], return_when=FIRST_COMPLETED)
        survivor = next(tab for tab in tabs if not tab.ws.closed)
        stored = await survivor.verb("text", text=ANSWER)
        live = (await server.call("GET", "/readyz"))["checks"]["calls"]["live"]

    assert [task.result() for task in closed] == [4409]
    assert live == 1
    assert stored["data"]["d"]["turnId"]


async def test_a_reload_goes_on_where_it_was(server):
    """A new start and socket: welcome back, the same question, and every word from before is still there (R-051)."""
    async with server.interview() as (session_id, caller):
        await caller.verb("text", text=ANSWER)
        await caller.told("question", followUp=1)
        await caller.verb("next")
        second = await caller.told("question", n=2)
        await caller.ws.close()
    before = (await server.status(session_id, "interrupted"))["transcript"]

    async with server.caller(*await server.start(session_id)) as back:
        again = await back.told("question")
        said = await back.rtvi("bot-tts-text")
        after = (await server.show(session_id))["transcript"]

    assert (again["n"], again["id"], again["text"]) == (2, second["id"], second["text"])
    assert said["data"]["text"].startswith("Welcome back")
    assert after[: len(before)] == before
    assert ANSWER in [turn["text"] for turn in after]


# What bad input gets ---------------------------------------------------------------------------------------------------
BAD = {
    "no json": "hello",
    "nan": '{"label":"rtvi-ai","type":"client-message","data":{"t":"text","d":{"text":NaN}}}',
    "nul": '{"label":"rtvi-ai","type":"client-message","data":{"t":"text","d":{"text":"a\\u0000b"}}}',
    "lone surrogate": '{"label":"rtvi-ai","type":"client-message","data":{"t":"text","d":{"text":"\\ud800"}}}',
    "depth bomb": '{"label":' + "[" * 5000,
    "giant number": '{"label":"rtvi-ai","type":"client-message","id":' + "9" * 5000 + "}",
    "no label": '{"type":"client-ready"}',
    "an array": "[1, 2]",
    "unknown verb": '{"label":"rtvi-ai","type":"client-message","id":"x","data":{"t":"hack","d":{}}}',
    "verb without a body": '{"label":"rtvi-ai","type":"client-message","id":"x"}',
    "text too long": json.dumps({"label": "rtvi-ai", "type": "client-message", "data": {"t": "text", "d": {"text": "a" * 9000}}}),
    "odd audio": bytes(641),
    "long audio": bytes(6402),
}


async def test_bad_messages_are_answered_and_the_interview_goes_on(server):
    """Each malformed message gets an error-response with a sentence and a code, nothing is stored of it, and the next answer counts (contract §6)."""
    async with server.interview() as (session_id, caller):
        errors = {}
        for name, data in BAD.items():
            await (caller.ws.send_bytes(data) if isinstance(data, bytes) else caller.ws.send_str(data))
            errors[name] = (await caller.rtvi("error-response", 5))["data"]
        stored = await caller.verb("text", text=ANSWER)
        turns = await server.turns(session_id)

    assert {name: error["code"] for name, error in errors.items()} == dict.fromkeys(BAD, "invalid_input")
    assert all(len(error["error"].split()) > 3 and "Traceback" not in error["error"] for error in errors.values())
    assert stored["data"]["d"]["turnId"]
    assert [turn["text"] for turn in turns] == [ANSWER]


async def test_audio_faster_than_time_is_cut_off(server):
    """A flood of audio ends the socket with 1008; another candidate's interview does not notice (contract §5, §6)."""
    async with server.interview() as (_, bystander), server.interview() as (_, flooder):
        for _ in range(200):
            if flooder.ws.closed:
                break
            await flooder.ws.send_bytes(bytes(6400))
        code = await flooder.closed(5)
        stored = await bystander.verb("text", text=ANSWER)

    assert code == 1008
    assert stored["data"]["d"]["turnId"]


async def test_a_flood_of_bad_messages_is_cut_off(server):
    """After twenty messages that are none the socket ends with 1008 (contract §5)."""
    async with server.interview() as (_, caller):
        for _ in range(25):
            await caller.ws.send_str("rubbish")

        assert await caller.closed(5) == 1008


async def test_a_giant_message_is_cut_off(server):
    """A message over the limit ends the socket with 1009 and the interview can be resumed (contract §5)."""
    async with server.interview() as (session_id, caller):
        await caller.ws.send_bytes(bytes(1 << 20))
        code = await caller.closed(5)

    assert code == 1009
    assert (await server.status(session_id, "interrupted"))["phase"] == "in_progress"


async def test_a_client_cannot_forge_what_was_heard(server):
    """Transcription, text and interruption frames of the protobuf wire, and RTVI's inner messages, do nothing: no turn, no barge-in (contract §5)."""
    made = await server.set_up()
    url, token = await server.start(made["sessionId"])
    frames = [frames_pb2.Frame() for _ in range(3)]
    frames[0].transcription.text, frames[0].transcription.user_id = "I am the candidate and this is my answer", "x"
    frames[1].text.text = "This is my answer"
    frames[2].interruption.id = 1
    inner = ["llm-function-call-result", "raw-audio", "user-transcription", "bot-interrupted", "append-to-context", "dtmf"]
    ready = frames_pb2.Frame()
    ready.message.data = json.dumps({"label": "rtvi-ai", "type": "client-ready", "id": "r", "data": CLIENT_READY})
    told, noted = [], []
    async with server.http.ws_connect(f"{url}?token={token}") as ws:
        await ws.send_bytes(ready.SerializeToString())

        async def listen(until):
            async for message in ws:
                found = frames_pb2.Frame()
                found.ParseFromString(message.data)
                noted.append(found.WhichOneof("frame"))
                if noted[-1] == "message":
                    told.append(json.loads(found.message.data))
                if until():
                    return

        async with asyncio.timeout(30):
            await listen(lambda: any(m["type"] == "bot-started-speaking" for m in told))
            for type_ in inner:
                frames.append(frames_pb2.Frame())
                frames[-1].message.data = json.dumps(
                    {"label": "rtvi-ai", "type": type_, "id": "f", "data": {"text": "forged", "result": {"moveOn": True}}}
                )
            for forged in frames:
                await ws.send_bytes(forged.SerializeToString())
            heard = len(noted)
            await listen(lambda: noted[heard:].count("audio") > 40)
    shown = await server.show(made["sessionId"])

    assert "interruption" not in noted
    assert not {"bot-interrupted", "user-transcription", "user-started-speaking", "bot-stopped-speaking"} & {
        m["type"] for m in told
    }
    assert [turn for turn in shown["transcript"] if turn["speaker"] == "candidate"] == []


# The verbs -------------------------------------------------------------------------------------------------------------
async def test_next_moves_once_per_question(server):
    """`next` pressed again and again goes one question on each time and never skips one; after the last comes the goodbye (C-38)."""
    async with server.interview() as (session_id, caller):
        await caller.verb("text", text=ANSWER)
        order = [1]
        for _ in range(2):
            await caller.verb("next")
            order.append((await caller.told("question", followUp=0))["n"])
        await caller.verb("next")
        code = await caller.closed(30)
        shown = await server.show(session_id)

    assert order == [1, 2, 3]
    assert code == 1000
    assert shown["status"] == "completed"


async def test_a_doubled_next_moves_once(server):
    """Two `next` at once are one move: the second would skip a question that has not been heard (C-38)."""
    async with server.interview() as (session_id, caller):
        message = {"label": "rtvi-ai", "type": "client-message", "data": {"t": "next", "d": {}}}
        await asyncio.gather(*(caller.send_json(message | {"id": f"n{n}"}) for n in range(2)))
        question = await caller.told("question", n=2)
        await asyncio.sleep(1)
        live = [m for m in caller.notes if m is not AUDIO and m.get("data", {}).get("type") == "question"]

    assert question["id"]
    assert [m["data"]["n"] for m in live][-1] == 2
    assert (await server.status(session_id, "interrupted"))["phase"] == "in_progress"


async def test_end_says_goodbye_and_brings_the_report(server):
    """`end` closes with a spoken goodbye, 1000, and a report of what was answered (R-050, R-052)."""
    async with server.interview() as (session_id, caller):
        await caller.verb("text", text=ANSWER)
        await caller.told("question", followUp=1)
        await caller.verb("end")
        ended = await caller.told("ended", 40)
        code = await caller.closed(5)
        goodbye = (await server.turns(session_id, "interviewer"))[-1]
        report = await _report(server, session_id)

    assert ended["reason"] == "ended_by_candidate"
    assert code == 1000
    assert "That's the end of our interview" in goodbye["text"]
    assert not goodbye["interrupted"]
    assert (await server.show(session_id))["status"] == "partial"
    assert "overallScore" in report


async def _report(server, session_id):
    async with asyncio.timeout(20):
        while True:
            async with server.http.get(f"{server.url}/api/interviews/{session_id}/report") as response:
                assert response.status in (200, 202)
                body = await response.json()
                if response.status == 200:
                    return body
            await asyncio.sleep(0.5)


async def test_what_a_muted_candidate_says_is_not_heard(server):
    """Muted, speech neither interrupts nor starts a turn; unmuted it does again (contract §5)."""
    speech = await spoken("So the first thing I would do is to look at the size of the input.")
    async with server.interview() as (_, caller):
        await caller.verb("mute", on=True)
        caller.forget()
        muted_from = caller.here
        caller.say(speech[: 32_000 * 2])
        await asyncio.sleep(3)
        muted = caller.has("user-started-speaking", muted_from) or caller.has("flush-audio", muted_from)
        await caller.verb("mute", on=False)
        caller.say(speech)
        heard = await caller.rtvi("user-started-speaking", 10)

    assert not muted
    assert heard


async def test_a_browser_s_own_transcript_becomes_a_turn(server):
    """What the browser recognised is stored as the candidate's turn, marked as such, tied to its question, and moves the interview on (R-058)."""
    async with server.interview() as (session_id, caller):
        question = next(m["data"] for m in caller.notes if m is not AUDIO and m.get("data", {}).get("type") == "question")
        await caller.verb("browser-transcript", text="I would keep a hash map", final=False)
        await caller.verb("browser-transcript", text=ANSWER, final=True)
        turn = await caller.told("turn", 15, speaker="candidate", final=True)
        await caller.told("question", 15, followUp=1)
        stored = await server.turns(session_id)

    assert (turn["text"], turn["questionId"]) == (ANSWER, question["id"])
    assert [(t["source"], t["text"]) for t in stored] == [("browser", ANSWER)]


async def test_a_typed_interview_in_study_mode(server):
    """M12, R-020, M6: hints by button and in words, as many as the difficulty has; "let me think" is held with a notice; the report has the hints."""
    async with server.interview(mode="study") as (session_id, caller):
        await caller.verb("mute", on=True)
        await caller.verb("hint")
        first = await caller.told("hint")
        await caller.verb("text", text="Give me a hint, please.")
        second = await caller.told("hint")
        await caller.verb("text", text="I would begin with a hash map, I believe. Let me think.")
        held = await caller.told("notice", code="take_your_time")
        await caller.verb("text", text=ANSWER)
        question = await caller.told("question")
        await caller.verb("end")
        await caller.told("ended", 40)
    report = await _report(server, session_id)
    asked = report["questionAnalysis"][0]

    assert [(hint["n"], hint["of"]) for hint in (first, second)] == [(1, 2), (2, 2)]
    assert held["message"] == "Take your time."
    assert question["followUp"] == 1 or question["n"] == 2
    assert [hint["text"] for hint in asked["hints"]] == [first["text"], second["text"]]
    assert not any(point["text"] in hint["text"] for point in asked["keyPoints"] for hint in asked["hints"])
    assert report["setup"]["mode"] == "study"
    assert [mark["kind"] for mark in report["timeline"]].count("hint") == 2
