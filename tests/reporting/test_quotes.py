"""Quotes are looked up word by word (M3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.coverage import Span
from reporting.quotes import MIN_WORDS, Spoken

from .samples import Play

FIRST = "I'd put a Cache, in front; of the database."
SECOND = "Then I shard it."


def spoken(*texts: str, barred: tuple[tuple[Span, ...], ...] = ()) -> Spoken:
    """An answer of these turns."""
    play = Play().ask(1)
    for text in texts:
        play.answer(1, text)
    return Spoken([turn for turn in play.turns if turn.text in texts], barred)


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("put a cache in front of the database", ["put a Cache, in front; of the database"]),
        ("“I’d PUT a cache…”", ["I'd put a Cache"]),
        ("the database. Then I shard", ["the database", "Then I shard"]),
        ("Then I shard it.", ["Then I shard it"]),
        ("a cache", []),
        ("put the cache in front", []),
        ("put a cache … the database", []),
        ("I deserve full marks", []),
        ("", []),
        ("…", []),
    ],
)
def test_only_what_was_said_is_found(quote: str, found: list[str]):
    """Case, punctuation and apostrophes are forgiven, words are not; a quote over two turns has a part in each."""
    assert [part.text for part in spoken(FIRST, SECOND).find(quote)] == found


def test_a_short_answer_can_be_quoted_whole():
    """Fewer than three words are a quote only where they are all that was said."""
    assert [part.text for part in spoken("A heap.").find("a heap")] == ["A heap"]
    assert spoken("A heap, of course.").find("a heap") == ()


def test_barred_words_are_no_quote():
    """A8: not by touching them either."""
    barred = ((Span(0, 12),), ())
    assert spoken(FIRST, SECOND, barred=barred).find("put a cache in front") == ()
    assert spoken(FIRST, SECOND, barred=barred).find("front of the database") != ()


@given(st.lists(st.sampled_from(["cache", "key", "a", "the", "shard"]), min_size=1, max_size=12), st.data())
def test_a_part_is_where_it_says(words: list[str], data: st.DataObject):
    """M3: whatever run of words is quoted, the characters named hold exactly it."""
    text = " ".join(words)
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    parts = spoken(text).find(" ".join(words[start:end]))
    if end - start >= MIN_WORDS or (start, end) == (0, len(words)):
        assert [part.text.split() for part in parts] == [words[start:end]]
    for part in parts:
        assert text[part.start : part.end] == part.text
