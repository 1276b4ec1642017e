"""Vapi's messages in our words (R-051…R-056, C-15, C-18, C-22): both families, every layout, nothing that can make it raise."""

import copy
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.ended import Ending, judge
from bridge.domain.events import Speaker
from bridge.domain.upstream import (
    CallBegan,
    CallEnded,
    CallReport,
    HeardTurn,
    Interrupted,
    Other,
    Recorded,
    Said,
    Silence,
    Speaking,
    ToolCall,
    ToolsCalled,
    Transcribed,
)
from bridge.wire import vapi_messages
from bridge.wire.vapi_messages import PENDING, moment, parse_delivery, parse_socket, report_of_call, transcript_turns
from tests.vapi_examples import example, webhook

C, AI = Speaker.CANDIDATE, Speaker.INTERVIEWER


def socket(**frame):
    """One flat frame of the socket."""
    return parse_socket(json.dumps(frame))


# The socket ---------------------------------------------------------------------------------------------------------
def test_the_documented_frames_of_the_socket():
    """Each of vapi-protocol §2.4, in its order; history and model tokens are not acted on."""
    assert [parse_socket(json.dumps(frame)) for frame in example("2-4-socket-frames")] == [
        (Speaking(C, started=True),),
        (Said(C, "I would start", final=False),),
        (Said(C, "I would start with capacity.", final=True, confidence=0.93),),
        (Interrupted(),),
        (Silence(),),
        (Other("model-output"),),
        (Other("voice-input"),),
        (Other("conversation-update"),),
    ]


def test_the_call_begins_and_ends():
    """The first frame seen live, and the last."""
    assert socket(type="status-update", status="in-progress") == (CallBegan(),)
    assert socket(type="status-update", status="ended", endedReason="customer-ended-call") == (CallEnded("customer-ended-call"),)
    assert socket(type="status-update", status="ended") == (CallEnded("unknown"),)
    assert socket(type="status-update", status="queued") == (Other("status-update"),)


def test_a_wrapped_frame_is_understood_as_well():
    """The typed form, and bytes."""
    assert parse_socket(b'{"message": {"type": "hang"}}') == (Silence(),)


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "transcript", "role": "assistant", "transcriptType": "final", "transcript": PENDING},
        {"type": "transcript", "role": "system", "transcriptType": "final", "transcript": "You are…"},
        {"type": "transcript", "role": "tool", "transcriptType": "final", "transcript": "x"},
        {"type": "transcript", "role": "user", "transcriptType": "final", "transcript": " "},
        {"type": "transcript", "role": "user", "transcript": {"text": "x"}},
        {"type": "transcript"},
    ],
)
def test_what_nobody_said_is_skipped(frame):
    """A pending tool, other roles, no words."""
    assert parse_socket(json.dumps(frame)) == (Other("transcript"),)


def test_a_word_with_a_bad_character_is_not_lost():
    """NUL and lone surrogates are taken out of what somebody said."""
    (said,) = parse_socket('{"type": "transcript", "role": "user", "transcriptType": "final", "transcript": "a\\u0000 b\\ud800"}')

    assert said == Said(C, "a b", final=True)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"hang"', "[" * 100_000, b"\xff\xfe", '{"message": []}', '{"type": []}'])
def test_an_unreadable_frame_is_other(text):
    """Never an exception: the call goes on (vapi-protocol §6)."""
    assert [type(message) for message in parse_socket(text)] == [Other]


# Webhooks of Vapi ---------------------------------------------------------------------------------------------------
def test_every_server_message_is_read():
    """All types of vapi-protocol §4.1; those we act on, and `Other` for the rest."""
    acted = {}
    for body in example("4-1-server-messages"):
        delivery = parse_delivery(body)
        assert delivery.type == body["message"]["type"]
        assert delivery.key
        acted.setdefault(delivery.type, []).extend(delivery.messages)

    assert acted["status-update"] == [CallBegan(), CallEnded("customer-ended-call")]
    assert acted["speech-update"] == [Speaking(AI, started=False)]
    assert acted["transcript"] == [Said(C, "Hi.", final=True)]
    assert acted['transcript[transcriptType="final"]'] == [Said(AI, "Hello.", final=True)]
    assert acted["user-interrupted"] == [Interrupted()]
    assert acted["hang"] == [Silence()]
    assert acted["call.artifact.upload"] == [Recorded()]
    others = {type_ for type_, messages in acted.items() if all(isinstance(m, Other) for m in messages)}
    assert {"assistant-request", "conversation-update", "call.deleted", "voice-request", "transfer-update"} <= others


