"""`prepkit bench report`: how long a judged report takes us, with the model's time taken out: half an hour of talk, seven questions, three gradings.

The model here answers at once, and the little it takes is taken off as well. What is left is reading, measuring, key points, looking quotes up, sums,
and every durable write. Read next: `reporting.job`.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.criteria import criteria
from bridge.domain.events import CursorMoved, Event, InterviewEnded, QuestionAsked, Speaker, TurnRecorded, TurnSource
from bridge.domain.questions import Question
from bridge.domain.segments import Transcript
from bridge.domain.session import SessionStatus
from bridge.domain.setup import InterviewSetup
from bridge.language_model import M, ModelReply, ModelRequest, ModelUsage
from bridge.ports import Store
from bridge.prompts.report import ASSEMBLY
from bridge.usecases import set_up
from reporting.grading import Grader
from reporting.job import write_report
from storage.database import Database
from storage.migrate import migrate

REPORTS = 40
GRADINGS = 3
WORDS_A_TURN = 60
TURNS_A_QUESTION = 8
TYPE = InterviewType.SYSTEM_DESIGN
_ANSWER = re.compile(r"<candidate_answer>\n(.*)\n</candidate_answer>")


class InstantModel:
    """A judge that takes no time worth speaking of; `seconds` is what it took all the same."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def ask(self, request: ModelRequest[M]) -> ModelReply[M]:
        """Middling marks, with quotes of the answer."""
        began = time.perf_counter()
        value = request.schema.model_validate(_assembly() if request.prompt == ASSEMBLY else _grade(request.user))
        self.seconds += time.perf_counter() - began
        return ModelReply(value, ModelUsage("instant"))


def _grade(prompt: str) -> dict[str, object]:
    found = _ANSWER.search(prompt)
    turns = json.loads(found.group(1))["answer"] if found else [""]
    quote = " ".join(turns[-1].split()[5:20])
    claims = [{"quote": quote, "text": "You gave a reason for it."}]
    sub = {"quotes": [quote], "why": "It is explained.", "score": 6.5}
    return dict.fromkeys(criteria(TYPE), sub) | {"keyPoints": [], "doneWell": claims, "couldBeBetter": claims}


def _assembly() -> dict[str, object]:
    remark = {"finding": "f1", "text": "You reason before you choose."}
    return {"summary": "You reason well.", "strengths": [remark], "weaknesses": [], "pitfalls": [], "lessons": []}


def talk(questions: Sequence[Question]) -> list[Event]:
    """Half an hour of it: every question answered in eight turns of the model answers' words."""
    words = " ".join(question.model_answer for question in questions).split()
    events: list[Event] = []
    at = 0
    for n, question in enumerate(questions):
        events.append(
            QuestionAsked(at_ms=at, question_id=question.id, n=n + 1, of=len(questions), text=question.text, follow_up=0)
        )
        for turn in range(TURNS_A_QUESTION):
            start = (n * TURNS_A_QUESTION + turn) * WORDS_A_TURN
            text = " ".join(words[(start + i) % len(words)] for i in range(WORDS_A_TURN))
            events.append(
                TurnRecorded(
                    at_ms=at + 28_000, turn_id=f"t{n}-{turn}", speaker=Speaker.CANDIDATE, text=text, question_id=question.id,
                    start_ms=at + 2_000, end_ms=at + 28_000, source=TurnSource.SPEECH,
                )
            )  # fmt: skip
            at += 30_000
        to_id = questions[n + 1].id if n + 1 < len(questions) else None
        events.append(CursorMoved(at_ms=at, from_id=question.id, to_id=to_id, reason="answered"))
    return [*events, InterviewEnded(at_ms=at, reason="finished")]


async def ended(store: Store, user_id: str) -> str:
    """An interview that is over; its id."""
    setup = InterviewSetup(type=TYPE, difficulty=Difficulty.MEDIUM, duration_minutes=30, question_count=7)
    session = await set_up.set_up(store, user_id, setup, datetime.now(UTC))
    events = talk(session.questions)
    made = Transcript(session.questions, events)
    async with store.begin() as tx:
        await tx.append_events(
            session.id, list(enumerate(events, 1)), turns=list(made.turns.values()), segments=list(made.segments.values())
        )
        await tx.save_session(replace(session, status=SessionStatus.COMPLETED, elapsed_ms=events[-1].at_ms))
    return session.id


async def measured(count: int) -> list[float]:
    """Our own seconds of each of so many reports."""
    with tempfile.TemporaryDirectory(prefix="prepkit-bench-") as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}"
        await migrate(url)
        store = await Database.open(url)
        try:
            async with store.begin() as tx:
                user_id = await tx.single_user()
            took = []
            for _ in range(count):
                session_id, model = await ended(store, user_id), InstantModel()
                began = time.perf_counter()
                await write_report(store, session_id, grader=Grader(model, "instant", GRADINGS))
                took.append(time.perf_counter() - began - model.seconds)
            return took
        finally:
            await store.close()


async def report() -> None:
    """Print p50 and p95."""
    cuts = quantiles(await measured(REPORTS), n=100)
    print(
        f"  {REPORTS} judged reports, 7 questions × {GRADINGS} gradings, {7 * TURNS_A_QUESTION * WORDS_A_TURN} words of answers each"
    )
    print(f"  our own work: p50 {cuts[49] * 1000:6.0f} ms   p95 {cuts[94] * 1000:6.0f} ms   (bar: p95 ≤ 1000 ms)")
