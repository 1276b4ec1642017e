"""Have a model write an interview's questions, and take only those that may be asked (R-030…R-037).

The places of the plan go out two at a time and at once, so that no answer is cut off and all are there in time. What fails a check goes
back once, with its faults, while there is time; what fails again is left out. Read next: `set_up`, which fills the gaps from the bank.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import bank
from ..domain.catalog import InterviewType
from ..domain.question_checks import faults, is_alike, tidy
from ..domain.question_plan import WRITTEN_PREFIX, Slot, plan
from ..domain.questions import Question
from ..domain.setup import InterviewSetup
from ..domain.similarity import similarity
from ..errors import ModelUnavailable, Trouble
from ..language_model import BUDGET_SECONDS, LanguageModel, ModelRequest, Purpose
from ..prompts import Prompt, questions
from ..wire.written_questions import WrittenQuestion, WrittenQuestions

PER_REQUEST = 2
"""Questions asked for at once: about 700 tokens each, beside what the model thinks, of the document's 3,000 (R-034)."""
REPAIR_SECONDS = 4.0
"""Time that must be left for a repair to make sense."""


@dataclass(frozen=True)
class Written:
    """What became of it."""

    questions: tuple[Question, ...]
    """Fit to be asked, in the order of their places; fewer than asked for where the model failed."""
    missing: tuple[Slot, ...] = ()
    trouble: Trouble | None = None
    """The first trouble with the model itself, if there was one."""


@dataclass
class _Work:
    """One interview's questions in the making."""

    setup: InterviewSetup
    plan: tuple[Slot, ...]
    recent: tuple[str, ...]
    good: dict[int, Question] = field(default_factory=dict)
    drafts: dict[int, tuple[WrittenQuestion, list[str]]] = field(default_factory=dict)
    """Number of a place → what was written for it, and its faults."""

    @property
    def missing(self) -> tuple[Slot, ...]:
        """Places without a question that may be asked."""
        return tuple(slot for slot in self.plan if slot.number not in self.good)

    def take(self, answers: Sequence[WrittenQuestion]) -> None:
        """Check what was written; the first good question for a place has it."""
        slots = {slot.number: slot for slot in self.plan}
        for written in sorted(answers, key=lambda answer: answer.number):
            slot = slots.get(written.number)
            if slot is None or slot.number in self.good:
                continue
            question = tidy(_question(self.setup, slot, written))
            wrong = faults(question, slot)
            if is_alike(question.text, (*self.recent, *(other.text for other in self.good.values()))):
                wrong.append("It asks nearly the same as another question.")
            if wrong:
                self.drafts[slot.number] = written, wrong
            else:
                self.good[slot.number] = question


def _question(setup: InterviewSetup, slot: Slot, written: WrittenQuestion) -> Question:
    """Id, rating and lesson are ours (R-033); a rating far from the place's own would spoil the order."""
    rating = min(max(written.difficulty, slot.rating - 1, 1), slot.rating + 1, 10)
    return written.to_question(
        f"{WRITTEN_PREFIX}{secrets.token_hex(8)}",
        setup.type,
        setup.difficulty,
        rating=rating,
        lesson=nearest_lesson(setup.type, written.focus_area.strip(), f"{written.text} {written.motivation}"),
    )


def nearest_lesson(interview_type: InterviewType, area: str, text: str) -> str:
    """Reference of the area's lesson whose title the text has most of (C-45)."""
    lessons = bank.module(interview_type).lessons
    own = [lesson for lesson in lessons if lesson.focus_area == area] or list(lessons)
    return max(own, key=lambda lesson: similarity("", lesson.title, text)).ref


async def write_questions(
    model: LanguageModel,
    session_id: str,
    setup: InterviewSetup,
    count: int,
    recent: Sequence[str],
    *,
    seconds: float = BUDGET_SECONDS[Purpose.QUESTIONS],
) -> Written:
    """Up to `count` questions within `seconds`; `recent` are the texts of questions asked lately. Never raises ModelUnavailable."""
    deadline = time.monotonic() + seconds
    work = _Work(setup, plan(setup, count), tuple(recent))
    batches = _batches(work.plan)
    prompts = [questions.write(setup, batch, work.plan, work.recent) for batch in batches]
    trouble = await _round(model, session_id, prompts, work, deadline)
    if work.drafts and work.missing and deadline - time.monotonic() >= REPAIR_SECONDS:
        repaired = _batches([slot for slot in work.missing if slot.number in work.drafts])
        prompts = [
            questions.repair(setup, batch, work.plan, _avoided(work), [_fault_sheet(work, slot) for slot in batch])
            for batch in repaired
        ]
        later = await _round(model, session_id, prompts, work, deadline)
        trouble = trouble or later
    ordered = tuple(work.good[slot.number] for slot in work.plan if slot.number in work.good)
    return Written(ordered, work.missing, trouble)


async def _round(
    model: LanguageModel, session_id: str, prompts: Sequence[Prompt], work: _Work, deadline: float
) -> Trouble | None:
    """Send all prompts at once and take what comes; the first trouble."""

    async def ask(prompt: Prompt) -> WrittenQuestions:
        reply = await model.ask(
            ModelRequest(
                purpose=Purpose.QUESTIONS,
                prompt=prompt.name,
                system=prompt.system,
                user=prompt.user,
                schema=WrittenQuestions,
                session_id=session_id,
                deadline_seconds=deadline - time.monotonic(),
            )
        )
        return reply.value

    results = await asyncio.gather(*(ask(prompt) for prompt in prompts), return_exceptions=True)
    answers, troubles = [], []
    for result in results:
        if isinstance(result, ModelUnavailable):
            troubles.append(result.trouble)
        elif isinstance(result, BaseException):
            raise result
        else:
            answers += result.questions
    # Comparing texts takes tens of milliseconds for each question.
    await asyncio.to_thread(work.take, answers)
    return troubles[0] if troubles else None


def _batches(slots: Sequence[Slot]) -> list[Sequence[Slot]]:
    return [slots[i : i + PER_REQUEST] for i in range(0, len(slots), PER_REQUEST)]


def _avoided(work: _Work) -> tuple[str, ...]:
    return (*work.recent, *(question.text for question in work.good.values()))


def _fault_sheet(work: _Work, slot: Slot) -> dict[str, object]:
    written, wrong = work.drafts[slot.number]
    return {"question": written.to_json(), "faults": wrong}
