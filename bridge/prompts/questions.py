"""The prompt that writes an interview's questions (R-030), and the one that has them put right. Read next: `bridge.usecases.write_questions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..domain.catalog import DIFFICULTIES, OPENING_AND_CLOSING_MINUTES, TYPES
from ..domain.question_checks import MAX_FOLLOW_UP, MAX_POINTS, MAX_TEXT, MIN_POINTS
from ..domain.question_plan import Slot
from ..domain.setup import LANGUAGES, InterviewSetup
from . import Prompt, data_block, fill

VERSION = 1


def write(setup: InterviewSetup, slots: Sequence[Slot], plan: Sequence[Slot], recent: Sequence[str]) -> Prompt:
    """Ask for the questions of `slots`, a part of the whole `plan`; `recent` are texts that were asked lately."""
    return Prompt(f"questions.{VERSION}", _system(), _task(setup, slots, plan, recent))


def repair(
    setup: InterviewSetup,
    slots: Sequence[Slot],
    plan: Sequence[Slot],
    recent: Sequence[str],
    drafts: Sequence[Mapping[str, Any]],
) -> Prompt:
    """Ask again for `slots`; each draft is what was written and its `faults`."""
    user = fill(
        "questions_repair", task=_task(setup, slots, plan, recent), drafts=data_block("your_earlier_questions", list(drafts))
    )
    return Prompt(f"questions-repair.{VERSION}", _system(), user)


def _system() -> str:
    return fill("questions", max_text=MAX_TEXT, min_points=MIN_POINTS, max_points=MAX_POINTS, max_follow_up=MAX_FOLLOW_UP)


def _task(setup: InterviewSetup, slots: Sequence[Slot], plan: Sequence[Slot], recent: Sequence[str]) -> str:
    difficulty, areas = DIFFICULTIES[setup.difficulty], TYPES[setup.type].areas
    written = {slot.number for slot in slots}
    others = [_place(slot, areas) for slot in plan if slot.number not in written]
    return fill(
        "questions_task",
        type=TYPES[setup.type].title,
        level=f"{difficulty.title} ({difficulty.blurb[0].lower()}{difficulty.blurb[1:]})",
        minutes=setup.duration_minutes - OPENING_AND_CLOSING_MINUTES,
        total=len(plan),
        language=LANGUAGES[setup.language].english_name,
        areas=", ".join(f"{slug} ({title})" for slug, title in areas.items()),
        count=len(slots),
        places="\n".join(_place(slot, areas) for slot in slots),
        others="\nWritten by a colleague; stay away from what these are likely to ask:\n" + "\n".join(others) + "\n"
        if others
        else "",
        recent=data_block("earlier_questions", list(recent)),
        candidate=data_block("candidate_data", candidate_data(setup)),
    )


def _place(slot: Slot, areas: Mapping[str, str]) -> str:
    about = (
        f'focusArea "{slot.area}" ({areas[slot.area]})'
        if slot.area
        else (f"the candidate's own area otherAreas[{slot.other}] of candidate_data, as focusArea the listed one that is nearest")
    )
    return f"{slot.number}. {about}; difficulty {slot.rating}; about {slot.minutes:g} minutes"


def candidate_data(setup: InterviewSetup) -> dict[str, Any]:
    """All that the candidate gave as free text, what is empty left out."""
    said = {
        "company": setup.company,
        "role": setup.role,
        "level": setup.level,
        "otherAreas": list(setup.other_areas),
        "specificRequirements": setup.specific_requirements,
        "jobDescription": setup.job_description,
        "cv": setup.cv,
    }
    return {name: value for name, value in said.items() if value}
