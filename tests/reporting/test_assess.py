"""Statuses, quotes and areas (R-071, M3, C-60)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.coverage import Shown, Span
from reporting.assess import areas, assess, find, widened
from reporting.scoring import Status

from ..samples import QUESTIONS
from .samples import FULL, HALF, Play, played

text = st.text(st.characters(codec="utf-8"), max_size=80) | st.lists(
    st.sampled_from(["cache", "Shard", "hash", "key,", "um", "and", "partitions.", "İ", "ﬁ", "—", "\n"]), max_size=30
).map(" ".join)


def assessed(play: Play):
    """The assessments of a played interview."""
    return assess(play.questions, play.turns, play.segments, play.events)


def test_an_answer_is_scored_by_its_points():
    """R-071: the score of a question from its key points."""
    assert [(a.status, a.score) for a in assessed(played(FULL, HALF, "No idea at all, honestly, I would ask a colleague."))] == [
        (Status.ASSESSED, 100),
        (Status.ASSESSED, 75),
        (Status.ASSESSED, 0),
    ]


@pytest.mark.parametrize("silence", [None, "Um, uh.", "Could you repeat the question?", "Let me think for a second."])
def test_silence_is_not_zero(silence):
    """An asked question without an answer is not assessed, never 0."""
    assert (assessed(played(silence))[0].status, assessed(played(silence))[0].score) == (Status.UNANSWERED, None)


@pytest.mark.parametrize(
    ("words", "reason"), [(None, "skipped"), ("Next question, please.", "answered"), ("Skip this.", "skipped")]
)
def test_a_skipped_question_is_its_own_status(words, reason):
    """A wish to move on is not an answer."""
    play = Play().ask(1)
    play = play.answer(1, words) if words else play

    assert assessed(play.leave(1, reason).end())[0].status is Status.SKIPPED


def test_a_covered_answer_counts_however_it_ended():
    """A short answer that shows a point is assessed even when the candidate then skips."""
    assert assessed(Play().ask(1).answer(1, "A cache, next question.").leave(1, "skipped").end())[0].score == 50


def test_a_question_never_asked_is_not_reached():
    """R-070: what was not reached has no score."""
    assert [a.status for a in assessed(played(FULL))] == [Status.ASSESSED, Status.NOT_REACHED, Status.NOT_REACHED]


def test_quotes_are_the_clause_with_its_hits():
    """M3: a claim is quoted from the turn, with the matching words marked."""
    play = Play().ask(1).answer(1, "Well. In front I put a cache, so reads are fast. That is it.").end()

    quote = assessed(play)[0].findings[0].quotes[0]

    assert quote.text == "In front I put a cache, so reads are fast"
    assert [play.turns[1].text[hit.start : hit.end] for hit in quote.hits] == ["cache"]


def test_a_phrase_over_two_turns_is_quoted_from_both():
    """M3: each quote lies in one turn."""
    question = replace(
        QUESTIONS[0], key_points=(replace(QUESTIONS[0].key_points[0], shows=(("load balancer", "balancer load"),)),)
    )
    play = Play((question,)).ask(1).answer(1, "I want a load").answer(1, "balancer there.").end()

    quotes = assessed(play)[0].findings[0].quotes

    assert [(quote.turn_id, quote.text) for quote in quotes] == [("t2", "I want a load"), ("t3", "balancer there")]


@given(st.lists(text, min_size=1, max_size=5))
def test_every_quote_is_in_its_turn(answers):
    """M3: turn.text[start:end] is the quote, whatever was said; a point that counts has one."""
    play = Play().ask(1)
    for answer in answers:
        play.answer(1, answer)
    turns = {turn.id: turn for turn in play.turns}
    own = [turn for turn in turns.values() if turn.id != "t1"]

    for finding in find(QUESTIONS[0].key_points, own):
        assert bool(finding.quotes) is (finding.shown is not Shown.NO)
        for quote in finding.quotes:
            assert turns[quote.turn_id].text[quote.start : quote.end] == quote.text != ""
            assert all(quote.start <= hit.start < hit.end <= quote.end for hit in quote.hits)
            assert turns[quote.turn_id].start_ms <= quote.at_ms <= turns[quote.turn_id].end_ms


@given(st.text(st.characters(codec="ascii"), min_size=1, max_size=300), st.data())
def test_a_widened_quote_holds_its_hit(said, data):
    """M3: never outside the text, never smaller than the hit."""
    start = data.draw(st.integers(0, len(said) - 1))
    end = data.draw(st.integers(start + 1, len(said)))

    wide = widened(said, Span(start, end))

    assert 0 <= wide.start <= start < end <= wide.end <= len(said)


def test_areas_leave_out_what_was_not_assessed():
    """R-079: an area's score is over its assessed questions only."""
    questions = (QUESTIONS[0], replace(QUESTIONS[1], focus_area="scalability"), QUESTIONS[2])

    first, second = areas(assessed(played(HALF, None, FULL, questions=questions)))

    assert (first.slug, first.score, first.count(Shown.YES)) == ("caching", 88, 3)
    assert (second.slug, second.score, second.count(Shown.NO)) == ("scalability", None, 0)
