"""One call with the Vapi stand-in: the order of frames, turns, barge-in, tools, webhooks and the report (vapi-protocol §2.4, §2.5, §4)."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from web.standins.vapi_faults import ToolLayout
from web.standins.vapi_listener import WORD_MS
from web.standins.vapi_webhooks import sign

from .vapi_client import Bridge, Candidate, body, bridge, call, create, example, faults, joined, lacks, vapi

WORDS = ["I would start with capacity. Then I would pick a key.", "A second replica.", "Nothing more."]
NEXT = {"nextQuestionId": "q-2", "nextQuestion": "And fail over?", "done": False}
DONE = {"nextQuestionId": None, "nextQuestion": None, "done": True}
NOTHING = {"followUpQuestion": None, "moveOn": True, "source": "prepared"}
FOLLOW_UP = {"followUpQuestion": "How many writes per second?", "moveOn": False, "source": "prepared"}
EVERY_SERVER_MESSAGE = [
    "assistant.started", "assistant.speechStarted", "conversation-update", "end-of-call-report", "hang", "model-output",
    "speech-update", "status-update", "transcript", "tool-calls", "user-interrupted", "voice-input",
]  # fmt: skip


def answering(server: Bridge, follow: Any = NOTHING, move: Any = NEXT) -> None:
    """What the tools answer."""
    server.answers = {"getFollowUpQuestion": follow, "moveToNextQuestion": move}


async def first_line(candidate: Candidate) -> None:
    """Hear the first message out."""
    await candidate.got("transcript", role="assistant", transcriptType="final")


async def hang_up(candidate: Candidate, standin: Any) -> None:
    """End the call and wait until all is told."""
    await candidate.ws.send_str('{"type": "end-call"}')
    await standin.wait_for(lambda s: s.calls[-1].settled)


async def type_an_answer(candidate: Candidate) -> None:
    """What the candidate typed goes to the tools like what was said."""
    await candidate.got("assistant.started")
    await asyncio.sleep(0.05)
    await candidate.ws.send_str(json.dumps({"type": "add-message", "message": {"role": "user", "content": WORDS[0]}}))


def kinds(frames: list[dict[str, Any]]) -> list[str]:
    """Frames in a few words, partials and audio apart."""
    told = []
    for frame in frames:
        who = f"{frame.get('role', '')} {frame.get('status') or frame.get('transcriptType') or ''}".strip()
        told.append(f"{frame['type']} {who}".strip())
    return told


async def test_frames_of_a_turn_come_in_the_order_seen_on_real_calls() -> None:
    """§2.4: conversation-update before the final; user `stopped` only after the assistant has started; its final after it has stopped."""
    async with vapi(words=WORDS) as standin, bridge() as server:
        answering(server)
        async with call(standin, server.url) as candidate:
            await first_line(candidate)
            seen = len(candidate.frames)
            await candidate.speak(1.2)
            await candidate.got("transcript", 2, role="assistant", transcriptType="final")
            await candidate.got("conversation-update", 3)
        told = [
            kind for kind in kinds(candidate.frames[seen:]) if not kind.startswith(("model-output", "voice-input", "tool-calls"))
        ]

    assert ["status-update in-progress", "assistant.started"] == kinds(candidate.frames)[:2]
    order = [
        "speech-update user started", "transcript user partial", "conversation-update", "transcript user final",
        "speech-update assistant started", "speech-update user stopped", "speech-update assistant stopped",
        "transcript assistant final",
    ]  # fmt: skip
    told = told[told.index("speech-update user started") :]
    assert order == sorted(order, key=told.index)
    assert "conversation-update" == told[told.index("transcript assistant final") + 1]
    assert ["I would start with capacity.", "Then I would pick a key."] == [
        frame["transcript"] for frame in candidate.of("transcript", role="user", transcriptType="final")
    ]
    partials = [frame["transcript"] for frame in candidate.of("transcript", role="user", transcriptType="partial")]
    assert 2 <= len(partials)
    assert all(later.startswith(earlier) for earlier, later in pairwise(partials))


async def test_the_frames_have_the_fields_of_the_examples() -> None:
    """§2.4: each type of the sheet's examples, field by field, flat and without `call`."""
    async with vapi(words=WORDS, manner={"hang_seconds": 0.3}) as standin, bridge() as server:
        answering(server, follow=lambda _: FOLLOW_UP)
        async with call(standin, server.url, firstMessageInterruptionsEnabled=True, firstMessage="word " * 60) as candidate:
            await candidate.got("speech-update", role="assistant", status="started")
            await candidate.speak(0.5)
            await candidate.got("user-interrupted")
            await candidate.got("transcript", 2, role="assistant", transcriptType="final")
            await candidate.ws.send_str('{"type": "control", "control": "mute-assistant"}')
            server.reply = lambda _: web.json_response(status=500)
            await candidate.speak(0.5)
            await candidate.until(lambda: len(standin.calls[0].tool_results) >= 3)
        for shape in example("2-4-socket-frames"):
            same = [frame for frame in candidate.of(shape["type"]) if frame.get("role") == shape.get("role")]
            same = [frame for frame in same if frame.get("transcriptType") == shape.get("transcriptType")]
            if shape["type"] != "hang":
                assert same, shape
                assert [] == lacks({k: v for k, v in shape.items() if k != "conversation"}, same[0])
        assert not any("call" in frame or "message" in frame for frame in candidate.frames)