def test_the_account_at_the_end():
    """The whole example of vapi-protocol §4.2: cost in millionths, turns with times, no system or tool lines."""
    delivery = parse_delivery({"message": example("4-2-end-of-call-report")})

    assert (delivery.call_id, delivery.key, delivery.type) == (
        "7420f27a-30fd-4f49-a995-5549ae7cc00d",
        "report",
        "end-of-call-report",
    )
    assert delivery.sent_at == datetime(2026, 11, 22, 10, 1, tzinfo=UTC)
    assert delivery.messages == (
        CallReport(
            reason="customer-ended-call",
            started_at=datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
            ended_at=datetime(2026, 11, 22, 10, 1, tzinfo=UTC),
            duration_seconds=60,
            cost_micros=115_000,
            cost_parts={"transport": 0, "stt": 11_000, "llm": 5_000, "tts": 46_000, "vapi": 50_000},
            turns=(HeardTurn(AI, "Hello!", 1000, 2200), HeardTurn(C, "Hi.", 3000, 3400)),
            has_recording=True,
        ),
    )


def report(**changes):
    """The example's account with changes; None takes a field out."""
    body = {**example("4-2-end-of-call-report"), **changes}
    (made,) = parse_delivery({"message": {key: value for key, value in body.items() if value is not None}}).messages
    return made


def test_an_account_with_less_in_it():
    """Duration from the two times, the top-level copies where the artifact is bare, None where nothing was said (C-24)."""
    assert report(durationSeconds=None).duration_seconds == 60
    assert report(artifact={}, messages=None).turns == (HeardTurn(AI, "Hello!", 0, 0), HeardTurn(C, "Hi.", 0, 0))
    assert report(artifact={}, transcript=None).turns == ()
    assert report(artifact={}, recordingUrl=None, stereoRecordingUrl=None).has_recording is False
    assert report(artifact={}, recordingUrl=None).has_recording is True
    bare = report(cost=None, costBreakdown=None, durationSeconds=None, startedAt="soon", endedReason=None)
    assert (bare.cost_micros, bare.cost_parts, bare.duration_seconds, bare.started_at, bare.reason) == (
        None,
        {},
        None,
        None,
        "unknown",
    )


@pytest.mark.parametrize("cost", [0, -1, "0.1", True, 1e300, float("nan"), {"total": 1}])
def test_a_cost_that_is_none(cost):
    """Zero is not settled yet (vapi-protocol §1.4); the rest is no figure."""
    assert report(cost=cost).cost_micros is None


def test_tokens_are_no_money():
    """A breakdown counts tokens and characters beside its sums."""
    parts = report(
        costBreakdown={"llm": 0.01, "llmPromptTokens": 4200, "ttsCharacters": 900, "total": 0.01, "stt": "x"}
    ).cost_parts

    assert parts == {"llm": 10_000}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"role": "bot", "message": "a", "secondsFromStart": 2, "duration": 1200}], [(2000, 3200)]),
        (
            [{"role": "bot", "message": "a", "secondsFromStart": 2, "time": 10_000, "endTime": 10_800, "duration": 1200}],
            [(2000, 2800)],
        ),
        (
            [
                {"role": "bot", "message": "a", "secondsFromStart": 0, "time": 10_000, "endTime": 11_200, "duration": 1.2},
                {"role": "user", "message": "b", "secondsFromStart": 2, "duration": 3},
            ],
            [(0, 1200), (2000, 5000)],
        ),
        (
            [
                {"role": "system", "message": "s", "time": 1_795_341_600_000},
                {"role": "user", "content": "b", "time": 1_795_341_603_500, "endTime": 1_795_341_604_000},
            ],
            [(3500, 4000)],
        ),
        ([{"role": "assistant", "message": "a"}], [(0, 0)]),
        ([{"role": "bot", "message": "a", "secondsFromStart": -3, "time": 5, "endTime": 1}], [(0, 0)]),
        ([{"role": "bot", "message": PENDING}, {"role": "tool", "message": "x"}, {"role": "user", "message": ""}, 5], []),
    ],
    ids=["milliseconds", "two times win", "seconds after all", "no secondsFromStart", "no times", "backwards", "not spoken"],
)
def test_times_of_turns(messages, expected):
    """`duration` is documented in seconds and sent in milliseconds: the two times tell which (vapi-protocol §4.2)."""
    turns = report(artifact={"messages": messages}, transcript=None, messages=None).turns

    assert [(turn.start_ms, turn.end_ms) for turn in turns] == expected


