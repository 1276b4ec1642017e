"""Voice activity and end of turn: one model in memory, one state a call (R-041)."""

import asyncio

import numpy as np
import pytest
from pipecat.audio.turn.base_turn_analyzer import EndOfTurnState
from pipecat.audio.vad.vad_analyzer import VADParams, VADState

from pipeline.voice.detectors import SharedSilero, make_turn_analyzer, make_vad, warm_up

from .hearing import CHUNK, RATE, needs_flite, silence, spoken

WINDOW = 512 * 2


def started(vad):
    """The analyzer, ready for 16 kHz."""
    vad.set_sample_rate(RATE)
    return vad


def confidences(vad, pcm):
    """What it thinks of each window."""
    return [float(np.ravel(vad.voice_confidence(pcm[at : at + WINDOW]))[0]) for at in range(0, len(pcm) - WINDOW + 1, WINDOW)]


async def states(vad, pcm):
    """The states it goes through, without repeats."""
    found = []
    for at in range(0, len(pcm), CHUNK):
        state = await vad.analyze_audio(pcm[at : at + CHUNK])
        if not found or found[-1] is not state:
            found.append(state)
    return found


def test_models_are_loaded_once_for_all_calls():
    """R-041: pipecat.md §9: a session each would cost 24 MB a call."""
    warm_up()
    ears, turns = [make_vad(), make_vad()], [make_turn_analyzer(lambda: 5.0), make_turn_analyzer(lambda: 5.0)]

    assert ears[0]._model.session is ears[1]._model.session
    assert ears[0]._model is not ears[1]._model
    assert turns[0]._session is turns[1]._session


@needs_flite
async def test_calls_do_not_share_what_they_heard():
    """R-041: Silero remembers; two calls taking turns window by window think exactly what each would think alone."""
    speech = await spoken("We use a hash map to look up each element in constant time.")
    noise = (np.random.default_rng(7).normal(0, 3_000, len(speech) // 2)).astype(np.int16).tobytes()
    alone = [confidences(started(make_vad()), pcm) for pcm in (speech, noise)]

    one, two = started(make_vad()), started(make_vad())
    together = ([], [])
    for at in range(0, len(speech) - WINDOW + 1, WINDOW):
        together[0].extend(confidences(one, speech[at : at + WINDOW]))
        together[1].extend(confidences(two, noise[at : at + WINDOW]))

    assert alone == list(together)
    assert max(alone[0]) > 0.9
    assert alone[0] != confidences(started(make_vad()), noise + speech)[-len(alone[0]) :]  # the state does matter


@needs_flite
async def test_a_quiet_microphone_is_heard():
    """R-041: speech 40 dB down is still speech, where pipecat's own volume threshold hears nothing; silence is never."""
    speech = np.frombuffer(await spoken("We use a hash map to look up each element in constant time."), np.int16)
    quiet = silence(0.5) + (speech / 100).astype(np.int16).tobytes() + silence(1.0)

    assert await states(started(make_vad()), quiet) == [
        VADState.QUIET,
        VADState.STARTING,
        VADState.SPEAKING,
        VADState.STOPPING,
        VADState.QUIET,
    ]
    assert VADState.SPEAKING not in await states(started(SharedSilero(VADParams())), quiet)
    assert await states(started(make_vad()), silence(2.0)) == [VADState.QUIET]


@needs_flite
async def test_two_turns_are_judged_at_once():
    """R-041: the shared end-of-turn model serves two calls at the same time and gives each the verdict it gets alone."""
    speech = await spoken("We use a hash map to look up each element in constant time.")

    async def verdict(pcm):
        analyzer = make_turn_analyzer(lambda: 5.0)
        analyzer.set_sample_rate(RATE)
        for at in range(0, len(pcm), CHUNK):
            analyzer.append_audio(pcm[at : at + CHUNK], is_speech=True)
        _, metrics = await analyzer.analyze_end_of_turn()
        await analyzer.cleanup()
        return metrics.probability

    halves = [speech, speech[: len(speech) // 4 * 2]]
    alone = [await verdict(pcm) for pcm in halves]
    together = await asyncio.gather(*(verdict(pcm) for pcm in halves))

    assert together == pytest.approx(alone, abs=1e-6)
    assert alone[0] != pytest.approx(alone[1], abs=1e-3)


@pytest.mark.parametrize(("patience", "over"), [(1.0, True), (6.0, False)])
async def test_a_pause_is_as_long_as_the_question_on_the_floor_allows(patience, over):
    """M6: the patience is asked for while the pause lasts, so that it is the new question's as soon as there is one."""
    pauses = [4.0]
    analyzer = make_turn_analyzer(lambda: pauses[-1])
    analyzer.set_sample_rate(RATE)
    analyzer.append_audio(silence(0.5), is_speech=True)
    pauses.append(patience)

    heard = [analyzer.append_audio(silence(0.02), is_speech=False) for _ in range(100)]
    await analyzer.cleanup()

    assert (EndOfTurnState.COMPLETE in heard) is over
