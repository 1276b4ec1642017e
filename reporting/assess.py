"""What became of each question, and the candidate's own words that show it: the facts every later claim stands on.

Coverage is looked for in the joined answer and traced back to the turns. A quote is kept only when the turn really holds these
characters; a point left without a quote counts as not shown. Read next: `scoring` (the sums) and `advice` (the words).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.coverage import Shown, Span, cover
from bridge.domain.events import CursorMoved, Event, Speaker
from bridge.domain.intents import Intent, intent_of
from bridge.domain.questions import KeyPoint, Question
from bridge.domain.segments import Segment, Turn

from .clocks import is_filler_only
from .scoring import Status, question_score, rounded, weighted

IN_PASSING = frozenset({Intent.HINT, Intent.REPEAT, Intent.NEXT, Intent.DONE, Intent.THINKING})
"""Words to the interviewer rather than to the question. “I don't know” is an answer."""
LEAD_MS = 500
"""A quote's estimated place starts this much early, so that its first word is heard."""
REACH = 70
"""Characters a quote may extend on each side of the matching words, to the ends of their clause."""
_CLAUSE_END = re.compile(r"[.!?;:\n]+\s*")


@dataclass(frozen=True)
class Quote:
    """Characters of one turn: `turn.text[start:end] == text`."""

    turn_id: str
    start: int
    end: int
    text: str
    hits: tuple[Span, ...]
    """The matching words themselves, as characters of the turn, inside the quote."""
    at_ms: int
    """Where it is heard, estimated from the quote's place in its turn."""


@dataclass(frozen=True)
class Finding:
    """One key point and what was found for it."""

    point: KeyPoint
    shown: Shown
    share: float
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True)
class Assessment:
    """What became of one question."""

    question: Question
    n: int
    status: Status
    score: int | None
    """0–100; None unless assessed."""
    findings: tuple[Finding, ...]
    turns: tuple[Turn, ...] = ()
    """The candidate's turns, in order of speech."""
    segment: Segment | None = None

    def points(self, shown: Shown) -> tuple[Finding, ...]:
        """The findings of one kind; empty unless the question was assessed."""
        return tuple(f for f in self.findings if f.shown is shown) if self.status is Status.ASSESSED else ()


@dataclass(frozen=True)
class Area:
    """The questions of one focus area together."""

    slug: str
    score: int | None
    """Weighted by minutes over its assessed questions; None without one."""
    assessments: tuple[Assessment, ...]

    def count(self, shown: Shown) -> int:
        """Key points of this kind over its assessed questions."""
        return sum(len(a.points(shown)) for a in self.assessments)


def assess(
    questions: Sequence[Question], turns: Sequence[Turn], segments: Sequence[Segment], events: Sequence[Event]
) -> tuple[Assessment, ...]:
    """One assessment a question, in order."""
    by_id = {turn.id: turn for turn in turns if turn.speaker is Speaker.CANDIDATE}
    by_question = {segment.question_id: segment for segment in segments}
    skipped = {e.from_id for e in events if isinstance(e, CursorMoved) and e.reason == "skipped"}
    return tuple(
        _assess(question, n, by_question.get(question.id), by_id, skipped=question.id in skipped)
        for n, question in enumerate(questions, 1)
    )


def _assess(question: Question, n: int, segment: Segment | None, turns: Mapping[str, Turn], *, skipped: bool) -> Assessment:
    nothing = tuple(Finding(point, Shown.NO, 0.0) for point in question.key_points)
    if segment is None:
        return Assessment(question, n, Status.NOT_REACHED, None, nothing)
    own = tuple(turns[turn_id] for turn_id in segment.turn_ids if turn_id in turns)
    findings = find(question.key_points, own)
    if any(f.shown is not Shown.NO for f in findings) or any(is_answer(turn.text) for turn in own):
        return Assessment(question, n, Status.ASSESSED, question_score([f.shown for f in findings]), findings, own, segment)
    passed = skipped or any(intent_of(turn.text) is Intent.NEXT for turn in own)
    return Assessment(question, n, Status.SKIPPED if passed else Status.UNANSWERED, None, nothing, own, segment)


