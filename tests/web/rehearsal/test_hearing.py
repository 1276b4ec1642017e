"""The interviewer's audio clock and the microphone that is always on, on a clock of the test's own (R-018)."""

from __future__ import annotations

import asyncio
import time

from web.rehearsal.hearing import FRAME_BYTES, GAP_SECONDS, LOST_STOP_SECONDS, SILENT_FRAME, Hearing, Microphone

SECOND = bytes(32_000)


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def test_audio_plays_at_its_own_speed() -> None:
    """Two seconds that arrive at once are heard for two seconds."""
    clock = Clock()
    hearing = Hearing(clock)
    hearing.started()
    hearing.audio(SECOND)
    hearing.audio(SECOND)
    hearing.stopped()

    clock.now += 1.5
    assert 0.0 == hearing.silent_for
    clock.now += 1.5
    assert 1.0 == hearing.silent_for


def test_the_interviewer_speaks_until_both_say_so() -> None:
    """R-018: the last audio alone is not the end, RTVI's word alone neither; a word that never comes does not block for ever."""
    clock = Clock()
    hearing = Hearing(clock)
    hearing.started()
    hearing.audio(SECOND)

    clock.now += 2
    assert 0.0 == hearing.silent_for
    clock.now += LOST_STOP_SECONDS
    assert 0.0 < hearing.silent_for


def test_a_flush_ends_what_was_to_be_heard() -> None:
    """Barge-in: what was sent ahead is never heard."""
    clock = Clock()
    hearing = Hearing(clock)
    hearing.started()
    hearing.audio(SECOND)

    hearing.flush()
    clock.now += 0.5

    assert 0.5 == hearing.silent_for
    assert hearing.cut
    hearing.started()
    assert not hearing.cut


async def test_a_gap_within_a_line_is_no_end() -> None:
    """R-018: half a second is enough once the line is stored, not before."""
    clock = Clock()
    hearing = Hearing(clock)
    hearing.started()
    hearing.audio(SECOND)
    hearing.stopped()
    clock.now += 1.6

    waiting = asyncio.create_task(hearing.silence(0.5))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    hearing.line_said()
    await asyncio.wait_for(waiting, 1)

    hearing.started()
    hearing.stopped()
    clock.now += GAP_SECONDS
    await asyncio.wait_for(hearing.silence(0.5), 1)


async def test_the_microphone_keeps_time_and_is_never_off() -> None:
    """20 ms messages of 640 bytes at the speed of time, silence around the words, the last one filled up."""
    sent: list[bytes] = []

    async def send(data: bytes) -> None:
        sent.append(data)

    microphone = Microphone(send)
    running = asyncio.create_task(microphone.run())
    began = time.monotonic()
    await asyncio.sleep(0.1)
    await microphone.say(b"\x01" * (FRAME_BYTES * 5 + 10), lambda: False)
    await asyncio.sleep(0.1)
    running.cancel()
    elapsed = time.monotonic() - began

    words = [frame for frame in sent if frame != SILENT_FRAME]
    assert {FRAME_BYTES} == {len(frame) for frame in sent}
    assert 6 == len(words)
    assert b"\x01" * 10 + bytes(FRAME_BYTES - 10) == words[-1]
    assert SILENT_FRAME == sent[0] == sent[-1]
    assert abs(len(sent) - elapsed / 0.02) < 5


async def test_the_microphone_gives_way() -> None:
    """R-049: an interviewer who cuts in is let speak; what was sent is known."""

    async def send(_: bytes) -> None:
        pass

    microphone = Microphone(send)
    running = asyncio.create_task(microphone.run())
    give_up = time.monotonic() + 0.2

    await microphone.say(SECOND, lambda: time.monotonic() > give_up)
    running.cancel()

    assert 0 < microphone.sent < len(SECOND)
