"""The stand-in's clocks: how an uplink is judged, where turns end, and that the downlink keeps time (vapi-protocol §2.2)."""

from __future__ import annotations

import asyncio
import io
import time
import wave

import numpy as np
import pytest

from web.standins.vapi_audio import Mouth, Tape, TurnDetector, Uplink
from web.standins.vapi_speech import NoEars, hum

RATE = 16_000
QUIET = bytes(640)


async def voice(ms: int) -> bytes:
    """Something loud."""
    return (await hum("word " * 10, RATE))[: ms * 32]


def uplink(*arrivals: float) -> Uplink:
    """An uplink whose 20 ms frames came at these times in ms."""
    made = Uplink(RATE)
    for at in arrivals:
        made.note(640, 100 + at / 1000)
    return made


def test_a_steady_uplink_has_neither_gap_nor_burst() -> None:
    """20 ms apart, a little jitter."""
    seen = uplink(0, 20, 41, 60, 79, 100)

    assert (6, 1) == (seen.frames, seen.max_burst)
    assert 21 == pytest.approx(seen.max_gap_ms, abs=0.5)
    assert seen.max_ahead_ms < 2
    assert 120 == seen.audio_ms


def test_a_gap_and_the_burst_that_makes_up_for_it_are_seen() -> None:
    """The fault that breaks Vapi's end-of-turn detection."""
    seen = uplink(0, 20, 220, 221, 222, 223, 224, 240)

    assert 200 == pytest.approx(seen.max_gap_ms, abs=0.5)
    assert 5 == seen.max_burst
    assert 180 == pytest.approx(seen.max_behind_ms, abs=1)


def test_audio_ahead_of_the_clock_and_half_samples_are_seen() -> None:
    """Everything at once is a second ahead; an odd byte is half a sample."""
    seen = uplink(*([0] * 51))
    seen.note(641, 100)

    assert 1_000 <= seen.max_ahead_ms
    assert 1 == seen.odd_frames


async def test_silence_that_is_not_heard_ends_no_turn() -> None:
    """A gap in the uplink is no silence: only audio counts."""
    detector = TurnDetector(RATE, 0.4)
    loud = await voice(20)

    assert [None, None, "started"] == [detector.hear(loud) for _ in range(3)]
    assert 60 == detector.voiced_ms
    assert [None] * 19 == [detector.hear(QUIET) for _ in range(19)]
    await asyncio.sleep(0.1)
    assert detector.speaking
    assert "ended" == detector.hear(QUIET)
    assert not detector.speaking


async def test_a_click_is_no_turn() -> None:
    """40 ms of noise."""
    detector = TurnDetector(RATE, 0.4)
    loud = await voice(40)

    assert [None, None, None] == [detector.hear(pcm) for pcm in (loud, QUIET, loud)]


async def listen(mouth: Mouth, seconds: float) -> None:
    """Let a mouth run for a while."""
    task = asyncio.create_task(mouth.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_downlink_keeps_time() -> None:
    """20 ms messages of 640 bytes at the speed of time, speech first, silence behind it."""
    sent: list[tuple[float, bytes]] = []

    async def send(pcm: bytes) -> bool:
        sent.append((time.monotonic(), pcm))
        return True

    mouth = Mouth(send, RATE, idle_audio=True)
    speech = await voice(200)
    mouth.say(speech)
    await listen(mouth, 0.5)

    assert {640} == {len(pcm) for _, pcm in sent}
    assert speech == b"".join(pcm for _, pcm in sent[:10])
    assert not any(b"".join(pcm for _, pcm in sent[10:]))
    assert 20 <= len(sent) <= 27
    assert await mouth.finished(0)


@pytest.mark.parametrize("fault", ["bursty", "odd"])
async def test_a_spoilt_downlink_loses_no_audio(fault: str) -> None:
    """Half a second at a time, or cut in the middle of samples."""
    sent: list[bytes] = []

    async def send(pcm: bytes) -> bool:
        sent.append(pcm)
        return True

    mouth = Mouth(send, RATE, idle_audio=False)
    setattr(mouth, fault, True)
    speech = await voice(600)
    mouth.say(speech)
    await listen(mouth, 0.7)

    assert b"".join(sent)[: len(speech)] == speech
    if fault == "bursty":
        assert {16_000} == {len(pcm) for pcm in sent}
    else:
        assert {639, 641} == {len(pcm) for pcm in sent}


async def test_a_mouth_is_cut_at_once_and_waits_for_a_listener() -> None:
    """Nothing of the line comes after the cut; without anybody on the socket the line waits."""
    sent: list[bytes] = []
    there = False

    async def send(pcm: bytes) -> bool:
        if there:
            sent.append(pcm)
        return there

    mouth = Mouth(send, RATE, idle_audio=True)
    mouth.say(await voice(1_000))
    await listen(mouth, 0.1)
    assert (0.0, []) == (mouth.share, sent)
    there = True
    await listen(mouth, 0.1)
    mouth.cut()
    before = len(sent)
    await listen(mouth, 0.1)

    assert 0 < mouth.share < 0.3
    assert not any(b"".join(sent[before:]))


async def test_the_tape_keeps_both_sides_in_their_place() -> None:
    """Stereo has the candidate on the left; mono is both; a pause stays a pause."""
    tape = Tape(RATE)
    tape.candidate(await voice(100))
    await asyncio.sleep(0.4)
    tape.assistant(await voice(100))
    with wave.open(io.BytesIO(tape.wav("stereo"))) as file:
        assert (2, 2, RATE) == (file.getnchannels(), file.getsampwidth(), file.getframerate())
        left, right = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2).T
    with wave.open(io.BytesIO(tape.wav("mono"))) as file:
        mono = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")

    assert left[:1_600].any()
    assert not left[1_600:].any()
    assert not right[:6_000].any()
    assert right[6_400:].any()
    assert np.array_equal(mono, left + right)


async def test_ears_without_a_recogniser_know_how_long_it_was() -> None:
    """`--hear none`."""
    ears = NoEars(RATE)
    ears.begin()
    ears.hear(bytes(48_000))

    assert "(speech of 1.5 seconds)" == await ears.end()
