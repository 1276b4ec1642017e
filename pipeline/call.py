"""One leg of a live call, from the candidate's socket to the last stored word: run an engine, hand over when it is lost, tear down. Start at `CallLeg.run`.

What the candidate does is read here and told to the engine; what is stored is acknowledged here, by the log, after each commit (turn, segment, question). Engines
come and go inside a leg; cursor, transcript, recording and clock stay (M2). Read next: `engines.engine`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from loguru import logger

from bridge.domain.agenda import Agenda
from bridge.domain.events import (
    EngineChanged,
    Event,
    HintGiven,
    LegEnded,
    LegStarted,
    Noted,
    QuestionAsked,
    TurnRecorded,
)
from bridge.errors import Conflict, UpstreamFailed, VoiceUnavailable
from bridge.ports import RecordingFile, Store
from bridge.usecases.call_log import CallLog, Entry
from bridge.usecases.calling import RECLAIM_SECONDS, Admission
from bridge.usecases.conducting import Conductor
from bridge.usecases.directing import MakeDirector
from bridge.usecases.live_feed import LiveFeed
from bridge.wire.candidate import SAMPLE_RATE, Verb, server_response
from bridge.wire.live import told_of
from bridge.wire.segments import segment_json

from .clock import CallClock, MicClock
from .engines.engine import CallParts, Do, Engine, EngineLost
from .leg import Leg
from .operating import Act, check, operate
from .outcome import FAILED_UPSTREAM, Outcome
from .playback import PlaybackTap
from .recorder import HOLD_MS, CallRecorder
from .rounds import Rounds
from .turns import CandidateTurns
from .watch import CallWatch

TICK_SECONDS = 1.0
TOKEN_EVERY_SECONDS = 30
RECORDING_STOPPED = "The recording stopped because the disk is full. The interview goes on and your words are still written down."
READY_TIMEOUT_SECONDS = 15
SILENCE_AFTER_MUTE = bytes(SAMPLE_RATE * 2 * 3 // 5)
"""0.6 s: lets voice detection notice that a muted candidate has stopped."""
TOOL_SECONDS = 2.5
"""A tool call is answered within these, the director's time included: silence is worse than an answer that is not on the disk yet."""
TOLD = frozenset(
    {
        "take_your_time",
        "recording_stopped",
        "connecting",
        "one_moment",
        "reconnecting",
        "reconnected",
        "engine_changed",
        "upstream_lost",
    }
)
"""Notes that are shown to the candidate; the others are for the log alone."""


class Engines(Protocol):
    """Makes the engines of this process."""

    def order(self, events: Sequence[Event]) -> Sequence[str]:
        """Names of the engines to try in a leg, best first; an engine lost in an earlier leg is not tried again."""

    async def make(self, name: str, parts: CallParts) -> Engine:
        """An engine for one leg. Raises UpstreamFailed or VoiceUnavailable."""


