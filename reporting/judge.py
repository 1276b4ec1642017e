"""What of a judge's grades counts: quotes looked up, unsupported scores held down, the median over several gradings. Pure (M3, A8).

The rules, which every graded report repeats in `rubric.rules`:
- a claim whose quote is not in that very answer is dropped, and so is one that names a score;
- words that speak to the grader are no quote of anything;
- a sub-score counts in full only with a quote that is in the answer; without one it counts no more than the witness saw;
- it never counts more than `LEASH` above the witness, and not above it at all where the answer spoke to the grader;
- a grading without a single true quote is void; where all are void the question is scored by coverage.
The witness is the key-point check of `assess`, which no model has a say in. Read next: `marks` (the sums), `grading` (who asks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from bridge.domain.coverage import Shown
from bridge.domain.steering import steering
from bridge.wire.grades import Claim, Grade, SubScore

from .assess import Assessment, Quote, heard_at
from .quotes import Spoken

LEASH = 4.0
"""Points of ten that a sub-score may stand above the witness."""
MOST_CLAIMS = 3
RULES = (
    "Every quote is looked up in the words of that very answer; a claim whose quote is not there is dropped.",
    "A sub-score without such a quote counts no more than the share of key points the answer covers.",
    f"No sub-score counts more than {LEASH:g} of 10 above that share; in an answer that speaks to the grader, none counts above it.",
    "Each answer is judged several times; the median counts, lowest and highest are shown.",
    "A question whose gradings hold no true quote, or could not be had, is scored by key-point coverage alone.",
    "Time management is measured by the clock. Every sum is made by this server, none by a model.",
)
_SCORE = re.compile(
    r"\d+(?:[.,]\d+)?\s*(?:/|out of)\s*\d+|\d\s*(?:%|percent|points?\b|marks?\b)|\b(?:full|perfect|top|maximum|highest) (?:marks?|scores?|points?|grade)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mark:
    """One criterion over all gradings; scores of 0–10."""

    name: str
    score: float
    """The median of what counted."""
    counted: tuple[float, ...]
    given: tuple[float, ...]
    """What the judge said, grading by grading."""
    held: str
    """Why less than the judge's score counted in some grading: `quote`, `witness`, `instruction`; empty when it did not."""
    why: str
    quotes: tuple[Quote, ...]


@dataclass(frozen=True)
class Remark:
    """A claim with its looked-up quote."""

    text: str
    quotes: tuple[Quote, ...]


@dataclass(frozen=True)
class Judgement:
    """What is left of the gradings of one answer."""

    marks: Mapping[str, Mark]
    done_well: tuple[Remark, ...]
    could_be_better: tuple[Remark, ...]
    points: Mapping[str, tuple[Quote, ...]]
    """Key points that most gradings hold for shown, wholly or partly, with a true quote."""
    witness: float
    """Share of the key points covered, times ten."""
    instructions: tuple[Quote, ...]
    """Sentences of the answer that spoke to the grader."""
    void: int
    """Gradings that held no true quote."""
    dropped: int
    """Claims whose quote was not found, or that named a score."""

    @property
    def runs(self) -> int:
        """Gradings that count."""
        return len(next(iter(self.marks.values())).counted)

    def of_run(self, run: int) -> dict[str, float]:
        """The sub-scores that counted in one grading."""
        return {name: mark.counted[run] for name, mark in self.marks.items()}

    @property
    def middle(self) -> dict[str, float]:
        """The sub-scores that count."""
        return {name: mark.score for name, mark in self.marks.items()}


def instructions(assessment: Assessment) -> tuple[Quote, ...]:
    """The sentences of an answer that speak to the grader."""
    return tuple(
        Quote(turn.id, span.start, span.end, turn.text[span.start : span.end], (), heard_at(turn, span.start))
        for turn in assessment.turns
        for span in steering(turn.text)
    )


def judge(assessment: Assessment, grades: Sequence[Grade]) -> Judgement | None:
    """What counts of these gradings of an assessed answer; None when all of them are void."""
    spoken = Spoken(assessment.turns, [steering(turn.text) for turn in assessment.turns])
    true = [grade for grade in grades if any(_found(spoken, sub.quotes) for sub in grade.sub_scores().values())]
    if not true:
        return None
    witness, told = (assessment.score or 0) / 10, instructions(assessment)
    marks = {name: _mark(name, true, spoken, witness, spoke_to_grader=bool(told)) for name in true[0].sub_scores()}
    means = [fmean(mark.counted[run] for mark in marks.values()) for run in range(len(true))]
    words = true[min(range(len(true)), key=lambda run: (abs(means[run] - median(means)), run))]
    well, dropped_well = _remarks(words.done_well, spoken)
    better, dropped_better = _remarks(words.could_be_better, spoken)
    return Judgement(
        marks=marks,
        done_well=well,
        could_be_better=better,
        points=_points(assessment, true, spoken),
        witness=witness,
        instructions=told,
        void=len(grades) - len(true),
        dropped=dropped_well + dropped_better,
    )


def names_a_score(text: str) -> bool:
    """Whether a text says what something scores; no model's number gets into a report."""
    return bool(_SCORE.search(text))


def line(text: str) -> str:
    """A model's text as one line."""
    return " ".join(text.split())


def _found(spoken: Spoken, quotes: Sequence[str]) -> tuple[Quote, ...]:
    return tuple(dict.fromkeys(part for quote in quotes for part in spoken.find(quote)))


def _mark(name: str, grades: Sequence[Grade], spoken: Spoken, witness: float, *, spoke_to_grader: bool) -> Mark:
    subs: list[SubScore] = [grade.sub_scores()[name] for grade in grades]
    counted, reasons = [], []
    for sub in subs:
        if not _found(spoken, sub.quotes):
            most, reason = witness, "quote"
        elif spoke_to_grader:
            most, reason = witness, "instruction"
        else:
            most, reason = witness + LEASH, "witness"
        counted.append(round(min(sub.score, most), 1))
        if sub.score > most:
            reasons.append(reason)
    score = round(median(counted), 1)
    nearest = min(range(len(subs)), key=lambda run: (abs(counted[run] - score), run))
    why = line(subs[nearest].why)
    return Mark(
        name=name,
        score=score,
        counted=tuple(counted),
        given=tuple(sub.score for sub in subs),
        held=reasons[0] if reasons else "",
        why="" if names_a_score(why) else why,
        quotes=_found(spoken, subs[nearest].quotes),
    )


def _remarks(claims: Sequence[Claim], spoken: Spoken) -> tuple[tuple[Remark, ...], int]:
    """Claims that stand, and how many do not."""
    stand = [
        Remark(text, quotes)
        for claim in claims
        if (quotes := spoken.find(claim.quote)) and (text := line(claim.text)) and not names_a_score(text)
    ]
    return tuple({remark.text: remark for remark in stand}.values())[:MOST_CLAIMS], len(claims) - len(stand)


def _points(assessment: Assessment, grades: Sequence[Grade], spoken: Spoken) -> dict[str, tuple[Quote, ...]]:
    shown: dict[str, list[tuple[Quote, ...]]] = {}
    for grade in grades:
        for verdict in {verdict.id: verdict for verdict in grade.key_points}.values():
            if verdict.shown != Shown.NO.value and (quotes := spoken.find(verdict.quote)):
                shown.setdefault(verdict.id, []).append(quotes)
    known = {finding.point.id for finding in assessment.findings}
    return {key: found[0] for key, found in shown.items() if key in known and 2 * len(found) > len(grades)}
