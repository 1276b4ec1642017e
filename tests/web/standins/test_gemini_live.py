"""The Live half of Gemini's stand-in with the real client: turns, tools, barge-in, resumption, and every way a session can go wrong (R-045, R-046, F7)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from typing import Any

import pytest
from google.genai import errors, types
from google.genai.live import AsyncSession
from websockets.exceptions import InvalidStatus

from pipeline.voice.available import flite_installed
from web.standins.gemini import GeminiStandin
from web.standins.gemini_interviewer import GOODBYE, Say, ScriptedInterviewer, unpacked
from web.standins.gemini_voice import IN_RATE, OUT_RATE, Hearing, resampled, speak

from .gemini_client import LIVE, client_of, connect, hurried, speech

FIRST, WORDS = "What is a cache?", "I would keep what is asked for often."
TOOLS = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name=name, description="d", behavior="BLOCKING",
            parameters=types.Schema(type="OBJECT", properties={each: types.Schema(type="STRING") for each in names}, required=names),
        )
        for name, names in (("getFollowUpQuestion", ["userResponse", "currentQuestionId"]), ("moveToNextQuestion", ["currentQuestionId"]))
    ]
)  # fmt: skip
CONFIG: dict[str, Any] = {
    "response_modalities": ["AUDIO"],
    "system_instruction": f'Begin with: "{FIRST}" (question id: q1)',
    "input_audio_transcription": {},
    "output_audio_transcription": {},
    "session_resumption": {},
    "tools": [TOOLS],
}
START = types.Content(role="user", parts=[types.Part(text="Please begin.")])


@pytest.fixture
async def standin() -> AsyncIterator[GeminiStandin]:
    """In a hurry; the candidate's words are given."""
    async with GeminiStandin(live=hurried(), words=[WORDS] * 5, recogniser=False) as up:
        yield up


def session_of(standin: GeminiStandin, **changes: Any) -> AbstractAsyncContextManager[AsyncSession]:
    """A session; its client lives as long as the test."""
    return connect(standin).aio.live.connect(model=changes.pop("model", LIVE), config=CONFIG | changes)


async def microphone(session: AsyncSession, pcm: bytes, rate: int = IN_RATE) -> None:
    """Audio in pieces."""
    for at in range(0, len(pcm), 3200):
        await session.send_realtime_input(audio=types.Blob(data=pcm[at : at + 3200], mime_type=f"audio/pcm;rate={rate}"))


async def turn(session: AsyncSession) -> list[types.LiveServerMessage]:
    """Messages until the turn is complete."""
    return [message async for message in session.receive()]


async def until_tool(session: AsyncSession) -> types.FunctionCall:
    """The next function call."""
    async with asyncio.timeout(5):
        while True:
            message = await session._receive()
            if message.tool_call:
                return message.tool_call.function_calls[0]


async def until_it_ends(session: AsyncSession) -> None:
    """Receive for ever; what ends it is raised."""
    async with asyncio.timeout(5):
        while True:
            await session._receive()


def heard_and_said(messages: list[types.LiveServerMessage]) -> tuple[str, str, int]:
    """(transcript in, transcript out, bytes of audio)."""
    contents = [message.server_content for message in messages if message.server_content]
    into = "".join(c.input_transcription.text for c in contents if c.input_transcription)
    out = "".join(c.output_transcription.text for c in contents if c.output_transcription)
    audio = [part.inline_data for c in contents if c.model_turn for part in c.model_turn.parts]
    assert all(blob.mime_type == f"audio/pcm;rate={OUT_RATE}" for blob in audio)
    return into, out, sum(len(blob.data) for blob in audio)


async def test_first_turn(standin):
    """The first line with audio at 24 kHz and its words; the end with usage; handles before and after, none while it speaks."""
    async with session_of(standin) as session:
        await session.send_client_content(turns=START, turn_complete=True)
        messages = await turn(session)

    into, out, audio = heard_and_said(messages)
    assert (into, out) == ("", FIRST)
    assert audio > OUT_RATE
    updates = [m.session_resumption_update.resumable for m in messages if m.session_resumption_update]
    assert updates in ([True, None], [True, False])
    assert [m.server_content.generation_complete for m in messages if m.server_content][-2] is True
    usage = messages[-1].usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.response_token_count
    assert standin.live_sessions[0].said == [FIRST]


