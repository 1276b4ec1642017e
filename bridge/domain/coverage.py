"""Which key points an answer shows, with the characters that show them. Coverage, not judgement.

Pure text matching, from strict to generous: the words of a phrase in order with small gaps; in any order with small words left out; written
together or apart; as they sound. A stricter way is tried for every alternative before a more generous one. Read next: `likeness` (when two
words are one), `reporting.scoring`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from .likeness import alike, initials, sound, stem
from .questions import KeyPoint

__all__ = ["MAX_GAP", "PointCoverage", "Shown", "Span", "cover", "stem"]

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_STOP = re.compile(r"[,.;:?!]")
MAX_GAP = 2
"""Words that may stand between two words of a phrase."""
REORDER_GAP = 2
"""Words that may stand among those of a phrase said in another order."""
MIN_SOUNDS = 6
"""Consonants a phrase needs before it is looked for by sound across words."""
MIN_JOINED = 6
"""Letters a word needs before it is looked for written as two."""
MIN_TELLING = 4
"""Letters of a word that says enough to be found out of place."""
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


@dataclass(frozen=True)
class _Phrase:
    """An alternative, prepared once for all answers."""

    stems: tuple[str, ...]
    telling: tuple[str, ...]
    """Words to be found in any order; empty when the phrase cannot be reordered safely."""
    whole: str
    """Stem of the words written as one; empty when too short."""
    sound: str
    """Sounds of all words; empty when too few."""


@lru_cache(maxsize=16384)
def _phrase(text: str) -> _Phrase:
    words = [token.word for token in _tokens(text)]
    telling = words if len(words) == 1 else [word for word in words if word not in SMALL]
    safe = len(words) == 1 or (len(telling) > 1 and all(len(word) >= MIN_TELLING for word in telling))
    whole, key = "".join(words), "".join(sound(word) for word in words)
    return _Phrase(
        stems=tuple(stem(word) for word in words),
        telling=tuple(telling) if safe else (),
        whole=stem(whole) if len(whole) >= MIN_JOINED else "",
        sound=key if len(key.replace("A", "")) >= MIN_SOUNDS else "",
    )


class _Answer:
    """An answer's words, indexed for looking phrases up."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens = _tokens(text)
        self.stems: dict[str, list[int]] = {}
        self.initials: dict[str, list[str]] = {}
        self.words: dict[str, list[int]] = {}
        for i, token in enumerate(tokens):
            self.stems.setdefault(token.stem, []).append(i)
            self.words.setdefault(token.word, []).append(i)
        for word in self.words:
            for letter in initials(word):
                self.initials.setdefault(letter, []).append(word)
        self._joined: dict[str, Span] | None = None
        self._sounds: list[str] | None = None

    def span(self, first: int, last: int) -> Span:
        """Characters of the words from `first` to `last`."""
        return Span(self.tokens[first].start, self.tokens[last].end)

    @property
    def joined(self) -> dict[str, Span]:
        """Stems of single words and of neighbours written as one."""
        if self._joined is None:
            self._joined = {}
            for i in reversed(range(len(self.tokens))):
                self._joined[self.tokens[i].stem] = self.span(i, i)
                if i + 1 < len(self.tokens):
                    self._joined[stem(self.tokens[i].word + self.tokens[i + 1].word)] = self.span(i, i + 1)
        return self._joined

    @property
    def sounds(self) -> list[str]:
        """How each word sounds."""
        if self._sounds is None:
            self._sounds = [sound(token.word) for token in self.tokens]
        return self._sounds


def _in_order(phrase: _Phrase, answer: _Answer) -> Span | None:
    """The words of the phrase by stem, in order, with small gaps."""
    tokens = answer.tokens
    for start in answer.stems.get(phrase.stems[0], ()) if phrase.stems else ():
        at = start
        for word in phrase.stems[1:]:
            window = range(at + 1, min(at + 2 + MAX_GAP, len(tokens)))
            at = next((i for i in window if tokens[i].stem == word), -1)
            if at < 0:
                break
        else:
            return answer.span(start, at)
    return None


def _as_one(phrase: _Phrase, answer: _Answer) -> Span | None:
    """The phrase written as one word, or a word of it as two (`timeout`, `time out`)."""
    return answer.joined.get(phrase.whole) if phrase.whole else None


def _nearby(phrase: _Phrase, answer: _Answer) -> Span | None:
    """The telling words close together, in any form or as a recogniser may write them; in another order only within a clause."""
    places: list[list[int]] = []
    for word in phrase.telling:
        near = [w for letter in initials(word) for w in answer.initials.get(letter, ()) if alike(w, word)]
        if not near:
            return None
        places.append(sorted({i for w in near for i in answer.words[w]}))
    reach = len(places) + (REORDER_GAP if len(places) > 1 else 0)
    for first in sorted({i for place in places for i in place}):
        taken: list[int] = []
        for place in places:
            free = next((i for i in place if first <= i < first + reach and i not in taken), None)
            if free is None:
                break
            taken.append(free)
        else:
            span = answer.span(min(taken), max(taken))
            if taken == sorted(taken) or not _STOP.search(answer.text, span.start, span.end):
                return span
    return None


def _by_sound(phrase: _Phrase, answer: _Answer) -> Span | None:
    """The phrase as it sounds, over whole words that need not be its own (`load balance her`)."""
    key, sounds = phrase.sound, answer.sounds
    for first, head in enumerate(sounds):
        if not key or head[:1] != key[0]:
            continue
        heard = ""
        for last in range(first, min(first + len(phrase.stems) + 2, len(sounds))):
            heard += sounds[last]
            if not key.startswith(heard):
                break
            if heard == key:
                return answer.span(first, last)
    return None


_WAYS = (_in_order, _as_one, _nearby, _by_sound)


def _hear(group: Sequence[str], answer: _Answer) -> Span | None:
    """Where one of the alternatives is said: the strictest way that finds any."""
    phrases = [_phrase(text) for text in group]
    return next((span for way in _WAYS for phrase in phrases if (span := way(phrase, answer)) is not None), None)


def cover(key_points: Sequence[KeyPoint], answer: str) -> tuple[PointCoverage, ...]:
    """Coverage of each key point by `answer`, in the order given."""
    said = _Answer(answer)
    found: list[PointCoverage] = []
    for point in key_points:
        hits = tuple(span for group in point.shows if (span := _hear(group, said)) is not None)
        share = len(hits) / len(point.shows)
        shown = Shown.YES if share == 1 else Shown.PARTLY if share >= 0.5 else Shown.NO
        found.append(PointCoverage(point.id, shown, share, hits if shown is not Shown.NO else ()))
    return tuple(found)
