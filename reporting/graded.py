"""A report whose answers were judged: the judge's findings laid over the coverage report, every number computed here (M3, C-43).

Adds to the public JSON, and takes nothing away: `grading` (spread, flags, what was left to coverage), `questionAnalysis[].grading` (sub-scores with
what the judge gave, what counted and why less), `coverageScore` beside each score, `keyPoints[].judged`, more `evidence` (its `claim` names
what it stands for, `keyPointId` is null), `rubric.rules` and `rubric.dimensions`. Read next: `judge` (what counts), `marks` (the sums).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import fmean
from typing import Any

from bridge import __version__
from bridge.bank import Module
from bridge.domain.catalog import InterviewType
from bridge.domain.criteria import RUBRIC_NAME, RUBRIC_VERSION, SUB_SCORES, TIME, dimensions

from . import advice, findings, scoring
from .assess import Assessment, Quote
from .clocks import Clocks
from .grading import Judged
from .judge import LEASH, RULES, Judgement, Mark
from .marks import TITLES, Scored, scored
from .scoring import Band

GAP = 40
"""Points between judge and key-point check from which a question is flagged."""
WIDE = 20
"""Points between a question's lowest and highest grading from which it is flagged."""
BANDS = (
    Band("Starting out", 0, 39),
    Band("Taking shape", 40, 59),
    Band("Good", 60, 79),
    Band("Very good", 80, 94),
    Band("Outstanding", 95, 100),
)
HELD = {
    "quote": "No quote of the judge's was found in the answer, so it counts no more than the key points covered.",
    "witness": f"Held to {LEASH:g} above what the key points covered show.",
    "instruction": "The answer speaks to the grader, so it counts no more than the key points covered.",
}
NOT_JUDGED = "This question was scored by key-point coverage alone."
TROUBLES = {
    "void": "Not one quote of the judge's was found in the answer, so none of its gradings counts.",
    "refused_safety": "The model declined to judge this answer.",
    "bad_answer": "The model's gradings could not be read.",
}
UNREACHABLE = "The model could not be reached in time."
AGAIN = "It can be graded again later; this version stays beside the new one."


def numbers(interview_type: InterviewType, witnessed: Sequence[Assessment], clocks: Clocks, judged: Judged) -> dict[str, Scored]:
    """The judged questions' scores, by question."""
    times = _times(clocks)
    return {
        a.question.id: scored(interview_type, judgement.middle, times[a.question.id])
        for a in witnessed
        if (judgement := judged.judgements.get(a.question.id)) is not None
    }


def rescored(witnessed: Sequence[Assessment], found: Mapping[str, Scored]) -> tuple[Assessment, ...]:
    """The assessments with the judged scores in place of coverage; key points and quotes stay the witness's."""
    return tuple(replace(a, score=found[a.question.id].score) if a.question.id in found else a for a in witnessed)


