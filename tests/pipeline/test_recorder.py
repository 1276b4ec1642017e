"""The recording follows the call clock (R-053, M5)."""

import numpy as np

from pipeline.clock import CallClock, MicClock
from pipeline.recorder import CallRecorder


class Memory:
    """A recording kept in memory; implements `bridge.ports.RecordingFile`."""

    def __init__(self):
        self.data = b""

    @property
    def duration_ms(self):
        """Milliseconds so far."""
        return len(self.data) // 64

    def append(self, frames):
        """Keep."""
        self.data += frames

    def close(self):
        """Nothing to do."""


def tone(ms, value):
    """`ms` of a constant sample."""
    return np.full(ms * 16, value, dtype="<i2").tobytes()


def channel(file, which):
    """One channel's samples."""
    return np.frombuffer(file.data, dtype="<i2")[which::2]


def test_each_voice_lies_at_its_time_in_its_channel():
    """Candidate left at 100 ms, interviewer right at 300 ms, silence elsewhere."""
    file = Memory()
    recorder = CallRecorder(file, 0)
    recorder.candidate(tone(50, 7), 400)
    recorder.interviewer(tone(50, 9), 700)
    recorder.close(1_000)

    left, right = channel(file, 0), channel(file, 1)
    assert (400 * 16, 450 * 16 - 1) == (left.argmax(), len(left) - 1 - left[::-1].argmax())
    assert (700 * 16, 9) == (right.argmax(), right.max())
    assert file.duration_ms == 1_000


def test_small_jitter_does_not_tear_speech():
    """Messages a little late are laid back to back."""
    file = Memory()
    recorder = CallRecorder(file, 0)
    for n, late in enumerate((0, 15, 3, 40)):
        recorder.candidate(tone(20, 5), n * 20 + late)
    recorder.close(200)

    assert np.array_equal(channel(file, 0)[: 80 * 16], np.full(80 * 16, 5))


def test_a_resumed_leg_continues_at_its_own_time():
    """M1: what was lost between the last flush and the crash is silence, never a shift."""
    file = Memory()
    CallRecorder(file, 0).close(500)
    resumed = CallRecorder(file, 2_000)
    resumed.candidate(tone(20, 3), 2_000)
    resumed.close(2_100)

    assert channel(file, 0).argmax() == 2_000 * 16
    assert file.duration_ms == 2_100


def test_microphone_time_comes_from_samples_and_survives_a_gap():
    """M5: after a mute of ten seconds the audio is placed ten seconds later."""
    now = [0.0]
    clock = CallClock(1_000, lambda: now[0])
    mic = MicClock(clock)
    starts = []
    for second in (1.0, 2.0, 13.0):
        now[0] = second
        starts.append(mic.feed(1_000))

    assert starts == [1_000, 2_000, 13_000]
    assert [mic.at(ms) for ms in (500, 1_500, 2_500)] == [1_500, 2_500, 13_500]