async def test_only_asked_for_frames_and_webhooks_are_sent() -> None:
    """`clientMessages` drives the socket, `serverMessages` the webhooks; only finals where finals are asked for."""
    async with vapi(words=WORDS) as standin, bridge() as server:
        answering(server)
        asked = {"clientMessages": ["transcript"], "serverMessages": ['transcript[transcriptType="final"]', "end-of-call-report"]}
        async with call(standin, server.url, **asked) as candidate:
            await first_line(candidate)
            await candidate.speak(0.8)
            await candidate.got("transcript", 2, role="assistant", transcriptType="final")
            await hang_up(candidate, standin)
        await standin.wait_for(lambda _: "end-of-call-report" in server.types())

        assert {"transcript"} == {frame["type"] for frame in candidate.frames}
        final = 'transcript[transcriptType="final"]'
        assert {final, "tool-calls", "end-of-call-report"} == set(server.types())
        assert {"final"} == {message["transcriptType"] for message in server.messages(final)}
        assert candidate.frames == standin.calls[0].frames_sent


async def test_the_uplink_is_watched() -> None:
    """A steady microphone is neither gap nor burst; the same frames at once are one."""
    async with vapi() as standin:
        async with call(standin, "http://127.0.0.1:9/") as candidate:
            await asyncio.sleep(1.0)
        steady = standin.calls[0].uplink
        made = await create(standin, body())
        async with joined(made["transport"]["websocketCallUrl"], quiet=True) as candidate:
            for _ in range(25):
                await candidate.ws.send_bytes(bytes(640))
            await candidate.ws.send_bytes(bytes(641))
            await asyncio.sleep(0.3)
            await candidate.ws.send_bytes(bytes(640))
            await standin.wait_for(lambda s: s.calls[1].uplink.frames == 27)
        burst = standin.calls[1].uplink

    assert 30 < steady.frames
    assert steady.audio_ms == pytest.approx(steady.wall_ms + 20, abs=60)
    assert steady.max_burst < burst.max_burst
    assert burst.max_burst > 10  # all of it, unless this process was kept from reading meanwhile
    assert burst.max_gap_ms > 250
    assert (1, 500) == (burst.odd_frames, round(burst.max_ahead_ms, -2))


async def test_the_downlink_is_paced() -> None:
    """§2.2: 640 bytes each 20 ms, silence between lines."""
    async with vapi() as standin, call(standin, "http://127.0.0.1:9/") as candidate:
        await candidate.until(lambda: len(candidate.pieces) >= 60)
        lasted = candidate.arrivals[59] - candidate.arrivals[0]

        assert {640} == {len(piece) for piece in candidate.pieces}
        assert 1.0 < lasted < 1.8