async def test_an_interview_by_tools(standin):
    """R-045, R-046: an answer asks for a follow-up, none moves on, done says goodbye; results may be JSON in a string."""
    results = iter(
        [
            {"result": json.dumps({"followUpQuestion": "Why is that?", "moveOn": False})},
            {"followUpQuestion": None, "moveOn": True},
            {"nextQuestionId": "q2", "nextQuestion": "What is a queue?", "done": False},
            {"followUpQuestion": None, "moveOn": True},
            {"nextQuestionId": None, "nextQuestion": None, "done": True},
        ]
    )
    said = []
    async with session_of(standin) as session:
        await session.send_client_content(turns=START, turn_complete=True)
        await turn(session)
        for _ in range(3):
            await microphone(session, speech("one two three"))
            messages = []
            async for message in session.receive():
                messages.append(message)
                if message.tool_call:
                    call = message.tool_call.function_calls[0]
                    answer = types.FunctionResponse(id=call.id, name=call.name, response=next(results))
                    await session.send_tool_response(function_responses=answer)
            said.append(heard_and_said(messages)[:2])

    assert said == [(WORDS, "Why is that?"), (WORDS, "What is a queue?"), (WORDS, GOODBYE)]
    tools = standin.live_sessions[0].tools
    assert [use.name for use in tools] == ["getFollowUpQuestion"] * 2 + [
        "moveToNextQuestion",
        "getFollowUpQuestion",
        "moveToNextQuestion",
    ]
    assert [use.args["currentQuestionId"] for use in tools] == ["q1", "q1", "q1", "q2", "q2"]
    assert tools[0].args["userResponse"] == WORDS


async def test_barge_in_cuts_the_turn_off():
    """Speech while it speaks: interrupted, then the end of the turn, long before the audio would have been sent."""
    long = "word " * 60
    live = hurried(interviewer=lambda: ScriptedInterviewer(opening=long), send_speed=2, play_speed=2)
    async with GeminiStandin(live=live, words=[WORDS], recogniser=False) as standin, session_of(standin, tools=[]) as session:
        await session.send_client_content(turns=START, turn_complete=True)
        await standin.wait_for(lambda s: s.live_sessions[0].said)
        began = time.monotonic()
        await microphone(session, speech("stop"))
        messages = await turn(session)

        assert any(m.server_content and m.server_content.interrupted for m in messages)
        assert messages[-1].server_content.turn_complete
        assert time.monotonic() - began < 3
        await standin.wait_for(lambda s: s.live_sessions[0].heard == [WORDS])
    assert standin.live_sessions[0].interruptions == 1


async def test_no_interruption_where_none_is_wanted():
    """NO_INTERRUPTION: it finishes first, then answers."""
    live = hurried(interviewer=lambda: ScriptedInterviewer(opening="word " * 30), send_speed=10, play_speed=10)
    calm = {"activity_handling": "NO_INTERRUPTION"}
    async with (
        GeminiStandin(live=live, words=[WORDS], recogniser=False) as standin,
        session_of(standin, tools=[], realtime_input_config=calm) as session,
    ):
        await session.send_client_content(turns=START, turn_complete=True)
        await standin.wait_for(lambda s: s.live_sessions[0].said)
        await microphone(session, speech("stop"))
        await turn(session)
        await turn(session)

    assert standin.live_sessions[0].interruptions == 0
    assert standin.live_sessions[0].turns == 2


async def test_a_tool_call_is_cancelled_by_speech(standin):
    """toolCallCancellation names it; the late result is ignored and the session goes on."""
    async with session_of(standin) as session:
        await session.send_client_content(turns=START, turn_complete=True)
        await turn(session)
        await microphone(session, speech("one"))
        first = await until_tool(session)
        await microphone(session, speech("two"))
        messages = await turn(session)
        late = types.FunctionResponse(id=first.id, name=first.name, response={"followUpQuestion": "Late?"})
        await session.send_tool_response(function_responses=late)
        second = await until_tool(session)

    assert [m.tool_call_cancellation.ids for m in messages if m.tool_call_cancellation] == [[first.id]]
    assert second.id != first.id
    assert standin.live_sessions[0].tools[0].cancelled
    assert "Late?" not in standin.live_sessions[0].said


async def test_marked_activity_stream_end_and_typed_text(standin):
    """With detection off the client marks its speech; audioStreamEnd ends an open utterance; text is an answer too."""
    manual = {"automatic_activity_detection": {"disabled": True}}
    async with session_of(standin, tools=[], realtime_input_config=manual) as session:
        await session.send_client_content(turns=START, turn_complete=True)
        await turn(session)
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await microphone(session, speech("one"), rate=IN_RATE)
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        assert heard_and_said(await turn(session))[0] == WORDS
    async with session_of(standin, tools=[]) as session:
        await session.send_realtime_input(text=" ")
        await turn(session)
        await microphone(session, resampled(speech("one two")[:-32_000], IN_RATE, 48_000), rate=48_000)
        await session.send_realtime_input(audio_stream_end=True)
        assert heard_and_said(await turn(session))[0] == WORDS
        await session.send_realtime_input(text="Typed.")
        await turn(session)

    assert standin.live_sessions[1].heard == [WORDS, "Typed."]


