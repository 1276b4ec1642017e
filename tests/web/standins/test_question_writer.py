"""The stand-in's questions are such as a good model writes: every one would be asked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.question_checks import faults, tidy
from bridge.domain.question_plan import plan
from bridge.domain.setup import InterviewSetup
from bridge.prompts import questions
from bridge.wire.written_questions import WrittenQuestions
from web.standins import question_writer


@dataclass
class Prompted:
    """A request."""

    prompt: str


@pytest.mark.parametrize("interview_type", list(InterviewType))
@pytest.mark.parametrize("difficulty", list(Difficulty))
def test_every_place_gets_a_question_that_passes(interview_type: InterviewType, difficulty: Difficulty):
    """For PrepKit's own prompt, whatever the choice; the same prompt gives the same questions."""
    setup = InterviewSetup(interview_type, difficulty, 30, other_areas=("Something of my own",), focus_areas=())
    slots = plan(setup, 4)
    prompt = Prompted(questions.write(setup, slots, slots, []).user)
    answer = WrittenQuestions.model_validate_json(question_writer.write(prompt))
    made = [q.to_question("x", interview_type, difficulty, rating=5, lesson="1.1") for q in answer.questions]

    assert [slot.number for slot in slots] == [q.number for q in answer.questions]
    assert [[]] * 4 == [faults(tidy(question), slot) for question, slot in zip(made, slots, strict=True)]
    assert len({question.text for question in made}) == 4
    assert question_writer.write(prompt) == question_writer.write(prompt)


def test_another_prompt_has_no_places():
    """Nothing is invented for what it does not know."""
    assert '{"questions": []}' == question_writer.write(Prompted("Write exactly 2 questions, please."))