async def test_speech_over_the_assistant_stops_it_at_once() -> None:
    """Barge-in after `voiceSeconds`: `user-interrupted`, silence, and a final of only what was heard."""
    line = "one two three four five six seven eight nine ten " * 4
    async with vapi(words=["Wait."]) as standin, bridge() as server:
        answering(server)
        async with call(standin, server.url, firstMessage=line, firstMessageInterruptionsEnabled=True) as candidate:
            await candidate.got("speech-update", role="assistant", status="started")
            await asyncio.sleep(0.3)
            await candidate.speak(0.4)
            await candidate.got("user-interrupted")
            said = await candidate.got("transcript", role="assistant", transcriptType="final")
            place = candidate.frames.index(candidate.of("user-interrupted")[0])
        assert 1 <= len(said["transcript"].split()) < 40
        assert "speech-update assistant stopped" in kinds(candidate.frames[place : place + 3])


async def test_a_murmur_or_a_forbidden_interruption_stops_nothing() -> None:
    """Shorter than `numWords` asks for; or a first message that may not be interrupted. The longer one is an answer afterwards."""
    plan = {"numWords": 4, "backoffSeconds": 0}
    line = "one two three four five six seven eight nine ten " * 2
    async with vapi(words=["Hm.", "An answer."]) as standin, bridge() as server:
        answering(server, follow=FOLLOW_UP)
        async with call(
            standin, server.url, firstMessage=line, firstMessageInterruptionsEnabled=True, stopSpeakingPlan=plan
        ) as candidate:
            await candidate.got("speech-update", role="assistant", status="started")
            await candidate.speak(0.3)
            await first_line(candidate)
            assert not candidate.of("user-interrupted")
            assert not candidate.of("transcript", role="user", transcriptType="final")
        made = await create(standin, body(server.url, firstMessage=line, firstMessageInterruptionsEnabled=False))
        async with joined(made["transport"]["websocketCallUrl"]) as candidate:
            await candidate.got("speech-update", role="assistant", status="started")
            await candidate.speak(0.5)
            said = await candidate.got("transcript", role="user", transcriptType="final")
            await candidate.got("transcript", 2, role="assistant", transcriptType="final")
            assert not candidate.of("user-interrupted")
        assert "Hm." == said["transcript"]  # the murmur was nobody's answer
    assert 0.3 * 1000 < 4 * WORD_MS


async def test_a_whole_interview_by_tool_calls() -> None:
    """R-045, R-046: follow-up, next question, done, goodbye; ids from the prompt and then from results; history in the report."""
    async with vapi(words=WORDS) as standin, bridge() as server:
        follow_ups, moves = iter([FOLLOW_UP, NOTHING, NOTHING]), iter([NEXT, DONE])
        answering(server, follow=lambda _: next(follow_ups), move=lambda _: next(moves))
        async with call(standin, server.url) as candidate:
            for n in range(1, 4):
                await candidate.got("speech-update", n, role="assistant", status="stopped")
                await candidate.speak(0.5)
            await standin.wait_for(lambda s: s.calls[0].settled)
        seen = standin.calls[0]
        await standin.wait_for(lambda _: "end-of-call-report" in server.types())
        report = server.messages("end-of-call-report")[0]

    assert ("assistant-ended-call", []) == (seen.ended_reason, seen.violations)
    assert [
        ("getFollowUpQuestion", "q-1"), ("getFollowUpQuestion", "q-1"), ("moveToNextQuestion", "q-1"),
        ("getFollowUpQuestion", "q-2"), ("moveToNextQuestion", "q-2"),
    ] == [(tool.name, tool.arguments["currentQuestionId"]) for tool in seen.tool_results]  # fmt: skip
    assert WORDS[0] == seen.tool_results[0].arguments["userResponse"]
    said = [entry["message"] for entry in report["artifact"]["messages"] if entry["role"] == "bot"]
    assert ["Thank you. How many writes per second?", "Thank you. And fail over?"] == said[1:3]
    assert "Thanks that is the end of the interview." == said[3]
    assert report["artifact"]["transcript"].splitlines()[1] == f"USER: {WORDS[0]}"
    assert report["artifact"]["transcript"].startswith("INTERVIEWER: Hello!")


