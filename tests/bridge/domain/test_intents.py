"""Requests in passing (M6)."""

import pytest

from bridge.domain.intents import Intent, intent_of


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
