"""The prompt that judges an answer while it is being given, and prepares the next follow-up (R-047). Read next: `bridge.usecases.directing`."""

from __future__ import annotations

from collections.abc import Collection

from ..domain.question_checks import MAX_FOLLOW_UP
from ..domain.questions import KeyPoint, Question
from ..domain.setup import LANGUAGES, InterviewSetup
from . import Prompt, data_block, fill

VERSION = 1
MOST_FOLLOW_UPS = 4
"""The candidate goes on speaking: what is missing now may be said before anybody asks."""
MAX_ANSWER = 6_000
"""Characters of an answer that are sent: its end, where it is longer."""


def judge(
    setup: InterviewSetup, question: Question, answer: str, asked: Collection[str], open_points: Collection[KeyPoint]
) -> Prompt:
    """Judge `answer` by the key points that code has not heard in it; `asked` are the texts of this question's follow-ups so far."""
    ids = {point.id for point in open_points}
    system = fill("director", most=MOST_FOLLOW_UPS, max_follow_up=MAX_FOLLOW_UP, language=LANGUAGES[setup.language].english_name)
    blocks = [
        data_block("question", question.text),
        data_block("key_points", [{"id": point.id, "text": point.text} for point in open_points]),
        data_block(
            "prepared_follow_ups", [{"about": each.about, "text": each.text} for each in question.follow_ups if each.about in ids]
        ),
        data_block("asked_already", list(asked)),
        data_block("answer_so_far", answer[-MAX_ANSWER:]),
    ]
    return Prompt(f"director.{VERSION}", system, "\n".join(blocks))
