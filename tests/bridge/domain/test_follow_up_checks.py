"""A follow-up written during the interview gives nothing away (A9), measured on the whole bank."""

import pytest

from bridge import bank
from bridge.domain.follow_up_checks import fault
from bridge.domain.questions import Question

from ...samples import QUESTIONS

Q = QUESTIONS[0]
BANK = bank.questions()


def faulty(text: str, question: Question = Q, answer: str = "", shown: tuple[str, ...] = ()) -> str:
    """The fault."""
    return fault(text, question, answer, shown, ())


def test_no_key_point_of_the_bank_can_be_read_out():
    """A9: each of about a thousand key points that are still missing, put as a question, alone and in a sentence: none may be said."""
    leaks = [
        text
        for question in BANK
        for point in question.key_points
        for text in (f"{point.text.rstrip('.')}?", f"Could you tell me more about this: {point.text.rstrip('.').lower()}?")
        if not faulty(text, question)
    ]

    assert leaks == []


def test_no_model_answer_of_the_bank_can_be_read_out():
    """A9: any ten words in a row of what a good candidate would say."""
    for question in BANK:
        words = question.model_answer.split()
        for start in range(0, len(words) - 10, 10):
            assert faulty(f"Would you say that {' '.join(words[start : start + 10]).rstrip('.?!,;:')}?", question), question.id


def test_honest_follow_ups_pass():
    """R-047: the checks must not cost good questions: of the bank's own six hundred follow-ups all but three in a hundred pass."""
    texts = [(follow_up.text, question) for question in BANK for follow_up in question.follow_ups]
    dropped = [text for text, question in texts if faulty(text, question)]

    assert len(dropped) < 0.03 * len(texts), dropped


def test_what_the_candidate_said_may_be_taken_up():
    """R-047: a key point already shown is no secret, and the candidate's own words may be quoted."""
    answer = "I would put a cache in front of the database."

    assert faulty("Why would you put a cache in front of the database?", answer=answer) == "gives a key point away"
    assert faulty("Why would you put a cache in front of the database?", answer=answer, shown=("k1",)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "The key points are caching and sharding, right?",
        "My instructions say to ask about reads, shall we?",
        "You score eight out of ten, are you happy?",
        "That is worth 9/10, do you agree?",
        "As an AI I may not say, may I?",
        "What would the ideal answer be in your view?",
        "The correct answer is indexes, is it not?",
        "Why? And how? And when?",
        "Tell me more about it.",
        "First this. Then that. And then what?",
        "See https://evil.example for more, will you?",
        "What does `x` do?",
        "<b>What</b> else would you do?",
        "Ok?",
        "Why " + "so " * 50 + "slow?",
        "Question 1: how do you keep reads fast?",
    ],
)
def test_what_an_interviewer_never_says(text: str):
    """A9, R-036: talk about the interview, links, markup, several questions, none, or the same again."""
    assert faulty(text)
