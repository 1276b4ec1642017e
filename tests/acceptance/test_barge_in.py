"""Speaking over the interviewer, against a running server: it stops at once, and no question is lost by it (R-045, contract §5)."""

import asyncio
import time

import pytest
import pytest_asyncio

from .live import ANSWER, AUDIO, running, spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")
MESSAGES_AFTER = 5
"""Audio messages (40 ms each) that may still be under way when the page is told to flush."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory):
    """A server of ours without a recogniser: what is spoken to it is noise until the browser says what it was."""
    async with running(tmp_path_factory.mktemp("barge-in")) as server:
        yield server


def _told(message, type_):
    return message is not AUDIO and message["type"] == "server-message" and message["data"]["type"] == type_


async def hear(caller, seconds=2.0):
    """Until the interviewer's line has been playing for a while: a sentence has been said."""
    wanted = len(caller.audio) + int(seconds * 32_000)
    async with asyncio.timeout(20):
        while len(caller.audio) < wanted:
            await asyncio.sleep(0.02)


async def test_speech_stops_the_interviewer_at_once_and_noise_brings_the_question_again(server):
    """The page is told to flush while the candidate still speaks, no more of the line comes, and the question is put again word for word (R-045)."""
    async with server.interview() as (session_id, caller):
        first = next(m["data"] for m in caller.notes if _told(m, "question"))
        await hear(caller)
        began, here = time.monotonic(), len(caller.notes)
        caller.say(await spoken("Well, the first thing I think I would do here."))
        await caller.told("flush-audio", 5)
        stopped_after = time.monotonic() - began
        flushed = caller.here
        await asyncio.sleep(2)
        rest = caller.notes[flushed:].count(AUDIO)
        again = await caller.told("question", 30)
        cut, *_ = await server.turns(session_id, "interviewer")
        candidate = await server.turns(session_id)

    assert stopped_after < 2.5
    assert caller.has("bot-interrupted", here)
    assert rest <= MESSAGES_AFTER
    assert (again["id"], again["text"], again["n"]) == (first["id"], first["text"], 1)
    assert cut["interrupted"]
    assert candidate == []


async def test_one_word_over_a_question_brings_it_again(server):
    """A word such as "sorry" over a question is kept as said, and the question is put again instead of being taken as answered (R-045, R-047)."""
    async with server.interview() as (session_id, caller):
        first = next(m["data"] for m in caller.notes if _told(m, "question"))
        await hear(caller)
        await caller.verb("browser-transcript", text="Sorry", final=True)
        again = await caller.told("question", 20)
        shown = await server.show(session_id)

    assert (again["id"], again["text"], again["followUp"]) == (first["id"], first["text"], 0)
    assert [turn["text"] for turn in shown["transcript"] if turn["speaker"] == "candidate"] == ["Sorry"]


async def test_an_answer_over_a_question_is_an_answer(server):
    """Who has heard enough and answers over the question is followed up, not asked again (R-047)."""
    async with server.interview() as (_, caller):
        await hear(caller)
        await caller.verb("browser-transcript", text=ANSWER, final=True)
        following = await caller.told("question", 20)

    assert following["followUp"] == 1


async def test_a_typed_answer_stops_the_voice(server):
    """A typed answer while the interviewer speaks drops the rest of that line; the page is told to flush it (R-045)."""
    async with server.interview() as (session_id, caller):
        await hear(caller)
        here = len(caller.notes)
        await caller.verb("text", text=ANSWER)
        await caller.told("question", 20, followUp=1)
        cut, *_ = await server.turns(session_id, "interviewer")

    assert caller.has("flush-audio", here)
    assert cut["interrupted"]
