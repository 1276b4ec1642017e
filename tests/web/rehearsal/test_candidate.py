"""What a rehearsing candidate says, and where it goes on after a lost connection (R-018)."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge import bank
from bridge.domain.catalog import InterviewType
from bridge.errors import InvalidInput
from web.rehearsal.candidate import (
    NO_ANSWER,
    NOTHING_MORE,
    PAUSE,
    Answer,
    Asked,
    Piece,
    Prepared,
    Written,
    fitting,
    read_paragraphs,
)
from web.rehearsal.sound import sentences

QUESTION = bank.load(InterviewType.JAVASCRIPT)[0]


def asked(text: str = QUESTION.text, follow_up: int = 0, minutes: float = 0.0) -> Asked:
    """A question as it is put."""
    return Asked(QUESTION.id, 1, 3, text, follow_up, minutes)


async def test_prepared_says_most_at_first_and_the_rest_at_the_follow_up() -> None:
    """R-018: about 60 % of the model answer, then what is left, then that there is no more."""
    candidate = Prepared(None)

    first = await candidate.answer(asked())
    rest = await candidate.answer(asked(QUESTION.follow_ups[0].text, 1))
    more = await candidate.answer(asked(QUESTION.follow_ups[1].text, 2))

    model = " ".join(sentences(QUESTION.model_answer))
    assert model.startswith(first[0].text + " " + rest[0].text)
    assert 0.45 < len(first[0].text) / len(model) < 0.75
    assert more[0].text == NOTHING_MORE or model.endswith(more[0].text)


async def test_prepared_is_brief_where_time_is_short() -> None:
    """R-049: a candidate who minds the clock says less of it."""
    brief = await Prepared(None).answer(asked(minutes=0.5))
    full = await Prepared(None).answer(asked(minutes=5.0))

    assert len(brief[0].text) < len(full[0].text)


async def test_prepared_answers_even_what_it_does_not_know() -> None:
    """A server with another bank still gets an answer."""
    assert (Piece(NO_ANSWER),) == await Prepared(None).answer(asked("What is your favourite colour?"))


async def test_written_repeats_its_last_paragraph() -> None:
    """More questions than paragraphs."""
    candidate = Written(["One.", "Two."], None)

    assert ["One.", "Two.", "Two."] == [(await candidate.answer(asked()))[0].text for _ in range(3)]


@pytest.mark.parametrize(
    ("lengths", "room", "expected"), [([], 5.0, 0), ([10, 10], 3.0, 1), ([10, 10, 10], 19.0, 2), ([5, 5, 5], 100.0, 3)]
)
def test_fitting_comes_nearest(lengths: list[int], room: float, expected: int) -> None:
    """At least one item while there are any."""
    assert expected == fitting(lengths, room)


def spoken(*texts: str) -> Answer:
    """An answer of sentences with 1,000 bytes of audio each."""
    return Answer(asked(), tuple(Piece(text, bytes(1000)) for text in texts))


def test_what_was_said_is_told_by_the_bytes_sent() -> None:
    """Whole sentences, and of the broken one its share in words."""
    answer = spoken("one two three four", "five six seven eight")

    answer.sent(1000 + len(PAUSE) + 500)

    assert "one two three four five six" == answer.said


def test_a_shorter_second_attempt_takes_nothing_back() -> None:
    """What has been said was said."""
    answer = spoken("one two three four")
    answer.sent(1000)

    answer.sent(0)

    assert "one two three four" == answer.said


@pytest.mark.parametrize(("heard", "first"), [(0, 0), (7, 1), (8, 1), (12, 1)])
def test_an_answer_goes_on_with_the_first_sentence_not_heard(heard: int, first: int) -> None:
    """R-051: after a lost connection, words before this answer do not count for it."""
    answer = spoken("a b c d", "e f g h i j k l")
    answer.heard_before = 3

    assert answer.go_on_from(heard)
    assert first == answer.first


def test_an_answer_that_was_heard_whole_is_not_said_again() -> None:
    """R-051: nothing acknowledged is repeated."""
    assert not spoken("a b c d", "e f g h").go_on_from(8)


def test_paragraphs_are_separated_by_blank_lines(tmp_path: Path) -> None:
    """Line ends of any system, whitespace folded."""
    file = tmp_path / "answers.txt"
    file.write_bytes(b"One\r\nline.\r\n\r\n\r\nTwo.\r\n")

    assert ["One line.", "Two."] == read_paragraphs(file)


@pytest.mark.parametrize("content", [b" \n\n", b"\xff\xfe\xff"])
def test_a_useless_text_file_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    """Empty, or no UTF-8."""
    file = tmp_path / "answers.txt"
    file.write_bytes(content)

    with pytest.raises(InvalidInput, match=r"answers\.txt"):
        read_paragraphs(file)