def test_a_call_read_by_get_is_an_account_too():
    """`GET /call/{id}` has the same fields at its top."""
    call = {key: value for key, value in example("4-2-end-of-call-report").items() if key not in ("type", "call", "timestamp")}

    assert report_of_call({"id": "c1", "status": "ended", **call}) == report()


def test_recordings_that_failed_are_none():
    """An upload of logs, or one that did not work."""
    for artifacts in ([{"type": "call-logs", "success": True}], [{"type": "recording-mono", "success": False}], [], None, "x"):
        (message,) = parse_delivery(webhook({"type": "call.artifact.upload", "artifacts": artifacts})).messages
        assert message == Other("call.artifact.upload")


# Transcripts as text ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INTERVIEWER: Hello!\nUSER: Hi.\n", [(AI, "Hello!"), (C, "Hi.")]),
        ("AI: Hello!\nUser: Hi.\nAssistant: Go on.\nBot: Yes.", [(AI, "Hello!"), (C, "Hi."), (AI, "Go on. Yes.")]),
        ("USER: one\nUSER: two\nthree\n\nINTERVIEWER: ok", [(C, "one two three"), (AI, "ok")]),
        ("before\nUSER: We call it USER: something.\nNote: user: that", [(C, "We call it USER: something. Note: user: that")]),
        ("USER: a\nSYSTEM: secret rules\nmore rules\nUSER: b", [(C, "a b")]),
        (f"AI: {PENDING}\nAI: Next.", [(AI, "Next.")]),
        ("USER:\n", []),
        ("no labels at all", []),
        ([{"role": "user", "message": "Hi."}, {"speaker": "AI", "text": "Hello."}], [(C, "Hi."), (AI, "Hello.")]),
        (None, []),
        (5, []),
    ],
)
def test_transcripts_in_lines(text, expected):
    """Both sets of labels at the beginning of a line only; several lines are one answer (C-22)."""
    assert [(turn.speaker, turn.text) for turn in transcript_turns(text)] == expected


