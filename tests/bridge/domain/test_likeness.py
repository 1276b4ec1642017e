"""When two words are one (R-071)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.likeness import alike, distance, initials, root, sound

letters = st.text("abcdeghistrz", max_size=9)


@pytest.mark.parametrize(
    ("heard", "wanted"),
    [
        ("caches", "cache"),
        ("catching", "caching"),
        ("cue", "queue"),
        ("jason", "json"),
        ("optimise", "optimize"),
        ("behaviour", "behavior"),
        ("modeling", "modelling"),
        ("dependency", "dependent"),
        ("vertices", "vertex"),
        ("3", "three"),
        ("partision", "partition"),
        ("memoisation", "memoization"),
        ("throtling", "throttling"),
    ],
)
def test_alike(heard, wanted):
    """The same word in another form, another spelling, or nearly heard."""
    assert alike(heard, wanted)
    assert set(initials(heard)) & set(initials(wanted))


@pytest.mark.parametrize(
    ("heard", "wanted"),
    [
        ("later", "layer"),
        ("there", "three"),
        ("small", "smaller"),
        ("state", "stage"),
        ("service", "server"),
        ("cats", "cache"),
        ("i", "index"),
    ],
)
def test_not_alike(heard, wanted):
    """Everyday words and short words stay themselves."""
    assert not alike(heard, wanted)


@pytest.mark.parametrize(
    ("expected", "word"),
    [
        ("ATMPTNT", "idempotent"),
        ("ATM", "item"),
        ("PTNT", "potent"),
        ("FNTM", "phantom"),
        ("NT", "knight"),
        ("PJ", "page"),
        ("KJ", "catch"),
    ],
)
def test_sounds(expected, word):
    """Consonants as one hears them; voiced and unvoiced alike, a leading vowel kept."""
    assert sound(word) == expected


@given(letters, letters, st.integers(0, 4))
def test_distance_is_bounded_and_symmetric(a, b, limit):
    """0 for equal words only; never more than one over the limit."""
    d = distance(a, b, limit)

    assert d == distance(b, a, limit)
    assert 0 <= d <= limit + 1
    assert (d == 0) is (a == b)
    assert distance(a, b, 20) <= max(len(a), len(b))


def test_a_swap_is_one_edit():
    """Two neighbouring letters swapped are one slip."""
    assert distance("teh", "the", 2) == 1


@given(letters)
def test_a_word_is_alike_itself(word):
    """Whatever the rules do, they do alike to both."""
    assert alike(word, word)
    assert root(word) == root(word)
    assert initials(word)[:1] == word[:1]
