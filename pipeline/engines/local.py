"""The engine that needs no key: recogniser, voice and turn detection on this machine, our own interviewer.

    input → recogniser → Ear → user aggregator (VAD, turns) → interviewer → voice → output → Mouth → assistant aggregator

Read next: `interviewer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from pipecat.frames.frames import InterimTranscriptionFrame, TranscriptionFrame
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

from bridge.domain.events import Speaker, ToolAnswered, TurnRecorded, TurnSource
from bridge.wire.candidate import SAMPLE_RATE

from .. import eval_wire
from ..interviewer import ScriptedInterviewer
from ..rtvi import QuietRTVI
from ..transport import CandidateTransport
from ..turns import Ear, Mouth
from ..voice.detectors import make_turn_analyzer, make_vad
from .engine import CallParts, Do

TURN_STOP_TIMEOUT_SECONDS = 9.0
"""A turn is over at the latest this long after the last speech."""
MS_PER_WORD = 400
"""About how long a spoken word takes, where a recogniser gives no times."""


@dataclass
class Voices:
    """The recogniser and the voice of one leg; no recogniser means typed answers or the browser's own."""

    recogniser: STTService | None
    voice: TTSService
    labels: dict[str, str]
    """What will hear and speak, in words."""


class LocalEngine:
    """Implements `Engine`."""

    name = "local"

    def __init__(self, parts: CallParts, voices: Voices) -> None:
        self._parts = parts
        self._voices = voices
        self._evals = isinstance(parts.leg.wire, eval_wire.EvalWire)
        self._runner = WorkerRunner(handle_sigint=False)
        self._stopped = False
        transport = CandidateTransport(parts.leg, parts.playback.played)
        self._input = transport.input()
        self._ear = Ear(self._on_final, self._on_interim)
        self._interviewer = ScriptedInterviewer(
            parts.conductor, parts.turns, parts.log, parts.clock, parts.opening, self._on_finished
        )
        mouth = Mouth(parts.clock, self._interviewer.line_started, self._on_said)
        aggregators = LLMContextAggregatorPair(
            LLMContext(),
            user_params=LLMUserAggregatorParams(
                vad_analyzer=make_vad(),
                user_turn_strategies=UserTurnStrategies(
                    stop=[TurnAnalyzerUserTurnStopStrategy(turn_analyzer=make_turn_analyzer(self._pause_seconds))]
                ),
                user_turn_stop_timeout=TURN_STOP_TIMEOUT_SECONDS,
                empty_user_turn=None,
            ),
        )
        steps = [
            self._input, voices.recogniser, self._ear, aggregators.user(), self._interviewer,
            voices.voice, transport.output(), mouth, aggregators.assistant(),
        ]  # fmt: skip
        rtvi = QuietRTVI()
        rtvi.add_event_handler("on_client_ready", self._on_ready)
        self._worker = PipelineWorker(
            Pipeline([step for step in steps if step is not None]),
            params=PipelineParams(audio_in_sample_rate=SAMPLE_RATE, audio_out_sample_rate=parts.leg.wire.out_rate),
            cancel_on_idle_timeout=False,
            idle_timeout_secs=None,
            rtvi_processor=rtvi,
            rtvi_observer_params=RTVIObserverParams(user_llm_enabled=False, bot_llm_enabled=self._evals, metrics_enabled=False),
        )

    def _pause_seconds(self) -> float:
        return self._parts.conductor.silence.policy.pause_seconds

    # Life -----------------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Talk until stopped."""
        await self._runner.add_workers(self._worker)
        await self._runner.run()

    async def ready_to_read(self) -> None:
        """The pipeline's input is open."""
        await self._input.prepkit_ready.wait()

    async def stop(self) -> None:
        """Stop; words no final came for are kept as they were heard."""
        if self._stopped:
            return
        self._stopped = True
        await self._runner.cancel()
        await self._ear.take_unfinished()
        self._parts.turns.finish()

    # From the candidate ---------------------------------------------------------------------------------------------
    def take_audio(self, pcm: bytes) -> None:
        """Into the pipeline."""
        self._input.take_audio(pcm)

    async def take_rtvi(self, message: dict[str, Any]) -> None:
        """To pipecat's own processor."""
        take = partial(eval_wire.take_rtvi, self._input) if self._evals else self._input.take_rtvi
        await take(message)

    async def take_browser_words(self, text: str, *, final: bool) -> None:
        """They stand in for our recogniser's from now on."""
        self._ear.prepkit_browser_hears = True
        cls = TranscriptionFrame if final else InterimTranscriptionFrame
        frame = cls(text=text, user_id="browser", timestamp=time_now_iso8601())
        if isinstance(frame, TranscriptionFrame):
            frame.finalized = True
            now = self._parts.clock()
            self._parts.turns.heard(text, max(0, now - len(text.split()) * MS_PER_WORD), now, TurnSource.BROWSER)
        else:
            self._parts.turns.hearing(text)
        await self._input.push_frame(frame)

    def tell(self, what: Do, text: str = "") -> None:
        """To the interviewer."""
        self._interviewer.tell(what, text)

    def tool_answered(self, answer: ToolAnswered) -> None:
        """Never: our own interviewer asks the conductor itself."""

    def mute(self, *, on: bool) -> None:
        """Nothing to do: the leg keeps the microphone back."""

    # From the pipeline ----------------------------------------------------------------------------------------------
    async def _on_ready(self, _: RTVIProcessor) -> None:
        await self._parts.ready(self._voices.labels)
        self._interviewer.tell(Do.OPEN)

    async def _on_final(self, text: str, result: Any) -> None:
        now = self._parts.clock()
        start_ms, end_ms = max(0, now - len(text.split()) * MS_PER_WORD), now
        if isinstance(result, dict) and "start_offset_ms" in result:
            offset = result["start_offset_ms"]
            start_ms, end_ms = self._parts.mic.at(offset), self._parts.mic.at(offset + result["duration_ms"])
        self._parts.turns.heard(text, start_ms, end_ms)

    def _on_interim(self, text: str) -> None:
        self._parts.turns.hearing(text)
        self._parts.partial(Speaker.CANDIDATE, text)

    async def _on_said(self, text: str, start_ms: int, interrupted: bool) -> None:
        self._interviewer.line_said(interrupted)
        if not text:
            return
        now = self._parts.clock()
        self._parts.log.append(
            TurnRecorded(
                at_ms=now, turn_id=f"i{self._parts.leg_number}-{now}", speaker=Speaker.INTERVIEWER, text=text,
                question_id=self._parts.agenda.transcript.owner(now), start_ms=start_ms, end_ms=now,
                source=TurnSource.SCRIPT, interrupted=interrupted,
            )
        )  # fmt: skip

    async def _on_finished(self, reason: str) -> None:
        self._parts.end(reason)
