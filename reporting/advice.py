"""What a report says in words: strengths, weaknesses, what to study and to do next. Every sentence restates a fact.

The facts come from `assess` and `clocks`, reasons from the questions' own motivation, lessons from the curriculum file alone (C-45),
ways to practise from one fixed table. Where there is nothing to say the list stays empty and a sentence says so. Read next: `write`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.bank import Lesson, Module, module
from bridge.domain.catalog import TYPES, Difficulty, InterviewType
from bridge.domain.coverage import Shown
from bridge.domain.session import InterviewSession

from .assess import Area, Assessment, Finding
from .clocks import Clocks
from .scoring import Status, weights

STRONG = 60
"""A question with this score or more is named as a strength, one below it as something to work on."""
MOST = 5
FEWEST = 3
"""Strengths and weaknesses are filled up to this many from the other questions, as far as these have any."""
HARDER_FROM = 80
EASIER_BELOW = 35
SHORT_SHARE = 0.4
LONG_SHARE = 1.3
MANY_FILLERS = 6.0
"""Per minute."""
NEARLY = 0.9
UNIT = {"lessons": "Lesson", "patterns": "Pattern", "problems": "Problem"}

STRATEGY = {
    "missing": "Before you speak, list the key points you expect on your fingers; answer again out loud and check each one off.",
    "partly": "You named these ideas; next time finish each one with a second sentence: how it works, or why it matters.",
    "deeper": "You named every key point; answer once more and give each its reason, its limit and what it costs.",
    "short": "Keep going until the time is used: after the first answer add one example, one limit and one alternative.",
    "silent": "Start with one sentence that repeats the question in your own words; it buys time and opens the answer.",
}
"""How to practise, by the kind of weakness."""

NO_STRENGTHS = "No key point was shown in full this time, so there is no strength to name yet."
NO_WEAKNESSES = "No key point of an answered question is missing."
NO_FIGURE = "Not known: this server has no measurements to base a figure on."
NOT_ENOUGH = "not enough interviews on this server yet"


@dataclass(frozen=True)
class Names:
    """How the type of an interview calls its areas and lessons."""

    type: InterviewType

    def area(self, slug: str) -> str:
        """The area's title."""
        return TYPES[self.type].areas.get(slug, slug)

    def lesson(self, lesson: Lesson) -> str:
        """A lesson as it is cited: `Module 4, Lesson 4.5: …`."""
        profile = TYPES[self.type]
        return f"Module {profile.module}, {UNIT.get(profile.unit, 'Lesson')} {lesson.ref}: {lesson.title}"


def curriculum(interview_type: InterviewType) -> Module:
    """The type's module; an empty one when the curriculum file is not there."""
    try:
        return module(interview_type)
    except FileNotFoundError:
        profile = TYPES[interview_type]
        return Module(profile.module, interview_type, profile.title, ())


def lesson_of(assessment: Assessment, known: Module) -> Lesson | None:
    """The question's lesson, when the curriculum has it."""
    return next((lesson for lesson in known.lessons if lesson.ref == assessment.question.lesson), None)


def quoted(finding: Finding) -> str:
    """The finding's quotes, as they are shown."""
    return " … ".join(f"“{quote.text.strip()}”" for quote in finding.quotes)


def brief(text: str, limit: int = 60) -> str:
    """The start of a text, cut at a word."""
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0].rstrip(",;:.") + " …"


def sentence(text: str) -> str:
    """A text that ends as a sentence does."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def joined(parts: Sequence[str]) -> str:
    """Parts as a person lists them."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def plural(count: int, noun: str) -> str:
    """`1 question`, `2 questions`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def answered(assessments: Sequence[Assessment]) -> list[Assessment]:
    """Those that have a score."""
    return [a for a in assessments if a.score is not None]


def _level(assessment: Assessment, assessments: Sequence[Assessment]) -> str:
    """High for a question that takes about its equal share of the interview's minutes or more, else medium."""
    shares = weights(a.question.minutes for a in assessments)
    return "High" if shares[assessment.n - 1] * len(shares) >= NEARLY * sum(shares) else "Medium"


def importance(assessment: Assessment, assessments: Sequence[Assessment]) -> str:
    """How much a question weighs, and the question's own reason."""
    return f"{_level(assessment, assessments)} – {assessment.question.motivation}"


def _item(
    a: Assessment, findings: Sequence[Finding], description: str, assessments: Sequence[Assessment], names: Names
) -> dict[str, Any]:
    return {
        "area": names.area(a.question.focus_area),
        "description": description,
        "importance": importance(a, assessments),
        "questionId": a.question.id,
        "keyPointIds": [f.point.id for f in findings],
    }


