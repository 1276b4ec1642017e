"""Requests in passing (M6)."""

import pytest

from bridge.domain.intents import Intent, asks_for_time, intent_of


@pytest.mark.parametrize(
    ("utterance", "expected"),
    [
        ("Could you repeat the question, please?", Intent.REPEAT),
        ("next question", Intent.NEXT),
        ("That's my answer.", Intent.DONE),
        ("Let me think about that for a second", Intent.THINKING),
        ("hmm", Intent.THINKING),
        ("I don't know", Intent.UNKNOWN),
        ("A hash map gives constant time look-up", None),
        ("Let me think, I would start with a load balancer and then put several servers behind it with a cache", None),
        ("", None),
    ],
)
def test_intents(utterance, expected):
    """Short requests are heard as such; anything longer is an answer."""
    assert expected == intent_of(utterance)


@pytest.mark.parametrize(
    "utterance",
    [
        "Let me think.",
        "Let me think about that for a second",
        "Okay, so that's a good question, let me think about that for a moment.",
        "I would put a cache in front of the database. Let me think.",
        "i would put a cache in front of the database and then shard it by user id let me think about it um",
        "Good question. Give me a moment to think, please.",
        "Can I have a minute to gather my thoughts?",
        "I’m still thinking",
        "I'd like to take a moment",
        "I don't know, let me think",
        "And the queue absorbs the peak. One second.",
        "Hang on.",
        "Bear with me.",
        "Let me see",
        "hmm",
    ],
)
def test_a_request_for_time_is_heard(utterance):
    """M6: alone, behind an answer with and without punctuation, and behind "I don't know"."""
    assert asks_for_time(utterance)


@pytest.mark.parametrize(
    "utterance",
    [
        "I think we should use a queue",
        "I think so",
        "Thinking about it, a tree is better",
        "Let me think about sharding: first we split the keys",
        "Let me think, I would start with a load balancer and then put several servers behind it with a cache",
        "I have to think about failure modes like a lost node",
        "We just retry every second",
        "I need to process each event within a second",
        "The lock is held for a moment",
        "The timeout is one minute",
        "Each worker may wait a second",
        "That would give me a second",
        "So what I mean is that it scales. Okay.",
        "that lets me see the trend",
        "Could you repeat that, please? Let me think",
        "Next question, please",
        "yes",
        "",
    ],
)
def test_what_only_sounds_like_it_is_an_answer(utterance):
    """M6: thinking, seconds and moments are what answers are about, too."""
    assert not asks_for_time(utterance)
