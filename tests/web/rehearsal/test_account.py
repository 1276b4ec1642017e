"""Pairs, word error rate and the JSON of a rehearsal, from an account made by hand (R-058, M1)."""

from __future__ import annotations

import json
from io import StringIO

from web.rehearsal.account import Account
from web.rehearsal.candidate import Answer, Asked, Piece
from web.rehearsal.progress import WIDTH, Progress, summary

Q1 = Asked("q1", 1, 2, "What is a promise?")
Q2 = Asked("q2", 2, 2, "What is a closure?")


def account(heard: dict[str, str], *, known: bool = True) -> Account:
    """Two questions, each answered, and what was heard."""
    made = Account(session_id="s1", minutes=5)
    for asked, said in ((Q1, "it is a value that comes later"), (Q2, "it is a function with its scope")):
        made.asked(asked)
        made.answers.append(Answer(asked, (Piece(said if known else ""),), said=said if known else ""))
    made.interview = {
        "segments": [
            {"questionId": key, "n": 1, "answer": text, "turnIds": ["t" + key], "followUps": []} for key, text in heard.items()
        ],
        "transcript": [{"turnId": "t" + key, "text": text} for key, text in heard.items()],
    }
    return made


def test_each_answer_with_its_own_question() -> None:
    """R-058: misheard words are errors, not another answer."""
    told = account({"q1": "it is the value that comes late", "q2": "it is a function with it scope"})

    assert [True, True] == [pair.paired for pair in told.pairs]
    assert told.all_paired
    assert 3 / 14 == told.word_error_rate


def test_swapped_answers_are_noticed() -> None:
    """R-058: each answer stands with the other question."""
    told = account({"q1": "it is a function with its scope", "q2": "it is a value that comes later"})

    assert [False, False] == [pair.paired for pair in told.pairs]
    assert told.all_paired is False


def test_an_answer_that_was_not_heard_is_not_paired() -> None:
    """R-058: silence is no answer."""
    told = account({"q1": "it is a value that comes later"})

    assert [True, False] == [pair.paired for pair in told.pairs]


def test_the_same_words_to_two_questions_are_no_swap() -> None:
    """R-058: a repeated recording is heard a little differently each time, and stands with both questions."""
    told = account({"q1": "it is a value that comes late", "q2": "it is the value that comes later"})
    told.answers[1].said = told.answers[0].said

    assert [True, True] == [pair.paired for pair in told.pairs]


def test_nobody_knows_the_words_of_a_bare_recording() -> None:
    """Unknown is said, not guessed."""
    told = account({"q1": "it is a value", "q2": "it is a function"}, known=False)

    assert (None, None) == (told.word_error_rate, told.all_paired)


def test_an_acknowledged_turn_that_is_gone_is_named() -> None:
    """M1: what was acknowledged must be stored, with at least those words."""
    told = account({"q1": "it is a value that comes later", "q2": "it is a function"})
    told.turn({"turnId": "tq1", "speaker": "candidate", "text": "it is a value", "final": False})
    told.turn({"turnId": "tq2", "speaker": "candidate", "text": "something else", "final": True})
    told.typed_acks.append(("t9", "typed"))

    assert ["tq2", "t9"] == told.lost


def test_the_json_is_whole_without_a_report() -> None:
    """`--json` prints an object whatever happened."""
    told = json.loads(json.dumps(Account().as_json()))

    assert (False, None, None, [], False) == (told["ok"], told["report"], told["wer"], told["pairs"], told["paired"])


def test_the_summary_fits_eighty_columns() -> None:
    """Score, a line per question, rate and pairing."""
    told = account({"q1": "it is a value that comes later", "q2": "it is a function with its scope"})
    text = "What is a promise, and what would you use it for in a page that loads many things at the same time?"
    told.report = {
        "overallScore": 71,
        "questionAnalysis": [
            {"questionId": "q1", "questionText": text, "userScore": 71, "status": "assessed"},
            {"questionId": "q3", "questionText": text, "userScore": None, "status": "not_reached"},
        ],
    }

    lines = summary(told, None)

    assert max(len(line) for line in lines) <= WIDTH
    assert "  Coverage overall: 71 of 100" in lines
    assert "       – · not_reached · not asked" in lines
    assert "  Word error rate: 0.0%" in lines


class Terminal(StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


EVENTS = (
    ("stage", {"text": "Speaking"}),
    ("question", {"n": 2, "of": 5, "text": "Why?", "followUp": 1}),
    ("clock", {"elapsed": 125, "total": 300}),
    ("interim", {"text": "and then I would take the whole thing apart again " * 3}),
    ("turn", {"turnId": "t1", "speaker": "candidate", "text": "word " * 40, "final": False}),
    ("turn", {"turnId": "t1", "speaker": "candidate", "text": "word " * 40, "final": True}),
)


def test_a_terminal_gets_a_bar_of_at_most_eighty_columns() -> None:
    """Progress and transcript, plain ANSI."""
    out = Terminal()
    progress = Progress(out)
    for kind, data in EVENTS:
        progress(kind, data)
    progress.close()

    drawn = [part for line in out.getvalue().split("\n") for part in line.split("\r\x1b[2K")]
    assert max(len(part) for part in drawn) <= WIDTH
    assert any(part.startswith("[######----------] 2:05/5:00  question 2 of 5, follow-up  Speaking") for part in drawn)


def test_a_pipe_gets_lines_only() -> None:
    """No escapes, each turn once, when it is final."""
    out = StringIO()
    progress = Progress(out)
    for kind, data in EVENTS:
        progress(kind, data)
    progress.close()

    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()
    assert 1 == out.getvalue().count("You: ")