def _name(a: Assessment) -> str:
    return f"Question {a.n}, “{brief(a.question.text)}”"


def strengths(assessments: Sequence[Assessment], names: Names) -> list[dict[str, Any]]:
    """Questions by coverage, best first: the well covered ones, filled up with others that have a point shown."""
    ranked = sorted(answered(assessments), key=lambda a: (-(a.score or 0), -a.question.minutes, a.n))
    shown = [(a, a.points(Shown.YES)) for a in ranked if a.points(Shown.YES)]
    well = sum((a.score or 0) >= STRONG for a, _ in shown)
    return [
        _item(
            a,
            points,
            f"{_name(a)}: {len(points)} of {plural(len(a.findings), 'key point')} covered. You said {quoted(points[0])}.",
            assessments,
            names,
        )
        for a, points in shown[: min(max(well, FEWEST), MOST)]
    ]


def weaknesses(assessments: Sequence[Assessment], names: Names, known: Module) -> list[dict[str, Any]]:
    """Questions by coverage, thinnest first: the thinly covered ones, filled up with others that have a point open."""
    ranked = sorted(answered(assessments), key=lambda a: (a.score or 0, -a.question.minutes, a.n))
    thin = sum((a.score or 0) < STRONG for a in ranked)
    items = []
    for a in ranked[: min(max(thin, FEWEST), MOST)]:
        none, half = a.points(Shown.NO), a.points(Shown.PARTLY)
        if none or half:
            said = [f"{len(points)} {word}" for points, word in ((none, "not heard"), (half, "heard in part")) if points]
            text = f"{_name(a)}: of {plural(len(a.findings), 'key point')}, {joined(said)}."
            items.append(_item(a, (*none, *half), text, assessments, names) | _focus(a, (*none, *half), names, known))
    return items


def _focus(a: Assessment, findings: Sequence[Finding], names: Names, known: Module) -> dict[str, str]:
    lesson = lesson_of(a, known)
    # Some banks end a key point with a full stop.
    points = "; ".join(f.point.text.removesuffix(".") for f in findings[:3])
    return {"focusOn": f"{points} ({names.lesson(lesson)})" if lesson else points}


def pitfalls(assessments: Sequence[Assessment], clocks: Clocks) -> list[str]:
    """What the clocks and counts show that costs points in interviews."""
    found = []
    by_id = {clock.question_id: clock for clock in clocks.questions}
    shares = [(a, by_id[a.question.id].share) for a in answered(assessments)]
    short = [str(a.n) for a, share in shares if share is not None and share < SHORT_SHARE]
    long = [str(a.n) for a, share in shares if share is not None and share > LONG_SHARE]
    silent = [str(a.n) for a in assessments if a.status in (Status.UNANSWERED, Status.SKIPPED)]
    if short:
        found.append(f"Less than {SHORT_SHARE:.0%} of the time was used on {_questions(short)}.")
    if long:
        found.append(f"More than {LONG_SHARE:.0%} of the time was used on {_questions(long)}.")
    if silent:
        found.append(
            f"There was no answer to {_questions(silent)}; even a first thought gives an interviewer something to work with."
        )
    if clocks.fillers_per_minute is not None and clocks.fillers_per_minute >= MANY_FILLERS:
        found.append(f"{clocks.fillers_per_minute:g} filler words a minute; a short silence sounds calmer.")
    return found


def _questions(numbers: Sequence[str]) -> str:
    return f"question {numbers[0]}" if len(numbers) == 1 else f"questions {joined(numbers)}"


def recommendations(parts: Sequence[Area], clocks: Clocks, names: Names, known: Module) -> list[dict[str, Any]]:
    """Up to three areas, the one with the most to gain first."""
    shares = {clock.question_id: clock.share for clock in clocks.questions}
    ranked = sorted((p for p in parts if p.score is not None and p.score < 100), key=lambda p: p.score or 0)
    silent = [p for p in parts if p.score is None and any(a.status is not Status.NOT_REACHED for a in p.assessments)]
    items = []
    used: set[str] = set()
    for priority, part in enumerate((*ranked, *silent)[:3], 1):
        thin = sorted((a for a in part.assessments if a.score != 100), key=lambda a: -1 if a.score is None else a.score)
        kinds = _kinds(part, [shares.get(a.question.id) for a in answered(part.assessments)])
        kind = next((kind for kind in kinds if kind not in used), kinds[0])
        used.add(kind)
        items.append(
            {
                "priority": priority,
                "topic": names.area(part.slug),
                "focusArea": part.slug,
                "resources": [names.lesson(lesson) for lesson in _lessons(thin, known)],
                "timeToMaster": None,
                "practiceStrategy": STRATEGY[kind],
            }
        )
    return items


