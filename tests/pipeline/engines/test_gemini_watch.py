"""How long Gemini is waited for (F2, F7): told after three seconds, nudged, lost; never while the candidate thinks."""

from __future__ import annotations

import pytest

from pipeline.engines.gemini_watch import GeminiWatch, Verdict


class Time:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    """A fresh clock."""
    return Time()


def verdicts(watch: GeminiWatch, time: Time, seconds: int, *, speaks: bool = False) -> list[tuple[int, str]]:
    """(second, verdict) of every look that was not fine, one a second."""
    found = []
    for second in range(1, seconds + 1):
        time.now += 1
        if (verdict := watch.look(speaks=speaks)) is not Verdict.FINE:
            found.append((second, verdict.name))
    return found


def test_a_connection_that_does_not_come(time):
    """F7: told within four seconds, given up within nine."""
    watch = GeminiWatch(time)
    watch.dialled()

    assert verdicts(watch, time, 9)[:2] == [(4, "CONNECTING"), (9, "LOST")]


def test_a_line_that_is_not_said(time):
    """F7, first word: waited for from the connection on; a tick that came late skips what is out of date."""
    watch = GeminiWatch(time)
    watch.dialled()
    watch.given()
    time.now += 2
    watch.connected()

    assert verdicts(watch, time, 7) == [(4, "ONE_MOMENT"), (7, "LOST")]
    watch.given()
    time.now += 20
    assert watch.look(speaks=False) is Verdict.LOST


def test_an_answer_that_nothing_follows(time):
    """F2: one moment, a nudge, lost; sound, a tool call and the candidate's own voice end the wait."""
    watch = GeminiWatch(time)
    watch.candidate(speaking=False, lasted_ms=3_000)

    assert verdicts(watch, time, 10) == [(4, "ONE_MOMENT"), (6, "NUDGE"), (10, "LOST")]
    for end in (watch.heard, watch.patience, lambda: watch.candidate(speaking=True)):
        watch.asked()
        end()
        assert verdicts(watch, time, 20) == []


def test_a_cough_is_no_answer(time):
    """M6: what lasts less than a word is followed by nothing."""
    watch = GeminiWatch(time)
    watch.candidate(speaking=False, lasted_ms=400)

    assert verdicts(watch, time, 20) == []


def test_nothing_is_owed_while_the_interviewer_speaks(time):
    """A typed answer during a question is waited for once the question is over."""
    watch = GeminiWatch(time)
    watch.asked()

    assert verdicts(watch, time, 8, speaks=True) == []


def test_time_to_think_is_not_nudged(time):
    """M6: after "let me think" nothing is owed, even where the end of that speech is noticed after its words; the next answer is waited for again."""
    watch = GeminiWatch(time)
    watch.candidate(speaking=True)
    watch.patience()
    watch.candidate(speaking=False, lasted_ms=2_000)

    assert verdicts(watch, time, 30) == []
    watch.candidate(speaking=True)
    watch.candidate(speaking=False, lasted_ms=2_000)
    assert "NUDGE" in [name for _, name in verdicts(watch, time, 8)]
