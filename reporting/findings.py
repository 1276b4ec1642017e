"""The numbered findings that a graded report's words rest on, and those words themselves: nothing is said that no finding supports (R-072…R-076).

A finding is a claim that stood (`judge`), or a key point that neither the words nor the judge showed. Read next: `graded`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.bank import Module
from bridge.domain.coverage import Shown
from bridge.wire.grades import Assembled
from bridge.wire.grades import Remark as WrittenRemark

from . import advice
from .assess import Assessment, Quote
from .judge import Judgement, line, names_a_score

WELL, BETTER, MISSING = "done well", "could be better", "missing"
MOST_FINDINGS = 80


@dataclass(frozen=True)
class Finding:
    """One thing that may be said."""

    id: str
    kind: str
    question_id: str
    order: int
    text: str
    question: str
    quotes: tuple[Quote, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For the model: without the candidate's words."""
        return {"id": self.id, "kind": self.kind, "question": f"{self.order}. {self.question}", "text": self.text}


def missing(assessment: Assessment, judgement: Judgement | None) -> list[str]:
    """Key points that were not shown, to the words or to the judge."""
    judged = judgement.points if judgement else {}
    return [finding.point.text for finding in assessment.points(Shown.NO) if finding.point.id not in judged]


def findings_of(assessments: Sequence[Assessment], judgements: Mapping[str, Judgement]) -> tuple[Finding, ...]:
    """Numbered f1, f2 … in order of the questions; questions scored by coverage have only missing points."""
    found: list[tuple[str, Assessment, str, tuple[Quote, ...]]] = []
    for a in assessments:
        judgement = judgements.get(a.question.id)
        if judgement is not None:
            found += [(WELL, a, remark.text, remark.quotes) for remark in judgement.done_well]
            found += [(BETTER, a, remark.text, remark.quotes) for remark in judgement.could_be_better]
        found += [(MISSING, a, text, ()) for text in missing(a, judgement)]
    return tuple(
        Finding(f"f{n}", kind, a.question.id, a.n, text, advice.brief(a.question.text, 120), quotes)
        for n, (kind, a, text, quotes) in enumerate(found[:MOST_FINDINGS], 1)
    )


def _chosen(
    written: Sequence[WrittenRemark], found: Sequence[Finding], kinds: Sequence[str]
) -> list[tuple[Finding, WrittenRemark | None]]:
    """What the model chose, each finding once, then others until there are `FEWEST`."""
    own = {finding.id: finding for finding in found if finding.kind in kinds}
    picked: dict[str, WrittenRemark | None] = {}
    for remark in written:
        if remark.finding in own and not _wordy(remark.text):
            picked.setdefault(remark.finding, remark)
    rest = sorted((f for f in own.values() if f.id not in picked), key=lambda f: kinds.index(f.kind))
    for finding in rest[: max(0, advice.FEWEST - len(picked))]:
        picked[finding.id] = None
    return [(own[key], remark) for key, remark in picked.items()][: advice.MOST]


def _wordy(text: str) -> bool:
    """Not fit to be shown: empty, or with a number in it, which is never the model's to give."""
    return not text.strip() or names_a_score(text) or any(character.isdigit() for character in text)


def _said(finding: Finding) -> str:
    return f" You said {' … '.join(f'“{quote.text}”' for quote in finding.quotes)}." if finding.quotes else ""


def strengths(
    found: Sequence[Finding], assembled: Assembled | None, item: Callable[[Finding, str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Up to five, each on a claim whose quote stands."""
    chosen = _chosen(assembled.strengths if assembled else (), found, (WELL,))
    return [item(f, f"{advice.sentence(line(remark.text if remark else f.text))}{_said(f)}") for f, remark in chosen]


def weaknesses(
    found: Sequence[Finding],
    assembled: Assembled | None,
    item: Callable[[Finding, str], dict[str, Any]],
    lesson: Callable[[Finding], str],
) -> list[dict[str, Any]]:
    """Up to five; what to focus on ends with the question's lesson, which the curriculum alone knows (C-45)."""
    items = []
    focus = {remark.finding: line(remark.focus_on) for remark in (assembled.weaknesses if assembled else ())}
    for f, remark in _chosen(assembled.weaknesses if assembled else (), found, (BETTER, MISSING)):
        plain = f.text if f.kind == BETTER else f"Not heard: {f.text}"
        said = focus.get(f.id, "") if remark else ""
        said = f.text if _wordy(said) else said
        cited = lesson(f)
        items.append(
            item(f, f"{advice.sentence(line(remark.text) if remark else plain)}{_said(f)}")
            | {"focusOn": f"{said.rstrip('.')} ({cited})" if cited else said}
        )
    return items


def pitfalls(found: Sequence[Finding], assembled: Assembled | None) -> list[str]:
    """Habits the judge saw, each on a finding that stands."""
    known = {finding.id: finding for finding in found if finding.kind != WELL}
    return [
        f"{advice.sentence(line(remark.text))} Seen in question {known[remark.finding].order}."
        for remark in (assembled.pitfalls if assembled else ())
        if remark.finding in known and not _wordy(remark.text)
    ][:3]


def lessons(assembled: Assembled | None, known: Module, names: advice.Names) -> list[str]:
    """Lessons the model chose, cited as the curriculum has them; an unknown reference is dropped (C-45)."""
    by_ref = {lesson.ref: lesson for lesson in known.lessons}
    chosen = dict.fromkeys(ref.strip() for ref in (assembled.lessons if assembled else ()))
    return [names.lesson(by_ref[ref]) for ref in chosen if ref in by_ref][:3]


def summary(assembled: Assembled | None, facts: str) -> str:
    """The model's sentences without a number, then ours with them."""
    parts = line(assembled.summary).replace("! ", ". ").split(". ") if assembled else []
    kept = [advice.sentence(part) for part in parts if not _wordy(part)]
    return " ".join([*kept[:3], facts])
