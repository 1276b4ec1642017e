"""`prepkit bench followups`: how often a live follow-up is ready before it is asked for, while fifty candidates speak at once (R-045, R-047).

Scripted candidates say parts of the bank's model answers, word by word at a speaker's pace, with pauses, into the real log, director and Gemini client; Gemini is the strict
stand-in and takes 1.5 s a call. When an answer is over, a tool call comes as a vendor's interviewer would send it: after its own pause for the end of the turn. Timed is the server's
part, from the call to the answer with everything stored. Tokens are counted at the stand-in, so that a cancelled request counts as well.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import uuid4

from bridge.clients.gemini import Gemini, GeminiOptions, Sampling
from bridge.domain.agenda import Agenda
from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.events import CursorMoved, Speaker, TurnRecorded, TurnSource
from bridge.domain.judging import MIN_JUDGED_WORDS
from bridge.domain.questions import Question
from bridge.domain.session import InterviewSession
from bridge.domain.setup import InterviewSetup
from bridge.domain.upstream import ToolCall
from bridge.language_model import LanguageModel, Purpose
from bridge.ports import Store
from bridge.usecases import engine_calls, set_up, tool_calls
from bridge.usecases.call_log import CallLog, Entry
from bridge.usecases.conducting import FOLLOW_UP, MOVE_ON, Conductor
from bridge.usecases.directing import Director, DirectorOptions
from storage.database import Database
from storage.migrate import migrate

from ..rehearsal.sound import sentences
from ..standins import follow_up_writer
from ..standins.gemini import GeminiStandin
from ..standins.gemini_minds import StandinBrain

ENGINE = "vapi"
WORDS_PER_SECOND = (2.0, 3.0)
PAUSE_SECONDS = (0.2, 1.0)
"""Between two sentences …"""
THINKING_SECONDS = (1.5, 3.0)
THINKING_SHARE = 0.15
"""… and for so many of them the candidate thinks."""
TURN_END_SECONDS = (0.8, 1.3)
"""From the last word to the tool call: the end of a turn is heard, and a model decides to call."""
SPEAKING_SECONDS = 3.0
"""The interviewer's question."""
MAIN_SHARE = (0.25, 0.7)
"""Of a model answer, before follow-ups."""
UNKNOWN_SHARE = 0.05
DEADLINE_SECONDS = 2.5
MakeLog = Callable[[Agenda], CallLog]


@dataclass(frozen=True)
class Plan:
    """What is measured. `speed` makes everything, the model and the director's patience included, so many times faster."""

    interviews: int = 50
    questions: int = 3
    model_seconds: float = 1.5
    speed: float = 1.0
    seed: int = 1


@dataclass
class Result:
    """What came of it; `took` in seconds of the plan's own time."""

    took: dict[str, list[float]] = field(default_factory=lambda: {FOLLOW_UP: [], MOVE_ON: []})
    judged: Counter[str] = field(default_factory=Counter)
    """Sources of answers that needed a judgement."""
    settled: Counter[str] = field(default_factory=Counter)
    """Sources of those that did not: no follow-up left to ask, all key points heard, or next to nothing said."""
    tokens: int = 0
    """All that the model was asked and answered."""
    waited: int = 0
    """Of these, what a tool call waited for."""
    used: int = 0
    """Of the rest, judgements that a tool call was answered from."""

    @property
    def from_memory(self) -> float:
        """Share of the answers that needed a judgement."""
        return self.judged["memory"] / max(1, self.judged.total())

    @property
    def spent_to_used(self) -> float:
        """Tokens spent ahead of need, as a multiple of those used."""
        return (self.tokens - self.waited) / max(1, self.used)

    def add(self, candidates: Sequence[Candidate]) -> None:
        """What their directors have spent."""
        self.waited += sum(candidate.director.spent.waited for candidate in candidates)
        self.used += sum(candidate.director.spent.used for candidate in candidates)

    def percentile(self, percent: int) -> float:
        """Seconds, over the calls of both tools."""
        return quantiles([each for took in self.took.values() for each in took], n=100)[percent - 1]


