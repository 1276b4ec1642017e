"""Calls in progress in this process: capacity, one live socket a session, draining at shutdown.

`hold` runs one leg from admission to its end and tells the use cases how it ended, `store_ends` again where the store refused that; `stop_all` drains. Read next: `call`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from loguru import logger

from bridge.domain.holding import OUR_FAULT
from bridge.domain.session import ENDED, SessionStatus
from bridge.errors import AtCapacity, Conflict, ConsentNeeded, NotFound
from bridge.ports import RecordingStore, Store
from bridge.usecases import calling, consenting
from bridge.usecases.directing import MakeDirector
from bridge.usecases.live_feed import LiveFeed
from bridge.usecases.neighbours import ACT, END, LET_GO, THERE, TOOL, Neighbours
from bridge.usecases.patience import patiently
from bridge.wire.candidate import CLOSE_BAD_TOKEN, CLOSE_FINISHED, CLOSE_REPLACED, CLOSE_RESTARTING, CLOSE_UPSTREAM_LOST

from .engines.choose import EngineMaker
from .garbage import Garbage
from .leg import Leg
from .loading import Loading
from .operating import ENDED_BY_OPERATOR, Act
from .outcome import CONSENT_WITHDRAWN, FAILED_UPSTREAM, Outcome
from .rounds import Rounds

if TYPE_CHECKING:
    from .call import CallLeg

RETRY_AFTER_SECONDS = 60
LET_GO_TIMEOUT_SECONDS = 8
TIDY_SECONDS = 0.5
"""After a call's end its tasks need so long to let go of it."""
LATE = timedelta(seconds=5)
"""An end that is stored so long after it is one that the store refused."""
GOODBYE_SECONDS = 25.0
"""After an operator's end the interviewer has so long for its goodbye."""
CLOSE_CODES = {
    "replaced": (CLOSE_REPLACED, "opened in another tab"),
    "drained": (CLOSE_RESTARTING, "the server restarts; resume"),
    "failed": (CLOSE_UPSTREAM_LOST, "the call was lost; resume"),
    "signed_out": (CLOSE_BAD_TOKEN, "signed out"),
    FAILED_UPSTREAM: (CLOSE_UPSTREAM_LOST, "the voice service was lost"),
}


