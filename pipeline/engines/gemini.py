"""The Gemini Live engine in one leg: one key, no Vapi; our cursor, our log, our recording (R-040…R-050, M2, F7).

Audio goes by the same relay as Vapi's, questions and words by the same book. Everything that happens is news in one queue, handled in order: Gemini's, the
candidate's buttons, ticks of the clock, tool calls that were answered. What Gemini fails to do is noticed by `GeminiWatch`. Read next: `gemini_service`
(the line), `gemini_watch` (the waiting), `relayed_words` (who said what).
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from pipecat.processors.frameworks.rtvi import RTVIProcessor
from pipecat.workers.runner import WorkerRunner

from bridge.domain import persona
from bridge.domain.events import Noted, Speaker, ToolAnswered
from bridge.domain.intents import Intent, intent_of
from bridge.domain.upstream import Interrupted, Said
from bridge.usecases.conducting import Line
from bridge.wire.candidate import SAMPLE_RATE

from ..relay import Relay
from ..rtvi import StraightRTVI
from ..sound import resampler
from ..transport import CandidateTransport
from .engine import CallParts, Do, EngineLost
from .gemini_lives import GeminiLives, Meter, Spoke, Tokens, Told, person_of
from .gemini_service import Dropped, GeminiLive, GoingAway, LiveNews, Ready, TurnOver, make_worker
from .gemini_watch import NOTICES, GeminiWatch, Verdict
from .relayed_words import RelayedWords

VOICE_RATE = 24_000
"""Of Gemini's audio."""
GOODBYE_SECONDS = 25.0
"""Once the questions are over, Gemini has so long to say goodbye."""
PAUSES_SECONDS = (0.0, 0.5, 1.5)
"""Before each dialling of a line that was lost."""
LABEL = "Google Gemini"
LOST = "The voice service was lost."
RECONNECTING = "The line to the voice service dropped. Reconnecting…"
RECONNECTED = "The voice service is back."


