"""Which key points an answer shows, with the characters that show them. Coverage, not judgement.

Pure text matching: words are folded to lower case and stemmed, phrases match in order with small gaps. Read next: `reporting.scoring`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import snowballstemmer

from .questions import KeyPoint

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_STEMMER = snowballstemmer.stemmer("english")
MAX_GAP = 2
"""Words that may stand between two words of a phrase."""


class Shown(StrEnum):
    """How far an answer shows a key point."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


@dataclass(frozen=True)
class Span:
    """Characters `start` (inclusive) to `end` (exclusive) of the answer text."""

    start: int
    end: int


@dataclass(frozen=True)
class PointCoverage:
    """What was found for one key point."""

    key_point_id: str
    shown: Shown
    share: float
    """0–1: groups heard out of groups asked for."""
    spans: tuple[Span, ...]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The stem of one lower-case word."""
    return str(_STEMMER.stemWord(word))


@dataclass(frozen=True)
class _Token:
    stem: str
    start: int
    end: int


def _tokens(text: str) -> list[_Token]:
    return [_Token(stem(m.group()), m.start(), m.end()) for m in _WORD.finditer(text.lower())]


def _find(phrase: str, tokens: Sequence[_Token]) -> Span | None:
    wanted = [token.stem for token in _tokens(phrase)]
    for start, token in enumerate(tokens):
        if not wanted or token.stem != wanted[0]:
            continue
        at = start
        for word in wanted[1:]:
            window = range(at + 1, min(at + 2 + MAX_GAP, len(tokens)))
            at = next((i for i in window if tokens[i].stem == word), -1)
            if at < 0:
                break
        else:
            return Span(token.start, tokens[at].end)
    return None


def cover(key_points: Sequence[KeyPoint], answer: str) -> tuple[PointCoverage, ...]:
    """Coverage of each key point by `answer`, in the order given."""
    tokens = _tokens(answer)
    found: list[PointCoverage] = []
    for point in key_points:
        spans = [next((s for alt in group if (s := _find(alt, tokens))), None) for group in point.shows]
        hits = tuple(span for span in spans if span is not None)
        share = len(hits) / len(point.shows)
        shown = Shown.YES if share == 1 else Shown.PARTLY if share >= 0.5 else Shown.NO
        found.append(PointCoverage(point.id, shown, share, hits if shown is not Shown.NO else ()))
    return tuple(found)
