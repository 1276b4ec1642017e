"""Vapi as a speech-to-speech service of the pipeline: its messages become frames, which RTVI clients and observers understand (pipecat.md §2).

No audio passes here: it goes straight from socket to socket (`pipeline.relay`). Vapi owns the context, so there is no aggregator either. Read next: `vapi`.
"""

from __future__ import annotations

from typing import Any

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    FunctionCallFromLLM,
    FunctionCallInProgressFrame,
    FunctionCallResultFrame,
    FunctionCallResultProperties,
    FunctionCallsStartedFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.utils.text.base_text_aggregator import TextType
from pipecat.utils.time import time_now_iso8601

from bridge.domain.events import Speaker, ToolAnswered
from bridge.wire.candidate import RTVI_LABEL

from ..interviewer import NO_MODEL

CANDIDATE = "candidate"


def partial_words(text: str) -> list[dict[str, Any]]:
    """What pipecat's observer tells an RTVI client of an interim transcription, word for word (`UserInputMessage`, `UserTranscriptionMessage`).

    Partials are two thirds of what Vapi says and decide nothing, so they do not go through the pipeline and its observers: that costs a millisecond each.
    """
    said: dict[str, Any] = {"text": text, "timestamp": time_now_iso8601(), "final": False, "user_id": CANDIDATE}
    return [
        {"label": RTVI_LABEL, "type": "user-input", "data": {"input_type": "transcription", **said}},
        {"label": RTVI_LABEL, "type": "user-transcription", "data": said},
    ]


class VapiSpeech(LLMService):
    """Pushes what happened at Vapi into the pipeline."""

    def __init__(self) -> None:
        super().__init__(settings=NO_MODEL)
        self._prepkit_context = LLMContext()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass everything on; a context is Vapi's own affair."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)

    async def speaking(self, speaker: Speaker, *, started: bool) -> None:
        """Somebody began or stopped to be heard."""
        frames: list[type[Frame]]
        if speaker is Speaker.CANDIDATE:
            frames = [UserStartedSpeakingFrame if started else UserStoppedSpeakingFrame]
        elif started:
            frames = [LLMFullResponseStartFrame, TTSStartedFrame, BotStartedSpeakingFrame]
        else:
            frames = [BotStoppedSpeakingFrame, TTSStoppedFrame, LLMFullResponseEndFrame]
        for frame in frames:
            await self.push_frame(frame())

    async def heard(self, text: str) -> None:
        """Final words of the candidate."""
        await self.push_frame(TranscriptionFrame(text=text, user_id=CANDIDATE, timestamp=time_now_iso8601()))

    async def said(self, text: str) -> None:
        """Words of the interviewer, as heard."""
        await self.push_frame(LLMTextFrame(text))
        await self.push_frame(TTSTextFrame(text, text_type=TextType.SENTENCE))

    async def interrupted(self) -> None:
        """The candidate spoke over the interviewer."""
        await self.broadcast_interruption()

    async def tool(self, answer: ToolAnswered, arguments: dict[str, Any]) -> None:
        """A tool call and its answer."""
        name, call_id = answer.tool, answer.tool_call_id
        call = FunctionCallFromLLM(function_name=name, tool_call_id=call_id, arguments=arguments, context=self._prepkit_context)
        await self.broadcast_frame(FunctionCallsStartedFrame, function_calls=[call])
        await self.broadcast_frame(FunctionCallInProgressFrame, function_name=name, tool_call_id=call_id, arguments=arguments)
        await self.broadcast_frame(
            FunctionCallResultFrame, function_name=name, tool_call_id=call_id, arguments=arguments, result=answer.result,
            properties=FunctionCallResultProperties(run_llm=False),
        )  # fmt: skip