class GeminiEngine:
    """Implements `Engine`."""

    name = "gemini"

    def __init__(self, parts: CallParts, lives: GeminiLives, client: Any) -> None:
        self._parts = parts
        self._lives = lives
        self._news: asyncio.Queue[LiveNews | Told | Spoke | ToolAnswered] = asyncio.Queue()
        self._words = RelayedWords(parts)
        self._watch = GeminiWatch()
        self._relay = Relay(lives.ticker)
        self._resuming = lives.take(parts.session.id)
        person = person_of(parts, lives.live)
        self._line = GeminiLive(
            client, person, listener=self._news.put_nowait, on_audio=self._on_voice, answer=parts.tool, handle=self._resuming
        )
        self._settled = False
        """Whether the breaker has been told how this call went."""
        self._ready = False
        self._waiting: Line | None = None
        """A line that is said as soon as there is a connection."""
        self._dropped = 0
        self._back = False
        """The next connection follows one that was lost, and is told."""
        self._leaving_at: float | None = None
        self._end_reason: str | None = None
        self._over_at: float | None = None
        self._cut = False
        """The end of a turn that was cut off is still to come."""
        self._quiet_since: int | None = None
        self._meter = Meter(lives.live, parts.session.id)
        self._stopped = False
        self._client_ready = asyncio.Event()
        self._detector = lives.vad.open(self._on_detected)
        rate = parts.leg.wire.out_rate
        self._down, self._up = resampler(VOICE_RATE, SAMPLE_RATE), resampler(SAMPLE_RATE, rate)
        transport = CandidateTransport(parts.leg, None)
        self._input = transport.input()
        rtvi = StraightRTVI(parts.leg)
        rtvi.add_event_handler("on_client_ready", self._on_client_ready)
        self._runner = WorkerRunner(handle_sigint=False)
        self._worker = make_worker([self._input, self._line, transport.output()], rtvi, rate)

    # Life -----------------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Talk until stopped. Raises EngineLost."""
        self._watch.dialled()
        await self._runner.add_workers(self._worker)
        tasks = [asyncio.create_task(work) for work in (self._runner.run(), self._talk(), self._line.send_microphone())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        except EngineLost as lost:
            self._settled = True
            self._lives.failed(lost)
            raise
        finally:
            for task in tasks[1:]:
                task.cancel()
            await self._runner.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _talk(self) -> None:
        await self._client_ready.wait()
        await self._parts.ready({"recogniser": LABEL, "voice": LABEL})
        self._relay.on_played = self._on_played
        self._relay.attach(self._send_audio)
        self._relay.mute(self._parts.leg.muted)
        self._relay.connect(self._line.take_microphone)
        self._parts.leg.on_microphone = self._relay.up
        line = self._parts.opening()
        if self._resuming is not None:
            await self._say(line)
        else:
            self._expect(line)
            await self._line.begin(persona.say(line.spoken))
        while True:
            await self._take(await self._news.get())

    async def ready_to_read(self) -> None:
        """The pipeline's input is open."""
        await self._input.prepkit_ready.wait()

    async def stop(self) -> None:
        """Hang up, keep the way back and the words heard so far."""
        if self._stopped:
            return
        self._stopped = True
        self._settle(answered=False)
        self._parts.leg.on_microphone = None
        self._detector.close()
        self._relay.close()
        self._parts.turns.finish()
        self._lives.keep(self._parts.session.id, self._line.handle)
        await self._meter.book(at_once=True)

    def _settle(self, *, answered: bool) -> None:
        if not self._settled:
            self._settled = True
            (self._lives.answered if answered else self._lives.given_up)()

    # Audio ----------------------------------------------------------------------------------------------------------
    def take_audio(self, pcm: bytes) -> None:
        """To voice detection; Gemini has it already."""
        self._detector.feed(pcm, self._parts.clock() - len(pcm) * 1000 // (2 * SAMPLE_RATE))

    def _on_detected(self, speaking: bool, at_ms: int) -> None:
        self._news.put_nowait(Spoke(Speaker.CANDIDATE, at_ms, speaking))

    def _on_voice(self, pcm: bytes) -> None:
        self._relay.down(self._down(pcm))

    def _send_audio(self, pcm: bytes) -> bool:
        return self._parts.leg.send_audio_now(self._up(pcm))

    def _on_played(self, pcm: bytes, in_ms: int) -> None:
        self._parts.playback.heard(pcm, in_ms)
        at_ms = self._parts.clock() + in_ms
        if self._words.interviewer.feed(at_ms, len(pcm) * 1000 // (2 * SAMPLE_RATE), self._relay.level_down):
            if self._words.asks is not None:
                self._parts.conductor.silence.asked()
            self._quiet_since = None
            self._watch.heard()
            self._cut = False
            self._words.voice_began(at_ms)
            self._news.put_nowait(Spoke(Speaker.INTERVIEWER, at_ms, True))

    async def _on_client_ready(self, _: RTVIProcessor) -> None:
        self._client_ready.set()

    # News -----------------------------------------------------------------------------------------------------------
    async def _take(self, news: LiveNews | Told | Spoke | ToolAnswered) -> None:
        match news:
            case Told(what, text):
                await self._on_told(what, text)
            case Spoke(Speaker.CANDIDATE, at_ms, speaking):
                await self._on_spoke(at_ms, speaking=speaking)
            case Spoke(speaker):
                await self._line.speaking(speaker, started=True)
            case Said():
                self._on_said(news)
            case Interrupted():
                await self._on_interrupted()
            case TurnOver() if self._cut:
                self._cut = False
            case TurnOver():
                self._watch.turn_over()
            case Tokens():
                self._meter.add(news)
            case Ready(resumed):
                await self._on_ready(resumed=resumed)
            case Dropped():
                await self._on_dropped(news)
            case GoingAway(seconds):
                self._leaving_at = time.monotonic() + max(0.0, seconds - 1.0)

    async def _on_spoke(self, at_ms: int, *, speaking: bool) -> None:
        began_ms = self._words.candidate.last.start_ms if self._words.candidate.last else at_ms
        self._words.candidate.changed(at_ms, speaking=speaking)
        self._quiet_since = None if speaking else at_ms
        self._watch.candidate(speaking=speaking, lasted_ms=at_ms - began_ms)
        await self._line.speaking(Speaker.CANDIDATE, started=speaking)

    def _on_said(self, said: Said) -> None:
        if not said.final:
            self._parts.partial(said.speaker, said.text)
            if said.speaker is Speaker.CANDIDATE:
                self._parts.turns.hearing(said.text)
        elif said.speaker is Speaker.INTERVIEWER:
            self._words.interviewer_said(said.text)
        else:
            self._words.candidate_said(said.text)
            if self._parts.conductor.silence.words(said.text):
                self._watch.patience()
            elif intent_of(said.text) is Intent.HINT:
                self.tell(Do.HINT)

    async def _on_interrupted(self) -> None:
        """The candidate spoke over the interviewer: silence at once."""
        self._cut = True
        dropped_ms = self._relay.flush()
        self._words.interviewer.cut(self._parts.clock(), dropped_ms)
        self._watch.heard()
        await self._parts.leg.tell("flush-audio")
        await self._line.speaking(Speaker.INTERVIEWER, started=False)

    def tool_answered(self, answer: ToolAnswered) -> None:
        """What it asks is heard with the interviewer's next stretch of speech."""
        if asks := self._parts.conductor.asks_of(answer):
            self._words.expect_answer(asks)
        (self._watch.patience if self._parts.conductor.silence.held else self._watch.given)()
        if answer.result.get("done"):
            self._over_at = time.monotonic()

    # The line -------------------------------------------------------------------------------------------------------
    async def _on_ready(self, *, resumed: bool) -> None:
        self._ready = True
        self._settle(answered=True)
        self._watch.connected()
        back, self._back = self._back, False
        if back:
            self._notice("reconnected", RECONNECTED)
        line, self._waiting = self._waiting, None
        if line is None and back and resumed and not self._words.candidate.speaking:
            line = self._parts.conductor.open(taking_over=True)
        if line is not None and resumed:
            await self._say(line)

    async def _on_dropped(self, news: Dropped) -> None:
        self._ready = False
        self._leaving_at = None
        if self._end_reason is not None or self._parts.agenda.over:
            self._parts.end(self._end_reason or "finished")
            return
        if self._line.handle is not None and not news.was_ready:
            # It may be the handle that is refused, in words that tell nothing.
            self._line.forget_handle()
        else:
            ended = self._lives.live.explain(news.error)
            if ended.final or self._dropped >= len(PAUSES_SECONDS):
                raise EngineLost(ended.reason, ended.message)
        if news.was_ready:
            self._cut = False
            self._back = True
            self._watch.dialled()
            self._notice("reconnecting", RECONNECTING)
        pause = PAUSES_SECONDS[min(self._dropped, len(PAUSES_SECONDS) - 1)]
        self._dropped += 1
        await asyncio.sleep(pause)
        await self._dial()

    async def _dial(self) -> None:
        """The same session, or where it cannot be resumed a new one that opens where we are."""
        if self._line.handle is not None:
            await self._line.dial()
            return
        line = self._waiting or self._parts.conductor.open(taking_over=self._parts.agenda.position > 0)
        self._waiting = None
        self._expect(line)
        await self._line.dial(persona.say(line.spoken))

    async def _move_on(self) -> None:
        """Gemini asked us to leave this connection: in a pause, or at the last moment."""
        at = self._leaving_at
        talking = self._interviewer_speaks() or self._words.candidate.speaking
        if at is not None and self._ready and self._line.handle is not None and (not talking or time.monotonic() > at):
            self._leaving_at = None
            self._ready = False
            self._watch.dialled()
            await self._line.dial()

    # The candidate --------------------------------------------------------------------------------------------------
    async def take_rtvi(self, message: dict[str, Any]) -> None:
        """To pipecat's own processor."""
        await self._input.take_rtvi(message)

    async def take_browser_words(self, text: str, *, final: bool) -> None:
        """Left alone: Gemini hears for itself."""

    def tell(self, what: Do, text: str = "") -> None:
        """In order with all other news."""
        self._news.put_nowait(Told(what, text))

    def mute(self, *, on: bool) -> None:
        """Gemini hears silence."""
        self._relay.mute(on)

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
                if not conductor.silence.words(text):
                    self._watch.asked()
                await self._line.instruct(persona.typed(text))
            case Do.DONE:
                conductor.silence.end()
                self._watch.asked()
                await self._line.instruct(persona.FINISHED)
            case Do.NEXT if self._words.asks is None:
                # Where a question is still to be heard, a second press would skip it unheard (C-38).
                self._parts.turns.finish()
                await self._say(conductor.skip())
            case Do.SAY:
                await self._say(Line(text))
            case Do.WHISPER:
                await self._line.instruct(persona.whisper(text))
            case Do.END:
                self._parts.turns.finish()
                self._end_reason = text or "ended_by_candidate"
                await self._say(conductor.close("end"))

    async def _on_tick(self) -> None:
        now, speaks = self._parts.clock(), self._interviewer_speaks()
        if self._words.interviewer.settle(now):
            self._quiet_since = now
            await self._line.speaking(Speaker.INTERVIEWER, started=False)
        self._words.tick(now, playing=speaks)
        if self._over_at is not None and (
            (self._watch.turn_is_over and not speaks) or time.monotonic() - self._over_at > GOODBYE_SECONDS
        ):
            self._parts.end(self._end_reason or "finished")
            return
        await self._look(speaks=speaks)
        await self._move_on()
        if self._end_reason is None and not speaks and (line := self._parts.conductor.on_clock()):
            self._parts.turns.finish()
            if line.last:
                self._end_reason = "time"
            await self._say(line)
        if self._quiet_since is not None and not speaks:
            self._parts.conductor.silence.look(now - self._quiet_since)
        await self._meter.book()

    async def _look(self, *, speaks: bool) -> None:
        """Whether Gemini does what it has to, and what is done where it does not."""
        match self._watch.look(speaks=speaks):
            case (Verdict.CONNECTING | Verdict.ONE_MOMENT) as verdict:
                self._notice(*NOTICES[verdict])
            case Verdict.NUDGE:
                await self._line.instruct(persona.FINISHED)
            case Verdict.LOST if self._end_reason is not None or self._parts.agenda.over:
                self._parts.end(self._end_reason or "finished")
            case Verdict.LOST:
                raise EngineLost("gemini_silent" if self._ready else "gemini_unreachable", LOST)

    def _interviewer_speaks(self) -> bool:
        return self._relay.playing

    def _expect(self, line: Line) -> None:
        self._words.expect_line(line)
        self._watch.given()
        if line.last:
            self._over_at = time.monotonic()

    async def _say(self, line: Line) -> None:
        self._expect(line)
        if self._ready:
            await self._line.instruct(persona.say(line.spoken))
        else:
            self._waiting = line

    def _notice(self, code: str, text: str) -> None:
        self._parts.log.append(Noted(at_ms=self._parts.clock(), code=code, detail=text))