def report_fits(report: dict[str, Any]) -> None:
    """§4.2: every field of the example, durations of messages in milliseconds, costs and variables."""
    wanted = example("4-2-end-of-call-report")
    messages = wanted["artifact"].pop("messages")
    for optional in ("presignedMonoUrl", "presignedUrlsExpiresAt"):
        wanted["artifact"].pop(optional)
    assert [] == lacks(wanted, report)
    by_role = {entry["role"]: entry for entry in report["artifact"]["messages"]}
    assert [] == [gap for shape in messages if shape["role"] != "system" for gap in lacks(shape, by_role[shape["role"]])]
    bot = by_role["bot"]
    assert bot["endTime"] - bot["time"] == bot["duration"] > 0
    assert {"candidateName": "Asha"} == report["artifact"]["variableValues"]
    assert report["durationMs"] == round(report["durationSeconds"] * 1000)
    assert report["cost"] > 0


async def test_every_webhook_has_the_fields_of_the_examples() -> None:
    """§4.1: each type that is sent, with `timestamp` in ms, `call`, `assistant` and the server's own headers."""
    async with vapi(words=WORDS) as standin, bridge() as server:
        answering(server)
        async with call(
            standin,
            server.url,
            serverMessages=EVERY_SERVER_MESSAGE,
            firstMessageInterruptionsEnabled=True,
            firstMessage="word " * 40,
        ) as candidate:
            await candidate.got("speech-update", role="assistant", status="started")
            await candidate.speak(0.5)
            await candidate.got("transcript", 2, role="assistant", transcriptType="final")
            await hang_up(candidate, standin)
        await standin.wait_for(lambda _: "end-of-call-report" in server.types())
        shapes = {shape["message"]["type"]: shape["message"] for shape in example("4-1-server-messages")}
        shapes |= {"tool-calls": example("4-3-tool-calls")}
        shapes["tool-calls"]["toolCallList"][0]["function"].pop("arguments")  # an object on the real wire
        shapes["tool-calls"]["toolWithToolCallList"][0]["toolCall"]["function"].pop("arguments")
        shapes["model-output"].pop("output")  # text on the real wire

        assert set(EVERY_SERVER_MESSAGE) - {"hang"} == set(server.types())
        for message in (taken["message"] for taken in server.bodies):
            shape = dict(shapes.get(message["type"], {}))
            if message.get("status") == "in-progress":
                shape.pop("endedReason")
            assert [] == lacks(shape, message)
            assert message["timestamp"] > 1e12
            assert standin.calls[0].id == message["call"]["id"]
            assert "Technical Interviewer AI" == message["assistant"]["name"]
        report_fits(server.messages("end-of-call-report")[0])
        for headers, _ in server.requests:
            assert ("s3cret", standin.calls[0].id) == (headers["X-Vapi-Secret"], headers["x-call-id"])
        assert ["in-progress", "ended"] == [message["status"] for message in server.messages("status-update")]
        assert {200} == {webhook.status for webhook in standin.calls[0].webhooks}


@pytest.mark.parametrize("arguments", ["object", "string"])
@pytest.mark.parametrize("layout", ["all", "toolCallList", "toolCalls", "toolWithToolCallList", "functionCall"])
async def test_tool_calls_come_in_every_layout(layout: ToolLayout, arguments: str) -> None:
    """§4.3: one list or all three, or the legacy function call; arguments as object or JSON text."""
    manner = {"tool_layout": layout, "tool_arguments": arguments}
    async with vapi(words=WORDS, manner=manner) as standin, bridge() as server:
        answering(server, follow=FOLLOW_UP)
        async with call(standin, server.url, firstMessageMode="assistant-waits-for-user") as candidate:
            await type_an_answer(candidate)
            await standin.wait_for(lambda s: bool(s.calls[0].tool_results and s.calls[0].tool_results[0].result))
        (message,) = server.messages("tool-calls") + server.messages("function-call")
        lists = {"toolCallList", "toolCalls", "toolWithToolCallList", "functionCall"} & set(message)
        given = calls_arguments(message)

        assert (lists if layout == "all" else {layout}) == lists
        assert 3 == len(lists) or layout != "all"
        assert isinstance(given, dict if arguments == "object" else str)
        assert FOLLOW_UP == standin.calls[0].tool_results[0].value
        assert [] == standin.calls[0].violations


