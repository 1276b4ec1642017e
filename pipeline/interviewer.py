"""The local engine's brain: a pipecat LLM service that speaks the conductor's lines (R-047…R-050).

Everything that can happen to it (a turn is over, a typed answer, a button, a tick of the clock) goes through one queue and is handled in order. Only an answer may
have to be weighed, by a model that takes its time: that is a task of its own, which a button, the clock or the candidate's voice ends at once. The two tools run as real function-call frames, visible to RTVI clients and pipecat's evals. Read next: `bridge.usecases.conducting`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial

from loguru import logger
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    FunctionCallFromLLM,
    FunctionCallInProgressFrame,
    FunctionCallResultFrame,
    FunctionCallResultProperties,
    FunctionCallsStartedFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    StartFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings

from bridge.domain import script
from bridge.domain.events import ToolAnswered
from bridge.domain.intents import Intent, intent_of
from bridge.usecases.call_log import CallLog
from bridge.usecases.conducting import Conductor, Line

from .engines.engine import Do
from .turns import CandidateTurns

WORD_MS = 330
"""About how long a spoken word takes; tells when the question behind a bridge begins to be heard."""
ASK_AGAIN_AFTER_MS = 2_500
"""Quiet after a barge-in that brought no words, before the cut-off question is asked again."""
DONE_WAIT_MS = 1_500
"""How long the last words of an answer may take to be recognised after "that's my answer"."""
MIN_ANSWER_WORDS = 3


NO_MODEL = LLMSettings(
    model=None,
    system_instruction=None,
    temperature=None,
    max_tokens=None,
    top_p=None,
    top_k=None,
    frequency_penalty=None,
    presence_penalty=None,
    seed=None,
    filter_incomplete_user_turns=False,
    user_turn_completion_config=None,
)
"""A script needs none of a model's settings; the base class wants each of them said."""


