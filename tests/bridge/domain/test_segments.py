"""Turns folded into segments (R-058, C-22)."""

from bridge.domain.events import CursorMoved, InterviewEnded
from bridge.domain.segments import Transcript

from ...samples import QUESTIONS, asked, said


def test_words_begun_before_a_question_was_heard_belong_to_the_one_before():
    """R-058: an answer that runs on after a move stays with its question."""
    transcript = Transcript(QUESTIONS, [asked(1, 1_000), asked(2, 20_000)])

    assert [transcript.owner(at) for at in (0, 1_500, 19_999, 20_000)] == ["q1", "q1", "q1", "q2"]


def test_a_growing_turn_is_one_turn():
    """M1: the same turn id with more text replaces what was there, it never doubles it."""
    transcript = Transcript(QUESTIONS, [asked(1, 1_000)])
    transcript.apply(said("I would", 2_000, 3_000, final=False))
    changed = transcript.apply(said("I would add a cache", 2_000, 5_000))

    assert [segment.answer for segment in changed] == ["I would add a cache"]
    assert len(transcript.turns) == 1


def test_an_answer_that_arrives_late_still_joins_its_question_in_order_of_speech():
    """R-058: recognised late, spoken early."""
    transcript = Transcript(QUESTIONS, [asked(1, 1_000)])
    transcript.apply(said("second", 6_000, 7_000, turn_id="b"))
    transcript.apply(CursorMoved(at_ms=8_000, from_id="q1", to_id="q2", reason="answered"))
    transcript.apply(asked(2, 9_000))
    transcript.apply(said("first", 2_000, 3_000, turn_id="a"))

    segment = transcript.segments["q1"]
    assert (segment.answer, segment.turn_ids, segment.closed) == ("first second", ("a", "b"), True)


def test_follow_ups_and_end_close_what_is_open():
    """C-22: the last question keeps its segment even without a next one."""
    transcript = Transcript(QUESTIONS, [asked(1, 1_000), asked(1, 5_000, 1, "And then?"), asked(1, 6_000, 1, "And then?")])
    closed = transcript.apply(InterviewEnded(at_ms=9_000, reason="time"))

    assert [(s.question_id, s.follow_ups, s.closed) for s in closed] == [("q1", ("And then?",), True)]