def calls_arguments(message: dict[str, Any]) -> Any:
    """Arguments of the one call."""
    if "functionCall" in message:
        return message["functionCall"]["parameters"]
    listed = message.get("toolCallList") or message.get("toolCalls") or [message["toolWithToolCallList"][0]["toolCall"]]
    return listed[0]["function"]["arguments"]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda m: web.json_response({"results": []}, status=201), "answered 201"),
        (lambda m: web.Response(text="ok"), "not JSON"),
        (lambda m: web.json_response({"result": "x"}), "no list `results`"),
        (lambda m: web.json_response({"results": [{"toolCallId": "other", "result": "x"}]}), "0 results"),
        (lambda m: one_result(m, result={"a": 1}), "result is not a string"),
        (lambda m: one_result(m, result="a\nb"), "line break"),
        (lambda m: one_result(m, result="a", error="b"), "exactly one of"),
    ],
)
async def test_answers_to_tools_are_judged_as_vapi_does(answer: Any, complaint: str) -> None:
    """§4.3: what it would ignore is a violation, and the model asks on without a result."""
    async with vapi(words=WORDS) as standin, bridge() as server:
        server.reply = answer
        async with call(standin, server.url, firstMessageMode="assistant-waits-for-user") as candidate:
            await type_an_answer(candidate)
            await candidate.got("speech-update", role="assistant", status="started")
        assert complaint in standin.calls[0].violations[0]


def one_result(message: dict[str, Any], **fields: Any) -> web.Response:
    """One result with these fields."""
    return web.json_response({"results": [{"toolCallId": message["toolCallList"][0]["id"], "name": "n", **fields}]})


async def test_a_slow_tool_is_filled_and_then_missed() -> None:
    """Vapi's filler where there is no `request-start`, our line after its delay, `hang` when nothing was said, timeout of the server."""
    request = body()
    tool = request["assistant"]["model"]["tools"][0]
    tool["messages"] = [
        {"type": "request-start", "content": ""},
        {"type": "request-response-delayed", "timingMilliseconds": 300, "content": "Give me a second."},
    ]
    async with vapi(words=WORDS, manner={"fillers": True, "hang_seconds": 0.15}) as standin, bridge() as server:

        async def slow(http: web.Request) -> web.Response:
            await asyncio.sleep(3)
            return web.Response()

        app = web.Application()
        app.router.add_post("/slow", slow)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        tool["server"] = {"url": f"http://127.0.0.1:{runner.addresses[0][1]}/slow", "timeoutSeconds": 1}
        request["assistant"]["model"]["tools"][1]["server"]["url"] = server.url
        request["assistant"]["firstMessageMode"] = "assistant-waits-for-user"
        answering(server)
        made = await create(standin, request)
        async with joined(made["transport"]["websocketCallUrl"]) as candidate:
            await candidate.got("status-update")
            await asyncio.sleep(0.05)
            await candidate.speak(0.4)
            await candidate.got("hang")
            await candidate.got("transcript", 3, role="assistant", transcriptType="final")
        await runner.cleanup()
    finals = [frame["transcript"] for frame in candidate.of("transcript", role="assistant", transcriptType="final")]
    assert "Give me a second." == finals[0]
    assert finals[1].startswith(("Hold", "One moment", "Just", "Give"))
    assert "Thank you. And fail over?" == finals[2]
    assert "answered timeout" in standin.calls[0].violations[0]


