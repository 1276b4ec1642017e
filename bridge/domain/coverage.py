"""Which key points an answer shows, with the characters that show them. Coverage, not judgement.

Pure text matching, from strict to generous: the words of a phrase in order with small gaps; in any order with small words left out; written
together or apart; as they sound. A stricter way is tried for every alternative before a more generous one. Read next: `likeness` (when two
words are one), `reporting.scoring`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from .likeness import alike, distance, root, sound, stem
from .questions import KeyPoint

__all__ = ["MAX_GAP", "PointCoverage", "Shown", "Span", "cover", "stem"]

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
MAX_GAP = 2
"""Words that may stand between two words of a phrase."""
REORDER_GAP = 2
"""Words that may stand among those of a phrase said in another order."""
MIN_SOUND = 6
"""Consonants a phrase needs before it is looked for by sound across words."""
MIN_JOINED = 6
"""Letters a word needs before it is looked for written as two."""
SMALL = frozenset(
    {"a", "an", "the", "to", "of", "in", "on", "at", "it", "is", "are", "be", "my", "our", "your", "its", "their", "this", "that"}
)
"""Words a phrase can do without."""


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


@dataclass(frozen=True)
class _Token:
    word: str
    stem: str
    start: int
    end: int


def _fold(text: str) -> str:
    """Lower case, plain apostrophes; every character keeps its place."""
    return "".join(low if len(low := c.lower()) == 1 else c for c in text).replace("’", "'")


def _tokens(text: str) -> list[_Token]:
    return [_Token(m.group(), stem(m.group()), m.start(), m.end()) for m in _WORD.finditer(_fold(text))]


@lru_cache(maxsize=16384)
def _phrase(text: str) -> tuple[_Token, ...]:
    return tuple(_tokens(text))


def _find(phrase: str, tokens: Sequence[_Token]) -> Span | None:
    """The words of the phrase by stem, in order, with small gaps."""
    wanted = [token.stem for token in _phrase(phrase)]
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


def _find_alike(phrase: str, tokens: Sequence[_Token]) -> Span | None:
    """The telling words of the phrase in any order within a small window, in any form or as a recogniser may write them."""
    wanted = [token.word for token in _phrase(phrase) if token.word not in SMALL]
    if not wanted or (len(wanted) == 1 and len(_phrase(phrase)) > 1):
        return None
    places = [[i for i, token in enumerate(tokens) if alike(token.word, word)] for word in wanted]
    if not all(places):
        return None
    reach = len(wanted) + (REORDER_GAP if len(wanted) > 1 else 0)
    for first in sorted({i for place in places for i in place}):
        taken: list[int] = []
        for place in places:
            free = next((i for i in place if first <= i < first + reach and i not in taken), None)
            if free is None:
                break
            taken.append(free)
        else:
            return Span(tokens[min(taken)].start, tokens[max(taken)].end)
    return None


def _find_together(phrase: str, tokens: Sequence[_Token]) -> Span | None:
    """The phrase written as one word, or one of its words written as two (`time out`, `timeout`)."""
    whole = root("".join(token.word for token in _phrase(phrase)))
    if len(whole) < MIN_JOINED:
        return None
    for i, token in enumerate(tokens):
        if len(_phrase(phrase)) > 1 and root(token.word) == whole:
            return Span(token.start, token.end)
        if i + 1 < len(tokens) and root(token.word + tokens[i + 1].word) == whole:
            return Span(token.start, tokens[i + 1].end)
    return None


def _find_sound(phrase: str, tokens: Sequence[_Token]) -> Span | None:
    """The phrase as it sounds, over whole words that need not be its own (`load balance her`)."""
    key = "".join(sound(token.word) for token in _phrase(phrase))
    if len(key.replace("A", "")) < MIN_SOUND:
        return None
    most = len(_phrase(phrase)) + 2
    for first in range(len(tokens)):
        heard = ""
        for last in range(first, min(first + most, len(tokens))):
            heard += sound(tokens[last].word)
            if len(heard) > len(key) + 1:
                break
            if heard[:1] == key[:1] and len(heard) >= len(key) - 1 and distance(heard, key, 1) <= len(key) // 8:
                return Span(tokens[first].start, tokens[last].end)
    return None


_WAYS = (_find, _find_together, _find_alike, _find_sound)


def _hear(group: Sequence[str], tokens: Sequence[_Token]) -> Span | None:
    """Where one of the alternatives is said: the strictest way that finds any."""

    def found() -> Iterator[Span]:
        for way in _WAYS:
            for phrase in group:
                span = way(phrase, tokens)
                if span is not None:
                    yield span

    return next(found(), None)


def cover(key_points: Sequence[KeyPoint], answer: str) -> tuple[PointCoverage, ...]:
    """Coverage of each key point by `answer`, in the order given."""
    tokens = _tokens(answer)
    found: list[PointCoverage] = []
    for point in key_points:
        hits = tuple(span for group in point.shows if (span := _hear(group, tokens)) is not None)
        share = len(hits) / len(point.shows)
        shown = Shown.YES if share == 1 else Shown.PARTLY if share >= 0.5 else Shown.NO
        found.append(PointCoverage(point.id, shown, share, hits if shown is not Shown.NO else ()))
    return tuple(found)