class Supervisor:
    """Every live leg of this process."""

    def __init__(
        self,
        store: Store,
        recordings: RecordingStore,
        engines: EngineMaker,
        neighbours: Neighbours,
        *,
        max_calls: int,
        feed: LiveFeed | None = None,
    ) -> None:
        self._store = store
        self.neighbours = neighbours
        neighbours.post.answer(THERE, self._asked_for_a_sign)
        neighbours.post.answer(LET_GO, self._asked_to_let_go)
        neighbours.post.answer(END, self._asked_to_end)
        neighbours.post.answer(TOOL, self._asked_by_a_tool)
        neighbours.post.answer(ACT, self._asked_to_act)
        self._recordings = recordings
        self._engines = engines
        self.loading = Loading()
        """Of what a call needs and nothing else does."""
        self.max_calls = max_calls
        self.make_director: MakeDirector | None = None
        """Set where there is a language model: each leg then has a director."""
        self._live: dict[str, tuple[CallLeg, asyncio.Event]] = {}
        self._doors: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Sessions somebody is being admitted to."""
        self._unstored: dict[str, tuple[Outcome, datetime]] = {}
        """How and when legs have ended, until it is stored."""
        self.draining = False
        self.paused = False
        """By an operator: no new interview begins; this process is fine all the same."""
        self.stopping = False
        """The process ends; nobody can take that back."""
        self.feed = feed or LiveFeed()
        self._garbage = Garbage()
        self._rounds = Rounds()

    @property
    def count(self) -> int:
        """Legs in progress."""
        return len(self._live)

    def troubled(self) -> dict[str, str]:
        """Voice engines that are left alone after they have failed, and in words why; interviews go on with the next."""
        return self._engines.troubled()

    def check_capacity(self, session_id: str, *, resuming: bool = False) -> None:
        """Raise AtCapacity when this session would be one call too many; while draining or paused only live interviews may come back."""
        closed = self.draining or self.paused
        if (closed and not resuming) or (self.count >= self.max_calls and session_id not in self._live):
            why = "Every interviewer is busy right now."
            if closed and not resuming:
                why = "The server is restarting." if self.draining else "New interviews are paused for a moment."
            raise AtCapacity(f"{why} Please try again in a minute.", retry_after_seconds=RETRY_AFTER_SECONDS)

    async def hold(self, session_id: str, token: str, leg: Leg) -> None:
        """Admit, run and end one leg. Raises BadTicket before anything else has happened."""
        # Before the older tab lets go, or a stranger without a token could end a call.
        purpose = await calling.redeem(self._store, session_id, token, datetime.now(UTC))
        self.check_capacity(session_id, resuming=purpose == "resume" or session_id in self._live)
        # One tab at a time, and the older one must have let go before the log is read, or two writers would share one sequence.
        async with self._door(session_id):
            await self._let_go(session_id, "replaced")
            if session_id in self._unstored:
                outcome, _ = self._unstored[session_id]
                if (status := await self._store_end(session_id)) in ENDED:
                    await self._tell_end(session_id, outcome, status, leg)
                    return
            async with self._store.read() as tx:
                await consenting.require(tx, session_id)
            await self.neighbours.let_go(session_id)
            admission = await calling.enter(self._store, session_id, purpose, datetime.now(UTC))
            outcome = Outcome("failed", admission.session.elapsed_ms)
            try:
                call = await self._make_call(admission, leg)
            except ConsentNeeded:
                outcome = Outcome(CONSENT_WITHDRAWN, admission.session.elapsed_ms)
                await asyncio.shield(self._after(session_id, outcome, leg))
                return
            except BaseException:  # Whatever it was: the session must not stay in progress without a leg.
                await asyncio.shield(self._after(session_id, outcome, leg))
                raise
            gone = asyncio.Event()
            self._live[session_id] = (call, gone)
        try:
            # Every line that is logged in this call, by whatever task of it, carries its id.
            with logger.contextualize(call=session_id):
                outcome = await call.run()
        finally:
            await asyncio.shield(self._let_out(session_id, outcome, leg))

    def _door(self, session_id: str) -> asyncio.Lock:
        return self._doors.setdefault(session_id, asyncio.Lock())

    async def _let_out(self, session_id: str, outcome: Outcome, leg: Leg) -> None:
        """The leg has ended: its place is free for the next one, whatever comes in between."""
        try:
            await self._after(session_id, outcome, leg)
        finally:
            _, gone = self._live.pop(session_id)
            gone.set()
            asyncio.get_running_loop().call_later(TIDY_SECONDS, self._let_be_collected)

    def _let_be_collected(self) -> None:
        self._garbage.call_ended()
        self.tidy()

    def tidy(self) -> None:
        """Let what ended calls have left behind be collected, when that is worth its pause."""
        self._garbage.look(self.count)

    async def _make_call(self, admission: calling.Admission, leg: Leg) -> CallLeg:
        await self.loading.done()
        # It brings pipecat, which no page needs (`loading`).
        from .call import CallLeg  # noqa: PLC0415

        session_id = admission.session.id
        recording = await asyncio.to_thread(self._recordings.open, session_id, admission.session.elapsed_ms)
        try:
            # Taken back meanwhile: nobody could end what was not there yet. From here to its place among the live ones nothing waits.
            async with self._store.read() as tx:
                await consenting.require(tx, session_id)
        except ConsentNeeded:
            await asyncio.to_thread(recording.close)
            raise

        async def renew() -> str:
            return await patiently(self._store, lambda: calling.renew_token(self._store, session_id, datetime.now(UTC)))

        return CallLeg(admission, leg, self._engines, self._store, recording, self._rounds, renew, self.feed, self.make_director)

    def live_tools(self, session_id: str) -> CallLeg | None:
        """The session's live leg in this process, to answer its vendor's tool calls."""
        return self.leg(session_id)

    def leg(self, session_id: str) -> CallLeg | None:
        """The session's live leg in this process."""
        live = self._live.get(session_id)
        return live[0] if live else None

    async def end(self, session_id: str, reason: str = "ended_by_candidate") -> None:
        """End the session's live leg, wherever it runs, and wait until it is stored."""
        await self._let_go(session_id, reason)
        await self.neighbours.end(session_id, reason)

    async def operate(self, session_id: str, act: Act) -> int | None:
        """Do an operator's act in the call, in whichever process it is: its place in the log, None when nobody holds the call.

        Raises Conflict where the interviewer cannot do it, UpstreamFailed when the process that holds the call is silent.
        """
        seq = await self._operate(session_id, act)
        return seq if seq is not None else await self.neighbours.act(session_id, asdict(act))

    async def _operate(self, session_id: str, act: Act) -> int | None:
        leg = self.leg(session_id)
        if leg is None:
            return None
        seq = await leg.operate(act)
        if act.action == "end":
            # A voice that never comes to its end must not keep the call.
            asyncio.get_running_loop().call_later(GOODBYE_SECONDS, leg.stop, ENDED_BY_OPERATOR)
        return seq

    # Asked by other processes -----------------------------------------------------------------------------------------
    async def _asked_for_a_sign(self, _session_id: str, _: dict[str, Any]) -> dict[str, Any]:
        return {}

    async def _asked_to_let_go(self, session_id: str, _: dict[str, Any]) -> dict[str, Any]:
        await self._give_away(session_id, "replaced")
        return {}

    async def _asked_to_end(self, session_id: str, body: dict[str, Any]) -> dict[str, Any]:
        await self._give_away(session_id, str(body["reason"]))
        return {}

    async def _asked_by_a_tool(self, session_id: str, body: dict[str, Any]) -> dict[str, Any]:
        leg = self.live_tools(session_id)
        return await leg.tool(body["name"], body["arguments"], body["id"]) if leg else {}

    async def _asked_to_act(self, session_id: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            seq = await self._operate(session_id, Act(**body))
        except Conflict as no:
            return {"refused": no.message}
        return {} if seq is None else {"seq": seq}

    @property
    def owners(self) -> set[str]:
        """Ids of the people whose interviews are live here."""
        return {call.user_id for call, _ in self._live.values()}

    async def send_off(self, user_id: str) -> None:
        """Close the sockets of a person who is signed in no more; their interview can be resumed after a new sign-in."""
        theirs = [session_id for session_id, (call, _) in self._live.items() if call.user_id == user_id]
        await asyncio.gather(*(self._let_go(session_id, "signed_out") for session_id in theirs))

    async def _let_go(self, session_id: str, reason: str) -> None:
        while session_id in self._live:
            call, gone = self._live[session_id]
            call.stop(reason)
            async with asyncio.timeout(LET_GO_TIMEOUT_SECONDS):
                await gone.wait()

    # The end of a leg -------------------------------------------------------------------------------------------------
    async def _after(self, session_id: str, outcome: Outcome, leg: Leg) -> None:
        self._unstored[session_id] = outcome, datetime.now(UTC)
        await self._engines.leg_ended(session_id, over=outcome.over)
        status = None
        try:
            status = await patiently(self._store, partial(self._store_end, session_id))
        except Exception as error:  # noqa: BLE001 - whatever the store has: the sweep tries again, and who comes back
            self._say_refused(error)
            if outcome.over:
                await leg.close(CLOSE_RESTARTING, "not stored yet; try again")
                return
        await self._tell_end(session_id, outcome, status, leg)

    def _say_refused(self, error: Exception) -> None:
        logger.opt(exception=error).debug("The end of a leg could not be stored")
        logger.error("The end of a leg could not be stored and will be tried again: {}", type(error).__name__)

    async def _store_end(self, session_id: str) -> SessionStatus | None:
        """How the session's last leg ended, unless that is stored already; the interview's status once it is over. A repeat changes nothing."""
        if session_id not in self._unstored:
            return None
        outcome, at = self._unstored[session_id]
        status = None
        if not outcome.over:
            # Nobody could come back before this is stored; that it took so long is ours to answer for.
            now = datetime.now(UTC)
            fault = outcome.reason in OUR_FAULT or now - at > LATE
            await calling.leave(self._store, session_id, elapsed_ms=outcome.elapsed_ms, now=now, fault=fault)
            logger.info("Interview {} interrupted: {}", session_id, outcome.reason)
        else:
            with suppress(NotFound):  # Erased meanwhile.
                status = await calling.finish(self._store, session_id, outcome.reason, elapsed_ms=outcome.elapsed_ms, now=at)
                logger.info("Interview {} ended: {} ({})", session_id, outcome.reason, status.value)
            self.feed.wake(session_id)
        self._unstored.pop(session_id, None)
        return status

    async def store_ends(self) -> None:
        """Once more those that the store refused."""
        for session_id in self._unstored.keys() - self._live.keys():
            if not (door := self._door(session_id)).locked():
                async with door:
                    try:
                        await self._store_end(session_id)
                    except Exception as error:  # noqa: BLE001 - whatever the store has, the others may be luckier
                        self._say_refused(error)

    async def _give_away(self, session_id: str, reason: str) -> None:
        """Another process takes over: first how the call was left here is stored. Once the other one holds it, `_store_end` changes nothing."""
        await self._let_go(session_id, reason)
        if session_id in self._unstored:
            async with self._door(session_id):
                await self._store_end(session_id)

    async def _tell_end(self, session_id: str, outcome: Outcome, status: SessionStatus | None, leg: Leg) -> None:
        code, why = CLOSE_CODES.get(outcome.reason, (CLOSE_FINISHED, "finished" if outcome.over else "gone"))
        if outcome.over:
            await leg.tell("report-status", status="none" if status in (None, SessionStatus.FAILED) else "queued", step="queued")
            await leg.tell("ended", reason=outcome.reason, reportUrl=f"/interviews/{session_id}/report")
        await leg.close(code, why)

    async def idle(self) -> None:
        """Returns once no leg is live."""
        while self._live:
            await asyncio.wait([asyncio.ensure_future(gone.wait()) for _, gone in self._live.values()])

    async def stop_all(self) -> None:
        """Interrupt every leg so that it can be resumed, and wait until all is stored."""
        self.draining = self.stopping = True
        live = list(self._live.values())
        for call, _ in live:
            call.stop("drained")
        await asyncio.gather(*(gone.wait() for _, gone in live))
        await self._engines.close()