# Tool calls ---------------------------------------------------------------------------------------------------------
CALL = {"id": "call_1", "type": "function", "function": {"name": "moveToNextQuestion", "arguments": {"currentQuestionId": "q1"}}}
LAYOUTS = {
    "toolCallList": {"toolCallList": [CALL]},
    "toolCalls": {"toolCalls": [CALL]},
    "toolWithToolCallList": {"toolWithToolCallList": [{"type": "function", "toolCall": CALL}]},
    "all of them": {"toolCallList": [CALL], "toolCalls": [CALL], "toolWithToolCallList": [{"toolCall": CALL}]},
    "flat": {"toolCallList": [{"id": "call_1", "name": "moveToNextQuestion", "arguments": {"currentQuestionId": "q1"}}]},
    "parameters": {"toolCalls": [{"id": "call_1", "name": "moveToNextQuestion", "parameters": '{"currentQuestionId": "q1"}'}]},
    "beside junk": {"toolCallList": [None, 5, {"id": 5}, {"id": ""}, {"id": "x"}], "toolCalls": [CALL]},
    "first empty": {"toolCallList": [], "toolCalls": "x", "toolWithToolCallList": [{"toolCall": CALL}]},
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("as_text", [False, True])
def test_tool_calls_in_every_layout(layout, as_text):
    """One call, whatever the layout and whether the arguments are an object or a text (C-18)."""
    layout = copy.deepcopy(layout)
    for items in layout.values():
        for item in items if as_text and isinstance(items, list) else ():
            function = (item.get("toolCall") or item).get("function") if isinstance(item, dict) else None
            if isinstance(function, dict) and isinstance(function["arguments"], dict):
                function["arguments"] = json.dumps(function["arguments"])
    expected = (ToolsCalled((ToolCall("call_1", "moveToNextQuestion", {"currentQuestionId": "q1"}),)),)

    assert parse_delivery(webhook({"type": "tool-calls", **layout})).messages == expected
    assert socket(type="tool-calls", **layout) == expected


def test_the_legacy_function_call():
    """It has no id of its own: ours is the same each time."""
    body = {"type": "function-call", "functionCall": {"name": "moveToNextQuestion", "parameters": {"currentQuestionId": "q1"}}}
    first, again = socket(**body), socket(**body)

    assert first == again
    assert [(call.name, call.arguments) for call in first[0].calls] == [("moveToNextQuestion", {"currentQuestionId": "q1"})]


@pytest.mark.parametrize("arguments", ["", "{", "[1]", "5", '{"a": NaN}', "[" * 9999, None, 5, [1], '{"a": "\\u0000"}'])
def test_arguments_that_are_none(arguments):
    """Anything but a plain object is an empty one; the call is still answered."""
    (called,) = socket(type="tool-calls", toolCallList=[{"id": "i", "function": {"name": "f", "arguments": arguments}}])

    assert called.calls == (ToolCall("i", "f", {}),)


def test_several_calls_keep_their_order_and_their_ids():
    """Ids are echoed exactly, also odd ones."""
    ids = ["b", " a ", "x" * 300, "é"]
    (called,) = socket(type="tool-calls", toolCalls=[{"id": i, "function": {"name": "f"}} for i in ids])

    assert [call.id for call in called.calls] == ids


def test_answers_are_single_lines():
    """`results[]` as documented: same order, strings without line breaks, what was JSON stays the same JSON."""
    calls = [
        ToolCall("call_VaJOd8ZeZgWCEHDY", "moveToNextQuestion"),
        ToolCall("call_2", "getFollowUpQuestion"),
        ToolCall("3", "f"),
    ]
    result = '{"nextQuestionId":"q2","text":"How would you shard it?"}'
    body = vapi_messages.tool_results(
        [(calls[0], result, None), (calls[1], None, "no follow-up available,\r\n move on"), (calls[2], None, None)]
    )

    assert body["results"][:2] == example("4-3-tool-results")["results"]
    assert body["results"][2] == {"toolCallId": "3", "name": "f", "result": ""}


@given(st.text(), st.text(), st.booleans())
def test_any_answer_is_a_single_line(id_, text, failed):
    """Whatever a tool says, the answer can be sent, has one line and the exact id."""
    call = ToolCall(id_, "f")
    (result,) = vapi_messages.tool_results([(call, None if failed else text, text if failed else None)])["results"]

    said = result["error" if failed else "result"]
    assert result["toolCallId"] == id_
    assert len(said.splitlines()) <= 1
    assert said.encode().decode() == said


# Keys ---------------------------------------------------------------------------------------------------------------
def test_both_families_name_a_fact_alike():
    """The document's flat events and Vapi's messages have the same keys (vapi-protocol §7)."""
    pairs = [
        ({"type": "status-update", "status": "in-progress"}, {"type": "call.started"}),
        ({"type": "status-update", "status": "ended", "endedReason": "x"}, {"type": "call.ended", "duration": 912}),
        ({"type": "status-update", "status": "ended"}, {"type": "call.failed", "error": "e", "reason": "r"}),
        (
            {"type": "call.artifact.upload", "artifacts": [{"type": "recording-mono", "success": True}]},
            {"type": "call.recording", "recordingUrl": "https://storage.example/m.mp3"},
        ),
    ]
    for real, flat in pairs:
        one, other = parse_delivery(webhook(real)), parse_delivery({**flat, "callId": "c1"})
        assert (one.key, one.call_id) == (other.key, other.call_id)
        assert type(one.messages[0]) is type(other.messages[0])


def test_a_repeat_has_the_same_key_and_another_fact_another():
    """Signed links and secrets differ between two deliveries of one fact; words and times do not."""
    base = {"type": "speech-update", "status": "started", "role": "user", "timestamp": 1795341600000}
    again = {**base, "call": {"id": "c1", "monitor": {"controlUrl": "https://b"}}, "artifact": {"presignedMonoUrl": "two"}}
    first = {**base, "call": {"id": "c1", "monitor": {"controlUrl": "https://a"}}, "artifact": {"presignedMonoUrl": "one"}}
    key = parse_delivery({"message": first}).key

    assert parse_delivery({"message": again}).key == key
    assert parse_delivery({"message": {**again, "timestamp": 1795341600001}}).key != key

    said = {"type": "transcript", "role": "user", "transcriptType": "final", "transcript": "Yes.", "timestamp": 1795341600000}
    keys = {
        parse_delivery(webhook({**said, **change})).key
        for change in ({}, {"x": 1}, {"role": "bot"}, {"timestamp": 1795341601000})
    }
    assert len(keys) == 3


def test_tool_calls_are_named_by_their_ids():
    """The same batch is one delivery, in whatever layout."""
    keys = [parse_delivery(webhook({"type": "tool-calls", **layout})).key for layout in LAYOUTS.values()]

    assert len(set(keys)) == 1
    assert parse_delivery(webhook({"type": "tool-calls", "toolCalls": [{**CALL, "id": "call_2"}]})).key not in keys


def test_a_stored_body_says_the_same_as_the_one_that_came():
    """The worker reads what was kept: same messages, same key (R-057)."""
    bodies = [
        *example("4-1-server-messages"),
        {"message": example("4-2-end-of-call-report")},
        {"message": example("4-3-tool-calls")},
        {"type": "call.transcript", "callId": "c1", "transcript": "USER: Hi."},
    ]
    for body in bodies:
        first = parse_delivery(body)
        again = parse_delivery(json.loads(json.dumps(first.body)))
        assert (again.messages, again.key, again.call_id, again.sent_at) == (
            first.messages,
            first.key,
            first.call_id,
            first.sent_at,
        )


@pytest.mark.parametrize(
    "call", [{}, {"call": {}}, {"call": {"id": 5}}, {"call": {"id": ""}}, {"call": "c1"}, {"call": {"id": "x" * 999}}]
)
def test_without_a_call_id_it_belongs_to_nobody(call):
    """Kept, but matched to no session: ids in metadata or at the top of a real message are not believed."""
    assert parse_delivery({"message": {"type": "hang", "callId": "c1", **call}, "callId": "c1"}).call_id is None


# The document's flat events -----------------------------------------------------------------------------------------
def flat(type_, **fields):
    """One of the document's events."""
    return parse_delivery({"type": type_, "callId": "c1", "sessionId": "s1", **fields})


def test_the_documents_events():
    """All six (R-051…R-056), in our words."""
    at = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    assert flat("call.started", timestamp="2026-11-22T10:00:00Z").messages == (CallBegan(at),)
    assert flat("call.ended", duration=912).messages == (CallEnded("customer-ended-call"),)
    assert flat("call.transcript", transcript="USER: Hi.").messages == (Transcribed((HeardTurn(C, "Hi.", 0, 0),)),)
    assert flat("call.recording", recordingUrl="https://x").messages == (Recorded("https://x"),)
    assert flat("call.updated").messages == (Other("call.updated"),)
    assert flat("call.recording").messages == (Other("call.recording"),)
    assert flat("call.unheard-of").messages == (Other("call.unheard-of"),)


@pytest.mark.parametrize("reason", [None, "customer-ended-call", "", "no-answer", "pipeline-error-x", 5])
def test_a_failed_call_is_judged_as_failed(reason):
    """Whatever its reason calls itself (R-055)."""
    (ended,) = flat("call.failed", reason=reason, error="boom").messages

    assert judge(ended.reason, spoke=False) is Ending.FAILED


def test_a_link_to_a_recording_is_not_kept():
    """It is taken from the message at once, or fetched by the call's id later (C-21)."""
    delivery = flat("call.recording", recordingUrl="https://storage.example/m.mp3?sig=secret")

    assert "secret" not in json.dumps(delivery.body)
    assert parse_delivery(delivery.body).messages == (Recorded(None),)


@pytest.mark.parametrize(
    "body", [{}, {"type": "hello"}, {"type": 5, "callId": 5}, {"message": "x"}, {"message": None, "callId": "c1"}]
)
def test_what_is_of_neither_family_is_kept_as_other(body):
    """Answered with 200 and looked at by people."""
    delivery = parse_delivery(body)

    assert [type(message) for message in delivery.messages] == [Other]
    assert delivery.key.startswith("body:")


# Times and frames ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1795341600000, datetime(2026, 11, 22, 10, 0, tzinfo=UTC)),
        (1795341600, datetime(2026, 11, 22, 10, 0, tzinfo=UTC)),
        ("2026-11-22T10:00:00.000Z", datetime(2026, 11, 22, 10, 0, tzinfo=UTC)),
        ("2026-11-22T11:00:00+01:00", datetime(2026, 11, 22, 10, 0, tzinfo=UTC)),
        ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, 0, tzinfo=UTC)),
        ("soon", None),
        (None, None),
        (True, None),
        (10**400, None),
        (float("inf"), None),
        (float("nan"), None),
        ({}, None),
    ],
)
def test_moments(value, expected):
    """Milliseconds, seconds, RFC 3339; anything else is no time."""
    assert moment(value) == expected