class Candidate:
    """One interview: a voice, a log, a conductor. Time is the event loop's."""

    def __init__(
        self, session: InterviewSession, make_log: MakeLog, director: tuple[LanguageModel, DirectorOptions], plan: Plan, seed: int
    ) -> None:
        self._session, self._plan = session, plan
        self._random = random.Random(seed)  # noqa: S311 - how somebody speaks, not a secret
        self._rate = self._random.uniform(*WORDS_PER_SECOND)
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._agenda = Agenda(session.setup, session.questions)
        self._log = make_log(self._agenda)
        model, options = director
        self.director = Director(self._agenda, model, session.id, self._now, options)
        self._conductor = Conductor(self._agenda, self._log, self._now, self.director)

    def _now(self) -> int:
        return int((self._clock() - self._began) * 1000 * self._plan.speed)

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._plan.speed)

    async def tool(self, name: str, arguments: dict[str, Any], tool_call_id: str) -> dict[str, Any]:
        """As a live leg answers."""
        deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS / self._plan.speed
        answer, stored = await self._conductor.tool(name, arguments, tool_call_id)
        if stored is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await asyncio.shield(stored)
        self._asks = self._conductor.asks_of(answer)
        return answer.result

    async def interview(self, result: Result) -> None:
        """From the first question to the last."""
        await self._wait(self._random.uniform(0, 20))
        first = self._session.questions[0]
        self._log.append(CursorMoved(at_ms=self._now(), from_id=None, to_id=first.id, reason="opening"))
        line = self._conductor.open()
        assert line.asks is not None
        self._asks = line.asks
        for question in self._session.questions[: self._plan.questions]:
            await self._hear_question()
            await self._answer(question, result)
            moved = await self._ask(MOVE_ON, question, result)
            if moved["done"]:
                break
        self.director.close()

    async def _answer(self, question: Question, result: Result) -> None:
        left = sentences(question.model_answer)
        cut = max(1, round(len(left) * self._random.uniform(*MAIN_SHARE)))
        said, left = left[:cut], left[cut:]
        if self._random.random() < UNKNOWN_SHARE:
            said, left = ["I don't know that."], []
        while True:
            await self._say(said, question)
            answer = await self._ask(FOLLOW_UP, question, result)
            if answer["moveOn"]:
                return
            await self._hear_question()
            count = self._random.randint(1, 2)
            said, left = left[:count] or ["I think that is all I can say about it."], left[count:]

    async def _hear_question(self) -> None:
        await self._wait(SPEAKING_SECONDS)
        if self._asks is not None:
            self._log.append(replace(self._asks, at_ms=self._now()))

    async def _say(self, said: list[str], question: Question) -> None:
        """Interim words as they come, a final for each sentence, as a recogniser gives them."""
        turn_id, start_ms, heard = uuid4().hex, self._now(), ""
        for n, sentence in enumerate(said):
            if n:
                thinks = self._random.random() < THINKING_SHARE
                await self._wait(self._random.uniform(*(THINKING_SECONDS if thinks else PAUSE_SECONDS)))
            words = sentence.split()
            for count in range(1, len(words) + 1):
                await self._wait(1 / self._rate)
                self.director.heard(" ".join(words[:count]))
            heard = f"{heard} {sentence}".strip()
            self._log.append(
                TurnRecorded(
                    at_ms=self._now(), turn_id=turn_id, speaker=Speaker.CANDIDATE, text=heard, question_id=question.id,
                    start_ms=start_ms, end_ms=self._now(), source=TurnSource.SPEECH, final=n == len(said) - 1,
                )
            )  # fmt: skip
            self.director.heard()
        await self._wait(self._random.uniform(*TURN_END_SECONDS))

    async def _ask(self, name: str, question: Question, result: Result) -> dict[str, Any]:
        words = len(self._agenda.answer(question.id).split())
        undecided = self._agenda.may_follow_up(question.id, self._now()) and self._agenda.open_points(question)
        call = ToolCall(uuid4().hex, name, {"currentQuestionId": question.id})
        began = time.perf_counter()
        answer = await self._called(call)
        result.took[name].append((time.perf_counter() - began) * self._plan.speed)
        if name == FOLLOW_UP:
            (result.judged if undecided and words >= MIN_JUDGED_WORDS else result.settled)[answer["source"]] += 1
        return answer

    async def _called(self, call: ToolCall) -> dict[str, Any]:
        return await self.tool(call.name, call.arguments, call.id)