class ScriptedInterviewer(LLMService):
    """Speaks prepared questions and follow-ups; decides nothing itself."""

    def __init__(
        self,
        conductor: Conductor,
        turns: CandidateTurns,
        log: CallLog,
        clock: Callable[[], int],
        opening: Callable[[], Line],
        on_finished: Callable[[str], Coroutine[None, None, None]],
    ) -> None:
        super().__init__(settings=NO_MODEL)
        self._prepkit_conductor = conductor
        self._prepkit_turns = turns
        self._prepkit_log = log
        self._prepkit_clock = clock
        self._prepkit_opening = opening
        self._prepkit_on_finished = on_finished
        self._prepkit_todo: asyncio.Queue[tuple[Do, str]] = asyncio.Queue()
        self._prepkit_task: asyncio.Task[None] | None = None
        self._prepkit_thinking: asyncio.Task[None] | None = None
        """Weighs an answer; there is one at most."""
        self._prepkit_decided: Line | None = None
        """What came of it, until it is said."""
        self._prepkit_owed = False
        """The candidate went on speaking while an answer was weighed: it has yet to be reacted to."""
        self._prepkit_line: Line | None = None
        self._prepkit_speaking = False
        self._prepkit_heard = False
        self._prepkit_cut = False
        self._prepkit_candidate_speaking = False
        self._prepkit_quiet_since: int | None = None
        self._prepkit_done_at: int | None = None
        self._prepkit_end_reason = "finished"
        self._prepkit_context = LLMContext()

    def tell(self, what: Do, text: str = "") -> None:
        """Queue something for the interviewer; `text` is the answer of a typed turn."""
        self._prepkit_todo.put_nowait((what, text))

    # Frames ---------------------------------------------------------------------------------------------------------
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Turn pipeline events into things to do."""
        await super().process_frame(frame, direction)
        match frame:
            case StartFrame():
                await self.push_frame(frame, direction)
                self._prepkit_task = self.create_task(self._prepkit_work())
                return
            case EndFrame() | CancelFrame():
                await self._prepkit_stop()
            case LLMContextFrame():
                self.tell(Do.TURN_OVER)
                return
            case UserStartedSpeakingFrame():
                self._prepkit_candidate_speaking = True
                self._prepkit_quiet_since = None
                self._prepkit_owed = self._prepkit_stop_thinking() or self._prepkit_owed
            case UserStoppedSpeakingFrame():
                self._prepkit_candidate_speaking = False
                self._prepkit_quiet_since = self._prepkit_clock()
            case InterruptionFrame() if self._prepkit_speaking:
                self._prepkit_speaking = False
                self._prepkit_cut = True
            case BotStoppedSpeakingFrame():
                self._prepkit_quiet_since = self._prepkit_clock()
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """Stop working."""
        await super().cleanup()
        await self._prepkit_stop()

    async def _prepkit_stop(self) -> None:
        self._prepkit_stop_thinking()
        if self._prepkit_task:
            task, self._prepkit_task = self._prepkit_task, None
            await self.cancel_task(task)

    # What the mouth reports -----------------------------------------------------------------------------------------
    def line_started(self) -> None:
        """Audio of the line has begun to play: the question behind its bridge is being heard."""
        line = self._prepkit_line
        if line is None or self._prepkit_heard:
            return
        self._prepkit_heard = True
        if line.asks:
            bridge_ms = len(line.bridge.split()) * WORD_MS
            self._prepkit_log.append(replace(line.asks, at_ms=self._prepkit_clock() + bridge_ms))

    def line_said(self, interrupted: bool) -> None:
        """The line has been played, or was cut off."""
        if not interrupted:
            self._prepkit_speaking = False
            self.tell(Do.LINE_SAID)

    # Work -----------------------------------------------------------------------------------------------------------
    async def _prepkit_work(self) -> None:
        while True:
            what, text = await self._prepkit_todo.get()
            line = self._prepkit_decide(what, text)
            if line is not None:
                await self._prepkit_say(line)

    def _prepkit_think(self, weigh: Callable[[], Coroutine[None, None, Line | None]]) -> None:
        self._prepkit_stop_thinking()
        self._prepkit_owed = False
        self._prepkit_thinking = self.create_task(self._prepkit_weigh(weigh))

    async def _prepkit_weigh(self, weigh: Callable[[], Coroutine[None, None, Line | None]]) -> None:
        self._prepkit_decided = await weigh()
        self._prepkit_thinking = None
        self.tell(Do.DECIDED)

    def _prepkit_stop_thinking(self) -> bool:
        """Whether there was something to stop."""
        task, self._prepkit_thinking = self._prepkit_thinking, None
        return task is not None and task.cancel()

    def _prepkit_decide(self, what: Do, text: str) -> Line | None:
        conductor = self._prepkit_conductor
        if self._prepkit_line and self._prepkit_line.last and what is not Do.LINE_SAID:
            return None
        match what:
            case Do.OPEN if self._prepkit_line is None:
                return self._prepkit_opening()
            case Do.DECIDED:
                line, self._prepkit_decided = self._prepkit_decided, None
                return line
            case Do.TURN_OVER:
                return self._prepkit_after_turn()
            case Do.TYPED | Do.SAY | Do.WHISPER | Do.HINT:
                return self._prepkit_take_words(what, text)
            case Do.DONE if self._prepkit_candidate_speaking and self._prepkit_done_at is None:
                # The last words are still being recognised: the turn's own end or the next tick takes it from here.
                self._prepkit_done_at = self._prepkit_clock()
            case Do.DONE if self._prepkit_thinking is None and self._prepkit_decided is None:
                self._prepkit_take_done()
            case Do.NEXT if self._prepkit_just_moved():
                # Pressed twice: the question it would skip has not been heard yet (C-38).
                return None
            case Do.NEXT:
                self._prepkit_finish()
                return conductor.skip()
            case Do.END:
                self._prepkit_finish()
                self._prepkit_end_reason = text or "ended_by_candidate"
                return conductor.close("end")
            case Do.TICK:
                return self._prepkit_on_tick()
            case Do.LINE_SAID if self._prepkit_line and self._prepkit_line.last:
                self.create_task(self._prepkit_on_finished(self._prepkit_end_reason))
        return None

    def _prepkit_finish(self) -> None:
        """The answer is over, whatever was still being weighed of it."""
        self._prepkit_stop_thinking()
        self._prepkit_decided = None
        self._prepkit_owed = False
        self._prepkit_turns.finish()

    def _prepkit_take_words(self, what: Do, text: str) -> Line | None:
        """A typed answer, or an operator's words. As a whisper a script takes two hints: the question again, and the next one."""
        match what, intent_of(text):
            case Do.TYPED, _ if self._prepkit_decided is None:
                self._prepkit_think(partial(self._prepkit_conductor.after_answer, text))
            case Do.HINT, _ if self._prepkit_thinking is None and self._prepkit_decided is None:
                return self._prepkit_conductor.hint()
            case Do.SAY, _:
                return Line(text)
            case Do.WHISPER, Intent.REPEAT:
                return self._prepkit_conductor.repeat()
            case Do.WHISPER, Intent.NEXT:
                self._prepkit_finish()
                return self._prepkit_conductor.skip()
        return None

    def _prepkit_just_moved(self) -> bool:
        decided, line = self._prepkit_decided, self._prepkit_line
        if decided is not None:
            return decided.asks is not None and decided.asks.follow_up == 0
        fresh = line is not None and line.asks is not None and line.asks.follow_up == 0
        return fresh and not self._prepkit_heard and not self._prepkit_cut

    def _prepkit_after_turn(self) -> Line | None:
        turn = self._prepkit_turns.finish()
        if self._prepkit_decided is not None:
            return None
        asked_done, self._prepkit_done_at = self._prepkit_done_at is not None, None
        words = len(turn.text.split()) if turn else 0
        if self._prepkit_cut and (not self._prepkit_heard or words < MIN_ANSWER_WORDS):
            # They spoke over a question, to finish the last answer or with no more than a word: put it again.
            return self._prepkit_conductor.ask_again()
        if asked_done:
            self._prepkit_think(self._prepkit_conductor.done)
        elif turn:
            self._prepkit_think(partial(self._prepkit_conductor.after_answer, turn.text))
        return None

    def _prepkit_take_done(self) -> None:
        self._prepkit_done_at = None
        self._prepkit_turns.finish()
        self._prepkit_think(self._prepkit_conductor.done)

    def _prepkit_on_tick(self) -> Line | None:
        conductor, now = self._prepkit_conductor, self._prepkit_clock()
        if self._prepkit_line is None or self._prepkit_speaking or self._prepkit_decided is not None:
            return None
        if self._prepkit_done_at is not None and now - self._prepkit_done_at > DONE_WAIT_MS:
            self._prepkit_take_done()
            return None
        if line := conductor.on_clock():
            self._prepkit_finish()
            if line.last:
                self._prepkit_end_reason = "time"
            return line
        if self._prepkit_candidate_speaking or self._prepkit_quiet_since is None or self._prepkit_thinking is not None:
            return None
        quiet = now - self._prepkit_quiet_since
        if self._prepkit_owed and quiet > ASK_AGAIN_AFTER_MS and not self._prepkit_turns.text:
            # What ended the weighing was no speech: nothing else would take it up again.
            self._prepkit_think(conductor.done)
            return None
        if self._prepkit_cut and quiet > ASK_AGAIN_AFTER_MS and not self._prepkit_turns.text:
            self._prepkit_cut = False
            return conductor.ask_again()
        return Line(script.NUDGE) if conductor.silence.look(quiet) else None

    async def _prepkit_say(self, line: Line) -> None:
        if self._prepkit_speaking:
            await self.broadcast_interruption()
        await self._prepkit_show_tools()
        if line.asks:
            self._prepkit_conductor.silence.asked()
        self._prepkit_line, self._prepkit_owed = line, False
        self._prepkit_speaking, self._prepkit_heard, self._prepkit_cut = True, False, False
        self._prepkit_quiet_since = None
        logger.debug("The interviewer begins a line of {} words", len(line.spoken.split()))
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(line.spoken))
        await self.push_frame(LLMFullResponseEndFrame())

    async def _prepkit_show_tools(self) -> None:
        for answer in self._prepkit_conductor.take_unshown():
            await self._prepkit_show(answer)

    async def _prepkit_show(self, answer: ToolAnswered) -> None:
        name, call_id, arguments = answer.tool, answer.tool_call_id, {"currentQuestionId": answer.question_id}
        call = FunctionCallFromLLM(function_name=name, tool_call_id=call_id, arguments=arguments, context=self._prepkit_context)
        await self.broadcast_frame(FunctionCallsStartedFrame, function_calls=[call])
        await self.broadcast_frame(FunctionCallInProgressFrame, function_name=name, tool_call_id=call_id, arguments=arguments)
        await self.broadcast_frame(
            FunctionCallResultFrame,
            function_name=name,
            tool_call_id=call_id,
            arguments=arguments,
            result=answer.result,
            properties=FunctionCallResultProperties(run_llm=False),
        )
