"""PocketSphinx through a real pipeline: words, their times, long speech, and a process that dies (R-041, R-065)."""

import asyncio
import itertools
import os
import signal

import pytest
from pipecat.frames.frames import STTMuteFrame

from bridge.domain.setup import Voice
from bridge.domain.wer import edits, word_error_rate, words
from pipeline.voice.sphinx import PocketSphinxSTT

from .hearing import hearing, loud_part, needs_flite, silence, spoken, spoken_by_espeak

pytest.importorskip("pocketsphinx", reason="the `embedded` extra is not installed")

SENTENCES = [
    "We use a hash map to look up each element in constant time.",
    "I would start with a single database and add sharding when the writes no longer fit.",
    "The load balancer spreads the requests over several stateless servers.",
    "Dynamic programming stores the answers of overlapping subproblems in a table.",
    "My last project was a dashboard for the sales team and I was responsible for the backend.",
    "The sliding window keeps the longest substring without repeating characters.",
    "I split the monolith into microservices that talk over http and a message queue.",
    "We replicate the data to three nodes and require a quorum for every write.",
]
"""Sentences of interviews; none of them is in the bank."""
SHORT = SENTENCES[0]


@needs_flite
async def test_interview_sentences_are_understood():
    """R-041: eight technical sentences by flite's slt, through real voice detection: at most a quarter of the words wrong."""
    async with hearing(PocketSphinxSTT(), vad=True) as heard:
        wrong = 0
        for sentence in SENTENCES:
            before = len(heard.finals)
            await heard.feed(silence(0.5) + await spoken(sentence) + silence(1.0))
            await heard.until(lambda before=before: len(heard.finals) > before and heard.finals[-1].finalized)
            wrong += edits(words(sentence), words(" ".join(frame.text for frame in heard.finals[before:])))

    assert wrong / sum(len(words(sentence)) for sentence in SENTENCES) <= 0.25
    assert heard.errors == []


@needs_flite
async def test_words_come_while_one_talks_and_say_when_they_were_said():
    """R-041, R-058: interims before the final; offsets are of audio fed, true to a tenth of a second or so, after any prelude."""
    speech = await spoken(SHORT)
    start, end = loud_part(speech)
    stt = PocketSphinxSTT()
    async with hearing(stt, vad=True) as heard:
        await heard.feed(silence(2.0) + speech + silence(1.0))
        final = await heard.last_final()
        clock_ms = stt.clock_ms

    assert len(heard.interims) >= 1
    assert all(a.text != b.text for a, b in zip(heard.interims, heard.interims[1:], strict=False))
    assert final.finalized
    assert final.result["start_offset_ms"] == pytest.approx(2000 + start, abs=200)
    assert final.result["start_offset_ms"] + final.result["duration_ms"] == pytest.approx(2000 + end, abs=200)
    assert abs(clock_ms - (3000 + len(speech) / 32)) <= 20


@needs_flite
async def test_pre_roll_saves_the_first_word_and_never_repeats_the_last():
    """R-041: voice detection is 0.2 s late, yet the first word is whole; a quick second utterance gets none of the first one's audio."""
    speech = await spoken(SHORT)
    async with hearing(PocketSphinxSTT()) as heard:
        await heard.feed(silence(0.4))
        await heard.utter(speech)
        await heard.utter(speech)
        first, second = await heard.last_final(0), await heard.last_final(1)

    assert word_error_rate(SHORT, first.text) <= 0.2
    assert word_error_rate(SHORT, second.text) <= 0.2
    assert first.result["start_offset_ms"] + first.result["duration_ms"] <= second.result["start_offset_ms"]


@needs_flite
async def test_a_burst_loses_nothing():
    """R-041: speech arriving at once, far faster than it can be recognised, gives the very words that real pace gives."""
    speech = b"".join([await spoken(sentence) for sentence in SENTENCES[:2]])
    texts = []
    for speed in (4.0, None):
        async with hearing(PocketSphinxSTT()) as heard:
            await heard.utter(speech, speed)
            await heard.last_final()
            texts.append(heard.text)

    assert texts[0] == texts[1]