def applied(
    body: dict[str, Any],
    interview_type: InterviewType,
    witnessed: Sequence[Assessment],
    clocks: Clocks,
    judged: Judged,
    found: Mapping[str, Scored],
    names: advice.Names,
    known: Module,
) -> dict[str, Any]:
    """The report, judged. `body` is the coverage report made from the `rescored` assessments."""
    if not found:
        questions = [entry | {"gradingNote": _note(judged, entry["questionId"])} for entry in body["questionAnalysis"]]
        return body | {"grading": _failed(judged), "questionAnalysis": questions}
    evidence = _Evidence(body["evidence"])
    questions = [
        _question(entry, a, judged, found.get(a.question.id), evidence, _runs(interview_type, a, clocks, judged))
        for entry, a in zip(body["questionAnalysis"], witnessed, strict=True)
    ]
    by_id = {a.question.id: a for a in witnessed}
    lessons = {a.question.id: advice.lesson_of(a, known) for a in witnessed}

    def item(finding: findings.Finding, description: str) -> dict[str, Any]:
        a = by_id[finding.question_id]
        claim = "whatYouDidWell" if finding.kind == findings.WELL else "whatCouldBeBetter"
        return {
            "area": names.area(a.question.focus_area),
            "description": description,
            "importance": advice.importance(a, witnessed),
            "questionId": a.question.id,
            "keyPointIds": [],
            "evidence": evidence.ids(finding.quotes, a.question.id, claim),
        }

    def cited(finding: findings.Finding) -> str:
        lesson = lessons[finding.question_id]
        return names.lesson(lesson) if lesson else ""

    strong = findings.strengths(judged.findings, judged.assembled, item)
    weak = findings.weaknesses(judged.findings, judged.assembled, item, cited)
    chosen = findings.lessons(judged.assembled, known, names)
    breakdown, reasons = _breakdown(interview_type, body, witnessed, found)
    return body | {
        "generatedBy": _contract(judged),
        "band": asdict(scoring.band_of(body["overallScore"], BANDS)),
        "scoreBreakdown": breakdown,
        "scoreBreakdownReasons": reasons,
        "summary": findings.summary(judged.assembled, body["summary"]),
        "disclaimer": _disclaimer(judged, len(found)),
        "questionAnalysis": questions,
        "strengths": strong or body["strengths"],
        "strengthsNote": None if strong or body["strengths"] else body["strengthsNote"],
        "weaknesses": weak or body["weaknesses"],
        "weaknessesNote": None if weak or body["weaknesses"] else body["weaknessesNote"],
        "commonPitfalls": [*findings.pitfalls(judged.findings, judged.assembled), *body["commonPitfalls"]],
        "nextSteps": [*(step for lesson in chosen if (step := f"Study {lesson}.") not in body["nextSteps"]), *body["nextSteps"]],
        "evidence": evidence.all,
        "rubric": _rubric(interview_type, body["rubric"]),
        "grading": _grading(interview_type, body, witnessed, clocks, judged, questions),
    }


class _Evidence:
    """Quotes with their numbers, each kept once."""

    def __init__(self, first: Sequence[dict[str, Any]]) -> None:
        self.all = list(first)
        self._ids: dict[tuple[str, int, int, str], str] = {}

    def ids(self, quotes: Sequence[Quote], question_id: str, claim: str) -> list[str]:
        """The ids of these quotes as evidence for a claim, new ones numbered on."""
        return [self._id(quote, question_id, claim) for quote in quotes]

    def _id(self, quote: Quote, question_id: str, claim: str) -> str:
        key = (quote.turn_id, quote.start, quote.end, claim)
        if key not in self._ids:
            self._ids[key] = f"e{len(self.all) + 1}"
            self.all.append(
                {
                    "id": self._ids[key],
                    "questionId": question_id,
                    "keyPointId": None,
                    "claim": claim,
                    "turnId": quote.turn_id,
                    "start": quote.start,
                    "end": quote.end,
                    "quote": quote.text,
                    "hits": [{"start": quote.start, "end": quote.end}],
                    "atMs": quote.at_ms,
                }
            )
        return self._ids[key]


def _times(clocks: Clocks) -> dict[str, int | None]:
    return {c.question_id: None if c.share is None else scoring.time_score(c.share) for c in clocks.questions}


def _runs(interview_type: InterviewType, a: Assessment, clocks: Clocks, judged: Judged) -> list[int]:
    """The question's score in each grading that counts."""
    judgement, time = judged.judgements.get(a.question.id), _times(clocks)[a.question.id]
    if judgement is None:
        return []
    return [scored(interview_type, judgement.of_run(run), time).score for run in range(judgement.runs)]


def _spread(scores: Iterable[int]) -> dict[str, int] | None:
    values = list(scores)
    return {"low": min(values), "high": max(values)} if values else None


