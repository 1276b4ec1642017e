"""How much of a reference answer another answer says, as one number: for free text without prepared key points.

The share of the reference's telling words that the answer has, in any form or nearly spelled; words that the question already gave away
count half. The square root makes the first ideas count most, as people grade. Nothing is trained. Read next: `likeness`, `coverage`.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from .likeness import alike, stem

_WORD = re.compile(r"[a-z0-9]+")
GIVEN_AWAY = 0.5
"""Weight of a word that the question has itself."""
LIKE_ENOUGH = 0.4
"""Shared letter triples from which a word counts in part."""
EVERYDAY = frozenset(
    """
    a an the of to in is are be been being was were it its this that these those and or for on at by with as from into which what who how
    why when where do does did has have had can could will would should may might not no than then so such there their they them he she you
    your i we our us if but also any all each some more most other one
    """.split()  # noqa: SIM905 - a list of words reads best as words
)


def similarity(question: str, reference_answer: str, answer: str) -> float:
    """0 (nothing in common) to 1 (every telling word of the reference is there)."""
    reference = _telling(reference_answer)
    said = frozenset(_words(answer))
    given = {stem(word) for word in _words(question)}
    weights = {word: GIVEN_AWAY if stem(word) in given else 1.0 for word in reference}
    if not weights or not said:
        return 0.0
    found = sum(weight * _nearest(word, said) for word, weight in weights.items())
    return math.sqrt(found / sum(weights.values()))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _telling(text: str) -> list[str]:
    """The words that say something, once each; all of them when none does."""
    words = list(dict.fromkeys(_words(text)))
    return [word for word in words if word not in EVERYDAY] or words


def _nearest(wanted: str, said: frozenset[str]) -> float:
    """1 for the word in any form, less for one that looks like it, 0 for none."""
    if wanted in said or any(alike(word, wanted) for word in said):
        return 1.0
    mine = _triples(wanted)
    best = max((2 * len(mine & other) / (len(mine) + len(other)) for other in map(_triples, said)), default=0.0)
    return best if best > LIKE_ENOUGH else 0.0


@lru_cache(maxsize=65536)
def _triples(word: str) -> frozenset[str]:
    """Three letters in a row, the ends of the word included."""
    padded = f" {word} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))
