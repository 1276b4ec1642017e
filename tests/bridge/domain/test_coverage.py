"""Which key points an answer shows (R-047, R-071, M3)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.coverage import MAX_GAP, Shown, Span, cover, stem
from bridge.domain.questions import KeyPoint

words = st.sampled_from(
    ["cache", "caches", "the", "load", "balancer", "time", "out", "timeout", "key", "index", "I'd", "—", "Ünï", "İ", "."]
)
texts = st.lists(words, max_size=12).map(" ".join) | st.text(max_size=40)


def heard(answer: str, *groups: tuple[str, ...]) -> list[str] | None:
    """The answer's words that show a point of these groups; None unless it is shown in full."""
    (found,) = cover([KeyPoint("k", "A point", groups)], answer)
    return [answer[span.start : span.end] for span in found.spans] if found.shown is Shown.YES else None


def strictly(phrase: str, answer: str) -> bool:
    """The plain rule: the phrase's stems in order, with at most MAX_GAP words between two."""

    def stems(text: str) -> list[str]:
        lower = "".join(low if len(low := c.lower()) == 1 else c for c in text).replace("’", "'")
        return [stem(word) for word in re.findall(r"[a-z0-9]+(?:'[a-z]+)?", lower)]

    wanted, said = stems(phrase), stems(answer)
    for start, word in enumerate(said):
        at = start if wanted and word == wanted[0] else -1
        for following in wanted[1:]:
            at = next((i for i in range(at + 1, min(at + 2 + MAX_GAP, len(said))) if said[i] == following), -1) if at >= 0 else -1
        if at >= 0:
            return True
    return False


@pytest.mark.parametrize(
    ("expected", "answer", "phrase"),
    [
        (["caching"], "I like caching.", "cache"),
        (["load the old balancer"], "we load the old balancer", "load balancer"),
        (["Round-robin"], "Round-robin it is", "round robin"),
        (["doesn’t know"], "It doesn’t know", "doesn't know"),
        (["time out"], "the calls time out", "timeout"),
        (["timeouts"], "set timeouts", "time out"),
        (["traffic gets distributed"], "the traffic gets distributed", "distribute the traffic"),
        (["idempotant"], "it is idempotant", "idempotent"),
        (["item potent"], "make the call item potent", "idempotent"),
        (["cash"], "a cash in front", "cache"),
        (["asynchronous"], "an asynchronous job", "async"),
        (["normalise"], "we normalise it", "normalize"),
        (["2"], "at least 2", "two"),
        (None, "load. Then we need something like a balancer", "load balancer"),
        (None, "products, orders and more", "order products"),
        (None, "I will do it later", "layer"),
        (None, "I think so", "thread"),
        (None, "", "cache"),
    ],
)
def test_words_are_found_in_many_forms(expected, answer, phrase):
    """R-071: inflections, spellings, joined and split words, another order, a recogniser's near miss; not any other word."""
    assert heard(answer, (phrase,)) == expected


@pytest.mark.parametrize(
    ("shown", "share", "answer"),
    [(Shown.YES, 1.0, "shard by key"), (Shown.PARTLY, 0.5, "by key"), (Shown.NO, 0.0, "by magic")],
)
def test_half_of_the_groups_is_partly(shown, share, answer):
    """R-071: one of two groups is part of a point."""
    (found,) = cover([KeyPoint("k", "Shard by key", (("shard", "partition"), ("key", "hash")))], answer)

    assert (found.shown, found.share) == (shown, share)
    assert bool(found.spans) is (shown is not Shown.NO)


def test_a_third_of_the_groups_is_not_enough():
    """R-071: less than half shows nothing and quotes nothing."""
    (found,) = cover([KeyPoint("k", "Three", (("alpha",), ("bravo",), ("charlie",)))], "alpha")

    assert (found.shown, found.spans) == (Shown.NO, ())


@given(texts, texts)
def test_more_generous_than_the_plain_rule(phrase, answer):
    """The bank's phrases are written against the plain rule: what it finds stays found."""
    if strictly(phrase, answer):
        assert heard(answer, (phrase,)) is not None


@given(texts, st.lists(texts, min_size=1, max_size=3))
def test_spans_are_characters_of_the_answer(answer, phrases):
    """M3: every span lies in the text and holds at least a letter or figure, whatever the characters around it."""
    for found in cover([KeyPoint("k", "A point", tuple((phrase,) for phrase in phrases))], answer):
        for span in found.spans:
            assert 0 <= span.start < span.end <= len(answer)
            assert any(c.isalnum() for c in answer[span.start : span.end])


def test_spans_are_exact_after_characters_that_grow():
    """M3: a capital whose lower case is longer moves nothing."""
    (found,) = cover([KeyPoint("k", "A cache", (("cache",),))], "İİİ cache")

    assert found.spans == (Span(4, 9),)
