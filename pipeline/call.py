"""One leg of a live call, from the candidate's socket to the last stored word: assemble, run, tear down. Start reading at `run_call`.

    input → recogniser → Ear → user aggregator (VAD, turns) → interviewer → voice → output → Mouth → assistant aggregator

Whatever is acknowledged to the candidate (turn, segment, question) has been stored before: `_acknowledge` is called by the log after each commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from loguru import logger
from pipecat.frames.frames import (
    ErrorFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frameworks.rtvi import RTVIObserverParams, RTVIProcessor
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.turns.user_stop import TurnAnalyzerUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from bridge.domain.agenda import Agenda
from bridge.domain.events import LegEnded, LegStarted, Noted, QuestionAsked, Speaker, TurnRecorded, TurnSource
from bridge.domain.segments import Segment
from bridge.ports import RecordingFile, Store
from bridge.usecases.call_log import CallLog, Entry
from bridge.usecases.calling import RECLAIM_SECONDS, Admission
from bridge.usecases.conducting import Conductor
from bridge.wire.candidate import SAMPLE_RATE, Verb, server_response

from . import eval_wire
from .clock import CallClock, MicClock
from .interviewer import Do, ScriptedInterviewer
from .leg import Leg
from .playback import PlaybackTap
from .recorder import HOLD_MS, CallRecorder
from .transport import CandidateTransport
from .turns import CandidateTurns, Ear, Mouth
from .voice.detectors import make_turn_analyzer, make_vad

TICK_SECONDS = 1.0
TOKEN_EVERY_SECONDS = 30
RECORDING_STOPPED = "The recording stopped because the disk is full. The interview goes on and your words are still written down."
TURN_STOP_TIMEOUT_SECONDS = 9.0
"""A turn is over at the latest this long after the last speech."""
READY_TIMEOUT_SECONDS = 15
SILENCE_AFTER_MUTE = bytes(SAMPLE_RATE * 2 * 3 // 5)
"""0.6 s: lets voice detection notice that a muted candidate has stopped."""


@dataclass
class Voices:
    """The recogniser and the voice of one leg; no recogniser means typed answers or the browser's own."""

    recogniser: STTService | None
    voice: TTSService
    labels: dict[str, str]
    """What will hear and speak, in words."""


@dataclass(frozen=True)
class Outcome:
    """How a leg ended: lost, replaced, drained, failed, or an interview's end (finished, time, ended_by_candidate)."""

    reason: str
    elapsed_ms: int

    @property
    def over(self) -> bool:
        """Whether the interview itself is over."""
        return self.reason in ("finished", "time", "ended_by_candidate")


class QuietRTVI(RTVIProcessor):
    """Pipecat's RTVI processor, except that inner errors are told in our own words and never verbatim."""

    async def _send_error_frame(self, frame: ErrorFrame) -> None:
        logger.warning("Pipeline error in {}: {}", frame.processor, type(frame.exception).__name__)


