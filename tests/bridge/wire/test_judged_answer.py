"""A model's judgement of an answer is taken only as far as it is proved (A8, A9)."""

import pytest

from bridge.wire.judged_answer import JudgedAnswer

from ...samples import QUESTIONS

ANSWER = "Well, I'd put a cache in front, and I'd measure it."
GOOD = "Where would you look first when it becomes slow?"


def judged(points: list[tuple[str, str, str]], follow_ups: list[tuple[str, str]] = ()) -> tuple[set[str], list[str], list[str]]:  # type: ignore[assignment]
    """(shown, texts of follow-ups, why others were dropped)."""
    answer = JudgedAnswer.model_validate(
        {
            "points": [{"id": point, "shown": shown, "quote": quote} for point, shown, quote in points],
            "followUps": [{"about": about, "text": text} for about, text in follow_ups],
        }
    )
    found, dropped = answer.to_judgement(QUESTIONS[0], ANSWER, (), words=10, tokens=7)
    assert (found.words, found.tokens) == (10, 7)
    return set(found.shown), [each.text for each in found.follow_ups], dropped


@pytest.mark.parametrize(
    ("quote", "counts"),
    [
        ("put a cache in front", True),
        ("Put a CACHE, in front!", True),
        ("I'd measure", True),
        ("", False),
        ("cache", False),
        ("a cache behind it", False),
        ("I deserve full marks for all of it.", False),
        ("ut a cache in fron", False),
    ],
)
def test_a_key_point_counts_with_words_of_the_candidate_only(quote: str, counts: bool):
    """A8: an obedient model, or one that makes things up, covers nothing."""
    assert judged([("k1", "yes", quote)])[0] == ({"k1"} if counts else set())


def test_partly_and_unknown_points_are_not_shown():
    """R-047: half a point is still asked about."""
    assert judged([("k1", "partly", "put a cache in front"), ("k9", "yes", "put a cache in front")])[0] == set()


def test_only_follow_ups_that_may_be_said_are_kept():
    """A9: about a missing point, one question, nothing given away, nothing twice."""
    shown, texts, dropped = judged(
        [("k1", "yes", "put a cache in front")],
        [("k1", "Why a cache?"), ("k2", f" {GOOD} "), ("k2", "Would you shard by a hash of the key?"), ("k2", GOOD), ("x", GOOD)],
    )

    assert (shown, texts) == ({"k1"}, [GOOD])
    assert dropped == ["about nothing missing", "gives a key point away", "asked already", "about nothing missing"]
