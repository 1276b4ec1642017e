"""The director: while the candidate speaks, keeps a judgement of the answer and the next follow-up ready, so that a tool call need not wait (R-045, R-047).

One director a leg, one request in flight, each question's calls and tokens bounded, and all speculation together held near what was used. A request that the
interview has left behind is cancelled. Without an answer in time, or with the model left alone after failures, the prepared follow-up is asked. The
rules are in `bridge.domain.judging`; what may be said is decided in `bridge.domain.follow_up_checks`. Read next: `conducting`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from loguru import logger

from ..domain.agenda import Agenda
from ..domain.judging import MIN_JUDGED_WORDS, Judgement, Source, Stretch
from ..domain.questions import Question
from ..errors import ModelUnavailable
from ..language_model import LanguageModel, ModelRequest, Purpose
from ..prompts import director
from ..wire.judged_answer import JudgedAnswer


@dataclass(frozen=True)
class DirectorOptions:
    """How eager it is."""

    wait_seconds: float = 1.9
    """How long a tool call waits for the model before the prepared follow-up is given."""
    speculate: bool = True
    """Whether to judge while the candidate still speaks."""
    calls_per_question: int = 8
    tokens_per_question: int = 12_000
    """In and out; no further call is made once they are spent."""
    pause_seconds: float = 0.8
    """Without a new word for so long, the answer may be over."""
    spent_to_used: float = 1.5
    """Tokens speculated may be this many times those of judgements that were used …"""
    free_tokens: int = 2_500
    """… and these, at the beginning."""


@dataclass
class Spent:
    """What a director has asked for so far."""

    speculated: int = 0
    """Tokens of calls made while the candidate spoke."""
    used: int = 0
    """Those of them whose judgement a tool call was answered from."""
    waited: int = 0
    """Tokens of calls a tool call waited for."""
    calls: int = 0


@dataclass
class _Notes:
    """One question's."""

    stretch: Stretch = field(default_factory=Stretch)
    follow_ups: int = 0
    """Asked, when the stretch began."""
    judgement: Judgement | None = None
    counted: bool = False
    """The judgement's tokens are in `used`."""
    calls: int = 0
    tokens: int = 0


@dataclass
class _Flight:
    """The request under way."""

    question_id: str
    words: int
    task: asyncio.Task[Judgement | None]