class CallLeg:
    """Everything of one leg. `run` returns when the interview is over, the candidate is gone, or `stop` was called."""

    def __init__(
        self,
        admission: Admission,
        leg: Leg,
        engines: Engines,
        store: Store,
        recording: RecordingFile | None,
        rounds: Rounds,
        renew_token: Callable[[], Awaitable[str]],
        feed: LiveFeed,
        make_director: MakeDirector | None = None,
    ) -> None:
        session = admission.session
        self._leg = leg
        self._engines = engines
        self._order = list(engines.order(admission.events))
        self._renew_token = renew_token
        base_ms = max([session.elapsed_ms, *(event.at_ms for event in admission.events)])
        if recording is not None:
            base_ms = max(base_ms, min(recording.duration_ms, base_ms + RECLAIM_SECONDS * 1000))
        clock = CallClock(base_ms)
        agenda = Agenda(session.setup, session.questions, admission.events)
        self.watch = CallWatch(feed, session.id, clock)
        self._recorder = CallRecorder(recording, base_ms) if recording else None
        self._rounds = rounds
        self._log = CallLog(store, session.id, agenda, last_seq=admission.last_seq, on_stored=self._acknowledge)
        self._director = make_director(agenda, session.id, clock) if make_director else None
        self._parts = CallParts(
            session=session,
            leg=leg,
            leg_number=1 + sum(isinstance(event, LegStarted) for event in admission.events),
            agenda=agenda,
            log=self._log,
            clock=clock,
            mic=MicClock(clock),
            turns=CandidateTurns(agenda, self._log, self._director.heard if self._director else None),
            conductor=Conductor(agenda, self._log, clock, self._director),
            playback=PlaybackTap(leg.wire.out_rate, clock, self._recorder),
            end=self.stop,
            ready=self._on_ready,
            partial=self.watch.partial,
            tool=self.tool,
        )
        self._clock, self._agenda = clock, agenda
        self._engine: Engine | None = None
        self._reading = asyncio.Event()
        self._client_ready: dict[str, Any] | None = None
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def user_id(self) -> str:
        """Whose interview it is."""
        return self._parts.session.user_id

    def stop(self, reason: str) -> None:
        """End the leg: its interview's end, or from outside: replaced, drained."""
        if not self._ended.done():
            self._ended.set_result(reason)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        """A part of the leg has ended while the leg had not: nothing more can be acknowledged."""
        if not task.cancelled() and (error := task.exception()):
            logger.opt(exception=error).debug("A part of the call failed")
            logger.error("A part of the call failed: {}", type(error).__name__)
        self.stop("failed")

    # Life -----------------------------------------------------------------------------------------------------------
    async def run(self) -> Outcome:
        """Run until the leg ends; everything said so far is durable when this returns."""
        first = self._order[0]
        self._log.append(LegStarted(at_ms=self._clock(), leg=self._parts.leg_number, engine=first))
        writer = asyncio.create_task(self._log.run())
        writer.add_done_callback(self._on_task_done)
        others = [
            asyncio.create_task(self._converse()),
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
            if self._director:
                self._director.close()
            elapsed = self._clock()
            why = "cancelled" if self._ended.cancelled() or not self._ended.done() else self._ended.result()
            self._log.append(LegEnded(at_ms=elapsed, leg=self._parts.leg_number, reason=why))
            self._log.close()
            await asyncio.gather(writer, return_exceptions=True)
            await self._record(elapsed)
            if self._recorder:
                self._recorder.close(elapsed)
            self.watch.close()
        return Outcome(reason, elapsed)

    async def _converse(self) -> None:
        """Engine after engine, until the leg is stopped or none is left."""
        for number, name in enumerate(self._order):
            try:
                await self._talk(name)
            except (EngineLost, UpstreamFailed, VoiceUnavailable) as lost:
                self._hand_over(name, self._order[number + 1 :], lost)
            else:
                return
        self.stop(FAILED_UPSTREAM)

    async def _talk(self, name: str) -> None:
        engine = await self._engines.make(name, self._parts)
        running = asyncio.create_task(engine.run())
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS):
                opening = asyncio.create_task(engine.ready_to_read())
                await asyncio.wait({running, opening}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                self._engine = engine
                self._reading.set()
                if self._client_ready is not None:
                    await engine.take_rtvi(self._client_ready)
            await running
        finally:
            self._engine = None
            opening.cancel()
            await engine.stop()
            running.cancel()
            await asyncio.gather(running, opening, return_exceptions=True)

    def _hand_over(self, name: str, left: Sequence[str], lost: EngineLost | UpstreamFailed | VoiceUnavailable) -> None:
        reason = getattr(lost, "reason", lost.__class__.__name__)
        logger.warning("The {} engine was lost: {}", name, reason)
        if not left:
            self._log.append(Noted(at_ms=self._clock(), code="upstream_lost", detail=lost.message))
            return
        self._parts.taking_over = self._agenda.position > 0
        self._log.append(EngineChanged(at_ms=self._clock(), from_engine=name, to_engine=left[0], reason=reason))
        voice = "this server's own voice" if left[0] == "local" else "another voice"
        detail = f"{lost.message} The interview goes on with {voice}; nothing you said is lost."
        self._log.append(Noted(at_ms=self._clock(), code="engine_changed", detail=detail))

    # From the candidate ---------------------------------------------------------------------------------------------
    async def _read(self) -> None:
        await self._reading.wait()
        await self._leg.read(self._on_audio, self._on_rtvi, self._on_verb)
        # An interview that was only waiting for its goodbye to end is over even when the page left first.
        self.stop("finished" if self._agenda.over else "lost")

    def _on_audio(self, pcm: bytes) -> None:
        at_ms = self._parts.mic.feed(len(pcm) * 1000 / (2 * SAMPLE_RATE))
        if self._recorder:
            self._recorder.candidate(pcm, at_ms)
        if self._engine:
            self._engine.take_audio(pcm)

    async def _on_rtvi(self, message: dict[str, Any]) -> None:
        self._client_ready = message
        if self._engine:
            await self._engine.take_rtvi(message)

    def _tell(self, what: Do, text: str = "") -> None:
        # Between two engines there is nobody to tell: the next one opens with the question on the floor.
        if self._engine:
            self._engine.tell(what, text)

    async def _on_verb(self, verb: Verb) -> None:
        match verb.t:
            case "done":
                self._tell(Do.DONE)
            case "hint":
                self._tell(Do.HINT)
            case "next":
                self._tell(Do.NEXT)
            case "end":
                self._tell(Do.END)
            case "mute":
                await self._on_mute(on=verb.d["on"])
            case "browser-transcript":
                if self._engine:
                    await self._engine.take_browser_words(verb.d["text"], final=verb.d["final"])
            case "text":
                await self._on_typed(verb)
                return
        await self._leg.send_message(server_response(verb, {}))

    async def _on_mute(self, *, on: bool) -> None:
        self._leg.muted = on
        self._log.append(Noted(at_ms=self._clock(), code="muted" if on else "unmuted"))
        if self._engine:
            self._engine.mute(on=on)
        if on:
            self._on_audio(SILENCE_AFTER_MUTE)

    async def _on_typed(self, verb: Verb) -> None:
        turn = self._parts.turns.typed(verb.d["text"], self._clock())
        if turn is None:
            await self._leg.send_message(server_response(verb, {"turnId": None}))
            return
        await self._log.append(Noted(at_ms=self._clock(), code="typed", detail=verb.id))
        await self._leg.send_message(server_response(verb, {"turnId": turn.turn_id}))
        self._tell(Do.TYPED, turn.text)

    # To the candidate, once stored ----------------------------------------------------------------------------------
    async def _on_ready(self, labels: dict[str, str]) -> None:
        await self._leg.tell("audio", sampleRate=self._leg.wire.out_rate)
        await self._leg.tell("voices", **labels)
        await self._leg.tell("clock", elapsed=self._clock() // 1000, total=self._agenda.duration_ms // 1000)
        question = self._agenda.current
        if question is not None and question.id in self._agenda.transcript.segments:
            n, text = self._agenda.position, self._agenda.last_text
            await self._tell_question(
                QuestionAsked(at_ms=0, question_id=question.id, n=n, of=len(self._agenda.questions), text=text)
            )

    async def _acknowledge(self, entry: Entry) -> None:
        self.watch.stored(entry)
        if told := told_of(entry.event):
            await self._leg.tell("notice", code="operator", message=told)
        match entry.event:
            case QuestionAsked():
                await self._tell_question(entry.event)
            case TurnRecorded() as turn:
                await self._leg.tell(
                    "turn", turnId=turn.turn_id, speaker=turn.speaker.value, text=turn.text, questionId=turn.question_id,
                    startMs=turn.start_ms, endMs=turn.end_ms, final=turn.final, seq=entry.seq,
                )  # fmt: skip
            case HintGiven() as hint:
                await self._leg.tell("hint", questionId=hint.question_id, n=hint.n, of=hint.of, text=hint.text)
            case Noted() as note if note.code in TOLD:
                await self._leg.tell("notice", code=note.code, message=note.detail)
        for segment in entry.segments:
            await self._leg.tell("segment", **segment_json(segment))

    async def _tell_question(self, event: QuestionAsked) -> None:
        left = next((self._agenda.hints_left(q) for q in self._agenda.questions if q.id == event.question_id), 0)
        await self._leg.tell(
            "question", n=event.n, of=event.of, id=event.question_id, text=event.text, followUp=event.follow_up, hintsLeft=left
        )

    # Tools of a vendor's interviewer -----------------------------------------------------------------------------------
    async def tool(self, name: str, arguments: dict[str, Any], tool_call_id: str) -> dict[str, Any]:
        """The answer to one live tool call: durable when this returns, or given after the deadline all the same."""
        deadline = asyncio.get_running_loop().time() + TOOL_SECONDS
        answer, stored = await self._parts.conductor.tool(name, arguments, tool_call_id)
        if stored is not None:
            if self._engine:
                self._engine.tool_answered(answer)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await asyncio.shield(stored)
        return answer.result

    # An operator ----------------------------------------------------------------------------------------------------
    async def operate(self, act: Act) -> int:
        """Do what an operator asks, once it is in the log: its place there. Raises Conflict where this interviewer cannot, or nobody can any more."""
        if self._ended.done():
            raise Conflict("This call has just ended.")
        check(act, self._engine.name if self._engine else "")
        return await operate(act, self._log, self._clock(), self._tell)

    # Beside it ------------------------------------------------------------------------------------------------------
    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clock()
            self._leg.tell_now("clock", elapsed=now // 1000, total=self._agenda.duration_ms // 1000)
            self._tell(Do.TICK)
            await self._record(now - HOLD_MS)

    async def _record(self, until_ms: int) -> None:
        """Write the recording on; where the disk refuses, the interview goes on without one and the candidate is told (F9)."""
        if self._recorder is None:
            return
        try:
            self.watch.sound(await self._rounds.run(partial(self._recorder.flush, until_ms)))
        except OSError as error:
            logger.error("The recording stopped: {}", error.strerror)
            self._recorder = self._parts.playback.recorder = None
            self._log.append(Noted(at_ms=self._clock(), code="recording_stopped", detail=RECORDING_STOPPED))

    async def _renew(self) -> None:
        while True:
            token = await self._renew_token()
            await self._leg.tell("resume", token=token, expiresIn=RECLAIM_SECONDS)
            await asyncio.sleep(TOKEN_EVERY_SECONDS)