def _question(
    entry: dict[str, Any], a: Assessment, judged: Judged, marks: Scored | None, evidence: _Evidence, runs: list[int]
) -> dict[str, Any]:
    judgement = judged.judgements.get(a.question.id)
    if judgement is None or marks is None:
        return entry | {"gradingNote": _note(judged, a.question.id)}
    feedback, subs = entry["feedback"], judgement.marks

    def told(remarks: Sequence[Any], claim: str) -> list[str]:
        for remark in remarks:
            evidence.ids(remark.quotes, a.question.id, claim)
        return [f"{advice.sentence(r.text)} You said {' … '.join(f'“{q.text}”' for q in r.quotes)}." for r in remarks]

    well, better = told(judgement.done_well, "whatYouDidWell"), told(judgement.could_be_better, "whatCouldBeBetter")
    return entry | {
        "scoredBy": "judge",
        "coverageScore": a.score,
        "band": asdict(scoring.band_of(marks.score, BANDS)),
        "arithmetic": marks.arithmetic,
        "feedback": feedback
        | {
            "whatYouDidWell": well or feedback["whatYouDidWell"],
            "whatCouldBeBetter": better or feedback["whatCouldBeBetter"],
            "missingPoints": findings.missing(a, judgement),
            "scoringDetails": {name: subs[name].score for name in SUB_SCORES},
            "scoringDetailsReasons": {name: HELD[subs[name].held] for name in SUB_SCORES if subs[name].held},
        },
        "keyPoints": [
            point | {"judged": evidence.ids(judgement.points.get(point["id"], ()), a.question.id, f"keyPoint:{point['id']}")}
            for point in entry["keyPoints"]
        ],
        "grading": {
            "gradings": judgement.runs,
            "wanted": judged.wanted,
            "scores": runs,
            "spread": _spread(runs),
            "dimensions": dict(marks.dimensions),
            "subScores": {name: _sub_score(mark, a.question.id, evidence) for name, mark in subs.items()},
            "claimsDropped": judgement.dropped,
        },
        "gradingNote": None,
    }  # fmt: skip


def _sub_score(mark: Mark, question_id: str, evidence: _Evidence) -> dict[str, Any]:
    return {
        "title": TITLES[mark.name],
        "score": mark.score,
        "given": list(mark.given),
        "counted": list(mark.counted),
        "held": HELD[mark.held] if mark.held else None,
        "why": mark.why,
        "evidence": evidence.ids(mark.quotes, question_id, mark.name),
    }


def _breakdown(
    interview_type: InterviewType, body: dict[str, Any], witnessed: Sequence[Assessment], found: Mapping[str, Scored]
) -> tuple[dict[str, int | None], dict[str, str]]:
    """Each dimension over the judged questions, weighted by their minutes; the clock's over all of them."""
    values: dict[str, int | None] = {}
    for dimension in dimensions(interview_type):
        parts = [
            (found[a.question.id].dimensions[dimension.name], a.question.minutes)
            for a in witnessed
            if dimension.name in getattr(found.get(a.question.id), "dimensions", {})
        ]
        values[dimension.name] = body["scoreBreakdown"][TIME] if dimension.name == TIME else scoring.weighted(parts)
    reasons = {name: scoring.NO_CLOCK for name, value in values.items() if value is None}
    return values, reasons


def _rubric(interview_type: InterviewType, rubric: dict[str, Any]) -> dict[str, Any]:
    return rubric | {
        "name": RUBRIC_NAME,
        "version": RUBRIC_VERSION,
        "rules": list(RULES),
        "dimensions": [
            {"name": d.name, "title": TITLES[d.name], "weight": d.weight, "criteria": list(d.criteria)} for d in dimensions(interview_type)
        ],
        "witness": {"name": scoring.RUBRIC_NAME, "version": scoring.RUBRIC_VERSION, "leash": LEASH},
        "bands": [asdict(band) for band in BANDS],
    }  # fmt: skip


def _contract(judged: Judged) -> dict[str, Any]:
    return {
        "engine": "judge",
        "version": __version__,
        "rubric": f"{RUBRIC_NAME} {RUBRIC_VERSION}",
        "model": ", ".join(judged.models),
        "prompt": ", ".join(judged.prompts),
        "gradings": judged.wanted,
    }


