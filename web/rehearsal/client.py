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
from uuid import uuid4

import aiohttp

from bridge.domain.wer import words
from bridge.wire.candidate import CLOSE_BAD_TOKEN, RTVI_LABEL

from .account import Account
from .api import Api, RehearsalFailed
from .candidate import Answer, Asked, Candidate
from .hearing import Hearing, Microphone

RTVI_VERSION = "1.0.0"
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
ACK_SECONDS = 15
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
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._bot_ready = asyncio.Event()
        self._over = False
        self._resume: tuple[str, float] = ("", RESUME_WINDOW_SECONDS)
        self._minutes: dict[str, float] = {}
        self._floor: Asked | None = None
        """The question last put on this connection."""
        self._owed: Asked | None = None
        """A question that waits for an answer."""
        self._answers: dict[tuple[str, str], Answer] = {}
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def run(self) -> Account:
        """Hold the interview and fetch its report. Raises RehearsalFailed with a sentence."""
        account = self.account
        self._watch("stage", {"text": "Setting up"})
        made = await self._api.post("/api/interviews/setup", self._order.setup)
        account.session_id = str(made["sessionId"])
        self._minutes = {question["id"]: question["minutes"] for question in made["questions"]}
        account.minutes = int(made["estimatedDuration"])
        path = f"/api/interviews/{account.session_id}"
        begun = await self._api.post(f"{path}/start")
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
        return self._ws is not None and not self._ws.closed

    async def end(self) -> None:
        """Ask for the end, as the page's button does; the interviewer says goodbye."""
        if self._ws is not None and not self._ws.closed:
            with suppress(ConnectionError, TimeoutError):
                await self._send(self._ws, "end", {})

    # Connections ----------------------------------------------------------------------------------------------------
    async def _call(self, url: str, token: str, path: str) -> None:
        account = self.account
        lost_at: float | None = None
        while not self._over:
            code = None
            try:
                ws = await self._api.connect(url, token)
            except (aiohttp.ClientError, TimeoutError) as error:
                if not account.legs:
                    raise RehearsalFailed(f"The audio socket cannot be opened ({type(error).__name__}).") from None
            else:
                code = await self._leg(ws)
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

    async def _leg(self, ws: aiohttp.ClientWebSocketResponse) -> int | None:
        """One connection until it closes; returns the close code."""
        account = self.account
        self._ws, self._floor = ws, None
        self._hearing.forget()
        self._bot_ready.clear()
        account.legs += 1
        microphone = Microphone(ws.send_bytes)
        hearing = asyncio.create_task(self._hear(ws))
        tasks = [hearing, asyncio.create_task(self._talk(ws, microphone))]
        if not self._order.typed:
            tasks.append(asyncio.create_task(microphone.run()))
        if self._order.drop_after is not None and account.legs == 1:
            tasks.append(asyncio.create_task(_drop(ws, self._order.drop_after)))
        try:
            await _send_rtvi(ws, "client-ready", {"version": RTVI_VERSION, "about": {"library": "prepkit-rehearse"}})
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
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionAbortedError())
            self._waiting.clear()
            await ws.close()
        return ws.close_code

    # What the server sends ------------------------------------------------------------------------------------------
    async def _hear(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.account.heard_audio(message.data)
                self._hearing.audio(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                self._message(json.loads(message.data))

    def _message(self, message: dict[str, Any]) -> None:
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
                self._settle(message, data.get("d") or {})
            case "error-response":
                self._watch("notice", {"message": str(data.get("error"))})
                self._settle(message, {"error": str(data.get("error"))})

    def _settle(self, message: dict[str, Any], value: dict[str, Any]) -> None:
        waiting = self._waiting.pop(str(message.get("id")), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(value)

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
    async def _talk(self, ws: aiohttp.ClientWebSocketResponse, microphone: Microphone) -> None:
        async with asyncio.timeout(GREETING_SECONDS):
            await self._bot_ready.wait()
        self._watch("stage", {"text": "Listening"})
        await self._until(lambda: self._hearing.lines > 0, GREETING_SECONDS)
        if self.account.legs > 1:
            await self._pick_up(ws, microphone)
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
            await self._give(ws, microphone, answer)

    async def _answer_to(self, asked: Asked) -> Answer:
        answer = self._answers.get(asked.key)
        if answer is None:
            pieces = await self._candidate.answer(asked)
            answer = self._answers[asked.key] = Answer(asked, pieces)
            answer.heard_before = len(words(self.account.heard(asked.question_id)))
            self.account.answers.append(answer)
        return answer

    async def _give(self, ws: aiohttp.ClientWebSocketResponse, microphone: Microphone, answer: Answer) -> None:
        """Say or type the answer from its `first` piece on, then wait for what it brings."""
        self._watch("stage", {"text": "Typing" if self._order.typed else "Speaking"})
        if self._order.typed:
            await self._type(ws, answer)
        else:
            began = time.monotonic()
            pcm = answer.pcm()
            try:
                await microphone.say(pcm, lambda: self._hearing.speaking_for > GIVE_WAY_SECONDS)
                answer.cut_off = microphone.sent < len(pcm)
            finally:
                answer.sent(microphone.sent)
                self.account.spoken_seconds += time.monotonic() - began
        await self._reaction(ws, time.monotonic())

    async def _type(self, ws: aiohttp.ClientWebSocketResponse, answer: Answer) -> None:
        answer.said = answer.text
        reply = await self._send(ws, "text", {"text": answer.text})
        if "error" in reply:
            raise RehearsalFailed(f"A typed answer was not taken: {reply['error']}")
        answer.acked = True
        self.account.typed_acks.append((str(reply.get("turnId")), answer.text))

    async def _reaction(self, ws: aiohttp.ClientWebSocketResponse, since: float) -> None:
        """Wait until the interviewer says something; press "that's my answer" when nothing comes."""
        lines = self._hearing.lines
        for nudge in range(NUDGES + 1):
            if await self._until(lambda: self._hearing.lines > lines or self._owed is not None, NUDGE_SECONDS):
                if not nudge and self._hearing.first_audio_at and self._hearing.first_audio_at > since:
                    self.account.reactions.append(self._hearing.first_audio_at - since)
                return
            self.account.nudges += 1
            await self._send(ws, "done" if nudge < NUDGES - 1 else "next", {})
        raise RehearsalFailed("The interviewer does not react to an answer any more.")

    async def _pick_up(self, ws: aiohttp.ClientWebSocketResponse, microphone: Microphone) -> None:
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
            stored = any(turn["text"] == answer.text for turn in interview["transcript"])
            answer.acked = answer.acked or stored
            remains = not stored
        else:
            segments = {segment["questionId"]: segment["answer"] for segment in interview["segments"]}
            remains = answer.go_on_from(len(words(segments.get(floor.question_id, ""))))
        if remains:
            await self._give(ws, microphone, answer)
        else:
            await self._send(ws, "done", {})
            await self._reaction(ws, time.monotonic())

    async def _until(self, true: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until it is so; False when it was not in time."""
        give_up = None if seconds is None else time.monotonic() + seconds
        while not true():
            if give_up is not None and time.monotonic() >= give_up:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    async def _send(self, ws: aiohttp.ClientWebSocketResponse, t: str, d: Mapping[str, Any]) -> dict[str, Any]:
        """One of our verbs; returns the server's answer to it."""
        message_id = uuid4().hex
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = waiting
        await _send_rtvi(ws, "client-message", {"t": t, "d": dict(d)}, message_id)
        async with asyncio.timeout(ACK_SECONDS):
            return await waiting


async def _send_rtvi(
    ws: aiohttp.ClientWebSocketResponse, type_: str, data: Mapping[str, Any], message_id: str | None = None
) -> None:
    await ws.send_str(json.dumps({"label": RTVI_LABEL, "type": type_, "id": message_id or uuid4().hex, "data": dict(data)}))


async def _drop(ws: aiohttp.ClientWebSocketResponse, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await ws.close()


def _raise_unless_lost(task: asyncio.Task[None]) -> None:
    """Raise what ended the task, a lost connection as ConnectionError."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, TimeoutError):
        raise ConnectionAbortedError
    if error is not None:
        raise error
