"""The Vapi engine in one leg: the candidate's socket and Vapi's, joined; our cursor, our log, our recording (R-040…R-050).

Audio goes straight across (`pipeline.relay`). Everything else is news in one queue, handled in order: Vapi's messages, the candidate's buttons, ticks of the clock, tool calls
that were answered over the web. Read next: `relayed_words` (who said what), `vapi_call`, `vapi_speech`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loguru import logger
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frameworks.rtvi import RTVIObserverParams, RTVIProcessor
from pipecat.workers.runner import WorkerRunner

from bridge.domain import ended, upstream
from bridge.domain.events import Noted, Speaker, ToolAnswered
from bridge.domain.intents import Intent, intent_of
from bridge.usecases.conducting import Line
from bridge.wire import vapi_messages
from bridge.wire.candidate import SAMPLE_RATE

from ..rtvi import StraightRTVI
from ..sound import loudness, resampler
from ..transport import CandidateTransport
from .engine import CallParts, Do, EngineLost
from .relayed_words import RelayedWords
from .vapi_call import Away, Back, Lost, News, VapiCall, VapiCalls
from .vapi_speech import VapiSpeech, partial_words

SILENT_SECONDS = 5.0
"""No word of any kind so long after the candidate stopped speaking: Vapi is silent (F2)."""
SPEECHLESS_SECONDS = 8.0
"""No sound so long after Vapi was given something to say."""
GOODBYE_SECONDS = 25.0
"""Once the questions are over, Vapi has so long to say goodbye and hang up."""
SLOW_SECONDS = 3.0
"""A create that takes longer is told."""
CONNECTING = "Still connecting to the voice service…"
LOST = "The voice service was lost."
RECONNECTING = "The line to the voice service dropped. Reconnecting…"
RECONNECTED = "The voice service is back."
WHISPER = "A note from the person who supervises this interview, for you alone; act on it and do not mention it: {}"

MakeBody = Callable[[CallParts, Line], dict[str, Any]]
"""The create-call body for a session that opens with a line."""


@dataclass(frozen=True)
class Told:
    """A button, a typed answer, a tick."""

    what: Do
    text: str = ""


@dataclass(frozen=True)
class Spoke:
    """The candidate began or stopped to speak, by our own detection."""

    at_ms: int
    speaking: bool


class VapiEngine:
    """Implements `Engine`."""

    name = "vapi"

    def __init__(self, parts: CallParts, calls: VapiCalls, make_body: MakeBody) -> None:
        self._parts = parts
        self._calls = calls
        self._make_body = make_body
        self._call: VapiCall | None = None
        self._news: asyncio.Queue[News | Told | Spoke | ToolAnswered] = asyncio.Queue()
        self._words = RelayedWords(parts)
        self._end_reason: str | None = None
        self._over_at: float | None = None
        self._quiet_since: int | None = None
        self._unanswered_since: float | None = None
        self._given_at: float | None = None
        self._stopped = False
        self._client_ready = asyncio.Event()
        self._detector = calls.vad.open(lambda speaking, at_ms: self._news.put_nowait(Spoke(at_ms, speaking)))
        rate = parts.leg.wire.out_rate
        self._up = resampler(SAMPLE_RATE, rate)
        transport = CandidateTransport(parts.leg, None)
        self._input = transport.input()
        self._speech = VapiSpeech()
        rtvi = StraightRTVI(parts.leg)
        rtvi.add_event_handler("on_client_ready", self._on_ready)
        self._runner = WorkerRunner(handle_sigint=False)
        self._worker = PipelineWorker(
            Pipeline([self._input, self._speech, transport.output()]),
            params=PipelineParams(audio_in_sample_rate=SAMPLE_RATE, audio_out_sample_rate=rate),
            cancel_on_idle_timeout=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
            rtvi_processor=rtvi,
            rtvi_observer_params=RTVIObserverParams(user_llm_enabled=False, bot_llm_enabled=False, metrics_enabled=False),
        )

    # Life -----------------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Talk until stopped. Raises EngineLost, or UpstreamFailed when there can be no call."""
        await self._runner.add_workers(self._worker)
        pipeline = asyncio.create_task(self._runner.run())
        talk = asyncio.create_task(self._talk())
        try:
            await asyncio.wait({pipeline, talk}, return_when=asyncio.FIRST_COMPLETED)
            for task in (talk, pipeline):
                if task.done():
                    task.result()
        finally:
            talk.cancel()
            await self._runner.cancel()
            await asyncio.gather(talk, pipeline, return_exceptions=True)

    async def _talk(self) -> None:
        await self._client_ready.wait()
        await self._parts.ready({"recogniser": "Vapi", "voice": "Vapi"})
        line = self._parts.opening()
        self._expect(line)
        session_id = self._parts.session.id
        call = self._calls.live(session_id)
        if call is None:
            slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._notice, "connecting", CONNECTING)
            try:
                call = await self._calls.open(session_id, self._make_body(self._parts, line), self._parts.clock())
            finally:
                slow.cancel()
            self._attach(call)
        else:
            self._attach(call)
            await self._say(line)
        while True:
            await self._take(await self._news.get())

    def _attach(self, call: VapiCall) -> None:
        self._call, self._given_at = call, time.monotonic()
        call.listener = self._news.put_nowait
        call.relay.on_played = self._on_played
        leg = self._parts.leg
        call.relay.attach(leg.send_audio_now if leg.wire.out_rate == SAMPLE_RATE else self._send_resampled)
        call.relay.mute(self._parts.leg.muted)
        self._parts.leg.on_microphone = call.relay.up

    async def ready_to_read(self) -> None:
        """The pipeline's input is open."""
        await self._input.prepkit_ready.wait()

    async def stop(self) -> None:
        """Leave the call, which goes on for the candidate's return; keep the words heard so far."""
        if self._stopped:
            return
        self._stopped = True
        self._parts.leg.on_microphone = None
        self._detector.close()
        if self._call is not None:
            self._call.listener = None
            self._call.relay.detach()
        self._parts.turns.finish()

    # Audio ----------------------------------------------------------------------------------------------------------
    def take_audio(self, pcm: bytes) -> None:
        """To voice detection; Vapi has it already."""
        self._detector.feed(pcm, self._parts.clock() - len(pcm) * 1000 // (2 * SAMPLE_RATE))

    def _send_resampled(self, pcm: bytes) -> bool:
        return self._parts.leg.send_audio_now(self._up(pcm))

    def _on_played(self, pcm: bytes, in_ms: int) -> None:
        self._parts.playback.heard(pcm, in_ms)
        at_ms = self._parts.clock() + in_ms
        if self._words.interviewer.feed(at_ms, len(pcm) * 1000 // (2 * SAMPLE_RATE), loudness(pcm)):
            if self._words.asks is not None:
                self._parts.conductor.silence.asked()
            self._quiet_since = self._unanswered_since = None
            self._words.voice_began(at_ms)
            self._news.put_nowait(upstream.Speaking(Speaker.INTERVIEWER, started=True))

    async def _on_ready(self, _: RTVIProcessor) -> None:
        self._client_ready.set()

    # News -----------------------------------------------------------------------------------------------------------
    async def _take(self, news: News | Told | Spoke | ToolAnswered) -> None:
        match news:
            case Told(what, text):
                await self._on_told(what, text)
            case Spoke(at_ms, speaking):
                await self._on_spoke(at_ms, speaking=speaking)
            case ToolAnswered():
                await self._speech.tool(news, {"currentQuestionId": news.question_id})
            case upstream.Said():
                await self._on_said(news)
            case upstream.Interrupted():
                await self._on_interrupted()
            case upstream.Speaking(Speaker.INTERVIEWER, started):
                await self._speech.speaking(Speaker.INTERVIEWER, started=started)
            case upstream.CallEnded(reason):
                self._on_ended(reason)
            case Away() if self._end_reason is None and not self._parts.agenda.over:
                self._notice("reconnecting", RECONNECTING)
            case Back():
                await self._on_back()
            case Lost(reason):
                self._on_lost(reason)

    async def _on_spoke(self, at_ms: int, *, speaking: bool) -> None:
        self._words.candidate.changed(at_ms, speaking=speaking)
        self._quiet_since = None if speaking else at_ms
        if not speaking:
            self._unanswered_since = time.monotonic()
        await self._speech.speaking(Speaker.CANDIDATE, started=speaking)

    async def _on_said(self, said: upstream.Said) -> None:
        if said.speaker is Speaker.INTERVIEWER:
            if said.final and (text := self._words.interviewer_said(said.text)):
                await self._speech.said(text)
            return
        self._unanswered_since = None
        if said.final:
            await self._speech.heard(said.text)
            self._words.candidate_said(said.text)
            self._parts.conductor.silence.words(said.text)
            if intent_of(said.text) is Intent.HINT:
                self.tell(Do.HINT)
        else:
            for message in partial_words(said.text):
                self._parts.leg.send_message_now(message)
            self._parts.partial(Speaker.CANDIDATE, said.text)
            self._parts.turns.hearing(said.text)

    async def _on_interrupted(self) -> None:
        """The candidate spoke over the interviewer: silence at once."""
        if self._call is None:
            return
        dropped_ms = self._call.relay.flush()
        self._words.interviewer.cut(self._parts.clock(), dropped_ms)
        await self._parts.leg.tell("flush-audio")
        await self._speech.speaking(Speaker.INTERVIEWER, started=False)
        await self._speech.interrupted()

    def tool_answered(self, answer: ToolAnswered) -> None:
        """What it asks is heard with the interviewer's next stretch of speech."""
        if asks := self._parts.conductor.asks_of(answer):
            self._words.expect_answer(asks)
            self._given_at = time.monotonic()
        if answer.result.get("done"):
            self._over_at = time.monotonic()
        self._news.put_nowait(answer)

    # The candidate --------------------------------------------------------------------------------------------------
    async def take_rtvi(self, message: dict[str, Any]) -> None:
        """To pipecat's own processor."""
        await self._input.take_rtvi(message)

    async def take_browser_words(self, text: str, *, final: bool) -> None:
        """Left alone: Vapi hears for itself."""

    def tell(self, what: Do, text: str = "") -> None:
        """In order with all other news."""
        self._news.put_nowait(Told(what, text))

    def mute(self, *, on: bool) -> None:
        """Vapi hears silence."""
        if self._call is not None:
            self._call.relay.mute(on)

    async def _on_told(self, what: Do, text: str) -> None:
        conductor = self._parts.conductor
        match what:
            case Do.TICK:
                await self._on_tick()
            case _ if self._end_reason is not None:
                return
            case Do.HINT | Do.TYPED if what is Do.HINT or intent_of(text) is Intent.HINT:
                await self._say(conductor.hint())
            case Do.TYPED:
                conductor.silence.words(text)
                await self._control(vapi_messages.add_message(text, role="user", trigger=True))
            case Do.DONE:
                conductor.silence.end()
                await self._control(vapi_messages.add_message("The candidate has finished this answer.", trigger=True))
            case Do.NEXT if self._words.asks is None:
                # Where a question is still to be heard, a second press would skip it unheard (C-38).
                self._parts.turns.finish()
                await self._say(conductor.skip())
            case Do.SAY:
                await self._say(Line(text))
            case Do.WHISPER:
                await self._control(vapi_messages.add_message(WHISPER.format(text), role="system"))
            case Do.END:
                self._parts.turns.finish()
                self._end_reason = text or "ended_by_candidate"
                await self._say(conductor.close("end"))

    async def _on_tick(self) -> None:
        now = self._parts.clock()
        if self._words.interviewer.settle(now):
            self._quiet_since = now
            await self._speech.speaking(Speaker.INTERVIEWER, started=False)
        self._words.tick(now, playing=self._interviewer_speaks())
        if self._over_at is not None and time.monotonic() - self._over_at > GOODBYE_SECONDS:
            self._parts.end(self._end_reason or "finished")
            return
        if self._silent():
            self._on_lost("silent")
        if self._end_reason is None and not self._interviewer_speaks() and (line := self._parts.conductor.on_clock()):
            self._parts.turns.finish()
            if line.last:
                self._end_reason = "time"
            await self._say(line)
        if self._quiet_since is not None and not self._interviewer_speaks():
            self._parts.conductor.silence.look(now - self._quiet_since)

    def _interviewer_speaks(self) -> bool:
        return self._call is not None and self._call.relay.playing

    def _silent(self) -> bool:
        """Whether Vapi has given no sign of life since the candidate stopped to speak, or since it was given something to say."""
        if self._call is None:
            return False
        sound_at, now = self._call.relay.counters.last_sound_at, time.monotonic()
        if self._given_at is not None and self._words.asks is not None:
            return sound_at < self._given_at and now - self._given_at > SPEECHLESS_SECONDS
        since = self._unanswered_since
        return since is not None and max(self._call.said_at, sound_at) < since and now - since > SILENT_SECONDS

    def _expect(self, line: Line) -> None:
        self._words.expect_line(line)
        self._given_at = time.monotonic()
        if line.last:
            self._over_at = time.monotonic()

    async def _say(self, line: Line) -> None:
        self._expect(line)
        await self._control(vapi_messages.say(line.spoken, end_call=line.last))

    async def _control(self, frame: dict[str, Any]) -> None:
        if self._call is not None:
            await self._call.control(frame)

    # Ends -----------------------------------------------------------------------------------------------------------
    async def _on_back(self) -> None:
        self._notice("reconnected", RECONNECTED)
        if (line := self._parts.conductor.ask_again()) is not None:
            await self._say(line)

    def _on_ended(self, reason: str) -> None:
        """Vapi says that the call is over: the interview is too, unless Vapi failed in the middle of it."""
        agenda = self._parts.agenda
        logger.info("Vapi ended a call: {}", reason[:80])
        if self._end_reason is not None or agenda.over:
            self._parts.end(self._end_reason or "finished")
        elif reason == "exceeded-max-duration" and agenda.extended:
            # Vapi was told the length when the call was made and cannot be told another one: the next engine has the added minutes.
            raise EngineLost("extended", LOST)
        elif ended.judge(reason, spoke=agenda.answered() > 0) is ended.Ending.COMPLETED and reason != "silence-timed-out":
            self._parts.end("time" if reason == "exceeded-max-duration" else "finished")
        else:
            raise EngineLost(reason[:80], LOST)

    def _on_lost(self, reason: str) -> None:
        if self._end_reason is not None or self._parts.agenda.over:
            self._parts.end(self._end_reason or "finished")
            return
        raise EngineLost(reason, LOST)

    def _notice(self, code: str, text: str) -> None:
        self._parts.log.append(Noted(at_ms=self._parts.clock(), code=code, detail=text))