async def test_history_first_then_a_nudge(standin):
    """With initial history the client content calls no model; the realtime input after it does, and the last question is asked again."""
    history = [
        START,
        types.Content(role="model", parts=[types.Part(text="Welcome back. What is a tree?")]),
        types.Content(role="user", parts=[types.Part(text="One moment.")]),
    ]
    async with session_of(standin, history_config={"initial_history_in_client_content": True}) as session:
        await microphone(session, speech("ignored before the history"))
        await session.send_client_content(turns=history, turn_complete=True)
        await asyncio.sleep(0.1)
        assert standin.live_sessions[0].said == []
        await session.send_realtime_input(text=" ")
        assert heard_and_said(await turn(session))[1] == "What is a tree?"


async def test_context_update_changes_instruction_and_tools(standin):
    """What is sent later holds from then on."""
    async with session_of(standin) as session:
        await session.send_context_update(system_instruction='Say: "Another beginning."', tools=[])
        await session.send_client_content(turns=START, turn_complete=True)
        assert heard_and_said(await turn(session))[1] == "Another beginning."
        await microphone(session, speech("one"))
        await turn(session)

    assert standin.live_sessions[0].tools == []


async def test_a_handle_brings_the_conversation_back(standin):
    """After a lost connection: no second greeting, the question still on the floor, and the next handle works too."""
    async with session_of(standin) as session:
        await session.send_client_content(turns=START, turn_complete=True)
        await turn(session)
        await standin.wait_for(lambda s: len(s.live_sessions[0].handles) == 2)
        with pytest.raises(errors.APIError) as caught:
            async with session_of(standin, session_resumption={"handle": standin.live_sessions[0].handles[-1]}):
                pass
        assert caught.value.code == 1011
    await standin.wait_for(lambda s: s.live_sessions[0].closed)
    async with session_of(standin, session_resumption={"handle": standin.live_sessions[0].handles[-1]}) as session:
        await microphone(session, speech("one"))
        call = await until_tool(session)

    assert call.args == {"userResponse": WORDS, "currentQuestionId": "q1"}
    assert standin.live_sessions[2].resumed
    assert standin.live_sessions[2].said == []


async def test_handles_that_do_not_resume(standin):
    """Unknown ones, another model's, and one refused on command."""
    async with session_of(standin):
        await standin.wait_for(lambda s: s.live_sessions[0].handles)
    handle = standin.live_sessions[0].handles[0]
    await standin.wait_for(lambda s: s.live_sessions[0].closed)
    codes = []
    for model, given in ((LIVE, "nonsense"), ("gemini-3.1-flash-live-preview", handle), (LIVE, handle), (LIVE, handle)):
        try:
            async with session_of(standin, model=model, session_resumption={"handle": given}):
                codes.append(0)
        except errors.APIError as error:
            codes.append(error.code)
        if len(codes) == 2:
            standin.faults.add("live-no-resume")
        await standin.wait_for(lambda s: s.live_sessions[-1].closed)

    assert codes == [1008, 1007, 1008, 0]


@pytest.mark.parametrize(("key", "code", "reason"), [("wrong", 1007, "API key not valid"), (None, 1008, "unregistered callers")])
async def test_keys(standin, key, code, reason):
    """A wrong key is 1007, none is 1008."""
    async with client_of(standin, key=key or "x") as client:
        if key is None:
            client._api_client._http_options.headers.pop("x-goog-api-key")
        with pytest.raises(errors.APIError, match=reason) as caught:
            async with client.aio.live.connect(model=LIVE, config=CONFIG):
                pass

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"realtime_input": {"activityStart": {}}}, "Explicit activity control is not supported"),
        ({"realtime_input": {"mediaChunks": [{"data": "AAAA", "mimeType": "audio/pcm"}]}}, "media_chunks is deprecated"),
        ({"realtime_input": {"audio": {"data": "AAAA", "mimeType": "audio/mp3"}}}, "Unsupported MIME type: audio/mp3"),
        ({"tool_response": {"functionResponses": [{"id": "nobody", "name": "f", "response": {}}]}}, "invalid argument"),
        ({"client_content": {"turns": [{"role": "assistant", "parts": [{"text": "x"}]}]}}, "valid role"),
        ({"client_content": {"colour": 1}}, 'Unknown name "colour"'),
        ({"setup": {"model": f"models/{LIVE}"}}, "setup must be the first message"),
    ],
)
async def test_messages_that_end_the_session(standin, message, reason):
    """1007, with a reason."""
    async with session_of(standin) as session:
        await session._ws.send(json.dumps(message))
        with pytest.raises(errors.APIError, match="1007") as caught:
            await until_it_ends(session)

    assert caught.value.code == 1007
    assert reason in str(caught.value)