def test_frames_to_the_call_are_the_documented_ones():
    """As vapi-protocol §2.3 lists them: no field of our own, LiquidJS tokens taken out."""
    known = {frame["type"]: frame for frame in example("2-3-client-frames")}
    frames = [
        vapi_messages.end_call(),
        vapi_messages.say("Five {{minutes}} left {% x %}.", end_call=True),
        vapi_messages.add_message("Move to {{question}} 3 now.", trigger=True),
    ]
    for frame in frames:
        assert set(frame) <= set(known[frame["type"]])
        assert "{{" not in vapi_messages.encode(frame)
        assert "{%" not in vapi_messages.encode(frame)
        assert json.loads(vapi_messages.encode(frame)) == frame


# Anything at all ----------------------------------------------------------------------------------------------------
NAMES = [
    "type", "status", "role", "transcript", "transcriptType", "message", "call", "id", "callId", "toolCallList", "toolCalls", "function",
    "toolWithToolCallList", "toolCall", "functionCall", "name", "arguments", "artifact", "messages", "secondsFromStart", "time", "endTime",
    "duration", "cost", "costBreakdown", "llm", "timestamp", "startedAt", "endedAt", "artifacts", "recordingUrl", "confidence", "reason",
]  # fmt: skip
WORDS = [
    "status-update", "in-progress", "ended", "tool-calls", "function-call", "end-of-call-report", "transcript", "user", "bot", "final",
    "speech-update", "started", "call.started", "call.transcript", "call.failed", "call.recording", "call.artifact.upload", "USER: x",
]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6),
    max_leaves=30,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=8)
TYPED = st.builds(lambda body, type_: {**body, "type": type_}, BODIES, st.sampled_from(WORDS))


@given(st.one_of(BODIES, TYPED, TYPED.map(lambda body: {"message": body})))
def test_any_body_is_read(body):
    """Arbitrary JSON under the names we read: a delivery with a key and at least one message, storable, and stable when read again."""
    delivery = parse_delivery(body)

    assert delivery.messages
    assert 0 < len(delivery.key) <= 200
    assert parse_delivery(delivery.body).messages[0].__class__ is delivery.messages[0].__class__


@given(st.text() | st.binary() | st.one_of(BODIES, TYPED, ANYTHING).map(json.dumps))
def test_any_frame_is_read(frame):
    """Whatever comes over the socket."""
    assert parse_socket(frame)
