"""What the vendor's transcript holds that ours lacks: words said while our process was dead (C-22, C-23). Pure.

Both are the candidate's words, recognised twice: they differ in small ways and are cut into turns differently. So words are aligned, not turns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from .events import Speaker
from .upstream import HeardTurn

KNOWN_SHARE = 0.5
"""A turn of which at least so many words stand in ours, in order, is ours already."""
MIN_WORDS = 3


def missing(ours: Sequence[str], theirs: Sequence[HeardTurn]) -> list[HeardTurn]:
    """The vendor's turns of the candidate that our own words (texts in order of speech) do not hold."""
    have = [word for text in ours for word in _words(text)]
    spoken = [(turn, _words(turn.text)) for turn in theirs if turn.speaker is Speaker.CANDIDATE]
    spoken = [(turn, words) for turn, words in spoken if len(words) >= MIN_WORDS]
    flat = [word for _, words in spoken for word in words]
    matched = [False] * len(flat)
    for block in SequenceMatcher(None, have, flat, autojunk=False).get_matching_blocks():
        matched[block.b : block.b + block.size] = [True] * block.size
    lacking, at = [], 0
    for turn, words in spoken:
        if sum(matched[at : at + len(words)]) < KNOWN_SHARE * len(words):
            lacking.append(turn)
        at += len(words)
    return lacking


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
