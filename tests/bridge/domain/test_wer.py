"""Word error rate: what is folded away and what counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.wer import spell, word_error_rate, words


@pytest.mark.parametrize(
    ("said", "heard", "rate"),
    [
        ("We use a hash map.", "we use a hash map", 0.0),
        ("It's O(log n), isn\u2019t it?", "it's o log n isn't it", 0.0),
        ("a b c d", "a x c d", 0.25),
        ("a b c d", "a c d", 0.25),
        ("a b c d", "a b x c d", 0.25),
        ("a", "x y z", 3.0),
        ("", "", 0.0),
        ("...", "something", 1.0),
        ("something", "", 1.0),
    ],
)
def test_rate_is_edits_per_word_said(said, heard, rate):
    """Replacing, leaving out and inserting a word cost one each; case and punctuation cost nothing."""
    assert rate == word_error_rate(said, heard)


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("30 requests", "thirty requests"),
        ("1,250 users", "one thousand two hundred fifty users"),
        ("200ms", "two hundred ms"),
        ("99.95% of calls", "ninety nine point nine five percent of calls"),
        ("the 99th and the 20th", "the ninety ninth and the twentieth"),
        ("the 12th of 40 shards", "the twelfth of forty shards"),
        ("R&D", "r and d"),
    ],
)
def test_numbers_are_compared_as_spoken(digits, spoken):
    """A recogniser writes numbers out, a model answer does not."""
    assert words(spoken) == words(digits)


@given(st.integers(min_value=0, max_value=10**12 - 1))
def test_every_number_is_spelt_in_letters(number):
    """No number below a million million is left in digits, and none is spelt as nothing."""
    spelt = spell(number)

    assert spelt
    assert all(word.isalpha() for word in spelt)


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd"), min_size=1))
def test_rate_is_zero_only_for_the_same_words(heard, said):
    """Identity, and the bounds: at least the difference in length, at most the longer of the two."""
    rate = word_error_rate(" ".join(said), " ".join(heard))

    assert (rate == 0) is (said == heard)
    assert abs(len(said) - len(heard)) <= rate * len(said) + 1e-9
    assert rate * len(said) <= max(len(said), len(heard)) + 1e-9
