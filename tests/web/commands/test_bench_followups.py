"""How often follow-ups are ready before they are asked for, and what that costs, counted over whole scripted interviews (R-045, R-047, issue 4.2).

On a clock of its own: time passes when nobody has anything to do, so counts are the same on any machine and half an hour takes seconds.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from bridge import bank
from bridge.domain.agenda import Agenda
from bridge.domain.events import Event
from bridge.domain.questions import choose
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.domain.setup import InterviewSetup
from bridge.language_model import M, ModelReply, ModelRequest, ModelUsage
from bridge.usecases.directing import DirectorOptions
from web.commands.bench_followups import Candidate, Plan, Result, setup_of
from web.standins import follow_up_writer
from web.standins.gemini_answers import tokens

from ...skipping import played

INTERVIEWS = 50
MODEL_SECONDS = 1.5


class Model:
    """Behind the port of the language model: judges as the stand-in's writer does, a second and a half after it was asked. Abandoned calls are paid for too."""

    def __init__(self) -> None:
        self.tokens = 0

    async def ask(self, request: ModelRequest[M]) -> ModelReply[M]:
        """An answer."""
        text = follow_up_writer.write(SimpleNamespace(prompt=request.user))  # type: ignore[arg-type]
        usage = ModelUsage("scripted", tokens_in=tokens(request.system + request.user), tokens_out=tokens(text))
        self.tokens += usage.tokens_in + usage.tokens_out
        await asyncio.sleep(MODEL_SECONDS)
        return ModelReply(request.schema.model_validate_json(text), usage)


class Log:
    """Folds at once, as the call's log does, and stores nothing."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._length = 0

    def append(self, event: Event) -> asyncio.Future[int]:
        """Take an event."""
        self._agenda.apply(event)
        self._length += 1
        stored: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        stored.set_result(self._length)
        return stored


def session_of(setup: InterviewSetup, n: int) -> InterviewSession:
    """An interview with questions of the bank, others for each n."""
    chosen = choose(
        bank.load(setup.type), interview_type=setup.type, difficulty=setup.difficulty, focus_areas=setup.focus_areas,
        count=setup.question_count or 3, duration_minutes=setup.duration_minutes, recent=(), seed=n,
    )  # fmt: skip
    return InterviewSession(
        id=f"s{n}", user_id="u1", setup=setup, questions=chosen, status=SessionStatus.READY,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


async def hold(plan: Plan, result: Result) -> None:
    """Every interview of a plan, at once, with one model."""
    model = Model()
    candidates = [
        Candidate(session_of(setup_of(plan, n), n), Log, (model, DirectorOptions()), plan, plan.seed * 1000 + n)  # type: ignore[arg-type]
        for n in range(plan.interviews)
    ]
    await asyncio.gather(*(candidate.interview(result) for candidate in candidates))
    result.add(candidates)
    result.tokens = model.tokens


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nine_follow_ups_in_ten_are_ready_and_speculation_pays(seed: int) -> None:
    """Issue 4: fifty interviews, 1.5 s a model call: at least 90 % of the calls that need a judgement are answered from memory, for at most 1.5 times the tokens used."""
    result = Result()
    played(hold(Plan(interviews=INTERVIEWS, model_seconds=MODEL_SECONDS, seed=seed), result))

    assert result.judged.total() > 3 * INTERVIEWS
    assert result.from_memory >= 0.9, result.judged
    assert 0 < result.spent_to_used <= 1.5
