"""The director's judgement as a model writes it, and its way into ours: no key point without words of the candidate's, no follow-up that fails a check (A8, A9).

Flat and small on purpose: it is waited for. Read next: `bridge.domain.follow_up_checks`, `bridge.prompts.director`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ..domain.follow_up_checks import fault
from ..domain.judging import Judgement
from ..domain.questions import FollowUp, Question

Line = Annotated[str, Field(max_length=1_000)]
QUOTED_WORDS = 2
"""Words in a row of the answer that a proof needs at least."""
_WORD = re.compile(r"[a-z0-9']+")


class _Judged(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class JudgedPoint(_Judged):
    """One key point."""

    id: Line
    shown: Literal["yes", "partly", "no"]
    quote: Line = Field(description="Three to eight words of the answer, exactly as they stand there; empty for no")


class SuggestedFollowUp(_Judged):
    """One question about a key point that is missing."""

    about: Line = Field(description="Id of the key point")
    text: Line


class JudgedAnswer(_Judged):
    """The whole judgement."""

    points: list[JudgedPoint] = Field(max_length=20)
    follow_ups: list[SuggestedFollowUp] = Field(max_length=8)

    def to_judgement(
        self, question: Question, answer: str, asked: Collection[str], *, words: int, tokens: int
    ) -> tuple[Judgement, list[str]]:
        """(the judgement, why follow-ups were dropped). `answer` is what the model has seen, `words` how many words of it."""
        ids = {point.id for point in question.key_points}
        said = " ".join(_WORD.findall(answer.lower()))
        shown = frozenset(p.id for p in self.points if p.shown == "yes" and p.id in ids and _proves(p.quote, said))
        good: list[FollowUp] = []
        dropped: list[str] = []
        for each in self.follow_ups:
            text = " ".join(each.text.split())
            if each.about not in ids - shown:
                dropped.append("about nothing missing")
            elif wrong := fault(text, question, answer, shown, (*asked, *(other.text for other in good))):
                dropped.append(wrong)
            else:
                good.append(FollowUp(text, each.about))
        return Judgement(words, shown, tuple(good), tokens), dropped


def _proves(quote: str, said: str) -> bool:
    words = _WORD.findall(quote.lower())
    return len(words) >= QUOTED_WORDS and f" {' '.join(words)} " in f" {said} "
