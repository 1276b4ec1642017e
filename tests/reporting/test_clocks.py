"""Time, pace, fillers and pauses from our own clocks and words (R-079, M12, C-24)."""

from dataclasses import replace

import pytest

from bridge.domain.events import Speaker, TurnSource
from reporting.clocks import Pause, fillers, measure, pace, speaking_seconds

from ..samples import QUESTIONS
from .samples import Play, played


def measured(play: Play):
    """The clocks of a played interview."""
    return measure(play.questions, play.turns, play.segments, play.events)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ({"um": 1, "uh": 1, "basically": 1}, "Um, so uh it is basically a queue"),
        ({"you know": 1}, "It is, you know, a queue"),
        ({}, "Do you know that? As you know, it would let you know."),
        ({"i mean": 1}, "I mean it is fast"),
        ({}, "What I mean is fast"),
        ({"like": 1}, "It is, like, fast"),
        ({"like": 1}, "and so like we add a queue"),
        ({"um": 1, "like": 1}, "um like a queue"),
        ({}, "A queue is like a line. I like it. Things like view counts, like this one."),
        ({"kind of": 1}, "It kind of works"),
        ({}, "This kind of queue and that sort of list"),
        ({}, ""),
    ],
)
def test_fillers_are_counted_only_where_they_are_fillers(expected, text):
    """M12: filler words from our own words; "like" only where nothing else makes sense."""
    assert expected == dict(fillers(text))


def test_time_of_a_question_runs_from_asking_to_leaving():
    """C-43: time against the minutes a question was given."""
    play = Play().ask(1).answer(1, "A cache.", seconds=108).leave(1).ask(2).answer(2, "Shards.", seconds=20).end()

    first, second, third = measured(play).questions

    assert (first.seconds, first.target_seconds, first.share) == (115.0, 240, 0.48)
    assert (second.seconds, second.speaking_seconds, second.response_seconds) == (27.0, 20.0, 2.0)
    assert (third.seconds, third.share, third.words) == (None, None, 0)


def test_pace_and_talk_share():
    """B.1: pace in words a minute, talk share of all speech."""
    clocks = measured(Play().ask(1, seconds=10).answer(1, "word " * 70, seconds=30).leave(1).end())

    assert (clocks.words, clocks.words_per_minute, clocks.talk_share) == (70, 140, 0.75)
    assert (clocks.candidate_seconds, clocks.interviewer_seconds, clocks.interview_seconds) == (30.0, 10.0, 42.0)


def test_typed_answers_have_no_pace():
    """C-24: what is unknown is null, never a guess."""
    clocks = measured(Play().ask(1).answer(1, "Um, a cache and " * 20, seconds=60, source=TurnSource.TYPED).end())

    assert (clocks.words_per_minute, clocks.fillers_per_minute, clocks.talk_share, clocks.response_seconds) == (None,) * 4
    assert clocks.words == 80
    assert clocks.questions[0].speaking_seconds is None


def test_too_little_speech_has_no_pace():
    """C-24: three words say nothing about pace."""
    clocks = measured(Play().ask(1).answer(1, "A cache, um.", seconds=2).end())

    assert (clocks.words_per_minute, clocks.fillers_per_minute) == (None, None)


def test_long_pauses_are_silences_inside_an_answer():
    """M6: from the end of one turn to the next, the interviewer not speaking."""
    play = Play().ask(1).answer(1, "First.").answer(1, "Second.", wait=6).answer(1, "Third.", wait=3.9)
    play.ask(1, follow_up="More?").answer(1, "Fourth.", wait=9).end()

    assert (Pause("q1", 17_000, 6.0),) == measured(play).pauses


def test_response_time_starts_when_the_interviewer_stops():
    """M6: latency of the candidate, median over questions and follow-ups; speaking over the question counts as none."""
    play = Play().ask(1, seconds=4).answer(1, "One.", wait=3).ask(1, follow_up="More?", seconds=4).answer(1, "Two.", wait=5)
    play.leave(1).ask(2, seconds=4).answer(2, "Three.", wait=-1).end()

    clocks = measured(play)

    assert clocks.response_seconds == 3.0
    assert [clock.response_seconds for clock in clocks.questions] == [3.0, 0.0, None]


def test_overlapping_turns_are_not_counted_twice():
    """Speech time is the union of the turns."""
    first, second = Play().ask(1).answer(1, "a").answer(1, "b").turns[1:]
    second = replace(second, start_ms=first.start_ms + 5_000, end_ms=first.end_ms + 1_000)

    assert speaking_seconds([second, first]) == 11.0
    assert pace([first, second]) is None


def test_an_empty_interview_has_no_numbers():
    """Nothing is known, nothing is said."""
    clocks = measure(QUESTIONS, [], [], [])

    assert clocks.interview_seconds is clocks.candidate_seconds is clocks.talk_share is clocks.response_seconds is None
    assert [clock.seconds for clock in clocks.questions] == [None, None, None]


def test_only_the_candidates_words_count():
    """The interviewer's um is not the candidate's."""
    play = played("A cache " * 20)
    turns = [replace(t, text="um " * 50) if t.speaker is Speaker.INTERVIEWER else t for t in play.turns]

    assert measure(play.questions, turns, play.segments, play.events).fillers == {}