async def test_lines_and_messages_from_the_client() -> None:
    """`say` word for word, `add-message` with and without a response, a typed answer, the end behind a line."""
    async with vapi() as standin, bridge() as server:
        answering(server, follow=FOLLOW_UP)
        async with call(standin, server.url) as candidate:
            await first_line(candidate)

            async def send(**frame: Any) -> None:
                await candidate.ws.send_str(json.dumps(frame))

            await send(type="add-message", message={"role": "system", "content": "Quiet: note."}, triggerResponseEnabled=False)
            await send(type="add-message", message={"role": "system", "content": "Ask now [q-2]: And fail over?"})
            line = await candidate.got("transcript", 2, role="assistant", transcriptType="final")
            await send(type="add-message", message={"role": "user", "content": "I typed this."})
            answer = await candidate.got("transcript", 3, role="assistant", transcriptType="final")
            await send(type="say", content="We are done.", endCallAfterSpoken=True)
            await standin.wait_for(lambda s: s.calls[0].status == "ended")
        seen = standin.calls[0]

    assert ["And fail over?", "Thank you. How many writes per second?"] == [line["transcript"], answer["transcript"]]
    assert {"userResponse": "I typed this.", "currentQuestionId": "q-2"} == seen.tool_results[0].arguments
    assert "assistant-ended-call" == seen.ended_reason
    assert [] == seen.violations


async def test_either_side_can_be_muted_and_a_line_can_cut_in() -> None:
    """`control`: a muted candidate is not heard, a muted assistant sends silence; a `say` that interrupts is no interruption by the user."""
    async with vapi(words=["Unheard.", "Heard."]) as standin, bridge() as server:
        answering(server, follow=FOLLOW_UP)
        async with call(standin, server.url, firstMessage="word " * 60) as candidate:

            async def send(**frame: Any) -> None:
                await candidate.ws.send_str(json.dumps(frame))

            await candidate.got("speech-update", role="assistant", status="started")
            await candidate.until(lambda: any(map(any, candidate.pieces)))
            await send(type="control", control="mute-assistant")
            await standin.wait_for(lambda s: len(s.calls[0].client_frames) == 1)
            await asyncio.sleep(0.1)
            silent_from = len(candidate.pieces)
            await asyncio.sleep(0.2)
            assert not any(map(any, candidate.pieces[silent_from:]))
            await send(type="say", content="Stop here.", interruptAssistantEnabled=True)
            await candidate.got("transcript", 2, role="assistant", transcriptType="final")
            assert not candidate.of("user-interrupted")
            await send(type="control", control="mute-customer")
            await candidate.speak(0.4)
            await asyncio.sleep(0.4)
            assert not candidate.of("speech-update", role="user")
            await send(type="control", control="unmute-customer")
            await candidate.speak(0.4)
            heard = await candidate.got("transcript", role="user", transcriptType="final")
        finals = [frame["transcript"] for frame in candidate.of("transcript", role="assistant", transcriptType="final")]

    assert "Unheard." == heard["transcript"]
    assert len(finals[0].split()) < 60
    assert "Stop here." == finals[1]


async def test_frames_vapi_does_not_know_are_violations() -> None:
    """Noted, and otherwise without effect."""
    async with vapi() as standin, call(standin, "http://127.0.0.1:9/") as candidate:
        for text in ("{", '{"type": "hangup"}', '{"type": "say", "message": "Hi."}'):
            await candidate.ws.send_str(text)
        await standin.wait_for(lambda s: len(s.calls[0].violations) == 3)
        assert standin.calls[0].live
        assert [] == standin.calls[0].client_frames


@pytest.mark.parametrize(
    ("field", "seconds", "reason"),
    [("silence_timeout_seconds", 0.5, "silence-timed-out"), ("max_duration_seconds", 0.7, "exceeded-max-duration")],
)
async def test_calls_end_by_their_clocks(field: str, seconds: float, reason: str) -> None:
    """Silence and the longest duration; both made shorter than Vapi's limits allow."""
    async with vapi() as standin:
        made = await create(standin, body(firstMessage="Hi."))
        setattr(standin.calls[0].assistant, field, seconds)
        async with joined(made["transport"]["websocketCallUrl"]) as candidate:
            await candidate.got("status-update", status="ended", endedReason=reason)
    assert reason == standin.calls[0].ended_reason