class Director:
    """One leg's director. `heard` after every new word; `judge` for a tool call; `close` at the end."""

    def __init__(
        self,
        agenda: Agenda,
        model: LanguageModel,
        session_id: str,
        clock: Callable[[], int],
        options: DirectorOptions | None = None,
    ) -> None:
        self._agenda = agenda
        self._clock = clock
        self._model = model
        self._session_id = session_id
        self._options = options or DirectorOptions()
        self._notes: dict[str, _Notes] = {}
        self._flight: _Flight | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._interim: tuple[str, str] = "", ""
        """Id of the question it was said to, and the words."""
        self._closed = False
        self.spent = Spent()

    # While the candidate speaks -------------------------------------------------------------------------------------
    def heard(self, interim: str = "") -> None:
        """The answer has grown: by a final, which is in the transcript already, or by words that may still change."""
        current = self._agenda.current
        self._interim = (current.id if current else "", interim)
        if self._closed or not self._options.speculate:
            return
        if self._pause is not None:
            self._pause.cancel()
        self._pause = asyncio.get_running_loop().call_later(self._options.pause_seconds, self._consider, True)
        self._consider(paused=False)

    def _consider(self, paused: bool) -> None:
        question = self._agenda.current
        if question is None or self._closed:
            return
        notes = self._look(question)
        flight = self._flight
        if flight is not None and flight.question_id != question.id:
            self._drop_flight()
            flight = None
        if flight is not None or not self._agenda.may_follow_up(question.id, self._clock()) or not self._may_speculate(notes):
            return
        due = notes.stretch.due(notes.judgement.words if notes.judgement else None, paused=paused)
        if due and self._agenda.open_points(question):
            self._launch(question, notes, self._answer(question), seconds=None)

    def _may_speculate(self, notes: _Notes) -> bool:
        room = self._options.free_tokens + self._options.spent_to_used * self.spent.used
        return self._may_call(notes) and self.spent.speculated < room

    def _may_call(self, notes: _Notes) -> bool:
        return notes.calls < self._options.calls_per_question and notes.tokens < self._options.tokens_per_question

    def _look(self, question: Question) -> _Notes:
        """The question's notes, with how far its answer has come."""
        notes = self._notes.setdefault(question.id, _Notes())
        asked = self._agenda.follow_up_number(question.id)
        base = notes.stretch.base
        if asked != notes.follow_ups:
            notes.follow_ups, base = asked, notes.stretch.words
        notes.stretch = Stretch(max(notes.stretch.words, len(self._answer(question).split())), base)
        return notes

    def _answer(self, question: Question) -> str:
        said = self._agenda.answer(question.id)
        owner, words = self._interim
        return f"{said} {words}".strip() if owner == question.id else said

    # A tool call ----------------------------------------------------------------------------------------------------
    async def judge(self, question: Question, hint: str = "") -> tuple[Judgement | None, Source]:
        """What is known of the answer so far, and how it came to be known; within `wait_seconds`, and never raises for a model's sake.

        PREPARED with a judgement: an older one, good for what it says was shown, not for its follow-ups. `hint` stands in where nothing was heard yet (C-18).
        """
        notes = self._look(question)
        answer = self._answer(question) or hint
        words = len(answer.split())
        if words < MIN_JUDGED_WORDS:
            return notes.judgement, Source.PREPARED
        if notes.judgement is not None and notes.stretch.fresh(notes.judgement.words):
            self._use(notes)
            return notes.judgement, Source.MEMORY
        judgement = await self._wait(question, notes, answer)
        if judgement is not None:
            self._use(notes)
            return judgement, Source.MODEL
        return notes.judgement, Source.PREPARED

    async def _wait(self, question: Question, notes: _Notes, answer: str) -> Judgement | None:
        flight = self._flight
        if flight is None or flight.question_id != question.id or not notes.stretch.fresh(flight.words):
            self._drop_flight()
            if not self._may_call(notes) or self._closed:
                return None
            flight = self._launch(question, notes, answer, seconds=self._options.wait_seconds)
        done, _ = await asyncio.wait({flight.task}, timeout=self._options.wait_seconds)
        return flight.task.result() if done and not flight.task.cancelled() else None

    def _use(self, notes: _Notes) -> None:
        if notes.judgement is not None and not notes.counted:
            notes.counted = True
            self.spent.used += notes.judgement.tokens

    def knows(self, question_id: str) -> Judgement | None:
        """The newest judgement of a question's answer, fresh or not."""
        notes = self._notes.get(question_id)
        return notes.judgement if notes else None

    # Requests -------------------------------------------------------------------------------------------------------
    def _launch(self, question: Question, notes: _Notes, answer: str, *, seconds: float | None) -> _Flight:
        notes.calls += 1
        self.spent.calls += 1
        words = len(answer.split())
        task = asyncio.create_task(self._ask(question, notes, answer, words, seconds))
        self._flight = flight = _Flight(question.id, words, task)

        def over(_: asyncio.Task[Judgement | None]) -> None:
            if self._flight is flight:
                self._flight = None
                self._consider(paused=False)

        task.add_done_callback(over)
        return flight

    async def _ask(self, question: Question, notes: _Notes, answer: str, words: int, seconds: float | None) -> Judgement | None:
        asked = self._agenda.follow_ups_asked(question.id)
        prompt = director.judge(self._agenda.setup, question, answer, asked, self._agenda.open_points(question, answer))
        try:
            reply = await self._model.ask(
                ModelRequest(
                    purpose=Purpose.LIVE,
                    prompt=prompt.name,
                    system=prompt.system,
                    user=prompt.user,
                    schema=JudgedAnswer,
                    session_id=self._session_id,
                    deadline_seconds=seconds,
                )
            )
        except ModelUnavailable as error:
            logger.debug("No judgement of an answer: {}", error.trouble.value)
            return None
        except Exception as error:  # noqa: BLE001 - The task's top: the interview goes on with the prepared questions.
            logger.opt(exception=True).error("A judgement failed: {}", type(error).__name__)
            return None
        usage = reply.usage
        tokens = usage.tokens_in + usage.tokens_out + usage.tokens_thought
        judgement, dropped = reply.value.to_judgement(question, answer, asked, words=words, tokens=tokens)
        for why in dropped:
            logger.info("A follow-up was dropped: {}", why)
        notes.tokens += tokens
        notes.judgement, notes.counted = judgement, False
        if seconds is not None:
            self.spent.waited += tokens
            notes.counted = True
        else:
            self.spent.speculated += tokens
        return judgement

    def _drop_flight(self) -> None:
        flight, self._flight = self._flight, None
        if flight is not None and not flight.task.done():
            flight.task.cancel()

    def close(self) -> None:
        """Stop asking."""
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
        self._drop_flight()


MakeDirector = Callable[[Agenda, str, Callable[[], int]], Director]
"""A director for one leg: its agenda, the session's id, its clock."""