def _disclaimer(judged: Judged, count: int) -> str:
    times = "once" if judged.wanted == 1 else f"{judged.wanted} times"
    return (
        f"{advice.plural(count, 'answer')} judged by a language model ({', '.join(judged.models)}), {times} each. Every quote was looked up in your words, "
        "every number was computed by this server, and the key-point check stands beside each score. Models err: read the spread, and the quotes."
    )


def _failed(judged: Judged) -> dict[str, Any]:
    """Nothing could be judged: why, and what now."""
    why = next(iter(judged.troubles.values()), "")
    text = f"{trouble(why)} Every question was scored by key-point coverage alone. {AGAIN}"
    return {
        "engine": "coverage",
        "judged": 0,
        "wanted": judged.wanted,
        "scores": [],
        "spread": None,
        "flags": [],
        "note": text,
    } | _kept(judged)


def _note(judged: Judged, question_id: str) -> str | None:
    reason = judged.troubles.get(question_id)
    return None if reason is None else f"{trouble(reason)} {NOT_JUDGED}"


def trouble(reason: str) -> str:
    """Why a question was not judged, in words."""
    return TROUBLES.get(reason, UNREACHABLE)


def _grading(
    interview_type: InterviewType,
    body: dict[str, Any],
    witnessed: Sequence[Assessment],
    clocks: Clocks,
    judged: Judged,
    questions: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """The spread of the whole, and everything a reader should look at twice."""
    scores = []
    for run in range(judged.wanted):
        parts = [
            (runs[run] if run < len(runs := _runs(interview_type, a, clocks, judged)) else q["userScore"], a.question.minutes)
            for a, q in zip(witnessed, questions, strict=True)
            if q["userScore"] is not None
        ]
        scores.append(scoring.weighted(parts) or 0)
    flags = [flag for a, q in zip(witnessed, questions, strict=True) for flag in _flags(a, q, judged)]
    return {
        "engine": "judge",
        "judged": len(judged.judgements),
        "wanted": judged.wanted,
        "scores": scores,
        "spread": _spread(scores),
        "coverageScore": scoring.weighted([(a.score, a.question.minutes) for a in witnessed if a.score is not None]),
        "flags": flags,
        "note": None,
    } | _kept(judged)


def _kept(judged: Judged) -> dict[str, Any]:
    """What another grading needs to know, so that it asks for no more than it must."""
    return {"missing": judged.missing, "asking": judged.asking}


def _flags(a: Assessment, question: dict[str, Any], judged: Judged) -> list[dict[str, Any]]:
    def flag(kind: str, text: str, quotes: Sequence[Quote] = ()) -> dict[str, Any]:
        places = [{"turnId": q.turn_id, "start": q.start, "end": q.end, "quote": q.text, "atMs": q.at_ms} for q in quotes]
        return {"kind": kind, "questionId": a.question.id, "order": a.n, "text": f"Question {a.n}: {text}", "quotes": places}

    judgement = judged.judgements.get(a.question.id)
    if judgement is None:
        return [flag("not-judged", question["gradingNote"])] if question["gradingNote"] else []
    found = []
    if judgement.instructions:
        text = "a part of the answer speaks to the grader instead of to the question. It was not obeyed, and the judge could not raise the score."
        found.append(flag("instruction", text, judgement.instructions))
    given = _given(judgement)
    if abs(given - (a.score or 0)) >= GAP:
        text = f"the judge's sub-scores average {given} of 100, the key-point check {a.score}. Read the quotes before you trust either."
        found.append(flag("gap", text))
    spread = question["grading"]["spread"]
    if spread["high"] - spread["low"] >= WIDE:
        found.append(flag("spread", f"its gradings lie between {spread['low']} and {spread['high']}."))
    if judgement.runs < judged.wanted:
        found.append(flag("partial", f"{judgement.runs} of {judged.wanted} gradings count."))
    return found


def _given(judgement: Judgement) -> int:
    """What the judge said before anything was held down, 0–100."""
    return scoring.rounded(10 * fmean(fmean(mark.given) for mark in judgement.marks.values()))