class CallLeg:
    """Everything of one leg. `run` returns when the interview is over, the candidate is gone, or `stop` was called."""

    def __init__(
        self,
        admission: Admission,
        leg: Leg,
        voices: Voices,
        store: Store,
        recording: RecordingFile | None,
        renew_token: Callable[[], Awaitable[str]],
    ) -> None:
        session = admission.session
        self._leg = leg
        self._voices = voices
        self._renew_token = renew_token
        base_ms = max([session.elapsed_ms, *(event.at_ms for event in admission.events)])
        if recording is not None:
            base_ms = max(base_ms, min(recording.duration_ms, base_ms + RECLAIM_SECONDS * 1000))
        self._leg_number = 1 + sum(isinstance(event, LegStarted) for event in admission.events)
        self._clock = CallClock(base_ms)
        self._mic = MicClock(self._clock)
        self._agenda = Agenda(session.setup, session.questions, admission.events)
        self._log = CallLog(store, session.id, self._agenda, last_seq=admission.last_seq, on_stored=self._acknowledge)
        self._turns = CandidateTurns(self._agenda, self._log)
        self._conductor = Conductor(self._agenda, self._log, self._clock)
        self._recorder = CallRecorder(recording, base_ms) if recording else None
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._engine = session.engine
        self._evals = isinstance(leg.wire, eval_wire.EvalWire)

    def stop(self, reason: str) -> None:
        """End the leg from outside: replaced, drained."""
        if not self._ended.done():
            self._ended.set_result(reason)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        """A part of the leg has ended while the leg had not: nothing more can be acknowledged."""
        if not task.cancelled() and (error := task.exception()):
            logger.error("A part of the call failed: {}", type(error).__name__)
        self.stop("failed")

    # Life -----------------------------------------------------------------------------------------------------------
    async def run(self) -> Outcome:
        """Run until the leg ends; everything said so far is durable when this returns."""
        self._log.append(LegStarted(at_ms=self._clock(), leg=self._leg_number, engine=self._engine))
        writer = asyncio.create_task(self._log.run())
        writer.add_done_callback(self._on_task_done)
        worker = self._assemble()
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        pipeline = asyncio.create_task(runner.run())
        pipeline.add_done_callback(self._on_task_done)
        others = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._tick()),
            asyncio.create_task(self._renew()),
        ]
        for task in others:
            task.add_done_callback(self._on_task_done)
        try:
            reason = await self._ended
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await runner.cancel()
            await asyncio.gather(pipeline, return_exceptions=True)
            elapsed = self._clock()
            await self._ear.take_unfinished()
            self._turns.finish()
            why = "cancelled" if self._ended.cancelled() or not self._ended.done() else self._ended.result()
            self._log.append(LegEnded(at_ms=elapsed, leg=self._leg_number, reason=why))
            self._log.close()
            await asyncio.gather(writer, return_exceptions=True)
            await self._record(elapsed)
            if self._recorder:
                self._recorder.close(elapsed)
        return Outcome(reason, elapsed)

    def _assemble(self) -> PipelineWorker:
        self._playback = PlaybackTap(self._leg.wire.out_rate, self._clock, self._recorder)
        transport = CandidateTransport(self._leg, self._playback.played)
        self._input = transport.input()
        self._ear = Ear(self._on_final)
        context = LLMContext()
        aggregators = LLMContextAggregatorPair(
            context,
            user_params=LLMUserAggregatorParams(
                vad_analyzer=make_vad(),
                user_turn_strategies=UserTurnStrategies(
                    stop=[TurnAnalyzerUserTurnStopStrategy(turn_analyzer=make_turn_analyzer())]
                ),
                user_turn_stop_timeout=TURN_STOP_TIMEOUT_SECONDS,
                empty_user_turn=None,
            ),
        )
        self._interviewer = ScriptedInterviewer(self._conductor, self._turns, self._log, self._clock, self._on_finished)
        mouth = Mouth(self._clock, self._interviewer.line_started, self._on_said)
        steps = [
            self._input, self._voices.recogniser, self._ear, aggregators.user(), self._interviewer,
            self._voices.voice, transport.output(), mouth, aggregators.assistant(),
        ]  # fmt: skip
        rtvi = QuietRTVI()
        worker = PipelineWorker(
            Pipeline([step for step in steps if step is not None]),
            params=PipelineParams(
                audio_in_sample_rate=SAMPLE_RATE,
                audio_out_sample_rate=self._leg.wire.out_rate,
            ),
            cancel_on_idle_timeout=False,
            idle_timeout_secs=None,
            rtvi_processor=rtvi,
            rtvi_observer_params=RTVIObserverParams(user_llm_enabled=False, bot_llm_enabled=self._evals, metrics_enabled=False),
        )

        rtvi.add_event_handler("on_client_ready", self._on_ready)
        return worker

    # From the candidate ---------------------------------------------------------------------------------------------
    async def _read(self) -> None:
        async with asyncio.timeout(READY_TIMEOUT_SECONDS):
            await self._input.prepkit_ready.wait()
        on_rtvi = partial(eval_wire.take_rtvi, self._input) if self._evals else self._input.take_rtvi
        await self._leg.read(self._on_audio, on_rtvi, self._on_verb)
        # An interview that was only waiting for its goodbye to end is over even when the page left first.
        self.stop("finished" if self._agenda.over else "lost")

    async def _on_audio(self, pcm: bytes) -> None:
        at_ms = self._mic.feed(len(pcm) * 1000 / (2 * SAMPLE_RATE))
        if self._recorder:
            self._recorder.candidate(pcm, at_ms)
        await self._input.take_audio(pcm)

    async def _on_verb(self, verb: Verb) -> None:
        match verb.t:
            case "done":
                self._interviewer.tell(Do.DONE)
            case "next":
                self._interviewer.tell(Do.NEXT)
            case "end":
                self._interviewer.tell(Do.END)
            case "mute":
                self._leg.muted = verb.d["on"]
                self._log.append(Noted(at_ms=self._clock(), code="muted" if verb.d["on"] else "unmuted"))
                if verb.d["on"]:
                    await self._on_audio(SILENCE_AFTER_MUTE)
            case "browser-transcript":
                await self._on_browser(verb.d["text"], verb.d["final"])
            case "text":
                await self._on_typed(verb)
                return
        await self._leg.send_message(server_response(verb, {}))

    async def _on_typed(self, verb: Verb) -> None:
        turn = self._turns.typed(verb.d["text"], self._clock())
        if turn is None:
            await self._leg.send_message(server_response(verb, {"turnId": None}))
            return
        marker = self._log.append(Noted(at_ms=self._clock(), code="typed", detail=verb.id))
        await marker
        await self._leg.send_message(server_response(verb, {"turnId": turn.turn_id}))
        self._interviewer.tell(Do.TYPED, turn.text)

    async def _on_browser(self, text: str, final: bool) -> None:
        self._ear.prepkit_browser_hears = True
        cls = TranscriptionFrame if final else InterimTranscriptionFrame
        frame = cls(text=text, user_id="browser", timestamp=time_now_iso8601())
        if isinstance(frame, TranscriptionFrame):
            frame.finalized = True
            now = self._clock()
            self._turns.heard(text, max(0, now - len(text.split()) * 400), now, TurnSource.BROWSER)
        await self._input.push_frame(frame)

    async def _on_final(self, text: str, result: Any) -> None:
        now = self._clock()
        start_ms, end_ms = max(0, now - len(text.split()) * 400), now
        if isinstance(result, dict) and "start_offset_ms" in result:
            offset = result["start_offset_ms"]
            start_ms, end_ms = self._mic.at(offset), self._mic.at(offset + result["duration_ms"])
        self._turns.heard(text, start_ms, end_ms)

    # From the pipeline ----------------------------------------------------------------------------------------------
    async def _on_ready(self, _: RTVIProcessor) -> None:
        setup = self._agenda.setup
        await self._leg.tell("audio", sampleRate=self._leg.wire.out_rate)
        await self._leg.tell("voices", **self._voices.labels)
        await self._leg.tell("clock", elapsed=self._clock() // 1000, total=setup.duration_minutes * 60)
        for event_question in self._last_question():
            await self._tell_question(event_question)
        self._interviewer.tell(Do.OPEN)

    def _last_question(self) -> list[QuestionAsked]:
        question = self._agenda.current
        if question is None or question.id not in self._agenda.transcript.segments:
            return []
        n, text = self._agenda.position, self._agenda.last_text
        return [QuestionAsked(at_ms=0, question_id=question.id, n=n, of=len(self._agenda.questions), text=text)]

    async def _on_said(self, text: str, start_ms: int, interrupted: bool) -> None:
        self._interviewer.line_said(interrupted)
        if not text:
            return
        now = self._clock()
        turn_id = f"i{self._leg_number}-{now}"
        self._log.append(
            TurnRecorded(
                at_ms=now, turn_id=turn_id, speaker=Speaker.INTERVIEWER, text=text,
                question_id=self._agenda.transcript.owner(now), start_ms=start_ms, end_ms=now,
                source=TurnSource.SCRIPT, interrupted=interrupted,
            )
        )  # fmt: skip

    async def _on_finished(self, reason: str) -> None:
        self.stop(reason)

    # To the candidate, once stored ----------------------------------------------------------------------------------
    async def _acknowledge(self, entry: Entry) -> None:
        match entry.event:
            case QuestionAsked():
                await self._tell_question(entry.event)
            case TurnRecorded() as turn:
                await self._leg.tell(
                    "turn", turnId=turn.turn_id, speaker=turn.speaker.value, text=turn.text, questionId=turn.question_id,
                    startMs=turn.start_ms, endMs=turn.end_ms, final=turn.final, seq=entry.seq,
                )  # fmt: skip
            case Noted(code="take_your_time" | "recording_stopped") as note:
                await self._leg.tell("notice", code=note.code, message=note.detail)
        for segment in entry.segments:
            await self._leg.tell("segment", **segment_json(segment))

    async def _tell_question(self, event: QuestionAsked) -> None:
        await self._leg.tell("question", n=event.n, of=event.of, id=event.question_id, text=event.text, followUp=event.follow_up)

    # Beside it ------------------------------------------------------------------------------------------------------
    async def _tick(self) -> None:
        total = self._agenda.setup.duration_minutes * 60
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clock()
            await self._leg.tell("clock", elapsed=now // 1000, total=total)
            self._interviewer.tell(Do.TICK)
            await self._record(now - HOLD_MS)

    async def _record(self, until_ms: int) -> None:
        """Write the recording on; where the disk refuses, the interview goes on without one and the candidate is told (F9)."""
        if self._recorder is None:
            return
        try:
            await asyncio.to_thread(self._recorder.flush, until_ms)
        except OSError as error:
            logger.error("The recording stopped: {}", error.strerror)
            self._recorder = self._playback.recorder = None
            self._log.append(Noted(at_ms=self._clock(), code="recording_stopped", detail=RECORDING_STOPPED))

    async def _renew(self) -> None:
        while True:
            token = await self._renew_token()
            await self._leg.tell("resume", token=token, expiresIn=RECLAIM_SECONDS)
            await asyncio.sleep(TOKEN_EVERY_SECONDS)


def segment_json(segment: Segment) -> dict[str, Any]:
    """The segment as clients see it."""
    return {
        "questionId": segment.question_id,
        "n": segment.n,
        "question": segment.question,
        "followUps": list(segment.follow_ups),
        "turnIds": list(segment.turn_ids),
        "answer": segment.answer,
        "startMs": segment.start_ms,
        "endMs": segment.end_ms,
        "closed": segment.closed,
    }
