"""What the vendor's transcript adds to ours: words that ours lacks, once, and nothing else (C-22, C-23)."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.events import Speaker
from bridge.domain.merging import missing
from bridge.domain.upstream import HeardTurn

ANSWER = "I would put a cache in front of the database and shard it by a hash of the user id."
MORE = "Then I would measure how often it misses, and only add replicas where reads really hurt."
WORDS = [
    "cache",
    "shard",
    "hash",
    "key",
    "reads",
    "writes",
    "replica",
    "queue",
    "index",
    "leader",
    "quorum",
    "latency",
    "retry",
    "batch",
    "stream",
]


def heard(text: str, start_ms: int = 0, end_ms: int = 1_000, speaker: Speaker = Speaker.CANDIDATE) -> HeardTurn:
    """One of the vendor's turns."""
    return HeardTurn(speaker, text, start_ms, end_ms)


def test_the_same_words_cut_otherwise_add_nothing():
    """C-22: finals come in other pieces than the account's turns."""
    ours = ["I would put a cache in front", "of the database and", "shard it by a hash of the user id.", MORE]

    assert missing(ours, [heard(f"{ANSWER} {MORE}")]) == []
    assert missing([f"{ANSWER} {MORE}"], [heard(ANSWER), heard(MORE)]) == []


def test_words_heard_otherwise_add_nothing():
    """C-22: recognised a second time, speech comes out a little different."""
    ours = ["I'd put cash in front of the database and chart it by the hash of a user I D, uh."]

    assert missing(ours, [heard(ANSWER)]) == []


def test_a_turn_that_ours_lacks_is_given_whole_with_its_times():
    """C-23: the line broke before the second answer was written down."""
    assert missing([ANSWER], [heard(ANSWER, 0, 6_000), heard(MORE, 7_000, 12_000)]) == [heard(MORE, 7_000, 12_000)]
    assert missing([MORE], [heard(ANSWER, 0, 6_000), heard(MORE, 7_000, 12_000)]) == [heard(ANSWER, 0, 6_000)]


def test_of_a_turn_only_the_lacking_part_is_given():
    """C-23: the last words before the line broke stand behind words we have, in one turn of the vendor's."""
    (part,) = missing([ANSWER], [heard(f"{ANSWER} {MORE}", 10_000, 20_000)])

    assert part.text == MORE
    assert 14_000 < part.start_ms < 16_000
    assert part.end_ms == 20_000


def test_a_short_answer_between_others_is_given_and_a_filler_is_not():
    """C-22: "Yes." is an answer where ours has nothing; an "um" inside a sentence is noise."""
    theirs = [heard(ANSWER, 0, 1), heard("Yes, exactly.", 5, 6), heard(MORE, 8, 9)]

    assert missing([ANSWER, MORE], theirs) == [heard("Yes, exactly.", 5, 6)]
    assert missing([ANSWER, MORE], [heard(ANSWER.replace("cache", "um cache")), heard(MORE)]) == []


def test_without_any_words_of_ours_all_of_the_candidates_are_given():
    """Only the vendor heard the call; the interviewer's lines are never taken from there."""
    theirs = [heard("Hello!", speaker=Speaker.INTERVIEWER), heard("Hi."), heard("…"), heard(ANSWER)]

    assert missing([], theirs) == [heard("Hi."), heard(ANSWER)]
    assert missing([ANSWER], []) == []


@settings(max_examples=60, deadline=None)
@given(
    answers=st.lists(st.lists(st.sampled_from(WORDS), min_size=5, max_size=14), min_size=2, max_size=7),
    lost=st.integers(0, 6),
    seed=st.integers(0, 2**16),
)
def test_what_was_lost_comes_back_once(answers: list[list[str]], lost: int, seed: int):
    """Whatever is lost, after one merge a second one adds nothing, and no more words are added than were lost (give or take an anchor)."""
    rng = random.Random(seed)
    texts = [" ".join(f"{word}{n}{rng.randrange(3)}" for word in answer) for n, answer in enumerate(answers)]
    lost %= len(texts)
    ours = [text for n, text in enumerate(texts) if n != lost]
    theirs = [heard(text, n * 1_000, n * 1_000 + 900) for n, text in enumerate(texts)]

    lacking = missing(ours, theirs)

    assert [turn.text for turn in lacking] == [texts[lost]]
    merged = [*ours[:lost], *(turn.text for turn in lacking), *ours[lost:]]
    assert missing(merged, theirs) == []


def test_an_interview_is_merged_in_a_moment():
    """Two voices of a whole interview: one in six words heard otherwise, three minutes lost."""
    rng = random.Random(7)
    common = ["the", "a", "to", "i", "would", "and", "of", "it", "is", "that"] * 20 + [f"word{n}" for n in range(800)]
    texts = [" ".join(rng.choice(common) for _ in range(30)) for _ in range(120)]
    noisy = [" ".join(w if rng.random() > 0.16 else f"x{w}" for w in text.split()) for text in texts]
    lost = set(range(50, 62))

    lacking = missing([text for n, text in enumerate(noisy) if n not in lost], [heard(text) for text in texts])

    # A stretch of noise at either edge may be counted in or out.
    assert {n for n, text in enumerate(texts) if any(turn.text == text for turn in lacking)} >= set(range(51, 61))
    assert sum(len(turn.text.split()) for turn in lacking) < 14 * 30
