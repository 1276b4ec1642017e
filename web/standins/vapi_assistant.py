"""The scripted assistant: behaves like Vapi with a model that does what an interviewer's prompt says, and nothing else.

It says the first message, listens, asks `getFollowUpQuestion` about each answer, speaks what it is given or asks `moveToNextQuestion`, and hangs up with the
closing message when that says it is done. Which question has the floor it knows from ids in the prompt, `[question-id]`, the first one first, and from tool
results. Read next: `vapi_listener`, `vapi_tools`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from . import vapi_frames as frames
from .vapi_audio import Mouth
from .vapi_listener import Listener
from .vapi_parts import FunctionTool, Model
from .vapi_speech import Ears, Speaks
from .vapi_tools import ToolResult, judge, lists, new_id, tool_call

if TYPE_CHECKING:
    from .vapi_call import Call

FOLLOW_UP, MOVE_ON = "getFollowUpQuestion", "moveToNextQuestion"
BRIDGE = "Thank you."
TAKE_YOUR_TIME = "Take your time."
NO_RESULT = "Could you tell me a little more about that?"
GENERATED_FIRST = "Hello, shall we begin?"
GOODBYE = "Thank you, goodbye."
FILLERS = ("Hold on a sec.", "One moment.", "Just a sec.", "Give me a moment.")
PARTIAL_SECONDS = 0.4
FLOOR_SECONDS = 1.0
"""How long the floor is kept between a filler and what follows it."""
LOOK_SECONDS = 0.02
_QUESTION_ID = re.compile(r"\[([A-Za-z0-9_-]+)\]")


@dataclass(frozen=True)
class Answer:
    """The candidate has finished a turn, or typed one."""

    text: str


@dataclass(frozen=True)
class Line:
    """Something to be spoken word for word."""

    text: str
    ends_call: bool = False
    interruptible: bool = True


class ScriptedAssistant:
    """One call's assistant."""

    def __init__(self, call: Call, speak: Speaks, ears: Ears, words: deque[str]) -> None:
        self._call = call
        self._speak = speak
        self.mouth = Mouth(call.send_audio, call.rate, idle_audio=call.manner.idle_audio)
        self.listener = Listener(call, ears, words, self, lambda text: self._take(Answer(text), awaited=True))
        self.speaking = False
        self.interruptible = True
        self.active_at = time.monotonic()
        """When anybody was last heard."""
        self._inbox: deque[Answer | Line] = deque()
        self._unsaid: str | None = None
        """A question that is due."""
        self._giving_up: asyncio.Task[None] | None = None
        self._turn_id = ""
        self._cut = False
        self._quiet_until = 0.0
        self._hang: asyncio.TimerHandle | None = None
        self._fillers = cycle(FILLERS)
        self._deaf = False
        model = call.assistant.model if isinstance(call.assistant.model, Model) else None
        tools = (model.tools if model else None) or []
        self._tools = {tool.function.name: tool for tool in tools if isinstance(tool, FunctionTool)}
        self._tool_json = {tool["function"]["name"]: tool for tool in call.raw_tools() if tool.get("type") == "function"}
        prompt = " ".join(m.content or "" for m in (model.messages if model else None) or [] if m.role == "system")
        found = _QUESTION_ID.search(prompt)
        self.question_id: str | None = found[1] if found else None
        """The question it believes has the floor."""

    # Listening and obeying ------------------------------------------------------------------------------------------
    async def hear(self, pcm: bytes) -> None:
        """One message of the uplink."""
        await self.listener.hear(bytes(len(pcm)) if self._deaf else pcm)
        if self.speaking or self.listener.speaking:
            self.active_at = time.monotonic()

    async def obey(self, frame: frames.ClientFrame) -> None:
        """A frame from the client, already checked."""
        match frame:
            case frames.Say():
                if frame.interrupt_assistant_enabled and self.speaking:
                    await self._fall_silent()
                self._take(Line(frame.content, frame.end_call_after_spoken, frame.interruptions_enabled))
            case frames.AddMessage():
                self._add_message(frame)
                await self._call.tell_conversation()
            case frames.ControlFrame(control="mute-assistant" | "unmute-assistant"):
                self.mouth.muted = frame.control == "mute-assistant"
            case frames.ControlFrame(control="mute-customer" | "unmute-customer"):
                self._deaf = frame.control == "mute-customer"
            case frames.ControlFrame(control="say-first-message"):
                self._take(Line(self._call.assistant.first_message or GENERATED_FIRST))

    def _add_message(self, frame: frames.AddMessage) -> None:
        role, content = frame.message.role, frame.message.content or ""
        self._call.history.add({"assistant": "bot"}.get(role, role), content, datetime.now(UTC))
        if role == "system" and (ids := _QUESTION_ID.findall(content)):
            self.question_id = ids[-1]
        if not frame.trigger_response_enabled:
            return
        if role == "user":
            self._take(Answer(content), awaited=True)
        else:
            self._take(Line(content.partition(": ")[2].strip("\"'“” ") or content))

    def _take(self, todo: Answer | Line, *, awaited: bool = False) -> None:
        """Something to do; `awaited`: the candidate waits for an answer, and `hang` tells when none comes."""
        self._inbox.append(todo)
        if awaited:
            self._stop_hang()
            self._hang = asyncio.get_running_loop().call_later(
                self._call.manner.hang_seconds, lambda: self._call.spawn(self._call.tell("hang"))
            )

    def _stop_hang(self) -> None:
        if self._hang is not None:
            self._hang.cancel()

    # The conversation -----------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Converse until cancelled or until the call is over."""
        assistant = self._call.assistant
        if assistant.first_message_mode == "assistant-speaks-first-with-model-generated-message":
            await self.say(GENERATED_FIRST)
        elif assistant.first_message_mode == "assistant-speaks-first" and assistant.first_message:
            await self.say(assistant.first_message, interruptible=assistant.first_message_interruptions_enabled)
        while self._call.ended_reason is None:
            if not self._inbox:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            todo = self._inbox.popleft()
            if isinstance(todo, Answer):
                await self._respond(todo.text)
            else:
                await self.say(todo.text, interruptible=todo.interruptible)
                if todo.ends_call:
                    self._call.end("assistant-ended-call")

    async def _respond(self, text: str) -> None:
        if self._unsaid:  # the candidate spoke on before it was said
            await self._ask(self._unsaid)
            return
        if FOLLOW_UP not in self._tools or MOVE_ON not in self._tools:
            await self.say(NO_RESULT)
            return
        follow = await self._use_tool(FOLLOW_UP, {"userResponse": text, "currentQuestionId": self.question_id or ""})
        if follow.get("followUpQuestion"):
            await self._ask(f"{BRIDGE} {follow['followUpQuestion']}")
            return
        if follow.get("moveOn") is False:
            await self.say(TAKE_YOUR_TIME)
            return
        move = await self._use_tool(MOVE_ON, {"currentQuestionId": self.question_id or ""})
        if move.get("nextQuestion"):
            self.question_id = move.get("nextQuestionId") or self.question_id
            await self._ask(f"{BRIDGE} {move['nextQuestion']}")
        elif move.get("done"):
            await self.say(self._call.assistant.end_call_message or GOODBYE, interruptible=False)
            self._call.end("assistant-ended-call")
        else:
            await self._ask(NO_RESULT)

    async def _ask(self, text: str) -> None:
        """Say it once the candidate is quiet; not at all while something they have added waits for an answer."""
        self._unsaid = text
        while self.listener.busy:  # noqa: ASYNC110 - it may begin again
            await asyncio.sleep(LOOK_SECONDS)
        if not any(isinstance(todo, Answer) for todo in self._inbox):
            self._unsaid = None
            await self.say(text)

    # Speaking -------------------------------------------------------------------------------------------------------
    async def say(self, text: str, *, interruptible: bool = True, goes_on: bool = False) -> None:
        """Speak; what is heard of it goes into the history. `goes_on`: more will follow soon, the floor is kept until then."""
        call = self._call
        pcm = await self._speak(text, call.rate)
        await asyncio.sleep(max(0.0, self._quiet_until - time.monotonic()))
        self._turn_id, self._cut, self.interruptible = uuid4().hex[:8], False, interruptible
        started = datetime.now(UTC)
        await self._take_floor()
        await call.tell("assistant.speechStarted", text=text, turn=self.listener.turn, source="model")
        await call.tell("model-output", output=text, turnId=self._turn_id)
        await call.tell("voice-input", input=text, turn=self.listener.turn)
        self.mouth.say(pcm)
        partial = ""
        while not await self.mouth.finished(PARTIAL_SECONDS):
            if (heard := self._heard(text)) != partial:
                partial = heard
                await call.tell("transcript", role="assistant", transcriptType="partial", transcript=heard)
        heard, ended = self._heard(text), datetime.now(UTC)
        if goes_on and not self._cut:
            self._giving_up = call.spawn(self._leave_floor(FLOOR_SECONDS))
        else:
            await self._leave_floor()
        await asyncio.sleep(call.manner.final_seconds)
        if heard:
            call.history.add("bot", heard, started, ended, source="")
            await call.tell("transcript", role="assistant", transcriptType="final", transcript=heard)
            await call.tell_conversation()
        if any(phrase.lower() in heard.lower() for phrase in call.assistant.end_call_phrases):
            call.end("assistant-said-end-call-phrase")

    async def _take_floor(self) -> None:
        self._stop_hang()
        if self._giving_up is not None:
            self._giving_up.cancel()
        if not self.speaking:
            self.speaking = True
            await self._call.tell("speech-update", status="started", role="assistant", turn=self.listener.turn)
            await self.listener.settle()

    async def _leave_floor(self, after: float = 0.0) -> None:
        await asyncio.sleep(after)
        if self.speaking:
            self.speaking, self.active_at = False, time.monotonic()
            await self._call.tell("speech-update", status="stopped", role="assistant", turn=self.listener.turn)

    def _heard(self, text: str) -> str:
        """The words spoken until now, as a recogniser writes them down: not quite the text."""
        words = as_recognised(text).split()
        return " ".join(words[: round(len(words) * self.mouth.share)])

    async def interrupt(self) -> None:
        """The candidate spoke over it: silence at once, and for a moment."""
        if not self._cut:
            self._quiet_until = time.monotonic() + self._call.assistant.stop_speaking_plan.backoff_seconds
            self._cut = True
            self.mouth.cut()
            await self._call.tell("user-interrupted", turnId=self._turn_id)
            await self._leave_floor()

    async def _fall_silent(self) -> None:
        self._cut = True
        self.mouth.cut()
        await self._leave_floor()

    async def close(self) -> None:
        """The call is over."""
        self._stop_hang()
        await self.listener.close()

    # Tools ----------------------------------------------------------------------------------------------------------
    async def _use_tool(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        call, tool, used = self._call, self._tools[name], ToolResult(new_id(), name, arguments)
        call.tool_results.append(used)
        wire = [tool_call(used, call.manner.tool_arguments)]
        call.history.add("tool_calls", "", datetime.now(UTC), toolCalls=[tool_call(used, "string")])
        await call.frame("tool-calls", **lists(wire, self._tool_json, "all"))
        posting = asyncio.create_task(self._post(tool, used, wire))
        try:
            await self._fill(tool, posting)
            await posting
        finally:
            posting.cancel()
        call.violate(*used.violations)
        answer = used.result if used.result is not None else used.error or "ok, no result returned"
        call.history.add("tool_call_result", "", datetime.now(UTC), toolCallId=used.id, name=name, result=answer)
        await call.frame("tool-calls-result", toolCallResult={"toolCallId": used.id, "name": name, "result": answer})
        return used.value

    async def _post(self, tool: FunctionTool, used: ToolResult, wire: list[dict[str, Any]]) -> None:
        call = self._call
        server = tool.server or call.assistant.server
        if server is None:
            used.violations.append(f"the tool {used.name} has no server")
            return
        layout = call.manner.tool_layout
        type_ = "function-call" if layout == "functionCall" else "tool-calls"
        body = call.message(type_, **lists(wire, self._tool_json, layout))
        twice = call.faults.duplicate_tools
        posts = await asyncio.gather(*(call.post.post(server, body) for _ in range(2 if twice else 1)))
        judge(used, posts[0], layout)
        if twice and posts[0].answer != posts[1].answer:
            used.violations.append("the same tool call got two different answers")

    async def _fill(self, tool: FunctionTool, posting: asyncio.Task[None]) -> None:
        """Speak what the tool's messages say while it works, or a filler of Vapi's own."""
        messages = {message.type: message for message in tool.messages or ()}
        start = messages.get("request-start")
        line = start.content if start else next(self._fillers) if self._call.manner.fillers else None
        began = time.monotonic()
        if line:
            await self.say(line, goes_on=True)
        if delayed := messages.get("request-response-delayed"):
            patience = (delayed.timing_milliseconds or 0) / 1000 - (time.monotonic() - began)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(posting), max(0.0, patience))
            if not posting.done() and delayed.content:
                await self.say(delayed.content, goes_on=True)


def as_recognised(text: str) -> str:
    """A text as re-recognised from speech: commas and dashes lost, quotes gone, spaces even."""
    return " ".join(re.sub(r"[,;:\"“”]|\s[–—-]\s", " ", text).split())
