"""What the director knows of one answer, when that is fresh enough to be used, and what follows from it (R-047). Pure.

A judgement is made on the first `words` words of an answer, usually while the candidate still speaks. It stays good as long as the part it has not seen
is short, because that part is still looked through by `coverage`: a key point shown there is never asked about. Read next: `follow_up_checks`, `agenda`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .questions import FollowUp

MIN_JUDGED_WORDS = 6
"""A shorter answer shows nothing that a model would have to judge: the prepared follow-up is as good."""
UNSEEN_WORDS = 45
"""Words a judgement may not have seen, about eighteen seconds of speech."""
SEEN_SHARE = 0.3
"""Or the share of the newest stretch of the answer it has seen at least."""
FIRST_WORDS = 28
"""Words of an answer to the question itself before it is judged for the first time."""
UNSEEN_BEFORE = 15
"""Words of an answer that a judgement may not have seen when a follow-up on it has been put: else it is judged again while the candidate begins to speak."""
AHEAD_WORDS = 8
"""Words said while a model judges."""
PAUSE_SHARE = 0.6
"""Share of those first words from which a pause may be the end of the answer."""


class Source(StrEnum):
    """Where a tool's answer came from; each answer says it."""

    MEMORY = "memory"
    """Known when the call came: from the director's judgement of this answer."""
    MODEL = "model"
    """Waited for."""
    PREPARED = "prepared"
    """The question's own follow-ups and the plan, without a judgement."""


@dataclass(frozen=True)
class Judgement:
    """What a model made of an answer so far, checked by code."""

    words: int
    """Words of the answer it has seen."""
    shown: frozenset[str]
    """Key points the answer shows, each with words of the candidate's own as proof."""
    follow_ups: tuple[FollowUp, ...]
    """Questions about what is missing, best first; each may be asked."""
    tokens: int = 0
    """What it cost, in and out."""


@dataclass(frozen=True)
class Stretch:
    """How far an answer has come: `base` words before the question or follow-up now on the floor was put, `words` now."""

    words: int = 0
    base: int = 0

    def fresh(self, seen: int) -> bool:
        """Whether a judgement of the first `seen` words may still be used."""
        return self.words - seen <= UNSEEN_WORDS or seen - self.base >= SEEN_SHARE * (self.words - self.base)

    def due(self, seen: int | None, *, paused: bool) -> bool:
        """Whether to judge now, so that a fresh judgement is there when the answer ends; `seen` words are judged or being judged.

        Each further judgement waits for much more than the last, so that their number grows with the logarithm of an answer's length.
        """
        said = self.words - self.base
        if self.base:
            if not said or seen is None or self.base - seen > UNSEEN_BEFORE:
                return said > 0
        elif said < FIRST_WORDS:
            return paused and said >= PAUSE_SHARE * FIRST_WORDS and seen is None
        return seen is None or not Stretch(self.words + AHEAD_WORDS, self.base).fresh(seen)


def first_askable(missing: Sequence[str], follow_ups: Sequence[FollowUp], asked: Collection[str]) -> FollowUp | None:
    """The first follow-up about a missing key point that was not asked yet, in the order of the follow-ups."""
    return next((each for each in follow_ups if each.about in missing and each.text not in asked), None)