def _kinds(part: Area, shares: Sequence[float | None]) -> list[str]:
    """The kinds of weakness an area shows, the heavier first."""
    if part.score is None:
        return ["silent"]
    half, none = part.count(Shown.PARTLY), part.count(Shown.NO)
    kinds = [kind for count, kind in sorted([(-none, "missing"), (-half, "partly")]) if count]
    known = [share for share in shares if share is not None]
    if known and max(known) < SHORT_SHARE:
        kinds.append("short")
    # A judge may want more where every key point was heard.
    return kinds or ["deeper"]


def _lessons(thin: Sequence[Assessment], known: Module) -> list[Lesson]:
    """The questions' own lessons, then the neighbours of the first one in its area; three at most."""
    own = [lesson for a in thin if (lesson := lesson_of(a, known))]
    near: list[Lesson] = []
    if own:
        order = list(known.lessons)
        place = order.index(own[0])
        same_area = [lesson for lesson in order if lesson.focus_area == own[0].focus_area]
        near = sorted(same_area, key=lambda lesson: abs(order.index(lesson) - place))
    return list(dict.fromkeys([*own, *near]))[:3]


def next_interview(session: InterviewSession, overall: int | None, parts: Sequence[Area], names: Names) -> dict[str, Any]:
    """What to set up next: the weakest areas; harder from `HARDER_FROM`, easier below `EASIER_BELOW`."""
    setup = session.setup
    order = list(Difficulty)
    step = 0 if overall is None else 1 if overall >= HARDER_FROM else -1 if overall < EASIER_BELOW else 0
    difficulty = order[min(max(order.index(setup.difficulty) + step, 0), len(order) - 1)]
    scored = sorted((p for p in parts if p.score is not None), key=lambda p: p.score or 0)
    slugs = [p.slug for p in scored if (p.score or 0) < HARDER_FROM][:2] or [p.slug for p in scored[:1]]
    slugs = slugs or list(setup.focus_areas[:2])
    topic = names.area(slugs[0]) if slugs else TYPES[setup.type].title
    change = {1: "one step harder", 0: "the same difficulty", -1: "one step easier"}[
        order.index(difficulty) - order.index(setup.difficulty)
    ]
    why = f"{topic} has the most to gain" if scored else "nothing was assessed this time"
    return {
        "recommendedTopic": topic,
        "type": setup.type.value,
        "focusAreas": slugs,
        "focusAreaTitles": [names.area(slug) for slug in slugs],
        "difficulty": difficulty.value,
        "reason": f"{why[0].upper()}{why[1:]}; {change}.",
        "estimatedImprovement": None,
        "estimatedImprovementReason": NO_FIGURE,
    }


def next_steps(
    assessments: Sequence[Assessment], advice: Sequence[dict[str, Any]], found: Sequence[str], suggestion: dict[str, Any]
) -> list[str]:
    """A short list to act on."""
    steps = [f"Study {item['resources'][0]}." for item in advice if item["resources"]]
    again = [str(a.n) for a in assessments if a.status in (Status.UNANSWERED, Status.SKIPPED)]
    thinnest = min(answered(assessments), key=lambda a: a.score or 0, default=None)
    if thinnest is not None and thinnest.score != 100:
        steps.append(f"Read the model answer to question {thinnest.n}, put it away, and answer again out loud.")
    if again:
        steps.append(f"Answer {_questions(again)} out loud; the model answer below shows what to include.")
    if any("time was used" in text for text in found):
        steps.append("Practise with a clock in view, so that each question gets its minutes.")
    steps.append(f"Do one more interview: {suggestion['recommendedTopic']}, {suggestion['difficulty']}.")
    return steps


def summary(assessments: Sequence[Assessment], parts: Sequence[Area], overall: int | None, names: Names) -> str:
    """The interview in two or three sentences of facts."""
    done = answered(assessments)
    if overall is None:
        return f"None of the {plural(len(assessments), 'question')} could be assessed, so there is no score."
    points = [f for a in done for f in a.findings]
    full = sum(f.shown is Shown.YES for f in points)
    half = sum(f.shown is Shown.PARTLY for f in points)
    text = f"You answered {len(done)} of {plural(len(assessments), 'question')} and covered {full} of {plural(len(points), 'key point')}"
    text += f", {half} more in part." if half else "."
    scored = sorted((p for p in parts if p.score is not None), key=lambda p: -(p.score or 0))
    if len(scored) > 1 and scored[0].score != scored[-1].score:
        text += f" Most was covered in {names.area(scored[0].slug)}, least in {names.area(scored[-1].slug)}."
    return text