class StoredCandidate(Candidate):
    """One whose log is durable, and whose tool calls come as a vendor's do."""

    def __init__(
        self, store: Store, session: InterviewSession, director: tuple[LanguageModel, DirectorOptions], plan: Plan, seed: int
    ) -> None:
        super().__init__(
            session, lambda agenda: CallLog(store, session.id, agenda, last_seq=0, on_stored=_ignore), director, plan, seed
        )
        self._store = store
        self._call_id = f"bench-{session.id}"
        self._known = tool_calls.KnownCalls()

    async def interview(self, result: Result) -> None:
        """With everything stored."""
        await engine_calls.opened(self._store, self._session, ENGINE, self._call_id, base_ms=0, now=datetime.now(UTC))
        writer = asyncio.create_task(self._log.run())
        await super().interview(result)
        self._log.close()
        await writer

    async def _called(self, call: ToolCall) -> dict[str, Any]:
        _, text, error = await tool_calls.answer(
            self._store, lambda _: self, ENGINE, self._call_id, call, known_calls=self._known
        )
        assert text is not None, error
        answer: dict[str, Any] = json.loads(text)
        return answer


def setup_of(plan: Plan, n: int) -> InterviewSetup:
    """What the n-th interview of a plan is about."""
    kind, level = list(InterviewType)[n % 5], list(Difficulty)[n % 4]
    return InterviewSetup(type=kind, difficulty=level, duration_minutes=30, question_count=max(3, plan.questions))


async def measure(plan: Plan) -> Result:
    """Hold all interviews of the plan at once."""
    result = Result()
    base = DirectorOptions()
    options = replace(base, wait_seconds=base.wait_seconds / plan.speed, pause_seconds=base.pause_seconds / plan.speed)
    brain = StandinBrain().when(follow_up_writer.write, purpose="follow-up")
    async with (
        GeminiStandin(brain=brain, latency=plan.model_seconds / plan.speed) as standin,
        _model(standin) as model,
        _store() as store,
    ):
        async with store.begin() as tx:
            user_id = await tx.single_user()
        candidates = []
        for n in range(plan.interviews):
            session = await set_up.set_up(store, user_id, setup_of(plan, n), datetime.now(UTC))
            candidates.append(StoredCandidate(store, session, (model, options), plan, plan.seed * 1000 + n))
        await asyncio.gather(*(candidate.interview(result) for candidate in candidates))
        result.add(candidates)
        result.tokens = sum(call.spent.prompt + call.spent.output + call.spent.thoughts for call in standin.requests)
    return result


async def followups(*, quick: bool) -> None:
    """Measure and print."""
    plan = Plan(questions=2 if quick else 3)
    began = time.monotonic()
    result = await measure(plan)
    counted = ", ".join(f"{count} {source}" for source, count in result.judged.most_common())
    print(
        f"  {plan.interviews} interviews of {plan.questions} questions at once, {plan.model_seconds} s a model call, {time.monotonic() - began:.0f} s"
    )
    print(f"  follow-ups from memory   {result.from_memory:6.1%} of {result.judged.total()} that needed a judgement ({counted})")
    print(f"  settled by the plan      {result.settled.total():6} (no follow-up left, all heard, or next to nothing said)")
    for name, took in result.took.items():
        cuts = quantiles(took, n=100)
        print(f"  {name:<24} p50 {cuts[49] * 1000:6.1f} ms   p99 {cuts[98] * 1000:6.0f} ms   ({len(took)} calls)")
    print(f"  both tools               p50 {result.percentile(50) * 1000:6.1f} ms   p99 {result.percentile(99) * 1000:6.0f} ms")
    print(
        f"  tokens ahead of need     {result.spent_to_used:6.2f} times those used ({result.tokens - result.waited} spent, {result.used} used)"
    )


@asynccontextmanager
async def _model(standin: GeminiStandin) -> AsyncIterator[Gemini]:
    sampling = Sampling(model="gemini-3.5-flash-lite", max_tokens=512, thinking="minimal")
    model = Gemini(GeminiOptions(standin.key, standin.url, dict.fromkeys(Purpose, sampling), trust_env=False))
    await model.open()
    try:
        yield model
    finally:
        await model.close()


@asynccontextmanager
async def _store() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory(prefix="prepkit-bench-", ignore_cleanup_errors=True) as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}"
        await migrate(url)
        store = await Database.open(url)
        try:
            yield store
        finally:
            await store.close()


async def _ignore(_: Entry) -> None:
    """Nobody waits for an acknowledgement."""
