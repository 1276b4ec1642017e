"""The arranged model says what pipecat's says of the same windows, whatever stands beside them in a run (R-041, performance.md §2)."""

import numpy as np
import pytest

from pipeline.voice import silero
from pipeline.voice.batch_vad import SCALE
from pipeline.voice.detectors import make_vad

from .hearing import RATE, silence, spoken_by_espeak

SPAN = silero.CONTEXT_SAMPLES + silero.WINDOW_SAMPLES
ALIKE = 1e-4


@pytest.fixture
async def windows():
    """Speech, silence, noise, full scale and speech again, as [windows, 64 + 512]."""
    speech = await spoken_by_espeak("I would keep a hash map of what I saw, and look each number up in it.")
    noise = np.random.default_rng(1).normal(0, 900, RATE).astype("<i2").tobytes()
    pcm = np.frombuffer(speech + silence(0.5) + noise + b"\xff\x7f\x00\x80" * (RATE // 4) + speech, "<i2") * SCALE
    padded = np.concatenate((np.zeros(silero.CONTEXT_SAMPLES, np.float32), pcm.astype(np.float32)))
    return np.lib.stride_tricks.sliding_window_view(padded, SPAN)[:: silero.WINDOW_SAMPLES]


def published(windows):
    """Confidences by the model as pipecat runs it, one window at a time."""
    model = make_vad()._model
    return [model(window[silero.CONTEXT_SAMPLES :], RATE).item() for window in windows]


def arranged(audio, state, steps):
    """One run of ours: confidences [steps, calls] and the next state."""
    found, state = silero.session().run(
        None, {"audio": audio.reshape(-1, SPAN), "state": state, "steps": np.array(steps, np.int32)}
    )
    return found.reshape(audio.shape[:2]), state


def no_memory(calls):
    """The state of calls that have heard nothing yet."""
    return np.zeros((2, calls, silero.STATE_SIZE), np.float32)


@pytest.mark.parametrize("most", [1, 3, 4])
async def test_window_after_window_it_says_the_same(windows, most):
    """However many of a call's windows are heard in one run."""
    found, state = [], no_memory(1)
    for at in range(0, len(windows), most):
        some = windows[at : at + most]
        confidences, state = arranged(some[:, np.newaxis], state, [len(some)])
        found += confidences[:, 0].tolist()
    expected = published(windows)

    assert found == pytest.approx(expected, abs=ALIKE)
    assert max(expected) > 0.9
    assert min(expected) < 0.1


async def test_calls_of_one_run_do_not_hear_each_other(windows):
    """Each call is somewhere else in the sound, and has another number of windows: what lies behind its last one is neither judged nor remembered."""
    steps = [4, 1, 3, 2, 4]
    starts = [0, 17, 40, 61, 5]
    together = np.stack([windows[at : at + 4] for at in starts], axis=1)
    confidences, state = arranged(together, no_memory(len(steps)), steps)
    for call, (at, count) in enumerate(zip(starts, steps, strict=True)):
        alone, remembered = arranged(windows[at : at + count, np.newaxis], no_memory(1), [count])
        assert confidences[:count, call] == pytest.approx(alone[:, 0], abs=ALIKE)
        assert state[:, call] == pytest.approx(remembered[:, 0], abs=ALIKE)
