"""Stretches of speech from audio alone: both speakers' times, barge-in, and what of a text was heard (M5, C-22)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.windows import GAP_MS, LOUD, SpeechWindows, VoiceWindows, Window, heard_words


def play(voice: VoiceWindows, start_ms: int, end_ms: int, level: float = 0.1) -> list[bool]:
    """20 ms pieces of one level."""
    return [voice.feed(at, 20, level) for at in range(start_ms, end_ms, 20)]


def test_one_stretch_of_the_interviewer():
    """It begins once, bears short pauses, and is over after a long one, told once."""
    voice = VoiceWindows()
    assert sum(play(voice, 1000, 2000)) == 1
    play(voice, 2000, 2000 + GAP_MS, level=0.0)
    assert not voice.settle(2000 + GAP_MS)
    assert sum(play(voice, 2000 + GAP_MS, 4000)) == 0
    assert voice.last == Window(1000, 4000)

    assert [voice.settle(at) for at in (4000 + GAP_MS, 4001 + GAP_MS, 4002 + GAP_MS)] == [False, True, False]
    assert voice.last == Window(1000, 4000, open=False)
    assert voice.feed(4800, 20, LOUD)
    assert voice.last == Window(4800, 4820)


def test_silence_is_no_speech():
    """Noise below the level begins nothing, and nothing has to be settled or cut."""
    voice = VoiceWindows()
    assert not any(play(voice, 0, 2000, level=LOUD / 2))
    voice.cut(2000, 500)
    assert not voice.settle(5000)
    assert voice.last is None


def test_a_barge_in_cuts_what_was_not_heard_yet():
    """The rest of the piece that is playing and all that was queued: the share that was heard follows."""
    voice = VoiceWindows()
    voice.feed(0, 1000, 0.1)
    voice.cut(600, 1000)

    assert voice.last == Window(0, 600, open=False, dropped_ms=1400)
    assert voice.last.heard_share == pytest.approx(0.3)
    voice.cut(700, 9_999)
    assert voice.last.dropped_ms == 1400
    assert voice.feed(620, 20, 0.1), "what comes after a barge-in is a new stretch"


def test_a_cut_before_anything_was_heard():
    """Nothing of it was heard: no word of it stays."""
    voice = VoiceWindows()
    voice.feed(1000, 500, 0.1)
    voice.cut(900, 0)
    assert voice.last == Window(1000, 1000, open=False, dropped_ms=600)
    assert voice.last.heard_share == 0
    assert Window(5, 5).heard_share == 1


def test_the_candidates_stretches_are_taken_by_finals():
    """Finals come in pieces: each takes the speech so far, and what goes on begins anew."""
    speech = SpeechWindows()
    speech.changed(1000, speaking=True)
    speech.changed(3000, speaking=False)
    speech.changed(3500, speaking=True)
    assert speech.speaking
    assert speech.take(4000, 10) == (1000, 4000)
    assert speech.last == Window(4000, 4000)
    speech.changed(6000, speaking=False)
    assert not speech.speaking
    assert speech.take(7000, 10) == (4000, 6000)
    assert speech.last is None
    # Nothing was detected: its length tells.
    assert speech.take(7000, 10) == (3000, 7000)
    assert speech.take(1000, 10) == (0, 1000)


def test_an_end_without_a_beginning_is_nothing():
    """Voice detection may report an end twice."""
    speech = SpeechWindows()
    speech.changed(500, speaking=False)
    assert speech.last is None
    speech.changed(1000, speaking=True)
    speech.changed(900, speaking=False)
    speech.changed(2000, speaking=False)
    assert speech.last == Window(1000, 1000, open=False)


@given(st.lists(st.tuples(st.integers(0, 500), st.sampled_from(["on", "off", "take"])), max_size=60))
def test_times_only_go_forward(steps: list[tuple[int, str]]):
    """Whatever is reported: a turn never ends before it begins, and none begins before the one before it ended."""
    speech, now, before = SpeechWindows(), 0, 0
    for wait, what in steps:
        now += wait
        if what == "take" and speech.last is not None:
            start, end = speech.take(now, 3)
            assert before <= start <= end <= now
            before = end
        elif what != "take":
            speech.changed(now, speaking=what == "on")


@pytest.mark.parametrize(
    ("share", "words"), [(1.0, "one  two three four"), (0.5, "one two"), (0.0, ""), (0.9, "one two three four"), (1.5, "one  two three four")]
)  # fmt: skip
def test_the_words_that_were_heard(share: float, words: str):
    """C-22: an interrupted text is cut to what was heard."""
    assert heard_words("one  two three four", share) == words
