"""One whole interview as a candidate's client: set up, connect, listen, answer, come back after a lost connection, fetch the report.

`Rehearsal.run` is the story; `_talk` is the candidate, `_hear` takes in what the server sends. Nothing that was acknowledged is ever said again, and whatever was
not is. Read next: `candidate` (what is said), `account` (what became of it).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from bridge.domain.wer import words
from bridge.wire.candidate import CLOSE_BAD_TOKEN

from .account import Account
from .api import Api, RehearsalFailed
from .candidate import Answer, Asked, Candidate
from .hearing import Hearing, Microphone
from .wire import Wire

ANSWER_AFTER_SECONDS = 0.5
"""Silence of the interviewer after which the candidate begins to speak."""
GREETING_SECONDS = 30
"""How long the first words of a connection may take."""
CUT_SECONDS = 8
"""How long an interviewer who was talked over may take to put the question again."""
GIVE_WAY_SECONDS = 1.2
"""The candidate stops when the interviewer has talked over them for this long."""
NUDGE_SECONDS = 15
"""Without a reaction for this long, the candidate presses "that's my answer"."""
NUDGES = 4
RESUME_WINDOW_SECONDS = 60
RETRY_SECONDS = 1.0
CLOSING_SECONDS = 2
LOOK_SECONDS = 0.05
OVERTIME_SECONDS = 180

Watch = Callable[[str, Mapping[str, Any]], None]
"""Told of everything worth showing: stage, question, turn, interim, clock, notice."""


@dataclass(frozen=True)
class Order:
    """What to rehearse."""

    setup: Mapping[str, Any]
    """Body of the set-up request."""
    typed: bool = False
    drop_after: float | None = None
    """Seconds after which the rehearsal loses its connection once, on purpose."""


class Rehearsal:
    """One interview. `run` gives the account of it."""

    def __init__(self, api: Api, order: Order, candidate: Candidate, watch: Watch) -> None:
        self._api = api
        self._order = order
        self._candidate = candidate
        self._watch = watch
        self._hearing = Hearing()
        self.account = Account()
        self._wire: Wire | None = None
        self._bot_ready = asyncio.Event()
        self._over = False
        self._resume: tuple[str, float] = ("", RESUME_WINDOW_SECONDS)
        self._minutes: dict[str, float] = {}
        self._floor: Asked | None = None
        """The question last put on this connection."""
        self._owed: Asked | None = None
        """A question that waits for an answer."""
        self._answers: dict[tuple[str, str], Answer] = {}

    async def run(self) -> Account:
        """Hold the interview and fetch its report. Raises RehearsalFailed with a sentence."""
        account = self.account
        self._watch("stage", {"text": "Setting up"})
        made = await self._api.post("/api/interviews/setup", self._order.setup)
        account.session_id = str(made["sessionId"])
        self._minutes = {question["id"]: question["minutes"] for question in made["questions"]}
        account.minutes = int(made["estimatedDuration"])
        path = f"/api/interviews/{account.session_id}"
        # Whoever starts a rehearsal agrees to it: its candidate is a machine.
        consent = {"version": (await self._api.get(f"{path}/consent"))["version"]}
        begun = await self._api.post(f"{path}/start", {"consent": consent})
        account.mark("started")
        try:
            async with asyncio.timeout(account.minutes * 60 + OVERTIME_SECONDS):
                await self._call(begun["bridgeUrl"], begun["token"], path)
        except TimeoutError:
            raise RehearsalFailed("The interview has run far over its time and does not end.") from None
        account.mark("ended")
        self._watch("stage", {"text": "Waiting for the report"})
        try:
            account.report = await self._api.report(account.session_id)
            account.mark("reported")
        finally:
            account.interview = await self._api.get(path, patience=RESUME_WINDOW_SECONDS)
        return account

    @property
    def live(self) -> bool:
        """Whether there is an interview that can be ended."""
        return self._wire is not None and not self._wire.ws.closed

    async def end(self) -> None:
        """Ask for the end, as the page's button does; the interviewer says goodbye."""
        if self._wire is not None and not self._wire.ws.closed:
            with suppress(ConnectionError, TimeoutError):
                await self._wire.ask("end", {})

    # Connections ----------------------------------------------------------------------------------------------------
    async def _call(self, url: str, token: str, path: str) -> None:
        account = self.account
        lost_at: float | None = None
        while not self._over:
            code = None
            try:
                wire = Wire(await self._api.connect(url, token))
            except (aiohttp.ClientError, TimeoutError) as error:
                if not account.legs:
                    raise RehearsalFailed(f"The audio socket cannot be opened ({type(error).__name__}).") from None
            else:
                code = await self._leg(wire)
                account.close_codes.append(code)
                if self._bot_ready.is_set():
                    lost_at = None
            if self._over:
                return
            now = time.monotonic()
            lost_at = lost_at or now
            if now - lost_at > self._resume[1]:
                why = f"last close code {account.close_codes[-1]}" if account.close_codes else "no answer"
                raise RehearsalFailed(
                    f"The connection was lost and could not be resumed in time ({why}); what was said before is stored."
                )
            self._watch("stage", {"text": "Connection lost, resuming"})
            await asyncio.sleep(RETRY_SECONDS)
            token = self._resume[0]
            if code == CLOSE_BAD_TOKEN or not token:
                token = await self._fresh_token(path)

    async def _fresh_token(self, path: str) -> str:
        try:
            return str((await self._api.post(f"{path}/start", patience=RESUME_WINDOW_SECONDS))["token"])
        except RehearsalFailed as error:
            if error.status != 409:
                raise
            self._over = True  # It ended while we were away.
            return ""

    async def _leg(self, wire: Wire) -> int | None:
        """One connection until it closes; returns the close code."""
        account = self.account
        self._wire, self._floor = wire, None
        self._hearing.forget()
        self._bot_ready.clear()
        account.legs += 1
        microphone = Microphone(wire.ws.send_bytes)
        hearing = asyncio.create_task(self._hear(wire))
        tasks = [hearing, asyncio.create_task(self._talk(wire, microphone))]
        if not self._order.typed:
            tasks.append(asyncio.create_task(microphone.run()))
        if self._order.drop_after is not None and account.legs == 1:
            tasks.append(asyncio.create_task(wire.drop(self._order.drop_after)))
        try:
            await wire.ready()
            while not hearing.done():
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    _raise_unless_lost(task)
                tasks = [task for task in tasks if task not in done]
        except ConnectionError:
            await asyncio.wait([hearing], timeout=CLOSING_SECONDS)  # What had arrived before is still worth hearing.
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await wire.close()
        return wire.ws.close_code

    # What the server sends ------------------------------------------------------------------------------------------
    async def _hear(self, wire: Wire) -> None:
        async for message in wire.ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.account.heard_audio(message.data)
                self._hearing.audio(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                self._message(wire, json.loads(message.data))

    def _message(self, wire: Wire, message: dict[str, Any]) -> None:
        data = message.get("data") or {}
        match message.get("type"):
            case "bot-ready":
                self._bot_ready.set()
            case "bot-started-speaking":
                self._hearing.started()
            case "bot-stopped-speaking":
                self._hearing.stopped()
            case "user-transcription" if not data.get("final"):
                self._watch("interim", {"text": str(data.get("text", ""))})
            case "server-message":
                self._server_message(data)
            case "server-response":
                wire.settle(message, data.get("d") or {})
            case "error-response":
                self._watch("notice", {"message": str(data.get("error"))})
                wire.settle(message, {"error": str(data.get("error"))})

    def _server_message(self, data: dict[str, Any]) -> None:
        match data.get("type"):
            case "question":
                self._question(data)
            case "turn":
                self.account.turn(data)
                if data["speaker"] == "interviewer":
                    self._hearing.line_said()
                self._watch("turn", data)
            case "segment":
                self.account.segment(data)
            case "clock":
                self._watch("clock", data)
            case "notice":
                self._watch("notice", data)
            case "resume":
                self._resume = (str(data["token"]), float(data["expiresIn"]))
            case "flush-audio":
                self._hearing.flush()
            case "ended":
                self._over = True

    def _question(self, data: dict[str, Any]) -> None:
        asked = Asked(
            data["id"], data["n"], data["of"], data["text"], int(data.get("followUp") or 0), self._minutes.get(data["id"], 0.0)
        )
        # Right after connecting, the server repeats the question on the floor: that asks for nothing by itself.
        repeated = self._floor is None and self._hearing.lines == 0 and asked.key in self._answers
        self._floor = asked
        self.account.asked(asked)
        if not repeated:
            self._owed = asked
            self._watch("question", {"n": asked.n, "of": asked.of, "text": asked.text, "followUp": asked.follow_up})

    # The candidate --------------------------------------------------------------------------------------------------
    async def _talk(self, wire: Wire, microphone: Microphone) -> None:
        async with asyncio.timeout(GREETING_SECONDS):
            await self._bot_ready.wait()
        self._watch("stage", {"text": "Listening"})
        await self._until(lambda: self._hearing.lines > 0, GREETING_SECONDS)
        if self.account.legs > 1:
            await self._pick_up(wire, microphone)
        while True:
            await self._until(lambda: self._owed is not None)
            asked, self._owed = self._owed, None
            if asked is None:
                continue
            self._watch("stage", {"text": "Listening"})
            answer = await self._answer_to(asked)
            await self._hearing.silence(ANSWER_AFTER_SECONDS)
            if self._hearing.cut and await self._until(lambda: not self._hearing.cut, CUT_SECONDS):
                self._owed = self._owed or asked
                continue
            if self._owed is not None:
                continue  # Another question was put while we waited for silence.
            await self._give(wire, microphone, answer)

    async def _answer_to(self, asked: Asked) -> Answer:
        answer = self._answers.get(asked.key)
        if answer is None:
            pieces = await self._candidate.answer(asked)
            answer = self._answers[asked.key] = Answer(asked, pieces)
            answer.heard_before = len(words(self.account.heard(asked.question_id)))
            self.account.answers.append(answer)
        return answer

    async def _give(self, wire: Wire, microphone: Microphone, answer: Answer) -> None:
        """Say or type the answer from its `first` piece on, then wait for what it brings."""
        self._watch("stage", {"text": "Typing" if self._order.typed else "Speaking"})
        if self._order.typed:
            await self._type(wire, answer)
        else:
            began = time.monotonic()
            pcm = answer.pcm()
            try:
                await microphone.say(pcm, lambda: self._hearing.speaking_for > GIVE_WAY_SECONDS)
                answer.cut_off = microphone.sent < len(pcm)
            finally:
                answer.sent(microphone.sent)
                self.account.spoken_seconds += time.monotonic() - began
        await self._reaction(wire, time.monotonic())

    async def _type(self, wire: Wire, answer: Answer) -> None:
        answer.said = answer.text
        reply = await wire.ask("text", {"text": answer.text})
        if "error" in reply:
            raise RehearsalFailed(f"A typed answer was not taken: {reply['error']}")
        answer.acked = True
        self.account.typed_acks.append((str(reply.get("turnId")), answer.text))

    async def _reaction(self, wire: Wire, since: float) -> None:
        """Wait until the interviewer says something; press "that's my answer" when nothing comes."""
        lines = self._hearing.lines
        for nudge in range(NUDGES + 1):
            if await self._until(lambda: self._hearing.lines > lines or self._owed is not None, NUDGE_SECONDS):
                if not nudge and self._hearing.first_audio_at and self._hearing.first_audio_at > since:
                    self.account.reactions.append(self._hearing.first_audio_at - since)
                return
            if nudge < NUDGES:
                self.account.nudges += 1
                await wire.ask("done" if nudge < NUDGES - 1 else "next", {})
        raise RehearsalFailed("The interviewer does not react to an answer any more.")

    async def _pick_up(self, wire: Wire, microphone: Microphone) -> None:
        """After "welcome back": go on with the sentence that was not heard, or say that this was all."""
        await self._hearing.silence(ANSWER_AFTER_SECONDS)
        floor = self._floor
        if floor is None or self._owed is not None:
            return
        answer = self._answers.get(floor.key)
        if answer is None:
            self._owed = floor
            return
        path = f"/api/interviews/{self.account.session_id}"
        interview = await self._api.get(path, patience=RESUME_WINDOW_SECONDS)
        if self._order.typed:
            remains = not answer.acked and not self._was_stored(answer, interview["transcript"])
        else:
            segments = {segment["questionId"]: segment["answer"] for segment in interview["segments"]}
            remains = answer.go_on_from(len(words(segments.get(floor.question_id, ""))))
        if remains:
            await self._give(wire, microphone, answer)
        else:
            await wire.ask("done", {})
            await self._reaction(wire, time.monotonic())

    def _was_stored(self, answer: Answer, transcript: list[dict[str, Any]]) -> bool:
        """Whether a typed answer arrived although its acknowledgement did not."""
        known = {turn_id for turn_id, _ in self.account.typed_acks}
        found = next((turn for turn in transcript if turn["text"] == answer.text and turn["turnId"] not in known), None)
        if found is None:
            return False
        answer.acked = True
        self.account.typed_acks.append((found["turnId"], answer.text))
        return True

    async def _until(self, true: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until it is so; False when it was not in time."""
        give_up = None if seconds is None else time.monotonic() + seconds
        while not true():
            if give_up is not None and time.monotonic() >= give_up:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True


def _raise_unless_lost(task: asyncio.Task[None]) -> None:
    """Raise what ended the task, a lost connection as ConnectionError."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, TimeoutError):
        raise ConnectionAbortedError
    if error is not None:
        raise error