@needs_flite
async def test_long_speech_is_written_down_piece_by_piece():
    """R-041, R-058: speech without a pause longer than a breath is cut; the pieces are in order and only the last one ends it."""
    speech = b"".join([await spoken(sentence) for sentence in SENTENCES[:5]])
    stt = PocketSphinxSTT()
    async with hearing(stt) as heard:
        await heard.utter(speech)
        await heard.last_final()
        waiting = stt.waiting_secs
    spans = [(f.result["start_offset_ms"], f.result["start_offset_ms"] + f.result["duration_ms"]) for f in heard.finals]

    assert len(heard.finals) >= 2
    assert [False] * (len(heard.finals) - 1) + [True] == [frame.finalized for frame in heard.finals]
    assert list(range(len(heard.finals))) == [frame.result["piece"] for frame in heard.finals]
    assert all(a_end <= b_start for (_, a_end), (b_start, _) in itertools.pairwise(spans))
    assert all(end - start <= 28_500 for start, end in spans)
    assert waiting == 0
    assert word_error_rate(" ".join(SENTENCES[:5]), heard.text) <= 0.3


@needs_flite
async def test_a_recogniser_killed_mid_sentence_recovers_every_word():
    """R-041: the process is killed while the candidate talks; the utterance is told again to the next one, times and all."""
    speech = await spoken(SHORT)
    results = []
    for kill in (False, True):
        stt = PocketSphinxSTT()
        async with hearing(stt) as heard:
            await heard.feed(silence(0.3))
            half = asyncio.create_task(heard.utter(speech))
            await heard.until(lambda heard=heard: bool(heard.interims))
            if kill:
                os.kill(stt.worker_pid, signal.SIGKILL)
            await half
            results.append(await heard.last_final())
            errors = heard.errors

    assert results[0].text == results[1].text
    assert results[0].result["start_offset_ms"] == results[1].result["start_offset_ms"]
    assert errors == []


@needs_flite
async def test_two_candidates_are_not_mixed():
    """R-041: two recognisers at once hear each their own."""
    mine, yours = SENTENCES[0], SENTENCES[4]
    async with hearing(PocketSphinxSTT()) as one, hearing(PocketSphinxSTT()) as two:
        await asyncio.gather(one.utter(await spoken(mine)), two.utter(await spoken(yours, Voice.DEEP)))
        first, second = await one.last_final(), await two.last_final()

    assert word_error_rate(mine, first.text) <= 0.3
    assert word_error_rate(yours, second.text) <= 0.3


async def test_a_muted_candidate_is_not_heard_but_the_clock_goes_on():
    """R-041: audio under mute counts as time and gives no words."""
    speech = await spoken_by_espeak("This is private.")
    stt = PocketSphinxSTT()
    async with hearing(stt) as heard:
        await heard.send(STTMuteFrame(mute=True))
        await heard.utter(speech)
        await heard.send(STTMuteFrame(mute=False))
        await asyncio.sleep(0.2)
        clock_ms, waiting = stt.clock_ms, stt.waiting_secs

    assert abs(clock_ms - (200 + len(speech) / 32)) <= 20
    assert waiting == 0
    assert heard.finals == []


@needs_flite
async def test_last_words_before_a_graceful_end_are_kept():
    """R-041: the call ends as the candidate does; what was said is still recognised."""
    speech = await spoken(SHORT)
    async with hearing(PocketSphinxSTT()) as heard:
        await heard.utter(speech, speed=1.0)

    assert word_error_rate(SHORT, heard.text) <= 0.2


@needs_flite
async def test_the_process_leaves_with_the_call():
    """R-041: no recogniser outlives its call."""
    stt = PocketSphinxSTT()
    async with hearing(stt) as heard:
        await heard.utter(await spoken(SHORT))
        await heard.last_final()
        pid = stt.worker_pid

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert stt.worker_pid is None
