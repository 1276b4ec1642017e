"""Voice detection for all calls in one batch: what it says is what a detector of one's own would say (R-041, performance.md §2)."""

import asyncio
import threading
import time

import numpy as np
import pytest
from loguru import logger
from pipecat.audio.vad.vad_analyzer import VADState

from pipeline.voice.batch_vad import CATCH_UP, FIRST_SLOTS, LATE_SECONDS, BatchVad
from pipeline.voice.detectors import make_vad

from .hearing import RATE, needs_flite, silence, spoken

WINDOW = 1024
PIECE = 60 * 32
"""Bytes of 60 ms."""
SENTENCES = ("I would keep a hash map of what I saw.", "Yes.", "Each look up is constant time, so the whole scan is linear.")


def noise(seconds, level=30, seed=3):
    """A room that is not silent."""
    return np.random.default_rng(seed).normal(0, level, round(seconds * RATE)).astype("<i2").tobytes()


async def answer():
    """Three sentences with pauses, in a quiet room."""
    parts = [silence(0.7)]
    for sentence in SENTENCES:
        parts += [await spoken(sentence), silence(1.0)]
    pcm = np.frombuffer(b"".join(parts), "<i2").astype(np.int32)
    room = np.frombuffer(noise(len(pcm) / RATE), "<i2").astype(np.int32)
    return np.clip(pcm + room, -32768, 32767).astype("<i2").tobytes()


