"""Having a model judge the answers of an interview: who is asked what, how often, and what is kept so that nothing is paid twice (R-070…R-083).

Every answered question goes out `runs` times, a few at once, then one request for the words around the numbers. Each answer is stored the moment
it is there; a job that starts again asks only for what is missing. A question whose gradings cannot be had is left to coverage, and says why.
Nothing here decides what counts. Read next: `judge`, `graded`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from bridge.domain.session import InterviewSession, SessionStatus
from bridge.errors import ModelUnavailable, NotFound, Trouble
from bridge.language_model import BUDGET_SECONDS, LanguageModel, M, ModelRequest, Purpose
from bridge.ports import Store, StoredGrade
from bridge.prompts import Prompt, report
from bridge.wire.grades import Assembled, Grade, grade_schema

from . import advice
from .assess import Assessment
from .findings import Finding, findings_of
from .judge import Judgement, judge
from .scoring import Status

T = TypeVar("T")
AT_ONCE = 6
"""Requests under way together."""
ALL_SECONDS = 120.0
"""For all gradings of a report; what is not there by then is left to coverage."""
LEAST_SECONDS = 1.0
FIRST_STRENGTHS = 6
"""Told while the report is being made."""


@dataclass(frozen=True)
class Judged:
    """What came of it."""

    wanted: int
    """Gradings of each answer that were asked for."""
    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    """By question; one that is not here is scored by coverage."""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """By question, why it is not: a `Trouble`, or `void`."""
    missing: int = 0
    """Gradings that could not be had; asking again asks for these alone."""
    asking: str = ""
    """Under which name the gradings are kept."""
    findings: tuple[Finding, ...] = ()
    assembled: Assembled | None = None


@dataclass(frozen=True)
class Grader:
    """A judge that can be asked."""

    model: LanguageModel
    name: str
    """Of the model, as it is set; another name is asked afresh."""
    runs: int

    async def grade(self, store: Store, session: InterviewSession, assessments: Sequence[Assessment], *, asking: str) -> Judged:
        """Judge every assessed answer. `asking` tells one grading of the same words from the next.

        Never raises ModelUnavailable. Raises NotFound when the interview is deleted meanwhile.
        """
        async with store.read() as tx:
            kept = {(grade.key, grade.run): grade for grade in await tx.grades(session.id)}
        work = _Work(self, store, session, asking, kept, time.monotonic() + ALL_SECONDS)
        answered = [a for a in assessments if a.status is Status.ASSESSED]
        await work.tell(0, len(answered))
        await _together(work.question(assessment, len(answered)) for assessment in answered)
        if not work.judgements:
            return Judged(self.runs, troubles=work.troubles, missing=work.missing, asking=asking)
        found = findings_of(assessments, work.judgements)
        await work.say(
            {"step": "assembling", "text": "Putting the report into words", "done": len(answered), "of": len(answered)}
        )
        assembled = await work.assemble(found)
        used = sorted(work.used, key=lambda grade: grade.key)
        return Judged(
            wanted=self.runs,
            models=tuple(dict.fromkeys(grade.model for grade in used)),
            prompts=tuple(dict.fromkeys((report.GRADE, *((report.ASSEMBLY,) if assembled else ())))),
            judgements=work.judgements,
            troubles=work.troubles,
            missing=work.missing,
            asking=asking,
            findings=found,
            assembled=assembled,
        )


class _Work:
    """One report's gradings under way."""

    def __init__(
        self,
        grader: Grader,
        store: Store,
        session: InterviewSession,
        asking: str,
        kept: Mapping[tuple[str, int], StoredGrade],
        deadline: float,
    ) -> None:
        self._grader, self._store, self._session, self._asking = grader, store, session, asking
        self._kept, self._deadline = kept, deadline
        self._gate, self._telling = asyncio.Semaphore(AT_ONCE), asyncio.Lock()
        self._done = 0
        self._strengths: list[dict[str, Any]] = []
        self.judgements: dict[str, Judgement] = {}
        self.troubles: dict[str, str] = {}
        self.used: list[StoredGrade] = []
        self.missing = 0

    async def question(self, assessment: Assessment, of: int) -> None:
        """All gradings of one answer, and what counts of them."""
        question, segment, setup = assessment.question, assessment.segment, self._session.setup
        said = [turn.text for turn in assessment.turns]
        prompt = report.grade(setup, question, segment.follow_ups if segment else (), said)
        asked = (self._one(prompt, grade_schema(setup.type), run) for run in range(1, self._grader.runs + 1))
        answers = await _together(asked)
        grades: list[Grade] = [answer for answer in answers if not isinstance(answer, str)]
        self.missing += len(answers) - len(grades)
        judgement = await asyncio.to_thread(judge, assessment, grades) if grades else None
        if judgement is not None:
            self.judgements[question.id] = judgement
            self._strengths += [
                {"order": assessment.n, "text": remark.text, "quote": " … ".join(quote.text for quote in remark.quotes)}
                for remark in judgement.done_well
            ]
        else:
            self.troubles[question.id] = "void" if grades else next(answer for answer in answers if isinstance(answer, str))
        self._done += 1
        await self.tell(self._done, of)

    async def assemble(self, found: Sequence[Finding]) -> Assembled | None:
        """The words around the numbers, if they can be had."""
        known = {lesson.ref: lesson.title for lesson in advice.curriculum(self._session.setup.type).lessons}
        sheet = [finding.to_json() for finding in found]
        answer = await self._one(report.assembly(self._session.setup, sheet, known), Assembled, 1)
        return None if isinstance(answer, str) else answer

    async def _one(self, prompt: Prompt, schema: type[M], run: int) -> M | str:
        """One answer, from what is kept or from the model; the trouble's name when there is none."""
        key = self._key(prompt)
        if (kept := self._kept.get((key, run))) is not None:
            try:
                value = schema.model_validate(kept.body)
            except ValidationError:  # Kept by another version of this program: asked again.
                pass
            else:
                self.used.append(kept)
                return value
        async with self._gate:
            left = self._deadline - time.monotonic()
            if left < LEAST_SECONDS:
                return Trouble.TIMEOUT.value
            try:
                reply = await self._grader.model.ask(
                    ModelRequest(
                        purpose=Purpose.REPORT,
                        prompt=prompt.name,
                        system=prompt.system,
                        user=prompt.user,
                        schema=schema,
                        session_id=self._session.id,
                        deadline_seconds=min(left, BUDGET_SECONDS[Purpose.REPORT]),
                    )
                )
            except ModelUnavailable as error:
                return error.trouble.value
        body = reply.value.model_dump(by_alias=True, mode="json")
        grade = StoredGrade(key, run, reply.usage.model, prompt.name, body, datetime.now(UTC))
        async with self._store.begin() as tx:
            session = await tx.session(self._session.id, for_update=True)
            if session is None or session.status is SessionStatus.DELETED:
                raise NotFound("This interview was deleted.")
            await tx.add_grade(session.id, grade)
        self.used.append(grade)
        return reply.value

    def _key(self, prompt: Prompt) -> str:
        source = [asdict(prompt), self._grader.name, self._asking]
        return hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()

    async def tell(self, done: int, of: int) -> None:
        """How many answers are judged."""
        await self.say({"step": "judging", "text": f"Judging your answers: {done} of {of} done", "done": done, "of": of})

    async def say(self, progress: dict[str, Any]) -> None:
        """Keep it for whoever watches."""
        async with self._telling, self._store.begin() as tx:
            session = await tx.session(self._session.id, for_update=True)
            if session is None or session.status is SessionStatus.DELETED:
                raise NotFound("This interview was deleted.")
            await tx.set_progress(session.id, progress | {"strengths": self._strengths[:FIRST_STRENGTHS]})


async def _together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All of them at once; when one fails the others are stopped and waited for, and its error is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    return [task.result() for task in tasks]
