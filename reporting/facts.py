"""The facts of a report: what statistics, trends and comparison keep of it (R-127, M13). Made from the public JSON, so at any time again.

A key point belongs to a concept of the type's fixed list; one of an unknown lesson to its focus area. Read next: `progress`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge import bank
from bridge.domain.session import InterviewSession
from bridge.domain.standing import Points, ReportFacts
from bridge.ports import Store, StoredReport

BATCH = 100
"""Reports read in one transaction while missing facts are made."""
AREA = "area:"
"""Before a focus area's slug, where it stands in for a concept."""


def facts_of(session: InterviewSession, report: StoredReport) -> ReportFacts:
    """The facts of a session's report."""
    body = report.body
    return ReportFacts(
        session_id=session.id,
        user_id=session.user_id,
        report_id=report.id,
        type=session.setup.type,
        difficulty=session.setup.difficulty,
        at=session.started_at or session.created_at,
        overall_score=report.overall_score,
        dimensions={name: score for name, score in body["scoreBreakdown"].items() if score is not None},
        areas={area["area"]: area["score"] for area in body["coverage"]["byFocusArea"] if area["score"] is not None},
        concepts=concepts(session, body),
    )


def concepts(session: InterviewSession, body: Mapping[str, Any]) -> dict[str, Points]:
    """Key points asked and missed, by concept, over the questions that were assessed."""
    known = bank.module(session.setup.type)
    lessons = {question.id: question.lesson for question in session.questions}
    found: dict[str, Points] = {}
    for question in body["questionAnalysis"]:
        for point in question["keyPoints"]:
            if point["value"] is None:
                continue
            concept = known.concept(lessons.get(question["questionId"]), point["text"])
            slug = concept.slug if concept else f"{AREA}{question['focusArea']}"
            before = found.get(slug, Points(0, 0.0))
            found[slug] = Points(before.asked + 1, before.missed + 1 - point["value"])
    return found


async def make_missing(store: Store) -> int:
    """Make the facts of every report that has none; returns how many there were. Safe to repeat and to break off."""
    made, after = 0, ""
    while True:
        async with store.read() as tx:
            found = await tx.reports_without_facts(after=after, limit=BATCH)
            sessions = [await tx.session(report.session_id) for report in found]
        if not found:
            return made
        after = found[-1].session_id
        for session, report in zip(sessions, found, strict=True):
            if session is None:
                continue
            facts = facts_of(session, report)
            async with store.begin() as tx:
                current = await tx.report(session.id)
                # A newer version, or none any more: its own job or purge knows better.
                if current is not None and current.id == report.id:
                    await tx.save_facts(facts)
                    made += 1
