"""The prompts of a report: one about each answer, one about the whole (R-070…R-083). Read next: `reporting.grading`, which sends them.

Nothing the candidate typed at set-up is in them: wishes, documents and names have no say in a score (A8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..domain.catalog import DIFFICULTIES, TYPES
from ..domain.criteria import criteria
from ..domain.questions import Question
from ..domain.setup import LANGUAGES, InterviewSetup
from . import Prompt, data_block, fill

VERSION = 1
GRADE = f"report-grade.{VERSION}"
ASSEMBLY = f"report-assembly.{VERSION}"
MAX_ANSWER_CHARS = 16_000
"""Of one answer that are sent; about twenty minutes of speech."""
MEANING = {
    "technicalCorrectness": "what is said is right; for a story: it is concrete, consistent and believable",
    "completeness": "how much of what the question asks is answered",
    "communication": "clear, ordered and easy to follow for a listener",
    "depthOfThinking": "reasons, causes, limits and consequences instead of names alone",
    "problemSolving": "how the problem is taken apart, which way is chosen and checked",
    "tradeOffAnalysis": "alternatives are weighed against each other, with what each costs",
    "structure": "situation, task, action and result can be told apart",
    "ownership": "what the candidate did and decided themselves, mistakes included",
    "impact": "what came of it, for whom, and what was learnt",
}


def grade(setup: InterviewSetup, question: Question, follow_ups: Sequence[str], answer: Sequence[str]) -> Prompt:
    """Ask for a judgement of one answer, given as the texts of the candidate's turns."""
    sheet = {
        "question": question.text,
        "motivation": question.motivation,
        "keyPoints": [{"id": point.id, "text": point.text} for point in question.key_points],
        "modelAnswer": question.model_answer,
        "askedOnTop": list(follow_ups),
    }
    user = fill(
        "report_grade_task",
        **_heading(setup),
        language=LANGUAGES[setup.language].english_name,
        criteria="\n".join(f"- {name}: {MEANING[name]}" for name in criteria(setup.type)),
        question=data_block("question", sheet),
        answer=data_block("candidate_answer", {"answer": _bounded(answer)}),
    )
    return Prompt(GRADE, fill("report_grade"), user)


def assembly(setup: InterviewSetup, findings: Sequence[Mapping[str, Any]], lessons: Mapping[str, str]) -> Prompt:
    """Ask for the words of the report; each finding is `{id, kind, question, text}`, `lessons` are titles by reference."""
    user = fill(
        "report_assembly_task",
        **_heading(setup),
        lessons="\n".join(f"- {ref}: {title}" for ref, title in lessons.items()),
        findings=data_block("findings", {"findings": list(findings)}),
    )
    return Prompt(ASSEMBLY, fill("report_assembly"), user)


def _heading(setup: InterviewSetup) -> dict[str, str]:
    difficulty = DIFFICULTIES[setup.difficulty]
    return {"type": TYPES[setup.type].title, "level": f"{difficulty.title} ({difficulty.blurb[0].lower()}{difficulty.blurb[1:]})"}


def _bounded(answer: Sequence[str]) -> list[str]:
    kept, left = [], MAX_ANSWER_CHARS
    for text in answer:
        if left <= 0:
            break
        kept.append(text[:left])
        left -= len(text)
    return kept