async def test_faults_at_the_door(standin):
    """403 instead of a socket; closed at once; a setup that is never complete."""
    standin.faults.add("live-refuse")
    with pytest.raises(InvalidStatus, match="403"):
        async with session_of(standin):
            pass
    standin.faults.add("live-close", code=1011)
    with pytest.raises(errors.APIError) as caught:
        async with session_of(standin):
            pass
    standin.faults.add("live-no-setup")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5), session_of(standin):
            pass

    assert caught.value.code == 1011


@pytest.mark.parametrize(
    ("kind", "error", "match"),
    [
        ("live-drop", errors.APIError, "1006"),
        ("live-close", errors.APIError, "1008"),
        ("live-malformed", ValueError, "Failed to parse"),
    ],
)
async def test_faults_in_the_middle(standin, kind, error, match):
    """The connection lost, closed, and a frame that is no JSON, after a while."""
    standin.faults.add(kind, seconds=0.2)
    async with session_of(standin) as session:
        began = time.monotonic()
        with pytest.raises(error, match=match):
            await until_it_ends(session)
        took = time.monotonic() - began

    assert 0.1 < took < 2


async def test_silence(standin):
    """Set up, and never a word."""
    standin.faults.add("live-silent")
    async with session_of(standin) as session:
        await session.send_client_content(turns=START, turn_complete=True)
        await session._receive()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await session._receive()

    assert standin.live_sessions[0].said == []


async def test_go_away_and_on_elsewhere(standin):
    """A warning with the time left, then the end; who leaves in time resumes."""
    standin.faults.add("live-go-away", seconds=0.2, time_left=0.4)
    standin.faults.add("live-go-away", seconds=0.1, time_left=0.3)
    async with session_of(standin) as session:
        await session.send_client_content(turns=START, turn_complete=True)
        while (message := await session._receive()).go_away is None:
            pass
        assert message.go_away.time_left == "0.4s"
        handle = standin.live_sessions[0].handles[-1]
    await standin.wait_for(lambda s: s.live_sessions[0].closed)
    async with session_of(standin, session_resumption={"handle": handle}) as session:
        with pytest.raises(errors.APIError, match="GoAway"):
            await until_it_ends(session)


async def test_a_brain_that_fails_ends_the_session_as_google_would():
    """1011 for whatever a test's own brain raises."""

    class Broken(ScriptedInterviewer):
        def begin(self, setup: Any, history: Any) -> list[Say]:
            raise KeyError("broken")

    async def voiceless(text: str) -> bytes:
        raise OSError("no voice")

    for live in (hurried(voice=voiceless), hurried(interviewer=Broken)):
        async with GeminiStandin(live=live) as standin, session_of(standin) as session:
            await session.send_client_content(turns=START, turn_complete=True)
            with pytest.raises(errors.APIError, match="1011"):
                await until_it_ends(session)


async def test_audio_goes_out_a_little_faster_than_it_plays():
    """At 4 times the speed of time a line takes a quarter of its length, not less; the turn ends when it would have been played."""
    live = hurried(send_speed=4, play_speed=2)
    async with GeminiStandin(live=live) as standin, session_of(standin) as session:
        await session.send_client_content(turns=START, turn_complete=True)
        began, last = time.monotonic(), 0.0
        async for message in session.receive():
            if message.data:
                last = time.monotonic() - began
        ended = time.monotonic() - began

    length = standin.live_sessions[0].spoken_seconds
    assert length / 4 - 0.1 <= last <= length / 4 + 0.5
    assert length / 2 - 0.1 <= ended <= length / 2 + 0.6


@pytest.mark.skipif(not (flite_installed() and find_spec("pocketsphinx")), reason="needs flite and PocketSphinx")
async def test_speech_is_spoken_and_understood_by_this_machine():
    """The small voice at 24 kHz, heard back by the recogniser."""
    hearing = Hearing()
    try:
        text = await hearing.understand(
            resampled(await speak("I would keep a hash map of what I saw, and think about the empty case."), OUT_RATE, IN_RATE)
        )
    finally:
        await hearing.close()

    assert len({"would", "keep", "hash", "map", "saw", "think", "empty", "case"} & set(text.lower().split())) >= 5


def test_tool_results_are_unpacked():
    """JSON in strings, results in results."""
    assert unpacked({"result": '{"a": 1, "b": {"c": 2}}'}) == {"result": '{"a": 1, "b": {"c": 2}}', "a": 1, "b": {"c": 2}, "c": 2}
    assert unpacked({"output": "plain"}) == {"output": "plain"}