async def alone(pcm):
    """What pipecat's own detector says, as (speaking, ms of the window with which it was certain)."""
    vad = make_vad()
    vad.set_sample_rate(RATE)
    found = []
    for at in range(0, len(pcm) - WINDOW + 1, WINDOW):
        state = await vad.analyze_audio(pcm[at : at + WINDOW])
        speaking = bool(found) and found[-1][0]
        if speaking != (state is VADState.SPEAKING or (speaking and state is VADState.STOPPING)):
            found.append((not speaking, (at + WINDOW) // 32))
    await vad.cleanup()
    return found


class Calls:
    """Detectors beside each other, and what each said."""

    def __init__(self, count):
        self.vad = BatchVad()
        self.said = [[] for _ in range(count)]
        self.detectors = [self.vad.open(self._note(n)) for n in range(count)]

    def _note(self, n):
        return lambda speaking, at_ms: self.said[n].append((speaking, at_ms))

    async def feed(self, audios, base_ms=0, piece=PIECE):
        """Feed all side by side, as fast as they are taken, and wait for the end."""
        for at in range(0, max(map(len, audios)), piece):
            for detector, pcm in zip(self.detectors, audios, strict=True):
                if at < len(pcm):
                    detector.feed(pcm[at : at + piece], base_ms + at // 32)
            if at // RATE != (at + piece) // RATE:  # Twice a second: beyond two seconds what waits is dropped.
                await self.settled()
        await self.settled()

    async def settled(self):
        """Wait until the thread has heard everything."""
        async with asyncio.timeout(20):
            while self.vad._inbox or any(stream.waiting >= WINDOW // 2 for stream in self.vad._streams.values()):
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)


@pytest.fixture
def calls():
    """Makes calls, and stops their threads."""
    made = []

    def make(count):
        made.append(Calls(count))
        return made[-1]

    yield make
    for each in made:
        each.vad.close()


@needs_flite
async def test_it_agrees_with_a_detector_of_ones_own(calls):
    """R-041: the same starts and stops in the same order; certain in the same window, give or take one."""
    pcm = await answer()
    expected = await alone(pcm)
    batch = calls(1)
    await batch.feed([pcm], base_ms=5000)
    # Ours say since when, pipecat's with which window it was certain: 0.2 s, or six windows, later.
    certain = [(speaking, at_ms - 5000 + 6 * 32) for speaking, at_ms in batch.said[0]]

    assert len(expected) >= 6
    assert [speaking for speaking, _ in expected] == [speaking for speaking, _ in certain]
    assert max(abs(a - b) for (_, a), (_, b) in zip(expected, certain, strict=True)) <= 32


@needs_flite
async def test_calls_do_not_hear_each_other(calls):
    """More calls than a batch holds, and than there are places for at first, each at another place of the same speech, and a listener after each: every one is told what it would be told alone."""
    pcm = await answer()
    shifts = [n * 170 * 32 for n in range(FIRST_SLOTS // 2 + 4)]
    batch = calls(len(shifts) * 2)
    speakers = [noise(shift / 32_000, seed=shift) + pcm for shift in shifts]
    await batch.feed([audio for pcm in speakers for audio in (pcm, noise(len(pcm) / 32_000))])
    [changes] = {tuple(speaking for speaking, _ in said) for said in batch.said[::2]}
    times = [[at_ms - shift / 32 for _, at_ms in said] for said, shift in zip(batch.said[::2], shifts, strict=True)]

    assert changes == (True, False) * 3
    # Where a window begins in a word, and when the model was last reset, makes a difference of its own.
    assert np.ptp(times, axis=0).max() <= 4 * 32
    assert not any(batch.said[1::2])


@needs_flite
@pytest.mark.parametrize("piece", [640, 992, 3200, 6400])
async def test_the_size_of_the_pieces_does_not_matter(calls, piece):
    """Windows are cut from the stream, not from the messages."""
    pcm = await answer()
    one, other = calls(1), calls(1)
    await one.feed([pcm])
    await other.feed([pcm], piece=piece)

    assert [speaking for speaking, _ in one.said[0]] == [speaking for speaking, _ in other.said[0]]
    # How a stream is cut into runs may move a reset of the model's state.
    assert max(abs(a - b) for (_, a), (_, b) in zip(one.said[0], other.said[0], strict=True)) <= 32


@needs_flite
async def test_of_what_comes_at_once_the_newest_two_seconds_are_heard_at_their_time(calls):
    """R-041: a thread that was away catches up with what is still of use, and tells the time at which it was said."""
    word = await spoken("Yes.")
    pcm = noise(6) + word + noise(1.8 - len(word) / (2 * RATE), seed=4)
    slowly, at_once = calls(1), calls(1)
    warned = []
    sink = logger.add(warned.append, level="WARNING", format="{message}")
    try:
        await slowly.feed([pcm])
        assert warned == []
        for at in range(0, len(pcm), PIECE):
            at_once.detectors[0].feed(pcm[at : at + PIECE], at // 32)
        await at_once.settled()
    finally:
        logger.remove(sink)

    assert len(warned) == 1
    assert "passed over" in warned[0]
    [(began, began_ms), (ended, ended_ms)] = slowly.said[0]
    assert (began, ended) == (True, False)
    assert at_once.said[0] == [(True, pytest.approx(began_ms, abs=4 * 32)), (False, pytest.approx(ended_ms, abs=4 * 32))]


async def test_a_thread_that_is_behind_hears_the_newest_half_second_of_every_call(calls):
    """R-041: with two seconds of each it would stay behind on a machine that is just quick enough. One call has more than can wait, the other less."""
    batch = calls(2)
    held, asked = threading.Event(), []
    detect = batch.vad._ask

    def slowly(session, windows, slots, steps):
        asked.append(dict(zip(slots, steps, strict=True)))
        held.wait(20)
        return detect(session, windows, slots, steps)

    batch.vad._ask = slowly
    sound = noise(6, level=200)
    cut = PIECE * 40
    for detector in batch.detectors:
        detector.feed(sound[:PIECE], 0)
    while not asked:
        await asyncio.sleep(0.01)
    for detector, length in zip(batch.detectors, (cut, cut // 2), strict=True):
        detector.feed(sound[PIECE:length], PIECE // 32)
    await asyncio.sleep(LATE_SECONDS)
    held.set()
    await batch.settled()

    heard = [sum(steps.get(stream.slot, 0) for steps in asked[1:]) for stream in batch.vad._streams.values()]
    assert heard == [CATCH_UP // 512] * 2
    assert [stream.end_ms for stream in batch.vad._streams.values()] == [cut // 32, cut // 64]


@needs_flite
async def test_who_speaks_while_the_thread_is_behind_has_not_stopped(calls):
    """R-041: what has come meanwhile is not looked at yet; that is no silence."""
    pcm = noise(0.7) + await spoken(SENTENCES[2])
    cut = PIECE * 25
    batch = calls(1)
    await batch.feed([pcm[:cut]])
    assert [speaking for speaking, _ in batch.said[0]] == [True]
    asked = asyncio.Event()
    held, loop, detect = threading.Event(), asyncio.get_running_loop(), batch.vad._ask

    def slowly(session, windows, slots, steps):
        loop.call_soon_threadsafe(asked.set)
        held.wait(20)
        return detect(session, windows, slots, steps)

    batch.vad._ask = slowly
    batch.detectors[0].feed(pcm[cut : cut + PIECE], cut // 32)
    await asked.wait()
    batch.detectors[0].feed(pcm[cut + PIECE : cut + 20 * PIECE], (cut + PIECE) // 32)
    await asyncio.sleep(1.2 * LATE_SECONDS)
    held.set()
    await batch.settled()

    assert [speaking for speaking, _ in batch.said[0]] == [True]


async def test_noise_and_silence_are_no_speech(calls):
    """Neither a room nor digital silence, and what is silent costs no model."""
    batch = calls(2)
    asked = []
    detect = batch.vad._ask
    batch.vad._ask = lambda session, windows, slots, steps: (asked.append(sum(steps)), detect(session, windows, slots, steps))[1]
    await batch.feed([noise(4, level=200), silence(4)])

    assert batch.said == [[], []]
    assert sum(asked) == 4 * RATE * 2 // WINDOW


@needs_flite
async def test_who_sends_nothing_any_more_has_stopped(calls):
    """A lost network in the middle of a word: told within two seconds, with the time of the last audio."""
    pcm = await spoken(SENTENCES[2])
    cut = pcm[: len(pcm) // 2]
    batch = calls(1)
    await batch.feed([silence(0.5) + cut])
    assert [(True)] == [speaking for speaking, _ in batch.said[0]]
    await asyncio.sleep(2)

    assert batch.said[0][-1] == (False, 500 + len(cut) // 32)


@needs_flite
async def test_a_gap_ends_speech_where_the_audio_ended(calls):
    """Audio that begins five seconds later on the call clock does not continue the word before."""
    pcm = await spoken(SENTENCES[2])
    batch = calls(1)
    await batch.feed([silence(0.5) + pcm[: len(pcm) // 2]])
    await batch.feed([silence(0.5)], base_ms=7000)

    assert [True, False] == [speaking for speaking, _ in batch.said[0]]
    assert batch.said[0][-1][1] < 7000


@needs_flite
async def test_a_closed_call_is_told_nothing(calls):
    """Close, then neither a change nor a trace."""
    pcm = await answer()
    batch = calls(2)
    batch.detectors[0].close()
    batch.detectors[0].close()
    await batch.feed([pcm, pcm])

    assert not batch.said[0]
    assert len(batch.said[1]) == 6
    assert len(batch.vad._streams) == 1


async def test_feeding_does_not_wait(calls):
    """The event loop's side of a second of fifty calls' audio takes less than 20 ms."""
    batch = calls(50)
    piece = noise(0.06)
    await batch.feed([piece] * 50)
    began = time.thread_time()
    for at in range(0, 1000, 60):
        for detector in batch.detectors:
            detector.feed(piece, 60 + at)
    took = time.thread_time() - began
    await batch.settled()

    assert took < 0.02


async def test_the_thread_ends_with_it(calls):
    """No thread is left behind."""
    before = set(threading.enumerate())
    batch = calls(1)
    await batch.feed([noise(0.1)])
    assert {thread.name for thread in set(threading.enumerate()) - before} == {"batch-vad"}
    batch.vad.close()

    assert set(threading.enumerate()) <= before
