"""Hints of study mode, over every question of the bank (M12, R-020, A9)."""

import re
from dataclasses import replace

import pytest

from bridge.bank import load
from bridge.domain.agenda import Agenda
from bridge.domain.catalog import DIFFICULTIES, Difficulty, InterviewType
from bridge.domain.events import CursorMoved, HintGiven
from bridge.domain.hints import allowance
from bridge.domain.questions import FollowUp
from bridge.domain.setup import InterviewSetup, Mode

from ...samples import QUESTIONS, SETUP, asked, said


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def hints_of(agenda: Agenda, question) -> list[HintGiven]:
    """All it gives, one after the other."""
    found = []
    while (hint := agenda.hint(question)) is not None:
        event = HintGiven(at_ms=1, question_id=question.id, n=len(found) + 1, of=9, text=hint.text, about=hint.about)
        agenda.apply(event)
        found.append(event)
    return found


@pytest.mark.parametrize("difficulty", list(Difficulty))
def test_their_number_is_the_difficultys_and_none_in_a_real_interview(difficulty):
    """R-020: as the table says; real mode, the default, has none."""
    study = InterviewSetup(InterviewType.DSA, difficulty, 20, mode=Mode.STUDY)

    assert allowance(study) == DIFFICULTIES[difficulty].hints
    assert allowance(replace(study, mode=Mode.REAL)) == 0
    assert InterviewSetup(InterviewType.DSA, difficulty, 20).mode is Mode.REAL


@pytest.mark.parametrize("type_", list(InterviewType))
@pytest.mark.parametrize("difficulty", [Difficulty.EASY, Difficulty.MEDIUM])
def test_no_hint_of_the_bank_says_a_key_point(type_, difficulty):
    """A9: every question gives as many hints as it may, all different, and none has a key point's text in it."""
    setup = InterviewSetup(type_, difficulty, 20, mode=Mode.STUDY)
    for question in load(type_):
        given = hints_of(
            Agenda(setup, [question], [CursorMoved(at_ms=0, from_id=None, to_id=question.id, reason="opening")]), question
        )

        assert len({hint.text for hint in given}) == len(given) == DIFFICULTIES[difficulty].hints, question.id
        for hint in given:
            assert not any(words(point.text) in words(hint.text) for point in question.key_points), (question.id, hint.text)


SPREAD = "And when one machine is not enough?"
ASKED = (replace(QUESTIONS[0], follow_ups=(QUESTIONS[0].follow_ups[0], FollowUp(SPREAD, "k2"))), *QUESTIONS[1:])
TELLING = QUESTIONS[0].follow_ups[1].text
"""It has nearly all words of its key point."""


def agenda_of(difficulty: Difficulty = Difficulty.EASY, questions=ASKED) -> Agenda:
    setup = replace(SETUP, difficulty=difficulty, mode=Mode.STUDY)
    return Agenda(setup, questions, [CursorMoved(at_ms=0, from_id=None, to_id="q1", reason="opening"), asked(1, 1_000)])


def test_the_last_hint_leads_to_what_was_not_heard_yet():
    """M12: first where to look, then the question that leads to the first point still open."""
    agenda = agenda_of()
    agenda.apply(said("I would put a cache in front.", 2_000, 3_000))

    where, leading = hints_of(agenda, ASKED[0])

    assert where.about is None
    assert "Caching" in where.text
    assert (leading.about, leading.text) == ("k2", SPREAD)


def test_what_was_a_hint_is_not_asked_again():
    """R-047: a follow-up given as a hint is not asked as a follow-up after it."""
    agenda = agenda_of(Difficulty.MEDIUM)
    (given,) = hints_of(agenda, ASKED[0])
    decision = agenda.decide("q1", 3_000)

    assert given.text == "What sits in front of the database?"
    assert decision.follow_up is not None
    assert decision.follow_up.text != given.text


def test_a_prepared_question_that_tells_too_much_is_no_hint():
    """A9: a hint is checked as a model's follow-up is, wherever it comes from."""
    agenda = agenda_of(questions=QUESTIONS)
    agenda.apply(said("I would put a cache in front.", 2_000, 3_000))

    assert TELLING not in [hint.text for hint in hints_of(agenda, QUESTIONS[0])]