def is_answer(text: str) -> bool:
    """Whether a turn says anything to the question."""
    return not is_filler_only(text) and intent_of(text) not in IN_PASSING


def find(key_points: Sequence[KeyPoint], turns: Sequence[Turn]) -> tuple[Finding, ...]:
    """What the turns, read as one answer, show of each key point, with quotes that lie in one turn each."""
    findings = []
    for point, covered in zip(key_points, cover(key_points, " ".join(turn.text for turn in turns)), strict=True):
        quotes = tuple(quote for turn, hits in _by_turn(covered.spans, turns) for quote in _quotes(turn, hits))
        if covered.shown is Shown.NO or not quotes:
            findings.append(Finding(point, Shown.NO, covered.share if covered.shown is Shown.NO else 0.0))
        else:
            findings.append(Finding(point, covered.shown, covered.share, quotes))
    return tuple(findings)


def _by_turn(spans: Sequence[Span], turns: Sequence[Turn]) -> list[tuple[Turn, list[Span]]]:
    """Spans of the joined answer as spans of the turns they lie in; one that crosses turns is cut at their ends."""
    found, offset = [], 0
    for turn in turns:
        inside = [Span(max(s.start - offset, 0), min(s.end - offset, len(turn.text))) for s in spans]
        found.append((turn, sorted({s for s in inside if s.start < s.end}, key=lambda s: s.start)))
        offset += len(turn.text) + 1
    return found


def _quotes(turn: Turn, hits: Sequence[Span]) -> list[Quote]:
    """The clauses of a turn that hold the hits; overlapping ones are one quote."""
    clauses: list[tuple[Span, list[Span]]] = []
    for hit in hits:
        clause = widened(turn.text, hit)
        if clauses and clause.start <= clauses[-1][0].end:
            before, its_hits = clauses[-1]
            clauses[-1] = Span(before.start, max(before.end, clause.end)), [*its_hits, hit]
        else:
            clauses.append((clause, [hit]))
    return [
        Quote(turn.id, clause.start, clause.end, text, tuple(its_hits), heard_at(turn, clause.start))
        for clause, its_hits in clauses
        if (text := turn.text[clause.start : clause.end])
    ]


def widened(text: str, hit: Span) -> Span:
    """The hit with the rest of its clause on both sides, `REACH` characters at most, whole words only."""
    left = max(hit.start - REACH, 0)
    before = text[left : hit.start]
    ends = list(_CLAUSE_END.finditer(before))
    if ends:
        left += ends[-1].end()
    elif left and not text[left - 1].isspace():
        space = before.find(" ")
        left = left + space + 1 if space >= 0 else hit.start
    after = text[hit.end : hit.end + REACH]
    stop = _CLAUSE_END.search(after)
    right = hit.end + (stop.start() if stop else len(after))
    if not stop and right < len(text) and not text[right].isspace():
        right = hit.end + max(after.rfind(" "), 0)
    return Span(left, max(right, hit.end))


def heard_at(turn: Turn, start: int) -> int:
    """Where the character is heard, in milliseconds of the call clock: estimated, and a little early."""
    place = turn.start_ms + rounded((turn.end_ms - turn.start_ms) * start / len(turn.text))
    return max(turn.start_ms, place - LEAD_MS)


def areas(assessments: Sequence[Assessment]) -> tuple[Area, ...]:
    """The focus areas of the questions, in order of first appearance."""
    return tuple(
        Area(slug, weighted([(a.score, a.question.minutes) for a in own if a.score is not None]), own)
        for slug in dict.fromkeys(a.question.focus_area for a in assessments)
        for own in [tuple(a for a in assessments if a.question.focus_area == slug)]
    )