async def test_a_hook_speaks_to_a_silent_candidate() -> None:
    """`customer.speech.timeout`, as often as it may; made shorter than Vapi's limits allow."""
    say = [{"type": "say", "exact": "Take your time."}]
    options = {"timeoutSeconds": 2, "triggerMaxCount": 1}
    async with vapi() as standin:
        made = await create(standin, body(hooks=[{"on": "customer.speech.timeout", "options": options, "do": say}]))
        standin.calls[0].assistant.hooks[0].options.timeout_seconds = 0.3
        async with joined(made["transport"]["websocketCallUrl"]) as candidate:
            line = await candidate.got("transcript", 2, role="assistant", transcriptType="final")
            await asyncio.sleep(0.5)

    assert "Take your time." == line["transcript"]
    assert 2 == len(candidate.of("transcript", role="assistant", transcriptType="final"))


async def test_nobody_joins() -> None:
    """The call dies, without a report."""
    async with vapi(manner={"join_seconds": 0.2}) as standin, bridge() as server:
        made = await create(standin, body(server.url))
        await standin.wait_for(lambda s: s.calls[0].settled)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with joined(made["transport"]["websocketCallUrl"]):
                pass
        await standin.wait_for(lambda _: bool(server.bodies))

        assert ["status-update"] == server.types()
        assert "customer-did-not-answer" == standin.calls[0].ended_reason


async def test_only_one_client_is_on_a_call() -> None:
    """A second one is refused while the first is there."""
    async with vapi() as standin:
        made = await create(standin, body())
        async with joined(made["transport"]["websocketCallUrl"]) as candidate:
            await candidate.got("status-update")
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                async with joined(made["transport"]["websocketCallUrl"]):
                    pass
            assert standin.calls[0].live


async def test_webhooks_are_signed() -> None:
    """R-051: HMAC over `{timestamp}.{body}` of the raw bytes; the sheet's own vector."""
    vector = b'{"message":{"type":"hang","call":{"id":"c1"}}}'
    assert "27491c364236ab37840a758419257cbb70fbc4d66e3c3d8fc2850da45093d722" == sign("prepkit-test-secret", 1795341600, vector)
    async with vapi(manner={"hmac_secret": "h"}) as standin, bridge() as server:
        async with call(standin, server.url) as candidate:
            await candidate.got("status-update")
            await standin.wait_for(lambda _: bool(server.requests))
        headers, raw = server.requests[0]
        assert sign("h", int(headers["x-vapi-timestamp"]), raw) == headers["x-vapi-signature"]


async def test_a_server_without_a_secret_gets_an_empty_header() -> None:
    """Present but empty: what fooled one project."""
    async with vapi() as standin, bridge() as server:
        async with call(standin, server.url, server={"url": server.url}) as candidate:
            await candidate.got("status-update")
            await standin.wait_for(lambda _: bool(server.requests))
        assert "" == server.requests[0][0]["x-vapi-secret"]


async def test_the_documents_flat_events() -> None:
    """§7: the same call told as `call.*`, without Vapi's messages."""
    async with vapi(manner={"flat_events": True}) as standin, bridge() as server:
        async with call(standin, server.url) as candidate:
            await first_line(candidate)
            await hang_up(candidate, standin)
        await standin.wait_for(lambda _: len(server.bodies) == 4)

        assert ["call.started", "call.transcript", "call.recording", "call.ended"] == server.types()
        assert {(standin.calls[0].id, "0f8c2b7e")} == {(taken["callId"], taken["sessionId"]) for taken in server.bodies}
        assert "customer-ended-call" == server.bodies[-1]["reason"]


async def test_template_leaks_are_noted() -> None:
    """No candidate's text reaches a template."""
    async with vapi() as standin:
        await create(standin, body(firstMessage="Hello {{candidateName}}, {{ something }}."))
        await create(standin, body())

        assert [["assistant.firstMessage"], []] == [seen.template_leaks for seen in standin.calls]
        assert "Hello Asha, ." == standin.calls[0].assistant.first_message


async def test_faults_is_imported_by_name() -> None:
    """An unknown fault is refused, not ignored."""
    with pytest.raises(ValueError, match="reset_afte"):
        faults(reset_afte=1)
